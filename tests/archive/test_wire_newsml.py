"""Tests of NewsML-G2 and NewsML 1: what an item says, its versions, and what is no article."""

import json
from datetime import UTC, date, datetime

import pytest

from backfile.archive.formats.fields import FieldMap
from backfile.archive.formats.files import SourceFile
from backfile.archive.formats.inputs import read_file
from backfile.archive.formats.registry import format_of
from backfile.archive.formats.wire.newsml1 import read_newsml1
from backfile.archive.formats.wire.newsml_g2 import read_newsml_g2
from backfile.archive.model.article import Article
from backfile.archive.model.errors import UnreadableArticle, WithdrawnArticle
from tests.builders import G2_XHTML, NEWSML1_ENGLISH, NEWSML1_STORY, backfile, g2, newsml1

BEFORE, AFTER = datetime(2024, 3, 1, tzinfo=UTC), datetime(2024, 4, 1, tzinfo=UTC)


@pytest.fixture
def read(tmp_path):
    def read_all(content, reader=None, now=None):
        path = tmp_path / "item.xml"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        file = SourceFile.at(path, path.name)
        if reader is None:
            return list(read_file(file, FieldMap()))
        return list(reader(file, FieldMap(), lambda: now))

    return read_all


def test_a_news_item_is_an_article_with_what_it_says_of_itself(read):
    (article,) = read(g2())
    assert (article.id, article.version) == ("urn:newsml:cc.example:2024:7", 3)
    assert (article.title, article.source) == ("Night ferry stops", "Coastal Courier")
    assert article.authors == ("Ana Ruiz", "José Núñez")
    assert (article.section, article.language) == ("transport", "en")
    assert article.published == date(2024, 3, 23)
    assert article.published_at == datetime(2024, 3, 24, 4, 40, tzinfo=UTC)


def test_its_text_has_the_dateline_once_and_neither_captions_nor_its_headline_again(read):
    (article,) = read(g2())
    assert article.text == (
        "ASHFORD, March 23 – The vote\n\nThe ferry stops in May.\n\nCommuters were told\nby letter."
    )
    (article,) = read(g2(G2_XHTML.replace("The vote", "ASHFORD (CC) – The vote")))
    assert article.text.startswith("ASHFORD (CC) – The vote")


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ('<inlineData contenttype="text/plain">Rain &amp; snow.</inlineData>', "Rain & snow."),
        (
            '<inlineData contenttype="text/html">&lt;p>Rain.&lt;/p>&lt;p>Snow.</inlineData>',
            "Rain.\n\nSnow.",
        ),
        ("<inlineXML><p>Rain.</p></inlineXML>", "Rain."),
        (
            '<inlineXML><nitf xmlns="http://iptc.org/std/NITF/2006-10-18/"><body><body.content>'
            "<p>Rain.</p><hl2>Later</hl2><p>Snow.</p></body.content></body></nitf></inlineXML>",
            "Rain.\n\nLater\n\nSnow.",
        ),
        (
            '<inlineData encoding="encd:base64" contenttype="text/plain">UmFpbi4=</inlineData>',
            "Rain.",
        ),
        (
            '<inlineData contenttype="text/plain">Rain fell.</inlineData>'
            "<inlineXML><p>Rain fell.</p></inlineXML>",
            "Rain fell.",
        ),
        ("<remoteContent href='a.jpg'/><inlineXML><p>Rain.</p></inlineXML>", "Rain."),
    ],
)
def test_the_text_is_read_in_each_form_that_it_is_sent_in(read, content, text):
    (article,) = read(g2(content))
    assert article.text.removeprefix("ASHFORD, March 23 – ") == text


@pytest.mark.parametrize(
    ("kind", "content", "reason"),
    [
        ("picture", "<remoteContent href='a.jpg'/>", "a picture without text"),
        ("video", "", "a video without text"),
        ("graphic", "<remoteContent href='a'/>", "a graphic without text"),
        (
            "",
            "<remoteContent href='a'/>",
            "an item of references to content elsewhere, without text",
        ),
        (
            "",
            "<inlineXML><sports-content><team>Ash</team></sports-content></inlineXML>",
            "a news item without text",
        ),
    ],
)
def test_what_has_no_text_is_refused_as_what_it_is(read, kind, content, reason):
    (refused,) = read(g2(content, kind=kind))
    assert refused.reason == reason


def test_a_text_that_is_elsewhere_is_read_by_its_description(read):
    (article,) = read(g2("<remoteContent href='a.txt'/>"))
    assert article.text == "ASHFORD, March 23 – A boat on the Ash."


@pytest.mark.parametrize("status", ["canceled", "withheld"])
def test_an_item_that_is_taken_back_names_its_article_and_version(read, status):
    (withdrawn,) = read(g2("", status=f'<pubStatus qcode="stat:{status}"/>'))
    assert isinstance(withdrawn, WithdrawnArticle)
    assert (withdrawn.article_id, withdrawn.version) == ("urn:newsml:cc.example:2024:7", 3)
    assert withdrawn.reason == f"{status} by its source"


def test_an_embargo_keeps_an_item_out_until_it_ends(read):
    content = g2(status="<embargoed>2024-03-25T12:00:00Z</embargoed>")
    (refused,) = read(content, read_newsml_g2, BEFORE)
    assert refused.reason == "under embargo until 2024-03-25T12:00:00+00:00"
    (article,) = read(content, read_newsml_g2, AFTER)
    assert article.published == date(2024, 3, 25)  # not the day it was sent


@pytest.mark.parametrize(
    ("until", "now", "held"),
    [
        ("2024-03-25T12:00:00", datetime(2024, 3, 25, 23, tzinfo=UTC), True),
        ("2024-03-25T12:00:00", datetime(2024, 3, 26, 1, tzinfo=UTC), False),
        ("2024-03-25", datetime(2024, 3, 25, 11, tzinfo=UTC), True),
        ("Monday", AFTER, True),
        ("", AFTER, True),
    ],
)
def test_an_embargo_without_an_offset_ends_where_a_day_ends_last(read, until, now, held):
    content = g2(status=f"<embargoed>{until}</embargoed>")
    (found,) = read(content, read_newsml_g2, now)
    assert isinstance(found, UnreadableArticle) is held


def test_a_later_version_replaces_an_item_and_a_cancellation_takes_it_out(tmp_path):
    def index(name, content):
        (tmp_path / "in").mkdir(exist_ok=True)
        (tmp_path / "in" / name).write_text(content)
        arguments = ("--archive", tmp_path / "archive", "--no-vectors", "--json")
        return json.loads(backfile("index", tmp_path / "in", *arguments).stdout)

    assert index("b.xml", g2(version="2"))["new"] == 1
    assert index("a.xml", g2(version="1").replace("May", "June"))["changed"] == 0
    assert index("c.xml", g2(version="3").replace("May", "July"))["changed"] == 1
    canceled = g2("", version="4", status='<pubStatus qcode="stat:canceled"/>')
    assert index("d.xml", canceled)["withdrawn"] == 1


@pytest.mark.parametrize(
    ("version", "number"), [("12", 12), ("x", 0), ("1.2", 0), ("9" * 99, 0), ("", 0), ("²", 0)]
)
def test_a_version_is_a_number_or_none(read, version, number):
    (article,) = read(g2(version=version))
    assert article.version == number


def test_a_message_holds_several_items_each_read_or_refused(read):
    item = g2().partition("?>\n")[2]
    message = f"""<newsMessage xmlns="http://iptc.org/std/nar/2006-10-01/"><header/><itemSet>
    <packageItem guid="p"><groupSet root="g"><group id="g"><itemRef residref="x"/></group>
    </groupSet></packageItem>{item}<conceptItem guid="c"><concept/></conceptItem>
    {item.replace("2024:7", "8")}
    <planningItem/><knowledgeItem/><catalogItem/></itemSet></newsMessage>"""
    package, first, concept, second, *rest = read(message)
    assert package.reason == "a package of references to other items"
    assert concept.reason == "a concept of a vocabulary (conceptItem), not news"
    assert (first.id, second.id) == ("urn:newsml:cc.example:2024:7", "urn:newsml:cc.example:8")
    assert (first.origin.offset, second.origin.offset) == (2, 4)
    assert [each.reason.partition(" (")[0] for each in rest] == [
        "planned coverage",
        "a vocabulary",
        "a catalog of vocabularies",
    ]


def test_a_message_that_breaks_off_is_read_as_far_as_it_goes(read):
    item = g2().partition("?>\n")[2]
    first, refused = read(f"<newsMessage><itemSet>{item}<newsItem guid='y'><contentSet>")
    assert isinstance(first, Article)
    assert refused.reason.startswith("not well-formed XML from here on")
    assert refused.origin.endswith(":2")


def test_a_prefix_that_is_not_declared_hides_neither_its_item_nor_the_next(read):
    item = g2(G2_XHTML.replace("<p>", "<p x:y='z'>")).partition("?>\n")[2]
    first, second = read(f"<newsMessage><itemSet>{item}{item}</itemSet></newsMessage>")
    assert first.text == second.text
    assert first.text.endswith("by letter.")


@pytest.mark.parametrize("part", ["contentSet", "catalog", "groupSet"])
def test_a_part_of_an_item_is_no_item(read, part):
    (refused,) = read(f"<{part}><a/></{part}>")
    assert refused.reason == "no news item in it, only a catalog or a part of NewsML-G2"


def test_prefixes_and_other_encodings_make_no_difference(read):
    content = g2().replace("UTF-8", "ISO-8859-1")
    (plain,) = read(content.encode("latin-1"))
    prefixed = g2("<n:inlineXML><p>Rain.</p></n:inlineXML>")
    for name in ("newsItem", "itemMeta", "contentMeta", "contentSet", "headline", "provider"):
        prefixed = prefixed.replace(f"<{name}", f"<n:{name}").replace(f"</{name}", f"</n:{name}")
    prefixed = prefixed.replace("xmlns=", "xmlns:n=")
    (article,) = read(prefixed)
    assert (plain.authors[1], article.title) == ("José Núñez", "Night ferry stops")


def test_a_text_wrapped_for_a_teleprinter_is_read_by_its_indents(read):
    wrapped = """<inlineXML><html><body><p>(Adds detail)
    * A first point

    By Ana Ruiz
    March 23 (CC) - The ferry across the Ash
stops in May, the board of the harbour
has said.
    It was five to four.</p></body></html></inlineXML>"""
    content = g2(wrapped).replace("<by>By Ana Ruiz and José Núñez, Staff Writers</by>", "")
    (article,) = read(content.replace("<dateline>ASHFORD, March 23</dateline>", ""))
    assert article.text.split("\n\n")[3:] == [
        "March 23 (CC) - The ferry across the Ash stops in May, the board of the harbour has said.",
        "It was five to four.",
    ]
    assert article.authors == ("Ana Ruiz",)


GERMAN = NEWSML1_STORY.format(title="Fähre hört auf", language="de", text="Die Fähre hört auf.")


def test_newsml_1_is_read_by_the_component_that_is_the_story(read):
    (article,) = read(newsml1(NEWSML1_ENGLISH))
    assert article.text == "Ashford – The ferry stops.\n\nIn May."
    assert (article.title, article.authors) == ("Ferry stops", ("Ana Ruiz",))
    assert (article.source, article.section) == ("Coastal Courier", "sport")
    assert (article.published, article.language) == (date(2024, 3, 23), "en")


def test_a_code_is_named_by_the_items_own_topics_before_iptcs(read):
    topics = """<TopicSet><Topic><FormalName>15000000</FormalName>
    <Description Variant="Name" xml:lang="de">Rudern</Description>
    <Description Variant="Name" xml:lang="en">rowing</Description></Topic></TopicSet>"""
    (article,) = read(newsml1(topics, NEWSML1_ENGLISH))
    assert article.section == "rowing"


def test_parts_of_a_story_are_joined_and_a_lead_is_there_once(read):
    part = """<NewsComponent><Role FormalName="{}"/><ContentItem><DataContent>{}</DataContent>
    </ContentItem></NewsComponent>"""
    lead = part.format("Lead", "Rain fell.")
    beside = part.format("Summary", "Wet.")
    (article,) = read(newsml1(lead, beside, part.format("Body", "Snow fell.")))
    assert article.text == "Rain fell.\n\nSnow fell."
    (article,) = read(newsml1(lead, part.format("Body", "Rain fell. Snow fell.")))
    assert article.text == "Rain fell. Snow fell."


def test_a_language_on_a_component_is_its_language(read):
    (article,) = read(
        newsml1(NEWSML1_ENGLISH).replace("<NewsComponent>", "<NewsComponent xml:lang='nl'>", 1)
    )
    assert article.language == "en"
    content = newsml1(NEWSML1_ENGLISH).replace('<Language FormalName="en"/>', "")
    (article,) = read(content.replace("<NewsComponent>", "<NewsComponent xml:lang='nl'>", 1))
    assert article.language == "nl"


def test_a_revision_has_the_id_of_the_one_before_it(read):
    (article,) = read(newsml1(NEWSML1_ENGLISH))
    assert (article.id, article.version) == ("urn:newsml:cc.example:20240323:ferry", 2)
    (article,) = read(newsml1(NEWSML1_ENGLISH).replace("<ProviderId>cc.example</ProviderId>", ""))
    assert article.id == "urn:newsml:cc.example:20240323:ferry"


def test_each_language_of_an_item_is_an_article(read):
    english, german = read(newsml1(NEWSML1_ENGLISH, GERMAN))
    assert (german.title, german.language) == ("Fähre hört auf", "de")
    assert german.id == f"{english.id}#de"


def test_newsml_1_says_when_an_item_is_taken_back_or_may_be_read(read):
    (withdrawn,) = read(newsml1(NEWSML1_ENGLISH, status='<Status FormalName="Canceled"/>'))
    assert (withdrawn.article_id, withdrawn.version) == ("urn:newsml:cc.example:20240323:ferry", 2)
    status = '<Status FormalName="Embargoed"/>{}'
    change = """<StatusWillChange><FutureStatus FormalName="Usable"/>
    <DateAndTime>20240325T120000Z</DateAndTime></StatusWillChange>"""
    content = newsml1(NEWSML1_ENGLISH, status=status.format(change))
    (refused,) = read(content, read_newsml1, BEFORE)
    assert refused.reason == "under embargo until 2024-03-25T12:00:00+00:00"
    (article,) = read(content, read_newsml1, AFTER)
    assert article.published == date(2024, 3, 25)
    (refused,) = read(newsml1(NEWSML1_ENGLISH, status=status.format("")))
    assert refused.reason == "under embargo, and not until when"


@pytest.mark.parametrize(
    ("component", "reason"),
    [
        ('<NewsItemRef NewsItem="urn:x"/>', "a package of references to other items"),
        (
            '<ContentItem Href="a.jpg"><MediaType FormalName="Photo"/></ContentItem>',
            "an item of media (photo) without text",
        ),
        ("", "a news item without text"),
    ],
)
def test_newsml_1_without_a_text_is_refused_as_what_it_is(read, component, reason):
    (refused,) = read(newsml1(component))
    assert refused.reason.startswith(reason)


def test_items_in_one_another_are_read_each(read):
    inner = newsml1(NEWSML1_ENGLISH).partition("</NewsEnvelope>")[2].removesuffix("</NewsML>")
    article, refused = read(newsml1(inner.replace(":ferry:", ":f:").replace(">ferry<", ">f<")))
    assert article.id == "urn:newsml:cc.example:20240323:f"
    assert refused.reason == "a news item without text"


def test_each_kind_of_news_in_xml_is_told_by_its_outermost_element(tmp_path):
    for content, name in ((g2(), "NewsML-G2"), (newsml1(), "NewsML 1"), ("<nitf/>", "NITF")):
        (tmp_path / "a.txt").write_text(content)
        assert format_of(SourceFile.at(tmp_path / "a.txt", "a.txt")).name == name
