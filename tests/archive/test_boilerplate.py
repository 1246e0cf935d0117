"""Tests of the rules by which lines are dropped: each is held to its own examples."""

import pytest

from backfile.archive.formats.cleaning import clean_text
from backfile.archive.formats.cleaning.boilerplate import LONGEST, rule_of, rules

DROPS = [(rule.name, line) for rule in rules() for line in rule.drops]
KEEPS = [line for rule in rules() for line in rule.keeps]


@pytest.mark.parametrize(("name", "line"), DROPS)
def test_a_rule_drops_its_own_examples(name, line):
    assert rule_of(line) == name
    assert clean_text(f"Rain fell.\n\n{line}\n\nIt stopped.") == "Rain fell.\n\nIt stopped."


@pytest.mark.parametrize("line", KEEPS)
def test_what_only_looks_like_it_stays(line):
    assert rule_of(line) == ""
    text = f"Rain fell.\n\n{line}\n\nIt stopped."
    assert clean_text(text) == text


@pytest.mark.parametrize(("name", "line"), DROPS)
def test_a_line_within_a_paragraph_stays(name, line):
    sentence = (
        f"The sign at the harbour says: {line} and it has said so for years, a guard recalls."
    )
    assert clean_text(sentence) == " ".join(sentence.split())


def test_every_rule_has_examples_of_both_kinds_and_names_its_languages():
    for rule in rules():
        assert len(rule.drops) >= len(rule.languages) - 1
        assert rule.keeps
        assert set(rule.languages) <= {"en", "de", "fr", "es"}


def test_a_text_of_nothing_else_keeps_its_lines():
    assert clean_text("Read more\n\nShare Tweet Email") == "Read more\n\nShare Tweet Email"


def test_a_hostile_line_is_told_at_once():
    import time

    hostile = [
        "Follow " * 22,
        "a, " * 53,
        "share " * 26 + "x",
        "A" * LONGEST,
        "Ab " * 53,
        "1 " * 80,
    ]
    began = time.perf_counter()
    for line in hostile:
        rule_of(line[:LONGEST])
    assert time.perf_counter() - began < 1
