"""A query that binds and finds nothing is relaxed in steps, and says so."""

import json
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backfile.archive.store.reader import ArchiveReader
from backfile.index.asking.reader import read_query
from backfile.index.lexical.analysis.alignment import Alignment
from backfile.index.model.filters import Filters
from backfile.index.model.groups import Group
from backfile.index.model.query import Mode, Query, Sort
from backfile.index.model.results import Loosened, Relaxation, Rule, Verdict
from backfile.index.search.batch import answers, read_queries
from backfile.index.search.ranking import RankingOptions
from backfile.index.search.searcher import Searcher
from backfile.web.api.exports import as_hit_table
from backfile.web.app import create_app
from tests.builders import everything, fill, write_stories

STORIES = [
    {
        "id": "speech",
        "title": "The mayor speaks",
        "published": "2024-05-02",
        "source": "Pier Herald",
        "text": "The mayor rose late. We shall never close the old swing bridge to the ferry "
        "crews, she said. Nobody clapped.",
    },
    {
        "id": "bridge",
        "title": "Crews wait at the bridge",
        "published": "2024-05-03",
        "source": "Northshore Wire",
        "text": "Ferry crews waited at the old bridge. The swing to the north was slow. We never "
        "close, said the keeper of the lamp.",
    },
    {
        "id": "lamp",
        "title": "A lamp for the pier",
        "published": "2022-01-01",
        "source": "Northshore Wire",
        "text": "The pier has a new lamp. It shines at night.",
    },
]
EXACT = '"we shall never close the old swing bridge"'
ALTERED = '"we shall never shut the old swing bridge"'
NOWHERE = '"lamp inspectors zxqv qwrtz plonk"'


@pytest.fixture
def quoting(engines, tmp_path):
    fill(engines, write_stories(tmp_path, STORIES))
    return Searcher(engines, RankingOptions(floor=0.05), today=lambda: date(2024, 6, 1))


def ids(results):
    return [hit.article.id for hit in results.hits]


@pytest.mark.parametrize("mode", Mode)
def test_a_quote_that_differs_in_a_word_finds_its_article(quoting, mode):
    found = quoting.search(Query(ALTERED, mode=mode))
    assert found.relaxed == Relaxation(Loosened.NEAR, (Rule.PHRASE,))
    assert (ids(found), found.total, found.verdict) == (["speech"], 1, Verdict.WEAK)
    assert found.counted is Group.MOST
    (wording,) = found.hits[0].passages[0].wordings
    assert [wording.asked[a:b] for a, b in wording.lacking] == ["shut"]
    assert [wording.says[a:b] for a, b in wording.added] == ["close"]
    assert wording.says == "We shall never close the old swing bridge"
    passage = found.hits[0].passages[0]
    marked = [passage.passage.text[a:b] for a, b in passage.highlights]
    assert marked == ["We shall never", "the old swing bridge"]


@pytest.mark.parametrize(
    "typed",
    [
        "we shall never ever close the old swing bridge",
        "we shall never the old swing bridge",
        "we never shall close the old swing bridge",
        "we shall never closes the old swinging bridge",
    ],
)
def test_words_may_be_missing_added_swapped_or_in_another_form(quoting, typed):
    assert ids(quoting.search(Query(f'"{typed}"')))[:1] == ["speech"]


def test_a_word_in_another_form_agrees_in_the_language_of_the_article(engines, tmp_path):
    fill(engines, write_stories(tmp_path, [{**STORIES[0], "language": "en"}]))
    found = Searcher(engines, RankingOptions()).search(Query(ALTERED.replace("bridge", "bridges")))
    (wording,) = found.hits[0].passages[0].wordings
    assert [wording.asked[a:b] for a, b in wording.lacking] == ["shut"]


def test_what_is_found_exactly_is_not_relaxed(quoting):
    found = quoting.search(Query(EXACT))
    assert (ids(found), found.relaxed) == (["speech"], None)
    assert found.hits[0].passages[0].wordings == ()


def test_a_strict_query_is_not_relaxed(quoting):
    found = quoting.search(Query(ALTERED, strict=True))
    assert (found.total, found.relaxed, found.verdict) == (0, None, Verdict.NONE)


@pytest.mark.parametrize(
    ("text", "rules"),
    [
        (NOWHERE, (Rule.PHRASE,)),
        ("lamp AND zxqv", (Rule.AND,)),
        ("lamp W/3 zxqv", (Rule.NEAR,)),
        ("title:lamp AND title:zxqv", (Rule.AND, Rule.FIELD)),
        ("source:Nowhere lamp", (Rule.FIELD,)),
        ("zxqv* lamp", (Rule.SPELLING,)),
        ("source:Wire lamp AND zxqv*", (Rule.AND, Rule.FIELD, Rule.SPELLING)),
    ],
)
def test_what_binds_and_finds_nothing_is_relaxed_to_words(quoting, text, rules):
    found = quoting.search(Query(text, mode=Mode.KEYWORD, match=Group.SOME))
    assert found.relaxed is not None
    assert found.relaxed.to is Loosened.WORDS
    assert set(found.relaxed.rules) == set(rules)
    assert "lamp" in ids(found)


def test_a_condition_on_a_field_goes_last(quoting):
    found = quoting.search(
        Query("source:Herald AND lamp AND mayor", mode=Mode.HYBRID, match=Group.RELATED)
    )
    assert {hit.article.source for hit in found.hits} == {"Pier Herald"}


@pytest.mark.parametrize("text", [f"{ALTERED} NOT mayor", f"{ALTERED} NOT ferry"])
def test_what_is_excluded_stays_excluded(quoting, text):
    found = quoting.search(Query(text, match=Group.RELATED))
    assert found.relaxed is not None
    assert "speech" not in ids(found)


def test_filters_stay(quoting):
    elsewhere = Query(EXACT, filters=Filters(source=("Northshore Wire",)), match=Group.RELATED)
    found = quoting.search(elsewhere)
    assert found.relaxed is not None
    assert found.hits
    assert {hit.article.source for hit in found.hits} == {"Northshore Wire"}


@pytest.mark.parametrize("text", ["zxqv", "lamp zxqv", "", "NOT lamp", "mayor bridge"])
def test_what_does_not_bind_is_not_relaxed(quoting, text):
    assert quoting.search(Query(text)).relaxed is None


@pytest.mark.parametrize("text", [ALTERED, NOWHERE, "lamp AND zxqv", "lamp W/3 zxqv"])
@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize("sort", [Sort.RELEVANCE, Sort.NEWEST])
def test_all_counts_are_those_of_the_relaxed_query(quoting, text, mode, sort):
    results, hits = everything(quoting, Query(text, mode=mode, sort=sort))
    assert results.total == len(hits)
    counted = [hit for hit in hits if hit.group is results.counted]
    assert results.totals.articles == len(counted)
    dated = sum(each.count for each in results.timeline.bins)
    assert dated + results.timeline.undated == len(counted)
    assert sum(each.count for each in results.facets["source"]) == len(counted)
    for each in results.facets["source"]:
        narrowed = replace(results.query, filters=Filters(source=(each.value,)), cursor=None)
        assert quoting.search(narrowed).totals.articles == each.count


def test_a_poor_relaxed_answer_shows_what_is_closest_and_its_links_are_not_empty(quoting):
    found = quoting.search(Query('"zxqv qwrtz plonk wrtzu lmnop ghjkl hjkl lamp shines"'))
    assert found.relaxed is not None
    assert found.verdict is Verdict.NONE
    for closest in found.closest:
        again = quoting.search(replace(found.query, mode=closest.mode, match=Group.RELATED))
        assert again.total == closest.total


def test_no_step_begins_when_the_time_is_over(engines, quoting):
    late = Searcher(engines, RankingOptions(), budget=0.0)
    assert late.search(Query(ALTERED)).relaxed is None


def test_a_misspelt_word_of_a_quote_is_still_corrected(quoting):
    found = quoting.search(Query('"we shall never close the old swing brigde"'))
    assert found.relaxed is not None
    assert found.did_you_mean is not None
    assert found.did_you_mean.text == EXACT


def test_page_api_batches_and_exports_agree(quoting, engines):
    client = create_app(quoting, ArchiveReader(engines.catalog)).test_client()
    answer = client.get("/api/search", query_string={"q": ALTERED}).json
    assert answer["relaxed"] == {"to": "near", "rules": ["phrase"]}
    (wording,) = answer["hits"][0]["passages"][0]["wordings"]
    assert wording["lacking"] == [[15, 19]]
    page = client.get("/", query_string={"q": ALTERED}).text
    assert "No article has exactly these words. Closest wording:" in page
    assert "<del>shut<" in page
    assert "<ins>close<" in page
    assert "/export.csv" not in page
    line = json.dumps({"q": ALTERED})
    batch = client.post("/api/search/batch", data=line).text
    assert json.loads(batch)["relaxed"]["to"] == "near"
    listed = read_queries(["q", ALTERED.replace('"', '"""')])
    table = "".join(as_hit_table(answers(quoting, listed, {})))
    assert ",weak,near,most,1," in table
    assert client.get("/export.jsonl", query_string={"q": ALTERED}).text == ""
    assert client.get("/search.json", query_string={"q": ALTERED}).json["items"] == []
    strict = client.get("/api/search", query_string={"q": ALTERED, "strict": "1"}).json
    assert (strict["relaxed"], strict["total"], strict["query"]["strict"]) == (None, 0, True)
    offered = client.get("/", query_string={"q": ALTERED, "strict": "1"}).text
    assert "Show the closest wording" in offered


def test_the_article_of_a_relaxed_query_is_marked(quoting, engines):
    client = create_app(quoting, ArchiveReader(engines.catalog)).test_client()
    page = client.get("/article/speech", query_string={"q": ALTERED}).text
    assert '<mark id="m1">We shall never</mark> close' in page
    assert '<mark id="m2">the old swing bridge</mark>' in page
    strict = client.get("/article/speech", query_string={"q": ALTERED, "strict": "1"}).text
    assert "<mark" not in strict


def test_a_filtered_page_says_that_the_filters_leave_nothing(quoting, engines):
    client = create_app(quoting, ArchiveReader(engines.catalog)).test_client()
    page = client.get("/", query_string={"q": EXACT, "source": "Northshore Wire"}).text
    assert "No article under these filters has exactly these words" in page


PASTED = (
    "The mayor told everyone at the town hall on Tuesday night that "
    '"we shall never shut the old swing bridge", and nobody clapped'
)


def test_a_quotation_in_a_pasted_text_weighs_and_does_not_bind(quoting):
    found = quoting.search(Query(PASTED))
    assert found.relaxed is None
    assert ids(found)[0] == "speech"
    assert any("a quotation weighs" in note for note in found.reading.notes)
    exact = quoting.search(Query(PASTED.replace("shut", "close"), mode=Mode.KEYWORD))
    phrase = [part for part in exact.hits[0].why.parts if part.kind == "phrase"]
    assert phrase
    assert phrase[0].score > 0


def test_a_quotation_binds_alone_in_a_short_text_and_beside_an_operator():
    def required(text, **given):
        return read_query(Query(text, **given), date.min).expression

    for text in (f"mayor {ALTERED}", '"one two three four five six seven" "8 9 10 11 12 13 14"'):
        assert required(text) == required(text, strict=True)
    assert required(PASTED) != required(PASTED, strict=True)
    beside = PASTED.replace(", and nobody", " AND nobody")
    assert required(beside) == required(beside, strict=True)


WORDS = ["old", "swing", "bridge", "ferry", "crews", "close"]
words = st.lists(st.sampled_from(WORDS), max_size=12)


@given(words, words)
def test_an_alignment_pairs_equal_words_in_order(quotation, text):
    quoted, says = " ".join(quotation), " ".join(text)
    found = Alignment.of(quoted, says)
    pairs = list(found.pairs)
    assert pairs == sorted(pairs)
    assert len({i for i, _ in pairs}) == len({j for _, j in pairs}) == len(pairs)
    assert all(quotation[i] == text[j] for i, j in pairs)
    assert 0 <= found.share <= 1
    if quotation and quotation == text:
        assert found.share == 1
        assert found.lacking == found.added == ()


def test_the_shell_shows_what_differs(quoting, capsys):
    from backfile.scripts.printing.hits import print_results

    print_results(quoting.search(Query(ALTERED)), why=False)
    printed = capsys.readouterr()
    assert "you asked: we shall never [-shut-] the old swing bridge" in printed.out
    assert "it says:   We shall never {+close+} the old swing bridge" in printed.out
    assert "No article has exactly these words. Closest wording:" in printed.err
