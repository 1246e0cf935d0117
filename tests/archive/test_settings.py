"""Tests of the settings."""

from dataclasses import fields
from pathlib import Path

import pytest

from backfile.archive.model.errors import BadSetting
from backfile.archive.model.settings import Settings, describe_settings

ORIGIN = "https://desk.example"


def test_an_empty_environment_gives_the_defaults():
    assert Settings.from_environment({}) == Settings()
    assert Settings.from_environment({"BACKFILE_PORT": "", "PORT": "1"}) == Settings()
    assert not Settings.from_environment({"BACKFILE_PORT": ""}).given


def test_each_field_is_set_by_its_variable():
    given = {
        "archive": "/srv/news",
        "model": "other",
        "embedding_precision": "int8",
        "host": "0.0.0.0",
        "port": "9000",
        "threads": "3",
        "workers": "2",
        "queue": "5",
        "fusion": "rrf",
        "vector_weight": "0.5",
        "floor": "-0.5",
        "synonyms": "/srv/synonyms.txt",
        "reranker": "/srv/reads-again",
        "rerank_ms": "200",
        "budget_ms": "900",
        "furniture": "no",
        "names": "no",
        "ocr_languages": "deu+eng",
        "allow_private": "yes",
        "trust": "yes",
        "token": "secret",
        "upload": "12",
        "cors": "https://desk.example, http://[::1]:3000 http://localhost:8000",
        "rate": "600",
        "public_url": "https://archive.example/",
        "proxies": "1",
        "log": "json",
        "log_queries": "yes",
    }
    assert given.keys() | {"given"} == {field.name for field in fields(Settings)}
    environment = {f"BACKFILE_{name.upper()}": value for name, value in given.items()}
    settings = Settings.from_environment(environment)
    assert settings.given == given.keys()
    assert settings == Settings(
        *(Path("/srv/news"), "other", "int8", "0.0.0.0", 9000, 3, 2, 5, "rrf", 0.5, -0.5),
        *("/srv/synonyms.txt", "/srv/reads-again", 200, 900, False, False),
        *("deu+eng", True, True, "secret", 12),
        ("https://desk.example", "http://[::1]:3000", "http://localhost:8000"),
        *(600, "https://archive.example", 1, "json", True),
    )


@pytest.mark.parametrize(
    ("variable", "value", "reason"),
    [
        ("BACKFILE_PORT", "http", "'http' is not a number"),
        ("BACKFILE_PORT", "80.5", "'80.5' is not a number"),
        ("BACKFILE_PORT", "0", "'0' is not between 1 and 65535"),
        ("BACKFILE_THREADS", "-1", "'-1' is not between 0 and 1024"),
        ("BACKFILE_FUSION", "sum", "'sum' is none of: convex, rrf"),
        ("BACKFILE_EMBEDDING_PRECISION", "int4", "'int4' is none of: full, int8"),
        ("BACKFILE_VECTOR_WEIGHT", "1.5", "'1.5' is not between 0 and 1"),
        ("BACKFILE_ALLOW_PRIVATE", "maybe", "'maybe' is neither yes nor no"),
        ("BACKFILE_FLOOR", "nan", "'nan' is not between -1 and 1"),
        ("BACKFILE_RATE", "-1", "'-1' is not between 0 and 1000000"),
        ("BACKFILE_PROXIES", "all", "'all' is not a number"),
        ("BACKFILE_LOG", "xml", "'xml' is none of: text, json"),
        *(
            ("BACKFILE_PUBLIC_URL", each, f"{each!r} {reason}")
            for each, reason in {
                "archive.example": "is no address such as https://archive.example",
                "https://[::1]": "is no address such as https://archive.example",
                "*": "is no address such as https://archive.example",
                "ftp://archive.example": "is no address such as https://archive.example",
                "https://a:b@archive.example": "is no address such as https://archive.example",
                "https://archive.example/news": "has a path; Backfile is served at the root "
                "of a host of its own",
            }.items()
        ),
        *(
            ("BACKFILE_CORS", each, f"{each!r} has {each!r}, which is no origin such as {ORIGIN}")
            for each in ("desk.example", "https://desk.example/", "https://Desk.example", "ftp://a")
        ),
    ],
)
def test_a_bad_value_is_refused_by_the_name_of_its_variable(variable, value, reason):
    with pytest.raises(BadSetting) as refused:
        Settings.from_environment({variable: value})
    assert str(refused.value) == f"{variable}: {reason}"


def test_no_threads_means_one_per_core():
    assert Settings(threads=0).worker_threads >= 1
    assert Settings(threads=3).worker_threads == 3


def test_every_setting_is_described_with_its_default():
    described = {variable: (default, meaning) for variable, default, meaning in describe_settings()}
    assert len(described) == len(fields(Settings)) - 1  # all but which were given
    assert described["BACKFILE_PORT"][0] == "8080"
    assert all(meaning for _, meaning in described.values())
