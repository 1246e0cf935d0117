"""Tests of references: RIS and BibTeX, also as we write them ourselves."""

from datetime import date

import pytest

from backfile.archive.formats.fields import FieldMap, article_from
from backfile.archive.formats.files import SourceFile
from backfile.archive.formats.inputs import read_file
from backfile.archive.model.article import Article, Origin, TextKind
from backfile.archive.model.errors import UnreadableArticle
from backfile.web.api.citations import bibtex, ris

RIS = """TY  - NEWS
ID  - cc-7
TI  - Night ferry ends
AU  - Ruiz, Ana
AU  - Ek, Bo
T2  - Coastal Courier
DA  - 2024/03/23/
AB  - The night ferry across the Ash stops in May.
      Commuters were told by letter.
SE  - Transport
LA  - en
UR  - https://courier.example/ferry
ER  -

TY  - JOUR
T1  - Letters
A1  - Li, Wei
JO  - Hafenbote
PY  - 2023
ER  -
"""
BIBTEX = r"""% a list
@string{cc = "Coastal Courier"}
@article{cc-7,
  author = {Ruiz, Ana and Ek, Bo},
  title = {{Night} ferry ends \& Caf{\'e} opens},
  journal = cc,
  date = {2024-03-23},
  abstract = {The night ferry across the Ash stops in May.},
  url = {https://courier.example/ferry_1},
}
@misc{b, title = "Letters", year = 2023, month = mar}
"""


@pytest.fixture
def read(tmp_path):
    def read_all(content, name):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return list(read_file(SourceFile.at(path, name), FieldMap()))

    return read_all


@pytest.mark.parametrize("mark", ["", "\ufeff", "\r\n"])
def test_each_reference_of_ris_is_an_article_with_its_abstract(read, mark):
    first, second = read(mark + RIS, "a.ris")
    text = "The night ferry across the Ash stops in May. Commuters were told by letter."
    assert (first.id, first.title, first.text) == ("cc-7", "Night ferry ends", text)
    assert (first.authors, first.source) == (("Ruiz, Ana", "Ek, Bo"), "Coastal Courier")
    assert (first.published, first.section) == (date(2024, 3, 23), "Transport")
    assert first.url == "https://courier.example/ferry"
    assert (second.title, second.text, second.source) == ("Letters", "Letters", "Hafenbote")
    assert [each.text_kind.value for each in (first, second)] == ["abstract", "whole"]
    assert str(second.period) == "2023"


def test_each_entry_of_bibtex_is_an_article_with_its_abstract(read):
    first, second = read(BIBTEX, "a.bib")
    assert (first.id, first.title) == ("cc-7", "Night ferry ends & Café opens")
    assert first.text == "The night ferry across the Ash stops in May."
    assert (first.authors, first.source) == (("Ruiz, Ana", "Ek, Bo"), "Coastal Courier")
    assert (first.published, first.url) == (date(2024, 3, 23), "https://courier.example/ferry_1")
    assert (second.title, str(second.period)) == ("Letters", "2023-03")


def test_ris_of_a_database_begins_with_its_name(read):
    opening = 'Provider: Ash\nDatabase: Ash News\nContent: text/plain; charset="UTF-8"\n\n'
    assert [each.title for each in read(opening + RIS, "a.ris")] == ["Night ferry ends", "Letters"]


def test_a_reference_with_one_space_behind_its_tags_is_read(read):
    third = "\nTY - NEWS\nTI - Bridge closes\nAB - It closes.\nUS - Ash talks go on.\nER -\n"
    *_, found = read(RIS + third, "a.ris")
    assert (found.title, found.text) == ("Bridge closes", "It closes. US - Ash talks go on.")


@pytest.mark.parametrize(
    "opening",
    [
        "@Comment{jabref-meta: databaseType:bibtex;}\n",
        '@preamble{"\\newcommand{\\x}{y}"}\n',
        "Exported by a program, on 23 March.\n\n  Two lines.\n",
        "\ufeff% a list\n",
    ],
)
def test_bibtex_may_begin_with_something_else(read, opening):
    found = read(opening + BIBTEX, "a.bib")
    assert [each.title for each in found] == ["Night ferry ends & Café opens", "Letters"]


def test_each_entry_of_bibtex_is_read_or_named(read):
    entries = """@misc{a, title = {One}}
@misc{a, title = {Two}}
@misc{b, title = {Three}, title = {3}, month = unknown}
@misc{c, title = {Four} year = 2024}
@misc{d, title = {Five}}"""
    refused, *found = read(entries, "a.bib")
    assert "syntax error in line 4" in refused.reason
    assert [each.title for each in found] == ["One", "Two", "Three", "Four", "Five"]
    assert len({each.id for each in found}) == 5


def test_commands_for_the_shape_of_letters_are_left_out(read):
    (found,) = read(r"@misc{a, title = {\emph{Hard} {\em rain} \textbf{\textit{fell}}}}", "a.bib")
    assert found.title == "Hard rain fell"


def test_a_text_with_a_sign_of_bibtex_in_it_is_none(read):
    (found,) = read("Rain\n\nSay @Table(name = 'x') or @here, it fell.\n", "a.txt")
    assert found.title == "Rain"


@pytest.mark.parametrize("day", ["2024-03-23", "2024-03", "2024", "2024-03/2024-04"])
def test_what_we_write_is_read_as_it_was(read, day):
    record = {
        "id": "cc-7",
        "title": "Ferries & {boats}: 5% of #1_x ~ “Café”",
        "text": "Ferries & {boats}: 5% of #1_x ~ “Café”",
        "authors": ["Ruiz, Ana", "Food and Drink Press", "Bo Ek"],
        "published": day,
        "source": "Courier & Sons",
        "url": "https://courier.example/a_b",
        "language": "en",
    }
    article = article_from(record, Origin("a", 1), FieldMap())
    for content, name in ((ris(article), "a.ris"), (bibtex(article), "a.bib")):
        (found,) = read(content, name)
        assert isinstance(found, Article), found
        assert found == article.__class__(
            **{n: getattr(article, n) for n in article.__dataclass_fields__}
            | {"origin": found.origin}
        ), name


@pytest.mark.parametrize(("content", "name"), [(RIS, "a.ris"), (BIBTEX, "a.bib")])
def test_references_that_are_cut_are_read_or_listed(read, content, name):
    for cut in range(30, len(content), 61):
        assert all(
            isinstance(each, Article | UnreadableArticle) for each in read(content[:cut], name)
        )


def test_a_reference_without_a_title_is_listed(read):
    (refused,) = read("TY  - NEWS\nAU  - Ruiz, Ana\nER  - \n", "a.ris")
    assert refused.reason == "a reference without a title"


def test_bibtex_needs_its_library(read, monkeypatch):
    monkeypatch.setattr("backfile.archive.formats.text.references.find_spec", lambda _: None)
    (refused,) = read(BIBTEX, "a.bib")
    assert "`pip install 'backfile[documents]'` brings it" in refused.reason


PROCEEDINGS = """@inproceedings{a, title = {Ferries}, author = {Ruiz, Ana}, crossref = {Proc}}
@inproceedings{b, title = {Tides}, year = 1999, booktitle = {Own}, crossref = {proc}}
@inproceedings{c, title = {Piers}, crossref = {nowhere}}
@proceedings{proc, title = {Harbours of {\\O}stfold}, year = 2023, month = mar, publisher = {Press}}
"""


def test_an_entry_of_bibtex_has_what_it_lacks_from_the_one_it_refers_to(read):
    ferries, tides, piers, _ = read(PROCEEDINGS, "a.bib")
    assert (ferries.source, str(ferries.period)) == ("Harbours of Østfold", "2023-03")
    assert (tides.source, str(tides.period)) == ("Own", "1999")
    assert (piers.source, piers.period) == ("", None)
    assert (ferries.title, ferries.authors) == ("Ferries", ("Ruiz, Ana",))


ZOTERO = """<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"
 xmlns:z="http://www.zotero.org/namespaces/export#" xmlns:dc="http://purl.org/dc/elements/1.1/"
 xmlns:dcterms="http://purl.org/dc/terms/" xmlns:bib="http://purl.org/net/biblio#"
 xmlns:foaf="http://xmlns.com/foaf/0.1/">
<bib:Article rdf:about="https://courier.example/a"><z:itemType>newspaperArticle</z:itemType>
<dcterms:isPartOf><bib:Newspaper><dc:title>Coastal Courier</dc:title></bib:Newspaper>
</dcterms:isPartOf><bib:authors><rdf:Seq><rdf:li><foaf:Person><foaf:surname>Ruiz</foaf:surname>
<foaf:givenName>Ana</foaf:givenName></foaf:Person></rdf:li></rdf:Seq></bib:authors>
<dc:title>Night ferry ends</dc:title><dcterms:abstract>It stops in May.
Nobody was asked.</dcterms:abstract><dc:date>2024-03-23</dc:date><z:language>en</z:language>
</bib:Article>
<bib:Article rdf:about="#item_2"><z:itemType>journalArticle</z:itemType>
<dcterms:isPartOf rdf:resource="urn:issn:1234-5678"/><dc:title>Piers</dc:title></bib:Article>
<bib:Journal rdf:about="urn:issn:1234-5678"><dc:title>Harbour Studies</dc:title></bib:Journal>
<z:Attachment rdf:about="#item_3"><z:itemType>attachment</z:itemType><dc:title>PDF</dc:title>
</z:Attachment></rdf:RDF>"""


def test_each_reference_of_a_library_of_zotero_is_an_article(read):
    ferry, piers = read(ZOTERO, "library.rdf")
    assert (ferry.title, ferry.text) == (
        "Night ferry ends",
        "It stops in May.\n\nNobody was asked.",
    )
    assert (ferry.source, ferry.authors) == ("Coastal Courier", ("Ana Ruiz",))
    assert (ferry.published, ferry.url) == (date(2024, 3, 23), "https://courier.example/a")
    assert ferry.text_kind is TextKind.ABSTRACT
    assert (piers.title, piers.source, piers.url) == ("Piers", "Harbour Studies", "")


def test_a_library_of_zotero_without_references_is_refused(read):
    (refused,) = read(ZOTERO.replace("itemType", "x"), "a.rdf")
    assert refused.reason == "a library of Zotero without references"
