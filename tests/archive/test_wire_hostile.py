"""Tests of what is made to do harm in the wire's formats: refused, quickly, and never raised."""

import json
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backfile.archive.formats.fields import FieldMap
from backfile.archive.formats.files import SourceFile
from backfile.archive.formats.inputs import read_file
from backfile.archive.formats.wire.xml import MOST_ATTRIBUTES, MOST_ELEMENTS
from backfile.archive.model.article import Article
from backfile.archive.model.errors import UnreadableArticle
from tests.builders import AFP, ANPA, DPA, NEWSML1_ENGLISH, NINJS, g2, newsml1, nitf

LAUGHS = "".join(f'<!ENTITY l{n + 1} "{f"&l{n};" * 10}">' for n in range(9))
SECONDS = 5


@pytest.fixture
def read(tmp_path):
    def read_all(content, name="a.xml"):
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        began = time.process_time()
        found = list(read_file(SourceFile.at(path, name), FieldMap()))
        assert time.process_time() - began < SECONDS
        return found

    return read_all


def with_doctype(declarations, text, root="nitf"):
    body = f"<body><body.content>{text}</body.content></body>"
    return f"<!DOCTYPE {root} [{declarations}]><nitf>{body}</nitf>"


def test_entities_of_a_document_are_never_put_in(read, tmp_path):
    (tmp_path / "secret").write_text("SECRET")
    for declared in (
        f'<!ENTITY x SYSTEM "file://{tmp_path}/secret">',
        '<!ENTITY x "inside">',
        '<!ENTITY x PUBLIC "x" "http://127.0.0.1/x">',
    ):
        (refused,) = read(with_doctype(declared, "<p>Rain &x; fell.</p>"))
        assert refused.reason == "an entity of its own (&x;), which is not looked up"


def test_a_billion_laughs_is_refused_at_once(read):
    for text in ("<p>&l9;</p>", '<p class="&l9;">Rain</p>'):
        for found in read(with_doctype(f'<!ENTITY l0 "ha">{LAUGHS}', text)):
            assert isinstance(found, UnreadableArticle) or "haha" not in found.text


def test_parameter_entities_and_external_subsets_are_not_read(read, tmp_path):
    (tmp_path / "x.dtd").write_text('<!ENTITY x "SECRET">')
    declared = f'<!ENTITY % d SYSTEM "file://{tmp_path}/x.dtd"> %d;'
    for found in read(with_doctype(declared, "<p>Rain &x; fell.</p>")):
        assert isinstance(found, UnreadableArticle) or "SECRET" not in found.text


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("<b>" * 20_000, "not well-formed XML from here on"),
        ("<b/>" * (MOST_ELEMENTS + 1), "more than 100,000 elements in one item"),
        (
            "<b " + " ".join(f"a{n}='x'" for n in range(MOST_ATTRIBUTES + 1)) + "/>",
            "more than 1,000 attr",
        ),
        ("<b a='" + "x" * (11 << 20) + "'/>", "not well-formed XML from here on"),
        ("x" * (33 << 20), ""),
    ],
)
def test_what_would_take_too_long_or_too_much_is_refused(read, content, reason):
    found = read(f"<nitf><body><body.content><p>{content}</p></body.content></body></nitf>")
    assert len(found) == 1
    assert isinstance(found[0], UnreadableArticle)
    assert found[0].reason.startswith(reason)


@pytest.mark.parametrize("end", ["", "<", "</x>", "&", "&x;", "\x00"])
def test_no_part_of_a_document_passes_for_the_whole(read, end):
    for document in (g2(), newsml1(NEWSML1_ENGLISH), nitf()):
        for cut in range(100, len(document) - 10, 97):
            found = read(document[:cut] + end)
            assert found
            assert all(isinstance(each, UnreadableArticle) for each in found)


def test_names_that_are_none_are_no_fault(read):
    (article,) = read(nitf("<p>Rain.</p><a:b:c>Snow.</a:b:c><x:p>Hail.</x:p>"))
    assert "Hail." in article.text


def test_bodies_within_bodies_are_bounded_too(read):
    for body in ("<p " + "a=b " * 200_000 + ">x", "<b>" * 100_000 + "x", "<" * 1_000_000):
        assert len(read(json.dumps({**NINJS, "body_xhtml": body}), "a.json")) == 1
    deep = {**NINJS, "body_nitf": "<nitf>" + "<b>" * 50_000, "body_xhtml": ""}
    (found,) = read(json.dumps(deep), "a.json")
    assert isinstance(found, UnreadableArticle)


@pytest.mark.long
def test_items_of_too_many_parts_are_refused_or_read_quickly(read):
    component = "<NewsComponent>{}</NewsComponent>"
    item = "<ContentItem><DataContent><p>x</p></DataContent></ContentItem>"
    deep = "<NewsComponent>" * 150 + component.format(item) * 3_000 + "</NewsComponent>" * 150
    (refused,) = read(newsml1(deep))
    assert refused.reason == "more than 20 components in one another"
    spoken = '<DescriptiveMetadata><Language FormalName="{}"/></DescriptiveMetadata>' + item
    many = "".join(component.format(spoken.format(f"l{n}")) for n in range(3_000))
    (refused,) = read(newsml1(many))
    assert refused.reason == "more than 50 languages in one item"
    codes = '<Subject FormalName="99000000"/>' * 10_000
    topics = "<Topic><FormalName>1</FormalName></Topic>" * 10_000
    subjects = f"<DescriptiveMetadata><SubjectCode>{codes}</SubjectCode></DescriptiveMetadata>"
    (article,) = read(newsml1(f"<TopicSet>{topics}</TopicSet>", subjects, component.format(item)))
    assert article.section == ""
    bodies = [{"contenttype": "text/html", "value": "<p>x"}] * 50_000
    (article,) = read(json.dumps({**NINJS, "body_xhtml": "", "bodies": bodies}), "a.json")
    assert article.text == NINJS["body_text"]


@pytest.mark.long
def test_a_transmission_of_short_lines_is_refused_quickly(read):
    (refused,) = read(b"\x01ccc0007 4 sp 85\r\n\x02" + b"ab\n" * (2 << 20), "a")
    assert refused.reason == "a message of more than 1 MiB"
    (article,) = read(b"\x01ccc0007 4 sp 85\r\n\x02\n" + b"ab\n" * 300_000, "b")
    assert len(article.text) > 800_000


@pytest.mark.parametrize(
    "content",
    [
        b"\x01ccc0007 4 sp 85\r\n\x02" + b"a  b  " * 500_000 + b"\x03",
        b"\x01ccc0007 " * 50_000,
        b"\x01ccc0007 4 sp 85\r\n\x02" + b"^\r\n" * 300_000,
        b"\x01ccc0007 4 sp 85\r\n\x02" + b"." * 3_000_000,
        b"\x01ccc0007 4 sp 85\r\n\x02" + b"\t" * 3_000_000 + b"x",
        b"\x01z6715\x1f\r\nr s \x13 a" + b" " * 3_000_000 + b"\r\n\x02",
        b"\x01ccc0007" + b" " * 3_000_000,
        b"\x01ccc0007 4 sp 85\r\n\x02By " + b", " * 1_000_000 + b"\r\n\r\nRain.",
    ],
    ids=range(8),
)
def test_a_transmission_of_marks_is_read_or_refused_in_seconds(read, content):
    began = time.process_time()
    assert read(content, "a")
    assert time.process_time() - began < 5


@given(
    st.binary(max_size=300),
    st.sampled_from([b"", b"<newsItem>", b"<NewsML>", b"\x01ccc0007 4 s 8\n", b"<nitf>"]),
)
@settings(deadline=None, max_examples=200)
def test_no_bytes_make_a_reader_raise(tmp_path_factory, content, opening):
    path = tmp_path_factory.getbasetemp() / "arbitrary"
    path.write_bytes(opening + content)
    file = SourceFile.at(path, path.name)
    assert all(
        isinstance(found, Article | UnreadableArticle) for found in read_file(file, FieldMap())
    )


DOCUMENTS = [
    g2(),
    newsml1(NEWSML1_ENGLISH, NEWSML1_ENGLISH),
    nitf(),
    DPA + AFP + ANPA,
    json.dumps(NINJS, ensure_ascii=False),
]


@given(st.data())
@settings(deadline=None, max_examples=300)
def test_no_mutation_of_a_document_makes_a_reader_raise(tmp_path_factory, data):
    document = data.draw(st.sampled_from(DOCUMENTS))
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(document)))
        end = min(len(document), start + data.draw(st.integers(0, 200)))
        put = data.draw(
            st.sampled_from(["", "<", ">", '"', "&x;", "\x00", "</p>", "[]", "null", "é", "9"])
        )
        document = document[:start] + put * data.draw(st.integers(1, 3)) + document[end:]
    path = tmp_path_factory.getbasetemp() / "mutated"
    path.write_text(document)
    file = SourceFile.at(path, path.name)
    assert all(
        isinstance(found, Article | UnreadableArticle) for found in read_file(file, FieldMap())
    )


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["name", "value", "uri", "role", "x"]), inner, max_size=3)
    ),
    max_leaves=6,
)
NAMES = [
    *NINJS,
    "bodies",
    "headlines",
    "descriptions",
    "by",
    "standard",
    "embargoed",
    "guid",
    "source",
]


@pytest.mark.long
@given(st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=8), st.booleans())
@settings(deadline=None, max_examples=300)
def test_no_record_of_ninjs_makes_the_reader_raise(tmp_path_factory, record, whole):
    path = tmp_path_factory.getbasetemp() / "record.json"
    path.write_text(json.dumps({**(NINJS if whole else {"uri": "u"}), **record}))
    found = list(read_file(SourceFile.at(path, path.name), FieldMap()))
    assert all(isinstance(each, Article | UnreadableArticle) for each in found)
