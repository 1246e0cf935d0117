"""Tests of the exports of LexisNexis, Factiva and ProQuest: each document is an article."""

import time
from datetime import date

import pytest

from backfile.archive.formats.fields import FieldMap
from backfile.archive.formats.files import SourceFile
from backfile.archive.formats.inputs import read_file
from backfile.archive.formats.text.database_exports import is_export, is_html_export
from backfile.archive.formats.text.exported_lines import body_of
from backfile.archive.model.article import Article

FIRST = "The night ferry across the Ash stops in May, the board has decided."
SECOND = "Commuters were told by letter. Many work in the dockyards."
LEXIS = f"""

                               1 of 2 DOCUMENTS


                              Coastal Courier (Ashford)

                            March 23, 2024 Saturday
                                 Final Edition

Night ferry across the Ash
ends in May

BYLINE: Ana Ruiz and Bo Ek, Staff Writers

SECTION: NEWS; Pg. 3

LENGTH: 412  words

DATELINE: ASHFORD

BODY:
   {FIRST}

   {SECOND}

LOAD-DATE: March 25, 2024

LANGUAGE: ENGLISH

GRAPHIC: Photo, The ferry at its pier

PUBLICATION-TYPE: Newspaper


                  Copyright 2024 Coastal Courier Ltd
                         All Rights Reserved

                               2 of 2 DOCUMENTS

                              Hafenbote

                            23. März 2024

Fähre fährt nicht mehr

LENGTH: 90 words

{SECOND}
"""
LEXIS_COPYRIGHT_FIRST = f"""                       1 of 1 DOCUMENT

               Copyright 2024 Coastal Courier Ltd
                      All Rights Reserved
                        Coastal Courier

                 March 23, 2024, Saturday, Late Edition - Final

SECTION: Section A; Column 1; Pg. 3

LENGTH: 412 words

HEADLINE: Night ferry across the Ash ends in May

BYLINE:  By ANA RUIZ

BODY:
{FIRST}

{SECOND}
"""
NEXIS_UNI = f"""Night ferry across the Ash ends in May
Coastal Courier (Ashford)
March 23, 2024 Saturday

Copyright 2024 Coastal Courier Ltd All Rights Reserved
Section: NEWS; Pg. 3
Length: 412 words
Byline: Ana Ruiz
Body

{FIRST}

{SECOND}

Load-Date: March 25, 2024


End of Document

Library opens
Coastal Courier (Ashford)
March 24, 2024 Sunday
Section: NEWS
Length: 90 words
Body

{SECOND}

End of Document
"""
FACTIVA = f"""News
Night ferry across the Ash ends in May

By Ana Ruiz
412 words
23 March 2024
06:30
Coastal Courier
COASTC
3
English
Copyright 2024. Coastal Courier Ltd. All rights reserved.

{FIRST}

{SECOND}

Document COASTC0020240323ek3n0001a

Library opens on the square after long years of repair
90 words
24 March 2024
Hafenbote
HAFEN
English
(c) 2024 Hafenbote

{SECOND}

Document HAFEN00020240324ek3o0001b
"""
FACTIVA_TAGS = f"""SE    News
HD
Night ferry across the Ash
ends in May
BY    By Ana Ruiz
WC    412 words
PD    23 March 2024
SN    Coastal Courier
SC    COASTC
LA    English
CY    Copyright 2024. Coastal Courier Ltd.
LP
{FIRST}

TD
{SECOND}

CO    ashbrd : Ash Harbour Board
NS    gcat : Political/General News
AN
Document COASTC0020240323ek3n0001a
"""
PROQUEST = f"""____________________________________________________________

Report Information from ProQuest
01 April 2024 10:00
____________________________________________________________

Document 1 of 2

Night ferry across the Ash ends in May

Author: Ruiz, Ana; Ek, Bo

Publication info: Coastal Courier ; Ashford [Ashford]23 Mar 2024: 3.

Abstract: It stops.

Full text: {FIRST}

{SECOND}

Subject: Ferries; Commuting

Title: Night ferry across the Ash ends in May

Publication title: Coastal Courier; Ashford

First page: 3

Publication date: Mar 23, 2024

Section: News

Language of publication: English

ProQuest document ID: 2956000001

Document URL: https://proquest.example/docview/2956000001

Copyright: Copyright Coastal Courier Mar 23, 2024

Last updated: 2024-03-25

____________________________________________________________

Document 2 of 2

Library opens

Author: Li, Wei

Full text: {SECOND}

Publication title: Hafenbote

Publication date: Mar 24, 2024

ProQuest document ID: 2956000002
____________________________________________________________

Contact ProQuest
"""


@pytest.fixture
def read(tmp_path):
    def read_all(content, name="export.txt"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return list(read_file(SourceFile.at(path, name), FieldMap()))

    return read_all


@pytest.mark.parametrize(
    ("content", "authors", "outlet", "count"),
    [
        (LEXIS, ("Ana Ruiz", "Bo Ek"), "Coastal Courier (Ashford)", 2),
        (LEXIS.replace("\n", "\r\n"), ("Ana Ruiz", "Bo Ek"), "Coastal Courier (Ashford)", 2),
        (LEXIS_COPYRIGHT_FIRST, ("ANA RUIZ",), "Coastal Courier", 1),
        (NEXIS_UNI, ("Ana Ruiz",), "Coastal Courier (Ashford)", 2),
        (FACTIVA, ("Ana Ruiz",), "Coastal Courier", 2),
        (FACTIVA_TAGS, ("Ana Ruiz",), "Coastal Courier", 1),
        (FACTIVA_TAGS.replace("AN\nDoc", "AN    Doc"), ("Ana Ruiz",), "Coastal Courier", 1),
        (PROQUEST, ("Ruiz, Ana", "Ek, Bo"), "Coastal Courier", 2),
    ],
)
def test_each_document_of_an_export_is_an_article(read, content, authors, outlet, count):
    found = read(content)
    assert all(isinstance(each, Article) for each in found), found
    assert [each.origin.offset for each in found] == list(range(1, count + 1))
    article = found[0]
    assert article.title == "Night ferry across the Ash ends in May"
    assert article.text.removeprefix("ASHFORD – ") == f"{FIRST}\n\n{SECOND}"
    assert article.published == date(2024, 3, 23)
    assert (article.source, article.authors) == (outlet, authors)
    assert article.language == "en"
    assert article.section in ("NEWS", "News", "Section A")
    if count == 2:
        assert found[1].text == SECOND


def test_the_second_document_has_its_own_head(read):
    _, second = read(LEXIS)
    assert (second.title, second.source) == ("Fähre fährt nicht mehr", "Hafenbote")
    assert second.published == date(2024, 3, 23)
    _, second = read(FACTIVA)
    assert second.title == "Library opens on the square after long years of repair"
    assert (second.source, second.authors, second.section) == ("Hafenbote", (), "")
    _, second = read(PROQUEST)
    assert (second.title, second.authors) == ("Library opens", ("Li, Wei",))


def test_the_ids_are_those_of_the_database(read):
    assert read(FACTIVA)[0].id == "COASTC0020240323ek3n0001a"
    assert read(PROQUEST)[0].id == "2956000001"


def test_a_document_without_a_text_is_listed(read):
    first, refused = read(LEXIS.split("                              Hafenbote")[0])
    assert isinstance(first, Article)
    assert "no text" in refused.reason or "without a text" in refused.reason


@pytest.mark.parametrize("content", [LEXIS, NEXIS_UNI, FACTIVA, FACTIVA_TAGS, PROQUEST])
def test_an_export_that_is_cut_anywhere_is_still_read_or_listed(read, content):
    for cut in range(1, len(content), 37):
        assert read(content[:cut])


@pytest.mark.parametrize(
    "text",
    [
        "Rain\n\nThe council read 1 of 2 documents. It has no Length: that we know.",
        "Rain\n\nDocument 7 is missing.\n\nEnd of Document\n\nIt fell.",
        "Rain\n\n1 of 3 documents\n\nTitle: a word.",
        "Rain\n\nBYLINE: Ana Ruiz\n\nIt fell, 90 words long.",
    ],
)
def test_a_text_that_speaks_of_documents_is_one_text(read, text):
    (article,) = read(text)
    assert article.title == "Rain"


def test_an_export_as_a_web_page_is_read_like_its_text(read):
    body = "".join(f"<div><p><span>{line}</span></p></div>" for line in LEXIS.split("\n\n"))
    found = read(f"<html><head><title>Documents</title></head><body>{body}</body></html>", "a.html")
    assert [each.source for each in found] == ["Coastal Courier (Ashford)", "Hafenbote"]
    assert found[0].title == "Night ferry across the Ash ends in May"
    assert found[0].text == f"ASHFORD – {FIRST}\n\n{SECOND}"


HEAD = 64 * 1024  # characters


@pytest.mark.parametrize(
    "run",
    [
        *("A", "7", "A7", "7A", "a7", " ", "\t", "_", "1 of ", "Document ", "Document A", "(c)"),
        *("©", "Length: ", "1,", "Body\n", "Document AAA0\n", "\n", "Document 1 of 1\n", "= "),
    ],
)
@pytest.mark.parametrize("opening", ["", "Document AAA", "1 of ", "Length:", "Document 1 of 1\n"])
def test_no_head_takes_long_to_tell_an_export(opening, run):
    hostile = (opening + run * HEAD)[: HEAD - 1] + "!\n"
    began = time.process_time()
    is_export(hostile)
    is_html_export(f"<p>{hostile}</p><p>End of Document</p>")
    assert time.process_time() - began < 1  # second


NIGHT = "Night ferry across the Ash ends in May"
PARAGRAPHS = (
    "City: this word begins a paragraph.",
    "Length: the bridge is 300 metres long.",
    "Source: the council.",
    "Location: the bridge is in Ashford.",
    'Title: "The Bridge", a song, was sung.',
    "CO emissions fell last year.",
    "RE the council, IN Ashford, it was said.",
    "LA mayor to visit.",
    "TD Bank closes.",
    "SE Asia sends visitors.",
    "Copyright lawyers went to the court, and it was long.",
)


@pytest.mark.parametrize("export", [LEXIS, NEXIS_UNI, FACTIVA, FACTIVA_TAGS, PROQUEST])
@pytest.mark.parametrize("paragraph", PARAGRAPHS)
@pytest.mark.parametrize("place", ["before", "between", "behind"])
def test_a_paragraph_that_begins_like_a_label_is_one_of_the_body(read, export, paragraph, place):
    paragraphs = [FIRST, SECOND]
    paragraphs.insert(["before", "between", "behind"].index(place), paragraph)
    parts = export.replace(FIRST, "<1>", 1).replace(SECOND, "<2>", 1)
    old = {"before": "<1>", "between": "<2>", "behind": "<2>"}[place]
    pair = f"{old}\n\n{paragraph}" if place == "behind" else f"{paragraph}\n\n{old}"
    article = read(parts.replace(old, pair).replace("<1>", FIRST).replace("<2>", SECOND))[0]
    assert article.text.removeprefix("ASHFORD – ").split("\n\n") == paragraphs
    assert (article.title, article.published) == (NIGHT, date(2024, 3, 23))


@pytest.mark.parametrize("paragraph", PARAGRAPHS)
def test_without_a_label_of_its_own_a_body_begins_below_the_labels(read, paragraph):
    text = f"1 of 1 DOCUMENT\n\nGazette\n\n23 March 2024\n\n{NIGHT}\n\nLENGTH: 90 words\n\n"
    (article,) = read(f"{text}{paragraph}\n\n{FIRST}\n")
    assert (article.title, article.text) == (NIGHT, f"{paragraph}\n\n{FIRST}")
    (article,) = read(f"{text.rstrip()}\n{FIRST}\n\n{SECOND}\n")
    assert article.text == f"{FIRST}\n\n{SECOND}"


def test_a_notice_of_copyright_is_left_out_once_at_either_end():
    notice, sentence = "Copyright 2024 Gazette.", "(c) 2023 was written on the wall."
    assert body_of([notice, "", sentence, "", FIRST, "", notice]) == f"{sentence}\n\n{FIRST}"
    assert body_of([notice, "", notice, "", FIRST]) == f"{notice}\n\n{FIRST}"
    assert body_of([notice]) == ""


GERMAN = f"""                 1 von 2 DOKUMENTEN

                 Hafenbote

                 23. März 2024 Samstag
                 Gesamtausgabe

Fähre fährt nicht mehr

AUTOR: Eva Lindt

RUBRIK: LOKALES; S. 3

LÄNGE: 90 Wörter

{FIRST}

{SECOND}

UPDATE: 24. März 2024

SPRACHE: GERMAN; DEUTSCH

PUBLICATION-TYPE: Zeitung

                 2 von 2 DOKUMENTEN

                 Hafenbote

                 24. März 2024

Bibliothek öffnet

LÄNGE: 20 Wörter
"""
FRENCH = f"""                 Document 1 de 1

                 Le Quai

                 23 mars 2024

Le bac ne passe plus

AUTEUR : Eva Lindt

RUBRIQUE : LOKALES; p. 3

LONGUEUR : 90 mots

{FIRST}

{SECOND}

DATE-CHARGEMENT : 24 mars 2024

LANGUE : FRENCH; FRANÇAIS
"""
GERMAN_UNI = f"""Fähre fährt nicht mehr
Hafenbote
23. März 2024 Samstag

Copyright 2024 Hafenbote Alle Rechte vorbehalten
Rubrik: LOKALES; S. 3
Länge: 90 Wörter
Autor: Eva Lindt
Hauptteil

{FIRST}

{SECOND}

Klassifizierung

Sprache: GERMAN; DEUTSCH

Update: 24. März 2024

Ende des Dokuments
"""


@pytest.mark.parametrize(
    ("content", "title", "outlet", "language"),
    [
        (GERMAN, "Fähre fährt nicht mehr", "Hafenbote", "de"),
        (FRENCH, "Le bac ne passe plus", "Le Quai", "fr"),
        (GERMAN_UNI, "Fähre fährt nicht mehr", "Hafenbote", "de"),
    ],
)
def test_labels_are_known_in_other_languages(read, content, title, outlet, language):
    first = read(content)[0]
    assert (first.title, first.source, first.language) == (title, outlet, language)
    assert (first.authors, first.section) == (("Eva Lindt",), "LOKALES")
    assert (first.text, first.published) == (f"{FIRST}\n\n{SECOND}", date(2024, 3, 23))


def test_a_title_is_never_the_text(read):
    _, second = read(GERMAN)
    assert "without a text" in second.reason


def test_a_document_without_labels_has_its_text_below_its_title(read):
    head = f"1 of 2 DOCUMENTS\n\nGazette\n\nMarch 23, 2024\n\n{NIGHT}\n\n"
    first, _ = read(f"{head}{FIRST}\n\n{SECOND}\n\n2 of 2 DOCUMENTS\n\nLENGTH: 2 words\n\nIt fell.")
    assert (first.title, first.source, first.text) == (NIGHT, "Gazette", f"{FIRST}\n\n{SECOND}")


SPACED = f"""Bridge closes

By Ana Ruiz

312 words

23 March 2024

06:15

Gazette

GAZETT

A3

English

Copyright 2024 Gazette.

{FIRST}

{SECOND}

Document GAZETT0020240323ek3n0001a
"""


@pytest.mark.parametrize(
    "left_out",
    ["", "Copyright 2024 Gazette.\n\n", "A3\n\n", "06:15\n\n"],
)
def test_a_header_may_have_a_blank_line_behind_each_line(read, left_out):
    (article,) = read(SPACED.replace(left_out, ""))
    assert (article.title, article.authors, article.source) == (
        "Bridge closes",
        ("Ana Ruiz",),
        "Gazette",
    )
    assert (article.published, article.language) == (date(2024, 3, 23), "en")
    assert article.text == f"{FIRST}\n\n{SECOND}"


def test_a_header_may_be_of_paragraphs_of_a_web_page(read):
    page = "".join(f"<p>{line}</p>" for line in SPACED.split("\n\n"))
    (article,) = read(f"<html><body>{page}</body></html>", "a.html")
    assert (article.title, article.source, article.language) == ("Bridge closes", "Gazette", "en")
    assert (article.id, article.text) == ("GAZETT0020240323ek3n0001a", f"{FIRST}\n\n{SECOND}")


def test_a_header_without_a_language_ends_with_code_and_page(read):
    text = SPACED.replace("English\n\nCopyright 2024 Gazette.\n\n", "")
    (article,) = read(text)
    assert (article.source, article.text) == ("Gazette", f"{FIRST}\n\n{SECOND}")


COVER = """User Name: = Pat Lee
Date and Time: = Monday, March 25, 2024 10:12:00 AM EDT
Job Number: = 219876543
Documents (2)
1. Night ferry across the Ash ends in May
Client/Matter: -None-
Search Terms: ferry
2. Library opens
Client/Matter: -None-
Search Terms: ferry
Narrowed by:
Content Type  Narrowed by
News  -None-

"""


@pytest.mark.parametrize("end", ["\n", "\n\n"])
def test_the_first_page_of_a_download_is_left_out(read, end):
    first, second = read((COVER + NEXIS_UNI).replace("\n", end))
    assert (first.title, first.source) == (NIGHT, "Coastal Courier (Ashford)")
    assert (first.published, second.title) == (date(2024, 3, 23), "Library opens")


def test_a_date_in_a_title_is_not_the_documents(read):
    title = "What happened on March 3, 2024: a diary"
    article = read(NEXIS_UNI.replace(NIGHT, title))[0]
    assert (article.title, article.source) == (title, "Coastal Courier (Ashford)")
    assert article.published == date(2024, 3, 23)


def test_an_edition_below_the_date_is_not_the_title(read):
    edition = "March 23, 2024 Saturday\nFinal Edition"
    article = read(NEXIS_UNI.replace("March 23, 2024 Saturday", edition))[0]
    assert (article.title, article.source) == (NIGHT, "Coastal Courier (Ashford)")


@pytest.mark.parametrize(
    ("written", "day"),
    [
        ("March 23, 2024, Saturday, BC cycle", date(2024, 3, 23)),
        ("March 23, 2024, Saturday, Late Edition - Final", date(2024, 3, 23)),
        ("Saturday, March 23, 2024", date(2024, 3, 23)),
        ("March 23, 2024 Saturday 10:12 AM GMT", date(2024, 3, 23)),
        ("March 2024", None),
    ],
)
def test_the_outlet_stands_above_the_date_in_each_of_its_forms(read, written, day):
    article = read(NEXIS_UNI.replace("March 23, 2024 Saturday", written))[0]
    assert (article.title, article.source) == (NIGHT, "Coastal Courier (Ashford)")
    assert article.published == day
    classic = f"1 of 1 DOCUMENT\n\nGazette\n\n{written}\n\n{NIGHT}\n\nLENGTH: 9 words\n\n{FIRST}"
    (article,) = read(classic)
    assert (article.title, article.source, article.published) == (NIGHT, "Gazette", day)


def test_documents_of_proquest_may_have_rules_alone_between_them(read):
    text = PROQUEST.replace("Document 1 of 2\n\n", "").replace("Document 2 of 2\n\n", "")
    first, second = read(text)
    assert (first.title, first.text) == (NIGHT, f"{FIRST}\n\n{SECOND}")
    assert (second.title, second.source) == ("Library opens", "Hafenbote")


@pytest.mark.parametrize("label", ["Abstract", "Abstract (English)"])
@pytest.mark.parametrize("nothing", ["Not available.", "None available"])
def test_an_abstract_stands_for_a_text_that_is_not_available(read, label, nothing):
    text = PROQUEST.replace("Abstract: It stops.", f"{label}: It stops.\n\nFor long.")
    text = text.replace(f"{FIRST}\n\n{SECOND}", nothing)
    first, _ = read(text)
    assert (first.title, first.text) == (NIGHT, "It stops.\n\nFor long.")


def test_the_outlet_of_proquest_may_stand_before_a_date(read):
    info = "Publication info: Northshore Wire. 24 Mar 2024."
    _, second = read(PROQUEST.replace("Publication title: Hafenbote", info))
    assert (second.source, second.published) == ("Northshore Wire", date(2024, 3, 24))


SPANISH = f"""                 1 de 1 DOCUMENTOS

                 El Correo Costero

                 23 de marzo de 2024 sábado

El ferry nocturno termina en mayo

AUTOR: Ana Ruiz

SECCIÓN: LOCAL; Pág. 3

LONGITUD: 120 palabras

{FIRST}

{SECOND}

FECHA DE CARGA: 24 de marzo de 2024

IDIOMA: SPANISH; ESPAÑOL

TIPO DE PUBLICACIÓN: Periódico

Copyright 2024 El Correo Costero
"""


def test_one_document_of_proquest_needs_no_rule(read):
    (article,) = read(next(each for each in PROQUEST.split("_" * 60) if "Full text" in each))
    assert article.text == f"{FIRST}\n\n{SECOND}"
    assert article.source == "Coastal Courier"


def test_labels_in_spanish_may_have_spaces(read):
    (article,) = read(SPANISH)
    assert article.text == f"{FIRST}\n\n{SECOND}"
    assert (article.language, article.section) == ("es", "LOCAL")
