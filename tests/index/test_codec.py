"""The codec against stock Whoosh: a stock searcher answers alike, and numpy scores alike."""

import math
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from whoosh import fields, index, query
from whoosh.scoring import BM25F
from whoosh.searching import Searcher

from backfile.index.lexical.analysis.analyser import NewsAnalyzer
from backfile.index.lexical.scoring.bm25 import Idf
from backfile.index.lexical.scoring.lexical_search import LexicalSearch
from backfile.index.lexical.storage import whoosh_index
from backfile.index.lexical.storage.forms import FormLists, decode, decoded, encoded, name_of
from backfile.index.lexical.storage.whoosh_index import WhooshIndex
from backfile.index.model.expression import Field, Or, Phrase, Word
from backfile.index.seams.protocols import LexicalEntry
from tests.builders import table

WORDS = ["ash", "boat", "crew", "dock", "east", "fog", "gale", "helm"]
texts = st.lists(st.sampled_from(WORDS), max_size=30).map(" ".join)
corpora = st.lists(
    st.tuples(st.lists(st.sampled_from(WORDS), max_size=3).map(" ".join), texts),
    min_size=1,
    max_size=14,
)
# Whoosh rounds the lengths of fields that are longer than ten words, each by itself.
few_words = st.lists(st.sampled_from(WORDS), max_size=5).map(" ".join)
short = st.lists(st.tuples(few_words, few_words), min_size=1, max_size=14)
QUERIES = [
    query.Term("text", "boat"),
    query.Or([query.Term("text", w) for w in WORDS[:4]]),
    query.And([query.Term("text", "ash"), query.Term("title", "fog")]),
    query.And([query.Term("text", "ash"), query.Not(query.Term("text", "fog"))]),
    query.Prefix("text", "d"),
    query.Phrase("text", ["ash", "boat"]),
    query.Phrase("text", ["boat", "crew"], slop=3),
    query.DisjunctionMax([query.Term("text", "gale"), query.Term("title", "gale")]),
]


def entries(corpus, first=1):
    return [LexicalEntry(row, title, text) for row, (title, text) in enumerate(corpus, first)]


def ours(folder, parts):
    """Our index, a segment for each part."""
    made, row = WhooshIndex(folder / "ours"), 1
    for part in parts:
        made.add(entries(part, row))
        row += len(part)
    return made


def stock(folder, parts):
    """The same passages in an index with Whoosh's own codec."""
    (folder / "stock").mkdir()
    analyzer = NewsAnalyzer()
    text = fields.TEXT(analyzer=analyzer, phrase=True)
    made = index.create_in(folder / "stock", fields.Schema(title=text, text=text))
    for part in parts:
        writer = made.writer()
        for title, body in part:
            writer.add_document(title=title, text=body)
        writer.commit(merge=False)
    return made


class ProbabilisticBM25F(BM25F):
    """Stock scoring with the other idf, under the name by which Whoosh asks a weighting for it."""

    def idf(self, searcher, fieldname, text):
        parent = searcher.get_parent()
        holding, count = parent.doc_frequency(fieldname, text), parent.doc_count_all()
        return math.log(1 + (count - holding + 0.5) / (holding + 0.5))


def ranked(reader, wanted):
    found = Searcher(reader, weighting=BM25F()).search(wanted, limit=None)
    return {hit.docnum: pytest.approx(hit.score, abs=1e-4) for hit in found}


@pytest.mark.long
@settings(max_examples=40, deadline=None)
@given(
    parts=st.lists(corpora, min_size=1, max_size=3), gone=st.sets(st.integers(0, 10), max_size=3)
)
def test_a_stock_searcher_answers_as_on_a_stock_index(parts, gone, tmp_path_factory):
    folder = tmp_path_factory.mktemp("codec")
    mine, theirs = ours(folder, parts), stock(folder, parts)
    n_documents = sum(len(part) for part in parts)
    gone = {document for document in gone if document < n_documents}
    mine.remove(np.array(sorted(gone)) + 1)
    with theirs.writer() as writer:
        for document in gone:
            writer.delete_document(document)
        writer.merge = False
    with mine._opened().reader() as reader, theirs.reader() as other:
        for wanted in QUERIES:
            assert ranked(reader, wanted) == ranked(other, wanted), wanted


@settings(max_examples=40, deadline=None)
@given(
    parts=st.lists(short, min_size=1, max_size=3),
    scoring=st.sampled_from([(Idf.WHOOSH, BM25F()), (Idf.LUCENE, ProbabilisticBM25F())]),
)
def test_numpy_scores_title_and_text_as_stock_bm25f_does_one_field(
    parts, scoring, tmp_path_factory
):
    idf, weighting = scoring
    folder = tmp_path_factory.mktemp("codec")
    n_rows = sum(len(part) for part in parts)
    snapshot = ours(folder, parts).snapshot()
    expression = Or(tuple(Word(word) for word in WORDS[:5]))
    scores = LexicalSearch(snapshot, table(n_rows)).match(expression, idf=idf).scores
    words = query.Or([query.Term("text", word) for word in WORDS[:5]])
    joined = [[("", f"{title} {text}") for title, text in part] for part in parts]
    with stock(folder, joined).reader() as reader:
        expected = np.zeros(n_rows + 1)
        for hit in Searcher(reader, weighting=weighting).search(words, limit=None):
            expected[hit.docnum + 1] = hit.score
    np.testing.assert_allclose(scores, expected, atol=1e-4)


@settings(max_examples=40, deadline=None)
@given(parts=st.lists(corpora, min_size=1, max_size=3), slop=st.integers(1, 4))
def test_a_phrase_is_found_where_its_words_stand_in_order(parts, slop, tmp_path_factory):
    snapshot = ours(tmp_path_factory.mktemp("codec"), parts).snapshot()
    corpus = [passage for part in parts for passage in part]
    search = LexicalSearch(snapshot, table(len(corpus)))
    found = search.match(Phrase("ash boat crew", slop=slop)).matching

    def holds(words):
        ends = [i for i, word in enumerate(words) if word == "ash"]
        for wanted in ("boat", "crew"):
            ends = [
                j for i in ends for j in range(i + 1, i + slop + 1) if words[j : j + 1] == [wanted]
            ]
        return bool(ends)

    assert found.tolist() == [holds(title.split()) or holds(text.split()) for title, text in corpus]


@pytest.mark.long
@settings(max_examples=25, deadline=None)
@given(parts=st.lists(corpora, min_size=10, max_size=12), gone=st.sets(st.integers(1, 60)))
def test_merged_segments_answer_as_before(parts, gone, tmp_path_factory):
    folder = tmp_path_factory.mktemp("codec")
    with patch.object(whoosh_index, "MOST_SEGMENTS", 8):
        merged = ours(folder, parts[:7])
        rows = sum(len(part) for part in parts[:7])
        merged.remove(np.array(sorted(gone)))
        row = rows + 1
        for part in parts[7:]:
            merged.add(entries(part, row))
            row += len(part)
    assert len(merged._opened()._segments()) < len(parts)
    merged.settle()
    sizes = [segment.doc_count() for segment in merged._opened()._segments()]
    assert all(size > 2 * sum(sizes[i + 1 :]) for i, size in enumerate(sizes))
    kept = [i for i in range(1, row) if i not in gone or i > rows]
    assert merged.rows().tolist() == kept  # ascending, as posting lists then are too
    whole = WhooshIndex(folder / "whole")
    flat = [passage for part in parts for passage in part]
    whole.add([entry for entry in entries(flat) if entry.row in set(kept)])
    known = table(row - 1)
    known.article_of[[i for i in range(1, row) if i not in set(kept)]] = -1
    for expression in (Or((Word("ash"), Word("fog"))), Phrase("ash boat"), Word("gale")):
        before = LexicalSearch(whole.snapshot(), known).match(expression)
        after = LexicalSearch(merged.snapshot(), known).match(expression)
        np.testing.assert_allclose(before.scores, after.scores, atol=1e-5)


def test_a_word_that_stands_more_often_than_a_byte_can_count(tmp_path):
    made = WhooshIndex(tmp_path / "lexical")
    made.add([LexicalEntry(1, "", "fog " * 300 + "ash boat"), LexicalEntry(2, "", "fog " * 70_000)])
    snapshot = made.snapshot()
    postings = snapshot.postings(Field.TEXT, "fog")
    assert postings.frequencies.tolist() == [300, 70_000]
    found = LexicalSearch(snapshot, table(2)).match(Phrase("fog ash boat"))
    assert found.matching.tolist() == [True, False]


@given(st.integers(1, 300), st.data())
def test_the_forms_of_each_occurrence_are_read_as_they_were_written(n_forms, data):
    chosen = data.draw(st.lists(st.integers(0, n_forms - 1), min_size=1, max_size=300))
    names = [name_of("ferri", f"ferry{n}") for n in range(n_forms)]
    choices = np.array(chosen, np.uint32)
    forms = FormLists(np.array([0, n_forms]), names, choices)
    [record] = encoded(["ferri"], forms, [len(chosen)])
    found = decode(record, "ferri", len(chosen))
    assert found.choices.tolist() == chosen
    assert list(found.written) == [f"ferry{n}" for n in range(n_forms)]
    both = decoded(["ferri", "ash"], [record, b""], np.array([len(chosen), 2]))
    assert both.choices.tolist() == [*chosen, 0, 0]
