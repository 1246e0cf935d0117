"""Tests of the manifest."""

import json
from dataclasses import replace

import pytest

from backfile.archive.model.errors import ArchiveMismatch, EngineUnavailable
from backfile.archive.store.manifest import SCHEMA, Manifest

PROMPTS = {"query": "query: "}
MANIFEST = Manifest(
    SCHEMA, "sentences-1", "english-1", "tiny", "0123456789abcdef", 8, "float32", prompts=PROMPTS
)

TINY = {"model": "tiny", "weights": MANIFEST.weights, "modules": "", "prompts": PROMPTS}


def test_what_was_written_is_read(tmp_path):
    path = tmp_path / "manifest.json"
    MANIFEST.write(path)
    replace(MANIFEST, dimension=9).write(path)
    assert Manifest.read(path) == replace(MANIFEST, dimension=9)
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("content", [None, b"", b"{", b"[]", b"3", b'{"schema": 1}', b"\xff"])
def test_a_damaged_manifest_says_what_to_do(tmp_path, content):
    path = tmp_path / "manifest.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(EngineUnavailable, match="cannot be read; bring a backup back"):
        Manifest.read(path)


def test_an_archive_of_an_earlier_release_is_in_full_precision(tmp_path):
    path = tmp_path / "manifest.json"
    MANIFEST.write(path)
    stored = json.loads(path.read_text())
    del stored["graph"]
    path.write_text(json.dumps(stored))
    Manifest.read(path).require_precision("full")


def test_archives_with_different_graphs_do_not_have_one_model():
    assert MANIFEST.has_model_of(replace(MANIFEST, articles=3))
    assert not MANIFEST.has_model_of(replace(MANIFEST, graph="ab12"))


def test_what_is_the_same_passes():
    MANIFEST.require_precision("full")
    replace(MANIFEST, graph="ab12").require_precision("int8")
    MANIFEST.require_tables()
    MANIFEST.require_text(splitter=["sentences-2", "sentences-1"], analyser=["english-1"])
    MANIFEST.require_model(**TINY)
    assert replace(MANIFEST) == MANIFEST


@pytest.mark.parametrize(
    ("check", "message"),
    [
        (
            lambda: replace(MANIFEST, schema=99).require_tables(),
            rf"made with schema 99, but this is schema {SCHEMA}; use the release",
        ),
        (
            lambda: MANIFEST.require_precision("int8"),
            r"made with embeddings in full, but this is int8 precision; set "
            r"BACKFILE_EMBEDDING_PRECISION=full or leave it out, or embed it so with "
            r"`backfile reembed`",
        ),
        (
            lambda: replace(MANIFEST, graph="ab12").require_precision("full"),
            r"embeddings in int8, but this is full precision; .*_PRECISION=int8 or leave it out",
        ),
        (
            lambda: MANIFEST.require_text(splitter=["lines"], analyser=["english-1"]),
            r"made with splitter sentences-1, but this is splitter lines; index into a new",
        ),
        (
            lambda: MANIFEST.require_text(splitter=["sentences-1"], analyser=["german"]),
            r"analyser english-1, but this is analyser german; `backfile rebuild lexical`",
        ),
        (
            lambda: MANIFEST.require_model(**TINY | {"model": "big", "prompts": {}}),
            r"tiny \(weights 0123456789ab\), but this is big .*; set BACKFILE_MODEL=tiny",
        ),
        (
            lambda: MANIFEST.require_model(
                **TINY | {"weights": "fedcba9876543210", "modules": "cd", "prompts": {}}
            ),
            r"but this is tiny \(weights fedcba987654\); install the weights",
        ),
        (
            lambda: MANIFEST.require_model(**TINY | {"prompts": {"passage": "p: "}}),
            r"made with the prompts query 'query: ', but this is the prompts passage 'p: '; set",
        ),
    ],
)
def test_a_mismatch_names_both_sides_and_the_remedy(check, message):
    with pytest.raises(ArchiveMismatch, match=message):
        check()


def test_a_manifest_of_an_earlier_release_knows_no_prompts_and_any_are_right(tmp_path):
    path = tmp_path / "manifest.json"
    MANIFEST.write(path)
    stored = json.loads(path.read_text())
    del stored["prompts"]
    path.write_text(json.dumps(stored))
    earlier = Manifest.read(path)
    assert earlier == replace(MANIFEST, prompts=None)
    earlier.require_model(**TINY | {"prompts": {"query": "q: "}})
    assert not earlier.has_model_of(MANIFEST)


def test_a_model_of_the_same_weights_and_modules_may_have_another_name():
    known = replace(MANIFEST, modules="cd")
    same = TINY | {"model": "/srv/models/tiny", "modules": "cd"}
    known.require_model(**same)
    assert known.has_model_of(replace(known, model="/srv/models/tiny"))
    for other in ({"weights": "fedcba9876543210"}, {"modules": "dc"}, {"modules": ""}):
        with pytest.raises(ArchiveMismatch, match="set BACKFILE_MODEL=tiny"):
            known.require_model(**same | other)
    with pytest.raises(ArchiveMismatch, match="the prompts none"):
        known.require_model(**same | {"prompts": {}})


def test_an_archive_whose_modules_are_not_known_goes_by_the_name_alone(tmp_path):
    path = tmp_path / "manifest.json"
    MANIFEST.write(path)
    stored = json.loads(path.read_text())
    del stored["modules"]
    path.write_text(json.dumps(stored))
    earlier = Manifest.read(path)
    for modules in ("", "cd"):
        earlier.require_model(**TINY | {"modules": modules})
        with pytest.raises(ArchiveMismatch, match="set BACKFILE_MODEL=tiny"):
            earlier.require_model(**TINY | {"model": "other", "modules": modules})


def test_a_manifest_with_prompts_has_a_hash_and_differs_from_others():
    one, two = (replace(MANIFEST, prompts={"query": text}) for text in ("query: ", ""))
    assert hash(one) == hash(replace(one))
    assert one != two
