"""The matcher against a plain, slow reading of the same articles, and rules for many words."""

from functools import cache
from math import log, log1p
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backfile.index.lexical.analysis.stemming import fold, term_of
from backfile.index.lexical.scoring import holding, matching
from backfile.index.lexical.scoring.bm25 import K1, Idf, added, merged
from backfile.index.lexical.scoring.collection import Collection
from backfile.index.lexical.scoring.lexical_search import LexicalSearch
from backfile.index.lexical.storage.whoosh_index import WhooshIndex
from backfile.index.model.article_table import ArticleTable
from backfile.index.model.category import Category
from backfile.index.model.expression import (
    And,
    Field,
    Fuzzy,
    Near,
    Not,
    Or,
    Phrase,
    Prefix,
    Stretch,
    Word,
    Words,
)
from backfile.index.model.postings import Postings
from backfile.index.seams.protocols import LexicalEntry
from tests.builders import TEXTS, entries, table
from tests.fakes import MemoryIndex

N_ROWS = 40
postings = st.dictionaries(st.integers(1, N_ROWS - 1), st.integers(1, 9)).map(
    lambda found: Postings(
        np.array(list(found), np.int64), np.array(list(found.values()), np.float32)
    ).sorted()
)
POST = [f"word{n}" for n in range(60)]


# A plain reading: every passage is read for every leaf.

SOURCES = ["Coastal Courier", "Gazette", "Coastal Gazette"]
COMMON = ["ferry", "bridge", "ash"]
SPOKEN = [*COMMON * 4, "ferries", "fern", "bridges", "O'Hara", "Zoë's", "the", "is"]
STOP_WORDS = {"the", "is"}
BREAKS = [" ", " ", ". ", ".\n\n"]  # what follows a word: nothing, a sentence, a paragraph


class PlainPassage:
    """The terms of a passage, and the number of the sentence and paragraph of each."""

    def __init__(self, row, article, title, text):
        self.row, self.article = row, article
        self.title, self.text = " ".join(title), typed(text)
        self.terms = {Field.TITLE: [], Field.TEXT: []}
        self.stretches = {Field.TITLE: [], Field.TEXT: []}
        self.spelt = []  # (spelling, term)
        sentence = paragraph = 0
        for field, said in ((Field.TITLE, [(word, " ") for word in title]), (Field.TEXT, text)):
            for word, after in said:
                piece = word
                self.terms[field].append(term_of(piece))
                self.stretches[field].append((sentence, paragraph))
                self.spelt.append((fold(piece), term_of(piece)))
                sentence += after != " "
                paragraph += after == ".\n\n"

    def fields(self, field):
        return [Field.TITLE, Field.TEXT] if field is Field.ANY else [field]

    def length(self, field):
        return sum(len(self.terms[each]) for each in self.fields(field))

    def count(self, field, alternatives):
        return sum(self.terms[f].count(term) for f in self.fields(field) for term in alternatives)

    def holds(self, field, words, gaps):
        """Whether one field holds the terms in this order, each within its gap of the last."""
        return any(
            self.goes_on(each, at, words[1:], gaps)
            for each in self.fields(field)
            for at, term in enumerate(self.terms[each])
            if term == words[0]
        )

    def goes_on(self, field, at, words, gaps):
        return not words or any(
            self.terms[field][later] == words[0]
            and self.within(field, at, later, gaps[0])
            and self.goes_on(field, later, words[1:], gaps[1:])
            for later in range(at + 1, len(self.terms[field]))
        )

    def within(self, field, at, later, gap):
        if not isinstance(gap, Stretch):
            return later - at <= gap
        one, other = self.stretches[field][at], self.stretches[field][later]
        part = 0 if gap is Stretch.SENTENCE else 1
        return one[part] == other[part]


def typed(text):
    """Write words with what follows each, sentences with capitals."""
    written, begins = "", True
    for word, after in text:
        written += (word[:1].upper() + word[1:] if begins else word) + after
        begins = after != " "
    return written.rstrip()


class PlainMatcher:
    """Answers by reading all passages; `living` is what scores, `passages` what has words."""

    def __init__(self, passages, living, sources, idf):
        self.spelt = {pair for passage in passages for pair in passage.spelt}
        self.living, self.sources, self.kind = living, sources, idf
        self.everyone = set(range(len(sources)))
        self.idfs, self.n_words = [], 0
        self.scores = {passage.row: 0.0 for passage in living}

    def idf(self, alternatives, field=Field.ANY, kind=None):
        n = len(self.living)
        df = sum(passage.count(field, alternatives) > 0 for passage in self.living)
        if (kind or self.kind) is Idf.LUCENE:
            return log1p((n - df + 0.5) / (df + 0.5))
        return log(n / (df + 1)) + 1

    def score(self, passage, field, alternatives):
        mean = sum(each.length(field) for each in self.living) / len(self.living)
        tf = passage.count(field, alternatives)
        norm = 1.2 * (1 - 0.75 + 0.75 * passage.length(field) / mean) if mean else 0
        return self.idf(alternatives, field) * tf * 2.2 / (tf + norm) if tf else 0.0

    def answer(self, expression):
        """(eligible, matching, leading, most words, all words), each a set of articles."""
        if not isinstance(expression, Words):
            return [self.node(expression, counting=True)] * 5
        words, eligible = self.parts(expression, counting=True)
        if not words:
            return [eligible] * 5
        every = set.intersection(eligible, *words.values())
        found, leading, most = self.enough(words, eligible)
        most = every | (most & found) if len(words) > 2 else every
        if len(words) > 3:
            best = sorted((-score, row) for row, score in self.scores.items() if score > 0)
            owners = {passage.row: passage.article for passage in self.living}
            best = [owners[row] for _, row in best if owners[row] in eligible]
            found |= set(best[: matching.BEST_PASSAGES])
            leading = found
        return [eligible, found, leading, most, every]

    def enough(self, words, eligible):
        weights = {
            word: sum(self.idf([term], kind=Idf.WHOOSH) for term in word)
            for word, articles in words.items()
            if articles
        }
        contained = {
            article: sum(weights[word] for word in weights if article in words[word])
            for article in eligible
        }
        whole, best = sum(weights.values()), max(contained.values(), default=0)
        absent = (len(words) - len(weights)) * max(weights.values(), default=0)
        shares = (
            min(best, holding.LEAST_SHARE * whole),
            min(best, whole),
            holding.MOST_SHARE * (whole + absent),
        )
        return [
            {a for a, share in contained.items() if share > 0 and share >= 0.999 * needed}
            for needed in shares
        ]

    def parts(self, group, counting):
        """The articles of each plain word, by its terms, and the articles that keep the rest."""
        eligible = set(self.everyone)
        for part in group.required:
            eligible &= self.node(part, counting)
        plain = [word.text for word in group.plain]
        texts = {}
        for text in [text for text in plain if text not in STOP_WORDS] or plain:
            texts.setdefault(tuple(map(term_of, text.split("-"))), text)
        few = len(texts) <= 3
        self.n_words += len(texts) * counting
        words = {each: self.leaf(Word(text), counting, few) for each, text in texts.items()}
        return words, eligible

    def node(self, expression, counting):
        match expression:
            case And(parts):
                return set.intersection(*[self.node(part, counting) for part in parts])
            case Or(parts):
                return set.union(*[self.node(part, counting) for part in parts])
            case Not(part):
                return self.everyone - self.node(part, counting=False)
            case Words():
                words, eligible = self.parts(expression, counting)
                return set.intersection(eligible, *words.values())
        return self.leaf(expression, counting)

    def leaf(self, leaf, counting, spelt_first=False):
        if leaf.field is Field.SOURCE:
            wanted = leaf.text.lower()
            return {i for i, name in enumerate(self.sources) if wanted in name.lower().split()}
        places, holds = self.looked_for(leaf)
        found = [passage for passage in self.living if holds(passage)]
        if counting and isinstance(leaf, Prefix | Fuzzy):
            self.idfs.append(max([self.idf([term]) for term in places[0]], default=0))
        elif counting and (found or len(places) == 1):  # a phrase that is nowhere adds no bound
            self.idfs += [self.idf(alternatives) for alternatives in dict.fromkeys(places)]
        spelling = (fold(leaf.text), term_of(leaf.text))
        spelt = {p.article for p in found if spelling in p.spelt} if spelt_first else set()
        for passage in found if counting else []:
            for alternatives in dict.fromkeys(places):
                other = spelt and passage.article not in spelt
                share = matching.OTHER_FORM if other else 1
                self.scores[passage.row] += share * self.score(passage, leaf.field, alternatives)
        return {passage.article for passage in found}

    def looked_for(self, leaf):
        """The alternative terms of each place, and whether a passage holds the leaf."""
        match leaf:
            case Prefix(text):
                begun = {term for word, term in self.spelt if word.startswith(fold(text))}
                terms = (*sorted(begun | {term_of(text)}),)
                return [terms], lambda passage: passage.count(leaf.field, terms)
            case Fuzzy(text, _, edits):
                near = {t for w, t in self.spelt if distance(fold(text), w) <= edits}
                terms = (*sorted(near),)
                return [terms], lambda passage: passage.count(leaf.field, terms)
            case Near(first, second, field, within, ordered):
                one, other = (list(map(term_of, side.split())) for side in (first, second))
                orders = [(one, other)] if ordered else [(one, other), (other, one)]
                chains = [(a + b, [1] * (len(a) - 1) + [within] + [1] * len(b)) for a, b in orders]
                places = [(term,) for term in one + other]
                return places, lambda passage: any(passage.holds(field, *c) for c in chains)
        words = [term_of(piece) for word in leaf.text.split() for piece in word.split("-")]
        gaps = [leaf.slop if isinstance(leaf, Phrase) else 1] * len(words)
        return [(word,) for word in words], lambda passage: passage.holds(leaf.field, words, gaps)


@cache
def distance(one, other):
    """How many letters to insert, delete, replace or swap with a neighbour."""
    if not one or not other:
        return len(one) + len(other)
    ways = [
        distance(one[1:], other) + 1,
        distance(one, other[1:]) + 1,
        distance(one[1:], other[1:]) + (one[0] != other[0]),
    ]
    if len(one) > 1 and one[:2] == other[1::-1]:
        ways.append(distance(one[2:], other[2:]) + 1)
    return min(ways)


words = st.sampled_from(SPOKEN)
fields = st.sampled_from([Field.ANY, Field.ANY, Field.TITLE, Field.TEXT])
sides = st.lists(st.sampled_from(COMMON), min_size=1, max_size=2).map(" ".join)
sequences = st.one_of(
    st.builds(
        Phrase,
        st.lists(st.sampled_from([*COMMON * 3, "the", "covid-19"]), min_size=1, max_size=3).map(
            " ".join
        ),
        fields,
        st.integers(1, 3),
    ),
    st.builds(Near, sides, sides, fields, st.sampled_from([1, 2, 3, *Stretch]), st.booleans()),
)
leaves = st.one_of(
    st.builds(Word, words, fields),
    st.builds(Word, st.sampled_from(["coastal", "gazette", "courier"]), st.just(Field.SOURCE)),
    sequences,
    st.builds(Prefix, st.sampled_from(["fer", "ferr", "br", "zo", "q"]), fields),
    st.builds(Fuzzy, st.sampled_from(["fery", "bridgs", "has"]), fields, st.integers(1, 2)),
)
trees = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map(tuple).map(And),
        st.lists(inner, min_size=1, max_size=3).map(tuple).map(Or),
        st.builds(Not, inner),
        st.lists(st.one_of(st.builds(Word, words), inner), min_size=1, max_size=4)
        .map(tuple)
        .map(Words),
    ),
    max_leaves=5,
)
texts_of_words = st.lists(st.builds(Word, words), min_size=1, max_size=9).flatmap(
    lambda plain: st.lists(trees, max_size=1).map(lambda more: Words((*plain, *more)))
)


def archives(longest):
    passages = st.tuples(
        st.lists(words, max_size=2),
        st.lists(st.tuples(words, st.sampled_from(BREAKS)), max_size=longest),
        st.integers(0, 4),  # the article
        st.sampled_from([True, True, True, False]),  # living
    )
    return st.lists(passages, min_size=2, max_size=12)


def read(archive):
    """The plain passages and the article table of an archive; the last row is beyond the table."""
    found = [PlainPassage(row, each[2], *each[:2]) for row, each in enumerate(archive, 1)]
    article_of = np.array([-1, *(each[2] if each[3] else -1 for each in archive[:-1])], np.int64)
    living = [passage for passage in found[:-1] if article_of[passage.row] >= 0]
    sources = [SOURCES[n % len(SOURCES)] for n in range(5)]
    none, days = Category.of([()] * 5), np.ones(5, np.int32)
    known = ArticleTable(
        1, article_of, article_of >= 0, days, days, -days, -days,
        Category.of([(name,) for name in sources]), none, Category.of([("en",)] * 5), none,
        none, none, none, days, days,
    )  # fmt: skip
    return found, living, sources, known


def compare(index, archive, expression, idf):
    found, living, sources, known = read(archive)
    if not living:
        return
    index.add([LexicalEntry(each.row, each.title, each.text, "en") for each in found])
    index.flush()
    plain = PlainMatcher(found, living, sources, idf)
    expected = plain.answer(expression)
    matches = LexicalSearch(index.snapshot(), known).match(expression, idf=idf)
    masks = (
        *(matches.eligible, matches.matching, matches.leading),
        *(matches.holds_most, matches.holds_all),
    )
    assert [set(np.flatnonzero(mask).tolist()) for mask in masks] == expected
    scores = {row: score for row, score in enumerate(matches.scores.tolist()) if score}
    assert scores == pytest.approx({r: s for r, s in plain.scores.items() if s}, rel=1e-4)
    assert matches.n_words == plain.n_words
    assert matches.most == pytest.approx(2.2 * sum(sorted(plain.idfs)[-10:]), rel=1e-4)
    by_leaf = sum(np.bincount(found.rows, found.scores, known.n_rows)
                  for leaf in matches.leaves for found in leaf.lists)  # fmt: skip
    np.testing.assert_allclose(by_leaf, matches.scores, rtol=1e-4)


IDFS = st.sampled_from(Idf)


@pytest.mark.long
@settings(max_examples=300, deadline=None)
@given(archives(9), trees, IDFS)
def test_an_expression_matches_and_scores_as_a_plain_reading_does(archive, expression, idf):
    compare(MemoryIndex(), archive, expression, idf)


@pytest.mark.long
@settings(max_examples=300, deadline=None)
@given(archives(9), sequences, IDFS)
def test_an_order_of_words_matches_and_scores_as_a_plain_reading_does(archive, leaf, idf):
    compare(MemoryIndex(), archive, leaf, idf)


@pytest.mark.long
@settings(max_examples=300, deadline=None)
@given(archives(9), texts_of_words, IDFS, st.sampled_from([0, 20]), st.sampled_from([0.15, 0.6]))
def test_a_text_of_words_matches_as_a_plain_reading_does(archive, expression, idf, best, least):
    with patch.object(matching, "BEST_PASSAGES", best), patch.object(holding, "LEAST_SHARE", least):
        compare(MemoryIndex(), archive, expression, idf)


@settings(max_examples=40, deadline=None)
@given(archive=archives(5), expression=st.one_of(trees, texts_of_words), idf=IDFS)
def test_whoosh_answers_as_a_plain_reading_does(archive, expression, idf, tmp_path_factory):
    index = WhooshIndex(tmp_path_factory.mktemp("plain") / "lexical")
    compare(index, archive, expression, idf)


def search_of(*texts, title=""):
    index = MemoryIndex()
    index.add([LexicalEntry(row, title, text) for row, text in enumerate(texts, 1)])
    return LexicalSearch(index.snapshot(), table(len(texts)))


def matching_articles(lexical, expression, known):
    found = LexicalSearch(lexical.snapshot(), known).match(expression)
    return np.flatnonzero(found.matching).tolist()


def asked(words):
    return Words(tuple(map(Word, words)))


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        (Word("bridges"), [0, 1, 3]),
        (Phrase("swing bridge"), [0]),
        (Phrase("bridge swing", slop=2), [1]),
        (Prefix("ferr"), [2, 3]),
        (Fuzzy("fery"), [2, 3]),
        (Fuzzy("brigde"), [0, 1, 3]),
        (Fuzzy("birdgee"), []),
        (Fuzzy("birdgee", edits=2), [0, 1, 3]),
        (Prefix("bridge"), [0, 1, 3]),
        (Near("bridge", "swing", within=1), [0]),
        (Near("bridge", "swing", within=2), [0, 1]),
        (Near("bridge", "swing", within=2, ordered=True), [1]),
        (Near("swing bridge", "shut", within=2), [0]),
        (Near("ferry", "ferry", within=1), [3]),
        (And((Word("bridge"), Word("ferry"))), [3]),
        (Or((Word("shut"), Word("runs"))), [0, 2]),
        (Not(Word("bridge")), [2]),
        (Word("title", Field.TITLE), [0, 1, 2, 3]),
        (Word("ferry", Field.TITLE), []),
        (Words((Word("bridge"), Not(Word("ferry")))), [0, 1]),
        (Words((Word("nowhere"),)), []),
    ],
)
def test_an_expression_matches_the_articles_it_describes(expression, expected):
    lexical = MemoryIndex()
    lexical.add(entries())
    assert matching_articles(lexical, expression, table(4)) == expected


def test_an_empty_index_matches_nothing(lexical):
    assert matching_articles(lexical, Words((Word("bridge"),)), table(4)) == []


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        (Near("ferry", "bridge", within=Stretch.SENTENCE), [0, 3]),
        (Near("bridge", "ferry", Field.TEXT, Stretch.SENTENCE), [0]),
        (Near("bridge", "ferry", within=Stretch.SENTENCE, ordered=True), [3]),
        (Near("ferry", "bridge", within=Stretch.PARAGRAPH), [0, 1, 3]),
        (Near("swing bridge", "late ferry", within=Stretch.PARAGRAPH), [1]),
        (Near("ferry", "ferry", within=Stretch.PARAGRAPH), [2]),
        (Near("ferry", "ferry", within=Stretch.SENTENCE), []),
        (Near("bridge", "ferry", Field.TITLE, Stretch.SENTENCE), [3]),
        (Near("bridge", "quay", within=Stretch.SENTENCE), []),
    ],
)
def test_words_are_found_in_one_sentence_or_paragraph(lexical, expression, expected):
    lexical.add(
        [
            LexicalEntry(1, "", "The ferry hit the bridge. Nobody saw it.", "en"),
            LexicalEntry(2, "", "A late ferry. The swing bridge shut.\n\nA quay.", "en"),
            LexicalEntry(3, "", "One ferry. Another ferry.\n\nThe bridge is shut.", "en"),
        ]
    )
    lexical.add([LexicalEntry(4, "The bridge. The ferry", "A quay. The bridge.", "en")])
    lexical.flush()
    assert matching_articles(lexical, expression, table(4)) == expected


def test_and_is_decided_for_articles_not_for_passages():
    lexical = MemoryIndex()
    lexical.add(entries())
    both = And((Word("shut"), Word("swing")))
    apart = And((Word("runs"), Phrase("ferry bridge")))
    assert matching_articles(lexical, both, table(4, per_article=2)) == [0]
    assert matching_articles(lexical, apart, table(4, per_article=2)) == [1]


def test_rows_that_the_table_does_not_have_are_ignored(lexical):
    lexical.add(entries())
    assert matching_articles(lexical, Word("ferry"), table(3)) == [2]
    lexical.remove(np.array([4]))
    assert matching_articles(lexical, Word("ferry"), table(3)) == [2]


@pytest.mark.parametrize("merged", [False, True])
def test_a_word_is_found_by_its_beginning_while_any_passage_holds_it(lexical, merged):
    lexical.add(entries(1, [f"ferry {'x' * n}" for n in range(1, 31)]))
    lexical.add(entries(31, ["a bridge"]))
    for left in range(29, 0, -1):
        lexical.remove(np.array([left + 1]))
        if merged:
            lexical.settle()
        articles = table(31)
        articles.article_of[left + 1 : 31] = -1
        for expression in (Prefix("ferr"), Fuzzy("fery"), Fuzzy("ferrx")):
            assert matching_articles(lexical, expression, articles) == list(range(left))


def test_a_search_keeps_what_it_has_read():
    lexical = MemoryIndex()
    lexical.add(entries())
    snapshot = lexical.snapshot()
    search = LexicalSearch(snapshot, table(len(TEXTS)))
    first = search.match(Word("ferry"))
    with patch.object(type(snapshot), "postings", side_effect=AssertionError):
        again = search.match(Word("ferry"))
    np.testing.assert_array_equal(first.scores, again.scores)
    assert search.spellings() is search.spellings()


@given(postings, postings)
def test_two_fields_add_up_to_one_list_of_postings(one, other):
    found = added(one, other)
    order = np.argsort(found.rows)
    expected = merged([one, other])
    assert found.rows[order].tolist() == np.sort(expected.rows).tolist()
    assert found.frequencies.sum() == expected.frequencies.sum()
    by_row = dict(zip(expected.rows.tolist(), expected.frequencies.tolist(), strict=True))
    assert by_row == dict(zip(found.rows.tolist(), found.frequencies.tolist(), strict=True))


words_of_passages = st.lists(
    st.lists(st.sampled_from(["ferry", "bridge", "ash"]), max_size=4).map(" ".join),
    min_size=1,
    max_size=40,
)


@given(
    words_of_passages,
    st.sampled_from([Field.ANY, Field.TITLE, Field.TEXT]),
    st.sampled_from([("ferri",), ("ferri", "bridg"), ("ash", "nowhere")]),
    IDFS,
    st.integers(1, 40),
)
def test_some_rows_score_as_they_do_in_the_whole_list(texts, field, terms, idf, step):
    index = MemoryIndex()
    titles = ["ferry ash" if n % 3 == 0 else "" for n in range(len(texts))]
    index.add([LexicalEntry(n, *pair) for n, pair in enumerate(zip(titles, texts, strict=True), 1)])
    collection = Collection(index.snapshot(), table(len(texts)))
    rows = np.arange(1, len(texts) + 1, step)
    n_rows = collection.frequency(field, terms)
    found = collection.scores_at(rows, field, terms, idf)
    whole = collection.scored_postings(field, terms, idf)
    by_row = dict(zip(whole.rows.tolist(), whole.scores.tolist(), strict=True))
    assert found.tolist() == [by_row.get(row, 0.0) for row in rows.tolist()]
    assert n_rows == len(whole.rows)


def test_the_rows_of_an_article_are_found_among_those_of_others():
    known = table(7)
    known.article_of[:] = [-1, 0, 1, -1, 0, 2, 1, -1]
    found = {ordinal: known.rows_of_article(ordinal).tolist() for ordinal in range(7)}
    assert found == {0: [1, 4], 1: [2, 6], 2: [5], 3: [], 4: [], 5: [], 6: []}
    assert known.first_rows.tolist() == [1, 2, 5, -1, -1, -1, -1]


def test_a_word_in_title_and_text_scores_as_if_it_stood_twice_in_one():
    apart = search_of("bridge shut", "ferry runs", title="swing bridge")
    joined = search_of("swing bridge bridge shut", "swing bridge ferry runs")
    for word in ("bridge", "ferry", "swing"):
        scores = [search.match(Word(word)).scores for search in (apart, joined)]
        np.testing.assert_allclose(*scores, rtol=1e-6)


def test_a_long_post_matches_the_articles_of_the_best_passages_however_little_they_hold():
    search = search_of(" ".join(POST[:12]), *POST[1:])
    found = search.match(asked(POST))
    assert int(found.matching.sum()) == matching.BEST_PASSAGES
    few = search.match(asked(POST[:3]))
    assert np.flatnonzero(few.leading).tolist() == [0]  # of three words, all that can be there
    assert np.flatnonzero(few.holds_all).tolist() == [0]
    assert np.flatnonzero(few.matching).tolist() == [0, 1, 2]


def test_the_best_passages_match_only_where_what_is_required_is_kept():
    search = search_of(
        *(f"{word} {'open' if n % 2 else 'now shut'}" for n, word in enumerate(POST))
    )
    found = search.match(Words((*map(Word, POST), Phrase("now shut"))))
    assert found.matching.any()
    assert not found.matching[1::2].any()


def test_a_text_is_weighed_against_its_weightiest_words_alone():
    search = search_of(*POST)
    few, many = (search.match(asked(POST[:n])) for n in (10, 50))
    assert few.most == many.most
    assert few.most == pytest.approx((K1 + 1) * 10 * (np.log(len(POST) / 2) + 1))
