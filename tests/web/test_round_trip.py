"""Tests that what we export is read back as the same articles, in every format that can hold it."""

import json
from dataclasses import replace

import pytest

from backfile.archive.formats.fields import FieldMap, article_from
from backfile.archive.formats.files import SourceFile
from backfile.archive.formats.inputs import read_file
from backfile.archive.model.article import Origin
from backfile.index.search.result_cache import ScoredArticle
from backfile.web.api.citations import csl
from backfile.web.api.exports import EXPORTS, with_byte_order_mark

ORIGIN = Origin("a", 1)
RECORD = {
    "id": "cc-7",
    "title": "Ferries & {boats}: 5% of #1_x ~ “Café”",
    "text": 'The night ferry stops.\n\nTY  - NEWS\nER  - \n\n= Rain, 5% & {more}\\par; "so".',
    "authors": ["Ruiz, Ana", "Food and Drink Press", "Bo Ek"],
    "published": "2024-03-23",
    "source": "Courier & Sons",
    "section": "Travel",
    "url": "https://courier.example/a_b",
    "language": "en",
}
VARIANTS = {
    "a day": {},
    "an instant": {"published": "2024-03-23T23:15:00-05:00"},
    "a month": {"published": "2024-03"},
    "an interval": {"published": "2024-03/2024-04"},
    "no date": {"published": ""},
    "no title": {"title": ""},
    "nobody and nowhere": {"authors": [], "source": "", "url": "", "section": ""},
    "an address as its id": {"id": "https://courier.example/a?b=1&c={2}"},
    "a formula": {"title": "=1+1 is two", "text": "-1 is not.\n\n@home"},
}


def read_back(kind, articles, tmp_path):
    path = tmp_path / f"export.{kind}"
    pieces = EXPORTS[kind].write(ScoredArticle(each, 1.0) for each in articles)
    pieces = with_byte_order_mark(pieces) if kind == "csv" else pieces
    path.write_text("".join(pieces), newline="")
    found = read_file(SourceFile.at(path, path.name), FieldMap())
    return [replace(each, origin=ORIGIN) for each in found]


def made(variant, **more):
    return article_from(RECORD | VARIANTS[variant] | more, ORIGIN, FieldMap())


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("kind", ["csv", "jsonl", "ris"])
def test_an_export_has_the_same_articles(tmp_path, kind, variant):
    articles = [made(variant), made("a day", id="cc-8", text_kind="abstract")]
    assert read_back(kind, articles, tmp_path) == articles


@pytest.mark.parametrize("variant", sorted(VARIANTS.keys() - {"no title"}))
def test_bibtex_has_all_but_the_texts(tmp_path, variant):
    whole, abstract = made(variant), made(variant, id="cc-8", text_kind="abstract")
    first, second = read_back("bib", [whole, abstract], tmp_path)
    assert first == replace(whole, text=whole.title)
    paragraphs = (" ".join(each.split()) for each in abstract.text.split("\n\n"))
    assert second == replace(abstract, text="\n\n".join(paragraphs))


@pytest.mark.parametrize("variant", ["a day", "a month", "an interval", "no date"])
def test_a_citation_in_csl_is_read_back_without_the_text(tmp_path, variant):
    articles = [made(variant), made(variant, id="cc-8", text_kind="abstract")]
    path = tmp_path / "a.json"
    path.write_text(json.dumps([csl(each) for each in articles]))
    found = [
        replace(each, origin=ORIGIN) for each in read_file(SourceFile.at(path, "a"), FieldMap())
    ]
    assert found == [replace(articles[0], text=articles[0].title), articles[1]]
