"""Tests of dumps of MediaWiki: the articles of a wiki of news."""

from datetime import date

import pytest

from backfile.archive.formats.documents import formats
from backfile.archive.formats.fields import FieldMap
from backfile.archive.formats.files import SourceFile
from backfile.archive.formats.inputs import read_file
from backfile.archive.formats.processes import TOO_MUCH
from backfile.archive.model.errors import UnreadableArticle

DUMP = """<mediawiki xmlns="http://www.mediawiki.org/xml/export-0.11/" version="0.11" xml:lang="en">
<siteinfo><sitename>Ash News</sitename><base>https://ash.example/wiki/Main_Page</base></siteinfo>
{pages}</mediawiki>"""
PAGE = """<page><title>{title}</title><ns>{ns}</ns><id>7</id>{more}<revision><id>9</id>
<timestamp>2025-01-01T00:00:00Z</timestamp><text xml:space="preserve">{text}</text>
</revision></page>"""
STORY = """{{date|March 23, 2024}}
[[File:Ferry.jpg|thumb|The [[ferry]] at its pier]]
The '''night ferry''' across the [[River Ash|Ash]] stops in May.&lt;ref&gt;Board&lt;/ref&gt;

{{quote|It costs us.}}Commuters were [https://a.example told] by letter.

== Sources ==
* {{source|url=https://b.example}}
[[Category:Transport]]
[[Category:March 23, 2024]]"""

# Reads as the module does, but is killed by the page of a title.
ENDS = """
import os
from backfile.archive.formats.documents import wiki_pages

record = wiki_pages._record


def _record(page, about):
    found = record(page, about)
    return os.abort() if found["title"] == "Bad" else found


wiki_pages._record = _record
main = wiki_pages.main
"""


@pytest.fixture
def read(tmp_path):
    def read_all(*pages, cut=None):
        path = tmp_path / "dump.xml"
        path.write_text(DUMP.format(pages="".join(pages))[:cut])
        return list(read_file(SourceFile.at(path, path.name), FieldMap()))

    return read_all


def page(title="Night ferry ends", ns=0, text=STORY, more=""):
    return PAGE.format(title=title, ns=ns, text=text, more=more)


def test_an_article_of_a_wiki_is_one_without_its_markup(read):
    (article,) = read(page())
    first, *others = article.text.split("\n\n")
    assert first == "The night ferry across the Ash stops in May."
    assert others == ["It costs us.", "Commuters were told by letter."]
    assert (article.id, article.title) == ("7", "Night ferry ends")
    assert (article.published, article.source) == (date(2024, 3, 23), "Ash News")
    assert (article.section, article.language) == ("Transport", "en")
    assert article.url == "https://ash.example/wiki/Night_ferry_ends"


def test_templates_that_show_a_text_are_read(read):
    text = """The {{w|Ash Bridge}} in {{w|Ashford|the town|lang=en}} closes, says
{{lang|de|{{w|Hafen|''Hafenamt''}}}}.{{cquote|text=No {{W|Ash Bridge|bridge}}, no way.|Ana Ruiz}}
{{haveyoursay}}{{Infobox|Fire|{{w|Ash}}}}"""
    (article,) = read(page(text=text))
    assert " ".join(article.text.split()) == (
        "The Ash Bridge in the town closes, says Hafenamt. No bridge, no way."
    )


def test_talk_and_redirects_are_skipped(read):
    found = read(page(ns=1), page(more='<redirect title="x"/>'), page())
    assert [each.origin.offset for each in found] == [3]
    (refused,) = read(page(ns=1))
    assert refused.reason == "a dump of MediaWiki without articles"


def test_talk_and_redirects_of_old_dumps_are_known_by_title_and_text(read):
    def old(**more):
        return page(**more).replace("<ns>0</ns>", "")

    redirects = [page(text="#REDIRECT [[Ferry]]"), old(text="# WEITERLEITUNG: [[Fähre]]")]
    found = read(*redirects, old(title="Talk:Ferry"), old(title="Benutzer Diskussion:A"), old())
    assert [each.origin.offset for each in found if hasattr(each, "text")] == [5]
    assert read(page(title="Portal: the book"))


def test_a_dump_that_is_cut_is_read_as_far_as_it_goes(read):
    *_, refused = read(page(), page(), cut=-300)
    assert isinstance(refused, UnreadableArticle)
    assert "not well-formed XML" in refused.reason


def test_reading_goes_on_behind_a_page_that_ends_the_process(read, monkeypatch, tmp_path):
    room = tmp_path / "ends_at_pages.py"
    room.write_text(ENDS)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(formats, "WIKI_MODULE", room.stem)
    first, bad, last = read(page(), page(title="Bad"), page(title="Last"))
    assert (first.title, last.title) == ("Night ferry ends", "Last")
    assert (str(bad.origin)[-2:], bad.reason) == (":2", TOO_MUCH)
    (refused,) = read(page(title="Bad"))
    assert refused.reason == TOO_MUCH


def test_wikitext_that_nests_for_ever_ends_somewhere(read):
    assert read(page(text="{{a|" * 5000 + "[[b|" * 5000))
