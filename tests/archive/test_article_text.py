"""What is taken for the article on a page: lists and links within it, parts of it, hidden text."""

import json
import time

import pytest
from trafilatura import load_html

from backfile.archive.formats.fields import FieldMap
from backfile.archive.formats.files import SourceFile
from backfile.archive.formats.inputs import read_file
from backfile.archive.formats.web.article_text import article_text, join_chunks, merged
from tests.builders import PAGE_BODY, PARAGRAPHS, web_page

HALVES = [PARAGRAPHS[:2], PARAGRAPHS[2:]]
MORE = (
    "The harbour board said on Tuesday that it would hear the fishermen before it decides again.",
    "Nobody on the board wanted to say who had written the letter that the commuters received.",
    "A second letter, which came a week later, spoke of the tide and of the cost of the fuel.",
)


def text_on(body, written=""):
    return article_text(load_html(web_page(body=body)), written)


def paragraphs(lines):
    return "".join(f"<p>{line}</p>" for line in lines)


def test_an_article_in_several_like_parts_is_read_whole():
    parts = [*HALVES, MORE]
    grid = "".join(
        f'<div class="grid"><div class="grid--item body">{paragraphs(part)}</div>'
        f'<div class="grid--item rail"><a href="/{n}">Shop</a></div></div>'
        for n, part in enumerate(parts)
    )
    assert text_on(f'<div class="chunks">{grid}</div>').split("\n\n") == [*PARAGRAPHS, *MORE]


@pytest.mark.parametrize(
    "others",
    [
        "".join(f'<div class="card"><p>{line}</p></div>' for line in MORE),
        "".join(f"<div>{paragraphs(MORE)}</div>" for _ in range(2)),
        "".join(f'<div class="note">{paragraphs(part)}</div>' for part in (MORE[:2], MORE[1:])),
    ],
)
def test_what_is_not_most_of_a_page_in_like_elements_is_left_where_it_is(others):
    tree = load_html(web_page(body=f"{PAGE_BODY}<section>{others}</section>"))
    before = [len(each.findall("p")) for each in tree.iter("div")]
    join_chunks(tree)
    assert [len(each.findall("p")) for each in tree.iter("div")] == before


@pytest.mark.parametrize(
    ("strict", "lenient", "wanted"),
    [
        (["a.", "b."], ["x", "a.", "- one", "- two", "b.", "y"], ["a.", "- one", "- two", "b."]),
        (["a.", "b."], ["a.", "SIGN UP HERE", "b."], ["a.", "b."]),
        (["a.", "x", "b."], ["a.", "xx of it", "b."], ["a.", "xx of it", "b."]),
        (["a.", "longer", "b."], ["a.", "z", "b."], ["a.", "longer", "b."]),
        (["a."], [], ["a."]),
        (["a."], ["b."], ["a."]),
        ([], ["b."], []),
    ],
)
def test_lines_between_those_of_the_article_belong_to_it(strict, lenient, wanted):
    assert merged(strict, lenient) == wanted


def test_text_that_a_page_does_not_show_is_read_from_its_metadata():
    whole = "\n\n".join([*PARAGRAPHS, *MORE])
    assert text_on(paragraphs(PARAGRAPHS[:1]), whole) == whole
    assert text_on(paragraphs(PARAGRAPHS[:1]), f"<p>{whole}</p><p>Rain.</p>").endswith("Rain.")
    assert text_on(PAGE_BODY, PARAGRAPHS[0]) == "\n\n".join(PARAGRAPHS)


def test_a_page_of_many_parts_takes_no_time():
    parts = f'<div class="x">{paragraphs(MORE[:2])}</div>' * 4_000
    began = time.process_time()
    assert text_on(parts)
    assert time.process_time() - began < 20


def test_the_body_in_json_ld_is_no_field_of_the_article(tmp_path):
    whole = "\n\n".join([*PARAGRAPHS, *MORE])
    data = json.dumps({"@type": "NewsArticle", "headline": "Late", "articleBody": whole})
    head = f'<script type="application/ld+json">{data}</script>'
    path = tmp_path / "a.html"
    path.write_text(web_page(head, paragraphs(PARAGRAPHS[:1])))
    (article,) = read_file(SourceFile.at(path, "a.html"), FieldMap())
    assert (article.title, article.text) == ("Late", whole)
