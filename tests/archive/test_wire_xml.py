"""Tests of items of XML that are packed for another process: they arrive as they were."""

from functools import partial
from xml.sax.saxutils import escape, quoteattr

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backfile.archive.formats.files import SourceFile, open_bytes
from backfile.archive.formats.wire import xml
from backfile.archive.formats.wire.xml import items_in, packed, unpacked
from backfile.archive.model.errors import UnreadableArticle

NAMES = st.sampled_from(("p", "b", "x:p", "y:headline", "nowhere:p", "item2"))
TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs"))) | st.sampled_from(
    ("]]>", " \t\n", "&amp;", "&#13;", "<b>Rain & snow</b>")
)
SPACES = 'xmlns:x="urn:x" xmlns:y="urn:y" xmlns="urn:own"'


def is_allowed(text):
    return not any(character in text for character in "\ufffe\uffff")


def written_text(text, *, in_section):
    if in_section and "]]>" not in text:
        return f"<![CDATA[{text}]]>"
    return escape(text)


@st.composite
def elements(draw, depth=0):
    name, text, tail = draw(NAMES), *(draw(TEXTS.filter(is_allowed)) for _ in range(2))
    value = quoteattr(draw(TEXTS.filter(is_allowed)))
    attribute = draw(st.sampled_from(("", "class", "x:class", "nowhere:class", "xml:lang")))
    inner = draw(st.lists(elements(depth + 1), max_size=3)) if depth < 3 else []
    begin = f"<{name} {attribute}={value}>" if attribute else f"<{name}>"
    texts = [written_text(each, in_section=draw(st.booleans())) for each in (text, tail)]
    return f"{begin}{texts[0]}{''.join(inner)}</{name}>{texts[1]}"


def file_of(content):
    return SourceFile("a.xml", "a.xml", partial(open_bytes, content.encode()))


def told(element):
    """All of an element but what is behind it."""
    inner = [(told(each), each.tail or "") for each in element]
    return element.tag, dict(element.attrib), element.text or "", inner


@given(elements())
def test_an_item_that_is_unpacked_is_the_one_that_was_packed(inner):
    content = f"<list {SPACES}><item>{inner}</item> behind <item/></list>"
    for item in items_in(file_of(content), frozenset(("item",))):
        assert told(unpacked(packed(item, "a.xml"))) == told(item)


def test_entities_of_the_document_stay_what_they_were_in_attributes():
    content = (
        '<!DOCTYPE list SYSTEM "a.dtd" [<!ENTITY main "story">]>'
        '<list><item role="&main;" nowhere:a="1">Rain&nbsp;fell &lt;b&gt;</item></list>'
    )
    (found,) = [
        unpacked(packed(item, "a.xml")) for item in items_in(file_of(content), frozenset(("item",)))
    ]
    assert (found.get("role"), found.text) == ("story", "Rain\xa0fell <b>")


def test_entities_that_make_attributes_too_long_are_refused(monkeypatch):
    content = (
        f'<!DOCTYPE list [<!ENTITY rain "{"rain " * 100}">]>'
        f'<list><item a="{"&rain;" * 50}" b="{"&rain;" * 50}"/></list>'
    )
    items = items_in(file_of(content), frozenset(("item",)))
    monkeypatch.setattr(xml, "LONGEST_TEXT", 40_000)
    with pytest.raises(UnreadableArticle, match="MiB in one item"):
        packed(next(items), "a.xml")


def test_a_section_of_cdata_is_packed_as_short_as_it_was():
    content = f"<list><item><![CDATA[{'<&>' * 1_000}]]></item></list>"
    for item in items_in(file_of(content), frozenset(("item",))):
        assert len(packed(item, "a.xml")) < 3_100
        assert unpacked(packed(item, "a.xml")).text == "<&>" * 1_000
