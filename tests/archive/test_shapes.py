"""Tests of the JSON of services and programs: read by itself, and what is no news is listed."""

import json
from dataclasses import replace
from datetime import date

import pytest

from backfile.archive.formats.fields import FieldMap, WatchedFields, article_from
from backfile.archive.formats.files import SourceFile
from backfile.archive.formats.inputs import read_file
from backfile.archive.model.article import Article, Origin, TextKind
from backfile.web.api.exports import EXPORTS

TEXT = "The night ferry across the Ash stops in May."


@pytest.fixture
def read(tmp_path):
    def read_all(value, names=None, name="a.json"):
        path = tmp_path / name
        path.write_text(value if isinstance(value, str) else json.dumps(value))
        return list(read_file(SourceFile.at(path, name), names or FieldMap()))

    return read_all


GUARDIAN = {
    "id": "uk/2024/mar/23/ferry",
    "type": "article",
    "sectionId": "uk-news",
    "sectionName": "UK news",
    "webPublicationDate": "2024-03-23T10:00:00Z",
    "webTitle": "Night ferry ends",
    "webUrl": "https://guardian.example/ferry",
    "fields": {"byline": "Ana Ruiz and Bo Ek", "bodyText": TEXT, "trailText": "It stops"},
}
NEW_YORK_TIMES = {
    "abstract": "It stops.",
    "web_url": "https://times.example/ferry",
    "lead_paragraph": TEXT,
    "source": "The Times",
    "headline": {"main": "Night ferry ends", "kicker": None},
    "pub_date": "2024-03-23T10:00:00+0000",
    "section_name": "Travel",
    "byline": {"original": "By Ana Ruiz and Bo Ek", "person": []},
    "_id": "nyt://article/1",
    "uri": "nyt://article/1",
}
NEWS_API = {
    "source": {"id": None, "name": "Courier"},
    "author": "Ana Ruiz, Bo Ek",
    "title": "Night ferry ends",
    "description": "It stops.",
    "url": "https://courier.example/ferry",
    "urlToImage": "https://courier.example/a.jpg",
    "publishedAt": "2024-03-23T10:00:00Z",
    "content": f"{TEXT}… [+4123 chars]",
}
MEDIASTACK = {
    "author": "Ana Ruiz; Bo Ek",
    "title": "Night ferry ends",
    "description": TEXT,
    "url": "https://courier.example/ferry",
    "source": "Courier",
    "category": "general",
    "language": "en",
    "published_at": "2024-03-23T10:00:00+00:00",
}
GHOST = {
    "id": "65f0c0ffee",
    "uuid": "2f0c",
    "title": "Night ferry ends",
    "slug": "ferry",
    "mobiledoc": "{}",
    "html": f"<p>{TEXT}</p>",
    "plaintext": TEXT,
    "type": "post",
    "status": "published",
    "published_at": "2024-03-23T10:00:00.000Z",
    "created_at": "2024-03-01T10:00:00.000Z",
    "authors": [{"name": "Ana Ruiz"}, {"name": "Bo Ek"}],
}
WORDPRESS = {
    "id": 12,
    "date": "2024-03-23T10:00:00",
    "link": "https://wp.example/ferry/",
    "status": "publish",
    "type": "post",
    "title": {"rendered": "Night ferry ends"},
    "content": {"rendered": f"<p>{TEXT}</p>", "protected": False},
    "excerpt": {"rendered": "<p>It stops.</p>"},
    "author": 7,
    "categories": [3],
    "_embedded": {
        "author": [{"id": 7, "name": "Ana Ruiz"}, {"id": 8, "name": "Bo Ek"}],
        "wp:term": [[{"id": 3, "name": "Travel", "taxonomy": "category"}], []],
    },
}
TELEGRAM = {
    "id": 41,
    "type": "message",
    "date": "2024-03-23T10:00:00",
    "date_unixtime": "1711188000",
    "from": "Courier",
    "from_id": "channel1",
    "text": ["The night ferry ", {"type": "bold", "text": "across the Ash"}, " stops in May."],
    "text_entities": [{"type": "plain", "text": TEXT}],
}
NOTE = {
    "id": "https://social.example/users/ana/statuses/1",
    "type": "Note",
    "summary": None,
    "published": "2024-03-23T10:00:00Z",
    "url": "https://social.example/@ana/1",
    "attributedTo": "https://social.example/users/ana",
    "content": f"<p>{TEXT}</p>",
}
STATUS = {
    "id": "112",
    "created_at": "2024-03-23T10:00:00.000Z",
    "language": "en",
    "url": "https://social.example/@ana/112",
    "content": f"<p>{TEXT}</p>",
    "reblog": None,
    "account": {"acct": "ana", "display_name": "Ana Ruiz", "url": "https://social.example/@ana"},
}
NEWS_PLEASE = {
    "title": "Night ferry ends",
    "maintext": TEXT,
    "description": "It stops.",
    "date_publish": "2024-03-23 10:00:00",
    "date_download": "2024-04-01 10:00:00",
    "source_domain": "courier.example",
    "authors": ["Ana Ruiz", "Bo Ek"],
    "url": "https://courier.example/ferry",
    "language": "en",
}
CSL = {
    "id": "ruiz2024",
    "type": "article-newspaper",
    "title": "Night ferry ends",
    "abstract": TEXT,
    "container-title": "Courier",
    "issued": {"date-parts": [[2024, 3, 23]]},
    "author": [{"family": "Ruiz", "given": "Ana"}, {"literal": "Bo Ek"}],
    "URL": "https://courier.example/ferry",
}
ZOTERO = {
    "key": "ABCD1234",
    "itemType": "newspaperArticle",
    "title": "Night ferry ends",
    "abstractNote": TEXT,
    "publicationTitle": "Courier",
    "date": "2024-03-23",
    "creators": [{"firstName": "Ana", "lastName": "Ruiz", "creatorType": "author"}],
}


@pytest.mark.parametrize(
    ("value", "source", "authors"),
    [
        ({"response": {"status": "ok", "results": [GUARDIAN]}}, "The Guardian", 2),
        ({"response": {"status": "ok", "content": GUARDIAN}}, "The Guardian", 2),
        ({"status": "OK", "response": {"docs": [NEW_YORK_TIMES], "meta": {}}}, "The Times", 2),
        ({"status": "ok", "totalResults": 1, "articles": [NEWS_API]}, "Courier", 2),
        ({"pagination": {"limit": 1}, "data": [MEDIASTACK]}, "Courier", 2),
        ({"db": [{"meta": {"version": "5"}, "data": {"posts": [GHOST], "tags": []}}]}, "", 2),
        ({"posts": [GHOST]}, "", 2),
        ([WORDPRESS], "", 2),
        ({"name": "Courier", "type": "public_channel", "messages": [TELEGRAM]}, "Courier", 0),
        ({"type": "OrderedCollection", "orderedItems": [
            {"id": "x", "type": "Create", "actor": "https://social.example/users/ana",
             "published": "2024-03-23T10:00:00Z", "object": NOTE}]}, "@ana@social.example", 0),
        ([STATUS], "@ana@social.example", 1),
        (NEWS_PLEASE, "courier.example", 2),
        ([CSL], "Courier", 2),
        ([ZOTERO], "Courier", 1),
        ([{"key": "ABCD1234", "version": 3, "data": ZOTERO}], "Courier", 1),
        ({"took": 3, "hits": {"total": 1, "hits": [
            {"_index": "news", "_id": "7", "_source": MEDIASTACK}]}}, "Courier", 2),
        ({"data": [{"type": "node--article", "id": "u-1", "attributes": MEDIASTACK}]},
         "Courier", 2),
        ({"data": {"posts": {"edges": [{"node": MEDIASTACK}]}}}, "Courier", 2),
        ({"item": [MEDIASTACK]}, "Courier", 2),
        ([{"Item": {name: {"S": value} for name, value in MEDIASTACK.items()}}], "Courier", 2),
        ([{"fields": {name: {"stringValue": v} for name, v in MEDIASTACK.items()}}], "Courier", 2),
        ([{"id": "r1", "createdTime": "2024-03-23", "fields": MEDIASTACK}], "Courier", 2),
    ],
)  # fmt: skip
def test_a_response_or_export_is_read_by_itself(read, value, source, authors):
    (article,) = read(value)
    assert isinstance(article, Article), article
    assert article.text.removesuffix("…") == TEXT
    assert article.published == date(2024, 3, 23)
    assert article.source == source
    assert article.authors == ("Ana Ruiz", "Bo Ek")[:authors]
    assert article.left_out == ""


def test_sections_and_addresses_are_read(read):
    guardian, times, wordpress = read([GUARDIAN, NEW_YORK_TIMES, WORDPRESS])
    assert [each.section for each in (guardian, times, wordpress)] == [
        "UK news",
        "Travel",
        "Travel",
    ]
    assert guardian.url == "https://guardian.example/ferry"
    assert (times.id, wordpress.id) == ("nyt://article/1", "12")


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (GHOST | {"status": "draft"}, "a draft"),
        (GHOST | {"type": "page"}, "a page, not a post"),
        (WORDPRESS | {"status": "future"}, "not yet published"),
        (TELEGRAM | {"type": "service"}, "a message of the service, not a post"),
        ({"id": "x", "type": "Announce", "actor": "https://a.example/b", "object": "https://c.d"},
         "a boost of another post, whose text is elsewhere"),
        (STATUS | {"reblog": STATUS}, "a boost of another post, whose text is elsewhere"),
        ({"itemType": "attachment", "title": "Full text", "key": "X"},
         "an attachment, not a reference"),
    ],
)  # fmt: skip
def test_what_was_not_published_is_listed(read, record, reason):
    (refused,) = read([record])
    assert refused.reason == reason
    assert refused.record == record


def test_a_trial_shows_the_paths_that_were_found(read):
    names = WatchedFields()
    read([GUARDIAN], names)
    columns = {ours: theirs[0][0] for ours, theirs in names.columns().items()}
    assert columns["text"] == "fields.bodyText"
    assert columns["published"] == "webPublicationDate"
    assert columns["authors"] == "fields.byline"


def test_a_map_comes_before_what_is_known_of_a_shape(read):
    names = FieldMap.from_options(("text=fields.trailText", "title=webTitle"))
    (article,) = read([GUARDIAN], names)
    assert article.text == "It stops"


def test_an_article_with_lists_in_it_is_one_article(read):
    record = {"title": "Ferry", "text": TEXT, "items": [{"title": "Map"}, {"title": "Photo"}]}
    (article,) = read(record)
    assert article.text == TEXT


@pytest.mark.parametrize(
    "record",
    [
        {"title": "Ferry", "posts": [{"title": "Other post"}], "text": TEXT},
        {"title": "Ferry", "nodes": [{"type": "a", "text": "x"}], "body": TEXT},
        {"items": [{"title": "Map"}], "headline": "Ferry", "articleBody": TEXT},
    ],
)
def test_a_list_before_its_text_does_not_take_the_place_of_an_article(read, record):
    (article,) = read(record)
    assert (article.title, article.text) == ("Ferry", TEXT)


def test_a_long_list_beside_a_text_is_the_articles(read, monkeypatch):
    monkeypatch.setattr("backfile.archive.formats.records.MOST_BESIDE", 40)
    items = [{"title": f"Ferry {n}", "text": f"{TEXT} {n}"} for n in range(20)]
    assert len(read({"items": items, "text": "about"})) == 20


def test_lists_of_the_new_york_times_and_stories_of_arc_are_read(read):
    listed = {
        "uri": "nyt://article/2", "url": "https://times.example/b", "published_date": "2024-03-23",
        "title": "Night ferry ends", "abstract": TEXT, "byline": "By Ana Ruiz", "des_facet": [],
    }  # fmt: skip
    (article,) = read({"results": [listed]})
    assert (article.text, article.source, article.authors) == (
        TEXT, "The New York Times", ("Ana Ruiz",),
    )  # fmt: skip
    arc = {
        "headlines": {"basic": "Night ferry ends"}, "display_date": "2024-03-23T10:00:00Z",
        "credits": {"by": [{"name": "Ana Ruiz"}]},
        "content_elements": [
            {"type": "text", "content": TEXT},
            {"type": "quote", "content_elements": [{"type": "text", "content": "Quoted words."}]},
        ],
    }  # fmt: skip
    (article,) = read(arc)
    assert article.title == "Night ferry ends"
    assert article.text == f"{TEXT}\n\nQuoted words."
    assert article.authors == ("Ana Ruiz",)


def test_wrappers_in_one_another_end_somewhere(read):
    record = {"title": "Ferry", "text": TEXT}
    for _ in range(4):
        record = {"data": record}
    assert isinstance(read([record])[0], Article)
    assert not isinstance(read([{"data": record}])[0], Article)


def test_an_item_of_ap_is_read_inside_of_its_response(read):
    item = {
        "uri": "https://api.example/content/1",
        "altids": {"itemid": "1", "etag": "1_0"},
        "version": 3,
        "type": "text",
        "headline": "Night ferry ends",
        "versioncreated": "2024-03-23T10:00:00Z",
        "firstcreated": "2024-03-23T10:00:00Z",
        "bylines": [{"by": "By ANA RUIZ", "title": "Associated Press"}],
        "description_summary": TEXT,
    }
    (article,) = read({"api_version": "1", "data": {"items": [{"meta": {}, "item": item}]}})
    assert (article.title, article.text) == ("Night ferry ends", TEXT)
    assert (article.version, article.authors) == (3, ("ANA RUIZ",))


@pytest.mark.parametrize(
    "record",
    [
        {"id": "a", "title": "=1+1 Ferry", "text": "- The ferry stops.\n\nIn May, too."},
        {"id": "b", "text": "The ferry stops in May. It does."},
        {"id": "c", "title": "'Quoted' it", "text": "'It' stops.", "authors": ["García Gil, Ana"]},
        {"id": "d", "title": "Ferry", "text": TEXT, "authors": ["Food and Drink Press"],
         "date": "2024-03", "section": "@home", "source": "Courier", "language": "en"},
        {"id": "e", "title": "Ferry", "text": TEXT, "authors": ["Ruiz, Ana", "Bo Ek"],
         "date": "2024-03-23", "url": "https://courier.example/ferry"},
    ],
)  # fmt: skip
@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_our_own_export_is_read_as_it_was(read, record, kind):
    article = article_from(record, Origin("a", 1), FieldMap())
    written = "".join(EXPORTS[kind].write([(article, 0.5)]))
    (found,) = read(written, name=f"export.{kind}")
    assert found == replace(article, origin=found.origin)


def test_an_instant_in_our_own_export_is_read_as_it_was(read):
    record = {"id": "a", "text": TEXT, "date": "2024-03-23T23:40:00-05:00"}
    article = article_from(record, Origin("a", 1), FieldMap())
    (found,) = read("".join(EXPORTS["jsonl"].write([(article, 0.5)])), name="export.jsonl")
    assert found == replace(article, origin=found.origin)


def ghost_export(**tables):
    """An export whose posts have their authors and tags in tables beside them, before or behind."""
    post = {name: value for name, value in GHOST.items() if name != "authors"}
    related = {
        "users": [{"id": "u1", "name": "Ana Ruiz"}, {"id": "u2", "name": "Bo Ek"}],
        "tags": [{"id": "t0", "name": "#internal"}, {"id": "t1", "name": "Transport"}],
        "posts_authors": [
            {"post_id": GHOST["id"], "author_id": "u2", "sort_order": 1},
            {"post_id": GHOST["id"], "author_id": "u1", "sort_order": 0},
            {"post_id": "another", "author_id": "u2", "sort_order": 0},
            {"post_id": GHOST["id"], "author_id": "gone", "sort_order": 2},
        ],
        "posts_tags": [
            {"post_id": GHOST["id"], "tag_id": "t0", "sort_order": 0},
            {"post_id": GHOST["id"], "tag_id": "t1", "sort_order": 1},
        ],
    }
    related |= tables
    early = {name: related[name] for name in ("posts_authors", "posts_tags")}
    late = {name: related[name] for name in ("tags", "users")}
    return {"db": [{"meta": {}, "data": {**early, "posts": [post], **late}}]}


def test_the_authors_and_tags_of_ghost_stand_in_tables_beside_its_posts(read):
    (article,) = read(ghost_export())
    assert article.authors == ("Ana Ruiz", "Bo Ek")
    assert article.section == "Transport"
    assert article.text == TEXT


@pytest.mark.parametrize(
    "tables",
    [
        {"users": "none", "posts_authors": 3},
        {"users": [3, None, []], "posts_authors": [["a"], {"post_id": {"a": 1}}]},
        {"users": [], "posts_authors": []},
    ],
)
def test_tables_of_ghost_that_are_no_tables_leave_its_posts_as_they_are(read, tables):
    (article,) = read(ghost_export(**tables))
    assert (article.authors, article.section) == ((), "Transport")


@pytest.mark.parametrize(
    "pieces",
    [
        [{"type": "bold", "text": "The night ferry "}, {"type": "italic", "text": "stops"}],
        [{"type": "plain", "text": "The night ferry "}, {"type": "link", "text": "stops"}],
        [{"type": "hashtag", "text": "The night "}, {"type": "spoiler", "text": "ferry stops"}],
    ],
)  # fmt: skip
def test_a_message_that_is_formatted_as_a_whole_is_one_paragraph(read, pieces):
    (article,) = read([TELEGRAM | {"text": pieces, "text_entities": []}])
    assert article.text == "The night ferry stops"


def test_blocks_of_text_stay_paragraphs(read):
    blocks = [{"type": "text", "text": "The ferry stops."}, {"type": "text", "text": "So it goes."}]
    (article,) = read([{"title": "Ferry", "text": blocks}])
    assert article.text == "The ferry stops.\n\nSo it goes."


@pytest.mark.parametrize(
    ("record", "kind"),
    [
        (GUARDIAN, "whole"),
        (GUARDIAN | {"fields": {"trailText": TEXT, "byline": "Ana Ruiz"}}, "abstract"),
        (NEW_YORK_TIMES, "abstract"),
        (NEW_YORK_TIMES | {"body": TEXT * 3}, "whole"),
        (NEWS_API, "abstract"),
        (NEWS_API | {"content": TEXT}, "whole"),
        (ZOTERO, "abstract"),
        (WORDPRESS, "whole"),
        (WORDPRESS | {"content": {"rendered": ""}}, "abstract"),
        ({"title": "Night ferry ends", "abstract": TEXT, "text": TEXT}, "whole"),
        ({"title": "Night ferry ends", "text": TEXT, "text_kind": "abstract"}, "abstract"),
        ({"title": "Night ferry ends", "text": TEXT, "text_kind": ["abstract"]}, "whole"),
        ({"title": "Night ferry ends"}, "whole"),
    ],
)
def test_an_abstract_is_known_as_one(read, record, kind):
    (article,) = read([record])
    assert article.text_kind.value == kind


def test_a_field_that_is_mapped_to_the_text_may_be_an_abstract(read):
    record = {"t": "Night ferry ends", "Abstract": TEXT}
    (article,) = read([record], FieldMap.from_options(("title=t", "text=Abstract")))
    assert (article.text, article.text_kind.value) == (TEXT, "abstract")


def test_posts_of_webz_have_the_site_as_their_outlet(read):
    thread = {"site": "courier.example", "title": "Ice", "section_title": "Travel"}
    post = {"thread": thread, "uuid": "u1", "title": "Ice", "text": "It melts.", "author": "A B"}
    (found,) = read({"posts": [post]})
    assert (found.source, found.section, found.text) == ("courier.example", "Travel", "It melts.")


def test_an_article_in_a_graph_of_json_ld_is_one(read):
    article = {"@type": "NewsArticle", "headline": "Ice", "articleBody": "It melts."}
    found = read({"@graph": [{"@type": "NewsArticle", "author": {"name": "A B"}, **article}]})
    assert [(each.title, each.text, each.authors) for each in found] == [
        ("Ice", "It melts.", ("A B",))
    ]


def test_authors_of_graphql_are_nodes(read):
    nodes = [{"node": {"name": "A B"}}, {"edges": [{"node": {"name": "A B"}}]}]
    for author in nodes:
        (found,) = read({"title": "Ice", "content": "It melts.", "author": author})
        assert found.authors == ("A B",)


def test_results_of_bing_and_of_trafilatura_are_read(read):
    bing = {"name": "Ice", "url": "https://courier.example/a", "description": "It melts."}
    bing |= {"datePublished": "2024-03-23T07:00:00.0Z", "provider": [{"name": "Courier"}]}
    (found,) = read({"_type": "News", "value": [bing]})
    assert (found.title, found.text, found.source) == ("Ice", "It melts.", "Courier")
    assert found.text_kind is TextKind.ABSTRACT
    page = {"title": "Ice", "hostname": "courier.example", "fingerprint": "x", "text": "It melts."}
    (found,) = read(page | {"source": "https://courier.example/a", "date": "2024-03-23"})
    assert (found.source, found.url) == ("courier.example", "https://courier.example/a")
