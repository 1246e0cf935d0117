"""The groups of an answer: disjoint, counted alike everywhere, and the first one counts."""

import csv
import io
import json
from dataclasses import replace
from datetime import date

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backfile.archive.store.reader import ArchiveReader
from backfile.index.asking.reader import read_query
from backfile.index.model.groups import BY_MEANING, NO_GROUP, Group, Groups
from backfile.index.model.query import Copies, Mode, Query, Sort
from backfile.index.model.results import Verdict
from backfile.index.search.batch import answers, read_queries
from backfile.index.search.ranking import RankingOptions
from backfile.index.search.searcher import Searcher
from backfile.web.api.exports import as_hit_table
from backfile.web.app import create_app
from tests.builders import everything, fill, write_stories

TEXTS = [
    "ferry",
    "ferry bridge",
    "harbour ferry keeper lamp",
    "lighthouse inspectors council",
    "why did the ferry stop",
    '"swing bridge" keeper',
    "ferry OR lamp",
    "zxqv",
    "",
]
QUOTE = '"'
masks = st.lists(st.booleans(), min_size=6, max_size=6).map(np.array)


@given(st.fixed_dictionaries(dict.fromkeys(Group, masks)), st.sampled_from([None, *Group]))
def test_each_article_is_in_the_first_group_that_has_it(found, last):
    groups = Groups.of_masks(found, BY_MEANING)
    for article in range(6):
        of = next((group for group in BY_MEANING if found[group][article]), None)
        assert groups.of[article] == (NO_GROUP if of is None else BY_MEANING.index(of))
    sizes = [int(groups.up_to(group).sum()) for group in BY_MEANING]
    assert sizes == sorted(sizes)
    assert sizes[-1] == int(groups.articles.sum())
    first = next((group for group, size in zip(BY_MEANING, sizes, strict=True) if size), None)
    assert groups.first is first
    assert not groups.up_to(None).any()
    assert not groups.none().articles.any()


@settings(
    max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(
    text=st.sampled_from(TEXTS),
    mode=st.sampled_from(Mode),
    copies=st.sampled_from(Copies),
    sort=st.sampled_from(Sort),
)
def test_groups_are_disjoint_and_add_up(searcher, text, mode, copies, sort):
    query = Query(text, mode=mode, copies=copies, sort=sort)
    results, hits = everything(searcher, query)
    counts = results.totals.groups
    assert set(counts) == set(Group)
    if sort is Sort.RELEVANCE and text:
        assert sum(counts.values()) == results.total == len(hits)
    so_far, known = 0, set()
    for group, count in counts.items():
        one, of_group = everything(searcher, replace(query, match=group))
        so_far += count
        if results.verdict is not Verdict.NONE:
            assert one.total == len(of_group) == so_far
            assert {hit.article.id for hit in of_group} >= known
        assert one.counted is group
        known = {hit.article.id for hit in of_group}
    first = next((group for group, count in counts.items() if count), None)
    assert results.counted is first
    counted = [hit for hit in hits if hit.group is first]
    assert len(counted) == (counts[first] if first else 0)
    if sort is not Sort.RELEVANCE:
        assert counted == hits


@pytest.mark.parametrize("match", ["", "all", "most", "some", "related"])
@pytest.mark.parametrize("text", [text for text in TEXTS if text])
def test_page_api_exports_feeds_and_batches_count_alike(searcher, engines, text, match):
    client = create_app(searcher, ArchiveReader(engines.catalog)).test_client()
    asked = {"q": text, "copies": "show", "limit": "200", **({"match": match} if match else {})}
    answer = client.get("/api/search", query_string=asked).json
    counted = answer["query"]["counted"]
    number = answer["totals"]["articles"]
    assert counted == (match or counted)
    groups = {each["group"]: each["count"] for each in answer["totals"]["groups"]}
    up_to = list(groups)[: list(groups).index(counted) + 1] if counted else []
    if answer["verdict"] != "none":
        assert number == sum(groups[group] for group in up_to)
    ids = [hit["article"]["id"] for hit in answer["hits"] if hit["group"] in up_to]
    assert len(ids) == number
    exported = client.get("/export.jsonl", query_string=asked).text
    assert [json.loads(line)["id"] for line in exported.splitlines()] == ids
    feed = client.get("/search.json", query_string=asked).json["items"]
    merely_related = counted == "related" and not match
    assert len(feed) == (0 if merely_related else number)
    page = client.get("/", query_string=asked).text
    assert page.count('<article class="hit">') == len(answer["hits"])
    newest = client.get("/api/search", query_string=asked | {"sort": "newest"}).json
    assert {hit["article"]["id"] for hit in newest["hits"]} == set(ids)
    assert newest["total"] == number
    listed = read_queries(["q", f'"{text.replace(QUOTE, 2 * QUOTE)}"'])
    table = "".join(as_hit_table(answers(searcher, listed, usual(asked))))
    rows = [row for row in csv.DictReader(io.StringIO(table)) if row["article"]]
    assert [row["article"] for row in rows] == ids
    assert {(row["match"], row["total"]) for row in rows} <= {(counted, str(number))}


def usual(asked):
    return {name: [value] for name, value in asked.items() if name != "q"}


@pytest.mark.parametrize(
    ("text", "is_question"),
    [
        ("why did the submarine implode", True),
        ("Why did it", True),
        ("the ferry stopped?", True),
        ("wer war das", True),
        ("¿Quién lo hizo", True),
        ("WHO vaccine", False),
        ("ferry", False),
        ("", False),
    ],
)
def test_a_question_is_known_by_its_mark_or_its_first_word(text, is_question):
    assert read_query(Query(text), date.min).is_question is is_question


def test_a_question_counts_what_is_near_in_meaning_before_what_holds_a_word(searcher):
    question = searcher.search(Query("why was the lighthouse keeper replaced by inspectors?"))
    assert tuple(question.totals.groups) == BY_MEANING


def test_oldest_begins_with_an_article_that_names_what_is_asked_for(engines, tmp_path):
    stories = [
        {"id": "before", "title": "A leak", "published": "2012-01-01", "text": "Secrets leaked."},
        {"id": "named", "title": "Leaks", "published": "2013-06-09", "text": "Edward Snowden."},
        {"id": "half", "title": "Edward", "published": "2011-06-09", "text": "Edward sang."},
    ]
    fill(engines, write_stories(tmp_path, stories))
    searcher = Searcher(engines, RankingOptions(floor=-1.0))
    found = searcher.search(Query("Edward Snowden", sort=Sort.OLDEST))
    assert [hit.article.id for hit in found.hits] == ["named"]
    assert found.total == found.totals.articles == 1
    everyone = searcher.search(Query("Edward Snowden", sort=Sort.OLDEST, match=Group.RELATED))
    assert {"named", "half"} <= {hit.article.id for hit in everyone.hits}


def test_a_poor_answer_shows_what_is_closest_and_its_links_are_not_empty(engines):
    searcher = Searcher(engines, RankingOptions(floor=0.05))
    found = searcher.search(Query("ferry qwrtz zxcvb wrtzu lmnop ghjkl plonk hjkl"))
    assert (found.verdict, found.total, found.hits) == (Verdict.NONE, 0, ())
    assert found.closest
    for closest in found.closest:
        link = replace(found.query, mode=closest.mode, match=Group.RELATED)
        again = searcher.search(link)
        assert again.total == closest.total
        assert again.hits[:3] == closest.hits
