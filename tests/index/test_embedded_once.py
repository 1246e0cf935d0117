"""A text is embedded once: corrections and copies take the vector that is there."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backfile.archive.formats.fields import FieldMap
from backfile.archive.formats.inputs import Reading
from backfile.archive.passages import embedded_text, hash_of_text
from backfile.index.indexing.verify import verify
from tests.builders import engines_in, indexer_of
from tests.fakes import HashedWords

TEXT = " ".join(f"On day {n} the ferry stopped at pier {n}." for n in range(40))
FERRY = {"id": "ferry", "title": "Ferry", "text": TEXT, "date": "2024-05-01"}
STORM = {"id": "storm", "title": "Storm", "text": "A storm came from the west.\n\n" * 20}


class Counting(HashedWords):
    """Keeps what it was asked to embed."""

    def __init__(self):
        self.asked = []

    def embed_passages(self, texts):
        self.asked += texts
        return super().embed_passages(texts)


@pytest.fixture
def engines(tmp_path):
    made = engines_in(tmp_path / "archive", in_memory=True)
    yield type(made)(
        **{name: getattr(made, name) for name in type(made).__slots__} | {"embedder": Counting()}
    )
    made.catalog.close()


def index(engines, path, *stories, embed=True):
    """Index stories, and return what was embedded for that."""
    engines.embedder.asked = []
    path.write_text("".join(json.dumps(story) + "\n" for story in stories))
    indexer = indexer_of(engines)
    if embed:
        indexer.run(Reading([path], FieldMap()))
        assert list(verify(engines)) == []
    else:
        indexer.index(Reading([path], FieldMap()))
    return engines.embedder.asked


def texts_and_vectors(engines):
    """What is embedded for each passage, and the vector that is on record."""
    stored = list(engines.catalog.stored(engines.catalog.rows_after(0).tolist()))
    texts = [embedded_text(each.passage, each.article.given_title) for each in stored]
    rows = [each.row for each in stored]
    return texts, engines.vectors.read(max(rows) + 1)[rows].astype(np.float32)


def assert_right(engines):
    counts = engines.catalog.counts()
    assert counts.embedded == counts.passages
    texts, found = texts_and_vectors(engines)
    np.testing.assert_allclose(found, HashedWords().embed_passages(texts), atol=2e-3)


def test_of_a_correction_only_the_passages_that_differ_are_embedded(engines, tmp_path):
    path = tmp_path / "news.jsonl"
    parts = [f"Part {n} tells what the council of town {n} decided. " * 14 for n in range(4)]
    whole = {"id": "council", "title": "Council", "text": "\n\n".join(parts)}
    first = index(engines, path, whole)
    assert len(first) >= 4
    corrected = whole | {"text": whole["text"] + "\n\nCorrection: " + "it was the mayor. " * 40}
    new = index(engines, path, corrected)
    assert 0 < len(new) < len(first)
    assert not set(new) & set(first)
    assert_right(engines)


def test_a_correction_of_the_author_embeds_nothing_and_has_its_vectors_at_once(engines, tmp_path):
    path = tmp_path / "news.jsonl"
    index(engines, path, FERRY, STORM)
    rows = engines.catalog.rows_of(["ferry"])
    assert index(engines, path, FERRY | {"author": "Jonah Pryce"}, STORM, embed=False) == []
    assert not set(rows) & set(engines.catalog.rows_of(["ferry"]))
    assert_right(engines)
    assert not engines.vectors.read(int(rows.max()) + 1)[rows].any()


def test_the_title_is_part_of_what_is_embedded(engines, tmp_path):
    path = tmp_path / "news.jsonl"
    first = index(engines, path, FERRY)
    assert len(index(engines, path, FERRY | {"title": "No ferry"})) == len(first)
    assert_right(engines)


@pytest.mark.parametrize("at_once", [True, False])
def test_a_copy_from_another_outlet_is_not_embedded(engines, tmp_path, at_once):
    path = tmp_path / "news.jsonl"
    copies = [FERRY | {"id": f"ferry-{outlet}", "source": outlet} for outlet in ("A", "B", "C")]
    if at_once:
        asked = index(engines, path, *copies)
    else:
        asked = [text for copy in copies for text in index(engines, path, copy)]
    assert len(asked) == len(set(asked)) > 0
    assert engines.catalog.counts().passages == 3 * len(asked)
    assert_right(engines)


def test_what_was_removed_is_embedded_again(engines, tmp_path):
    path = tmp_path / "news.jsonl"
    first = index(engines, path, FERRY)
    indexer_of(engines).remove(["ferry"])
    assert engines.catalog.embedded.rows_with([hash_of_text(text) for text in first]) == {}
    path.unlink()
    assert index(engines, tmp_path / "again.jsonl", FERRY | {"id": "ferry-2"}) == first


def test_a_damaged_vector_is_not_taken_over(engines, tmp_path):
    path = tmp_path / "news.jsonl"
    first = index(engines, path, FERRY)
    row = int(engines.catalog.rows_after(0)[0])
    vectors = tmp_path / "archive" / "vectors"
    with vectors.open("r+b") as stream:
        stream.seek(2 * HashedWords.dimension * row + 9)
        stream.write(b"\x3c")
    path.write_text(json.dumps(FERRY | {"id": "copy", "source": "B"}))
    engines.embedder.asked = []
    indexer_of(engines).run(Reading([path], FieldMap()))
    assert engines.embedder.asked == first[:1]
    assert [problem.part for problem in verify(engines)] == ["vectors"]


def test_passages_of_an_earlier_release_whose_texts_are_unknown_are_embedded_again(
    engines, tmp_path
):
    path = tmp_path / "news.jsonl"
    first = index(engines, path, FERRY)
    rows = engines.catalog.rows_after(0)
    with engines.catalog._database.writing() as connection:
        connection.exec_driver_sql("DELETE FROM embedded_texts")
    engines.catalog.embedded.mark(rows)
    assert index(engines, path, FERRY | {"author": "Jonah Pryce"}) == first
    assert_right(engines)


@given(st.text(), st.text())
def test_texts_have_one_hash_each_which_the_catalogue_can_hold(text, other):
    assert (hash_of_text(text) == hash_of_text(other)) is (text == other)
    assert -(1 << 63) <= hash_of_text(text) < 1 << 63
