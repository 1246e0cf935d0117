"""A message is its English sentence to all who print it, and still knows how it was made."""

import copy
import json
import pickle

from hypothesis import given
from hypothesis import strategies as st

from backfile.archive.model.errors import ArticleNotFound, BadQuery, EngineUnavailable
from backfile.archive.model.message import Message
from backfile.web.i18n.languages import page_language

ENGLISH, GERMAN = page_language("en"), page_language("de")


def test_a_message_is_an_english_sentence():
    said = Message("holds %(words)s", words=("a", "b", Message.counted("one", "%(number)s", 1200)))
    assert said == "holds a, b and 1,200"
    assert json.loads(json.dumps([said])) == ["holds a, b and 1,200"]
    assert type(str(said)) is str


@given(st.text(), st.text(), st.integers(0, 10**6), st.floats(0, 1))
def test_what_fills_a_gap_is_never_taken_for_a_template(one, other, number, share):
    said = Message(
        "%(a)s: %(b)s, %(n)s, %(x)s", a=one, b=Message("%(c)s", c=other), n=number, x=share
    )
    assert said == f"{one}: {other}, {number:,}, {share:.2f}"
    assert ENGLISH.translate(said) == said
    assert GERMAN.translate(said).startswith(f"{one}: {other}, ")


def test_a_message_comes_whole_from_another_process():
    said = Message.counted("%(number)s duplicate", "%(number)s duplicates", 3)
    for again in (pickle.loads(pickle.dumps(said)), copy.deepcopy(said)):
        assert again == "3 duplicates"
        assert GERMAN.translate(again) == "3 Dubletten"
    failed = pickle.loads(pickle.dumps(EngineUnavailable("Chroma", Message("it is not open"))))
    assert str(failed) == "Chroma is unavailable: it is not open"
    assert GERMAN.translate(failed.message) == "nicht verfügbar: Chroma (nicht geöffnet)"


def test_an_error_is_said_in_other_languages():
    assert GERMAN.translate(BadQuery("since", Message("nothing is asked")).message) == (
        "since: es wird nach nichts gefragt"
    )
    assert GERMAN.translate(BadQuery("since", "some reason").message) == "since: some reason"
    hostile = ArticleNotFound("%(id)s {0} <b>")
    assert str(hostile).startswith("no article has the id '%(id)s {0} <b>'")
    assert GERMAN.translate(hostile.message).startswith(
        "kein Artikel hat die Kennung '%(id)s {0} <b>'"
    )
