"""Which languages a model was made for, and whether an archive's go with them."""

import json
import shutil

import pytest

from backfile.archive.model.settings import DEFAULT_MODEL
from backfile.index.vector.embedding.model import (
    hash_modules,
    hash_weights,
    languages_of,
    misfit,
)
from tests.builders import FOREIGN, backfile, paper_model, write_stories


def model_in(folder, card=None, vocabulary=None):
    folder.mkdir()
    if card is not None:
        (folder / "README.md").write_text(card, encoding="utf-8")
    if vocabulary is not None:
        (folder / "config.json").write_text(json.dumps({"vocab_size": vocabulary}))
    return str(folder)


def test_the_bundled_model_was_made_for_english():
    assert languages_of(DEFAULT_MODEL) == ("en",)


@pytest.mark.parametrize(
    ("card", "vocabulary", "expected"),
    [
        ("---\nlanguage: de\n---\nText", 30_000, ("de",)),
        ("---\nlanguage:\n- en\n- fr\n---\n", None, ("en", "fr")),
        ("---\nlanguage:\n- multilingual\n- de\n---\n", None, ("multilingual",)),
        ("---\nlicense: mit\n---\nlanguage: de", 250_002, ("multilingual",)),
        (None, 250_002, ("multilingual",)),
        (None, 30_522, ()),
        ("no card at all", None, ()),
        ("---\n[: broken\n---\n", None, ()),
        ("---\nlanguage: [1, {a: b}]\n---\n", "many", ()),
        ("", None, ()),
    ],
)
def test_a_model_shows_its_languages_in_its_card_else_by_its_vocabulary(
    tmp_path, card, vocabulary, expected
):
    assert languages_of(model_in(tmp_path / "model", card, vocabulary)) == expected


def test_a_name_may_say_it_where_nothing_else_does(tmp_path):
    assert languages_of(model_in(tmp_path / "my-multilingual-model")) == ("multilingual",)


@pytest.mark.parametrize(
    ("articles", "spoken", "fits"),
    [
        ({"en": 100}, ("en",), True),
        ({"en": 96, "de": 4}, ("en",), True),
        ({"en": 95, "de": 5}, ("en",), False),
        ({"en": 1, "": 99}, ("en",), True),
        ({"de": 9, "": 9}, ("en",), False),
        ({"de": 9}, ("de", "en"), True),
        ({"de": 9}, ("multilingual",), True),
        ({"de": 9}, (), True),
        ({}, ("en",), True),
    ],
)
def test_an_archive_fits_unless_a_good_share_is_in_other_languages(articles, spoken, fits):
    assert (misfit(articles, spoken) == "") is fits


def test_status_counts_languages_and_says_where_the_model_does_not_fit(tmp_path):
    archive = tmp_path / "archive"
    path = write_stories(tmp_path, FOREIGN)
    backfile("index", path, "--no-vectors", "--archive", archive)
    found = json.loads(backfile("status", "--archive", archive, "--json").stdout)
    codes = ("ar", "de", "en", "es", "fr", "ja", "ko", "ru", "zh")
    assert found["languages"] == dict.fromkeys(codes, 1)
    assert found["model_languages"] == ["en"]
    assert found["misfit"].startswith("89% of the articles are in languages")
    said = backfile("status", "--archive", archive).stdout
    assert "languages   ar 1, de 1, en 1" in said
    assert "`backfile reembed --model paraphrase-multilingual-MiniLM-L12-v2`" in said


def test_status_of_an_english_archive_has_nothing_to_say_of_the_model(tmp_path):
    archive = tmp_path / "archive"
    backfile("index", write_stories(tmp_path, FOREIGN[-1:]), "--no-vectors", "--archive", archive)
    found = json.loads(backfile("status", "--archive", archive, "--json").stdout)
    assert (found["languages"], found["misfit"]) == ({"en": 1}, "")


@pytest.fixture
def module(tmp_path):
    """A model with a module behind its transformer."""
    folder = tmp_path / "model"
    paper_model(folder)
    (folder / "2_Dense").mkdir()
    (folder / "2_Dense" / "config.json").write_text('{"out_features": 8}')
    (folder / "2_Dense" / "model.safetensors").write_bytes(b"weights of the layer")
    return folder


def test_a_copy_of_a_model_has_its_weights_and_modules(module, tmp_path):
    copy = shutil.copytree(module, tmp_path / "copy")
    (copy / "README.md").write_text("A card decides on no vector.")
    assert hash_weights(copy) == hash_weights(module)
    assert hash_modules(copy) == hash_modules(module) != ""


@pytest.mark.parametrize(
    "name", ["config.json", "sentence_bert_config.json", "tokenizer.json",
             "2_Dense/config.json", "2_Dense/model.safetensors"]
)  # fmt: skip
@pytest.mark.parametrize("how", ["changed", "gone"])
def test_models_of_the_same_weights_that_embed_otherwise_have_other_modules(module, name, how):
    before = hash_modules(module), hash_weights(module)
    file = module / name
    file.write_bytes(file.read_bytes() + b" ") if how == "changed" else file.unlink()
    assert hash_modules(module) != before[0]
    assert hash_weights(module) == before[1]


def test_a_folder_without_a_configuration_has_no_known_modules(tmp_path):
    (tmp_path / "model.safetensors").write_bytes(b"no weights")
    assert hash_modules(tmp_path) == ""
