"""The language of an article: what its source names, else what its own words show."""

import gzip
import json
import re
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backfile.archive.formats.fields import FieldMap, article_from
from backfile.archive.formats.languages import code_of, detected, language_of
from backfile.archive.model.article import Origin
from tests.builders import ROOT

DATA = ROOT.parent / "shared" / "data"
SAID = {
    "en": "The harbour office opens again on Monday, and the queue is expected to be long.",
    "de": "Das Hafenamt öffnet am Montag wieder, und die Schlange dürfte lang werden.",
    "fr": "Le bureau du port rouvre lundi, et la file d'attente devrait être longue.",
    "es": "La oficina del puerto vuelve a abrir el lunes y se espera una cola muy larga.",
    "it": "L'ufficio del porto riapre lunedì e la fila sarà probabilmente molto lunga.",
    "ru": "Портовая контора снова откроется в понедельник, и очередь ожидается длинной.",
    "ar": "يفتح مكتب الميناء أبوابه من جديد يوم الاثنين ومن المتوقع أن يكون الطابور طويلا.",
    "ja": "港湾事務所は月曜日に再開し、長い列ができる見込みだ。",
    "zh": "港口办事处将于星期一重新开放，预计队伍会很长。",
    "ko": "항만 사무소가 월요일에 다시 문을 열며 줄이 길 것으로 보인다.",
}


@pytest.mark.parametrize("code", SAID)
def test_a_text_shows_which_language_it_is_in(code):
    assert detected(SAID[code]) == code


@pytest.mark.parametrize("text", ["", "Ash", "42 43 1,200", "https://a.example/b?c=1", "—" * 90])
def test_a_text_that_is_no_language_or_too_short_is_left_open(text):
    assert detected(text) == ""


@pytest.mark.parametrize(
    ("named", "code"),
    [
        ("en", "en"),
        ("en-US", "en"),
        ("EN_gb", "en"),
        ("eng", "en"),
        ("English", "en"),
        ("Deutsch", "de"),
        ("ger", "de"),
        ("français", "fr"),
        ("日本語", "ja"),
        ("zh-Hant-TW", "zh"),
        ("nb-NO", "nb"),
        ("iw", "he"),
    ],
)
def test_a_name_of_a_language_becomes_its_iso_code(named, code):
    assert code_of(named) == code


@pytest.mark.parametrize("named", ["xx", "und", "mul", "zxx", "Klingon", "i-default", "1", " "])
def test_what_names_no_language_is_passed_over(named):
    assert code_of(named) == ""
    assert language_of(named, "", SAID["fr"]) == "fr"


def test_the_word_of_the_source_goes_before_what_is_detected():
    assert language_of("da", "", SAID["de"]) == "da"


@given(st.text(max_size=80), st.text(max_size=400))
def test_no_name_and_no_text_breaks_it(named, text):
    code = language_of(named, "", text)
    assert code == "" or re.fullmatch("[a-z]{2}", code)


def test_an_article_is_given_the_language_of_its_text():
    def read(**record):
        return article_from(record, Origin("a.json", 1), FieldMap()).language

    assert read(title="Hafenamt", text=SAID["de"]) == "de"
    assert read(title="Hafenamt", text=SAID["de"], language="xx") == "de"
    assert read(title="Hafenamt", text=SAID["de"], lang="en-GB") == "en"


def test_who_only_searches_loads_no_detector():
    code = (
        "import sys, backfile.scripts.backfile, backfile.index.wiring;"
        "import backfile.index.search.searcher, backfile.archive.formats.fields;"
        "print([m for m in ('py3langid', 'babel', 'whoosh.lang.snowball') if m in sys.modules])"
    )
    found = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code], cwd=ROOT, capture_output=True, text=True
    )
    assert found.stdout.strip() == "[]", found.stderr


@pytest.mark.parametrize(
    ("file", "code", "least"),
    [
        ("time/articles.jsonl", "en", 0.99),
        ("checkthat-dev/articles.jsonl", "en", 0.9),
        ("realtimeqa-dev/articles.jsonl.gz", "en", 0.99),
        ("allsides/articles.jsonl.gz", "en", 0.99),
        ("multilingual/10kgnad_de/articles_test.jsonl", "de", 0.99),
    ],
)
def test_real_news_is_told_right_or_left_open(file, code, least):
    path = DATA / file
    if not path.is_file():
        pytest.skip(f"{path} is not here")
    raw = path.read_bytes()
    lines = (gzip.decompress(raw) if path.suffix == ".gz" else raw).splitlines()
    records = [json.loads(line) for line in lines[::10]]
    told = [detected(f"{r.get('title') or ''}\n{r.get('text') or ''}") for r in records]
    assert [found for found in told if found not in ("", code)] == []
    assert told.count(code) >= least * len(told)
