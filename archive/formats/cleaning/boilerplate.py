"""Removes boilerplate lines: labels of advertisements, share bars, credits and the like."""

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

LONGEST, LONGEST_CASED = 160, 80  # characters; longer lines match no rule
# Bullets, arrows, brackets, dashes and stops around a line; no quotation marks.
AROUND = " \t.:-–—_*•·|>»«<►▶→➤~=[]{}📧📲∎#"


@dataclass(frozen=True, slots=True)
class Rule:
    """One kind of boilerplate: patterns, and examples of lines it removes and lines it keeps."""

    name: str
    about: str
    languages: tuple[str, ...]
    patterns: tuple[str, ...]
    cased: tuple[str, ...]
    drops: tuple[str, ...]
    keeps: tuple[str, ...]


def without_boilerplate(lines: list[str]) -> list[str]:
    """Remove the lines that match a rule as a whole, unless nothing would be left.

    >>> without_boilerplate(["Rain fell.", "", "Share Tweet Email", "", "Read more books, he says"])
    ['Rain fell.', '', '', 'Read more books, he says']
    """
    # Most lines are empty or paragraphs, and need no call.
    remaining = [line for line in lines if not 0 < len(line) <= LONGEST or not rule_of(line)]
    if not any(remaining):  # a text may be a notice alone; labels of advertisements are never text
        remaining = [line for line in lines if rule_of(line) != "advertisement"]
    return remaining if len(remaining) < len(lines) else lines


def rule_of(line: str) -> str:
    """The name of the rule that removes a line; empty if there is none.

    >>> rule_of("Photo: Reuters"), rule_of("Photo of the day is by Reuters")
    ('photo credit', '')
    """
    if not line or len(line) > LONGEST:
        return ""
    line = line.strip(AROUND)
    if line.startswith("(") and line.endswith(")"):
        line = line[1:-1]
    patterns, cased = _patterns()
    found = patterns.fullmatch(line.lower())
    if not found and len(line) <= LONGEST_CASED:
        found = cased.fullmatch(line)
    return rules()[int(found.lastgroup[1:])].name if found and found.lastgroup else ""


def describe_rules() -> Iterator[tuple[str, str, str]]:
    """List (name, description, example) for each rule, for archive/README.md."""
    for rule in rules():
        yield rule.name, rule.about, rule.drops[0]


@cache
def rules() -> tuple[Rule, ...]:
    """Read the rules from boilerplate.toml in this folder."""
    listed = tomllib.loads(files(__package__).joinpath("boilerplate.toml").read_text("utf-8"))
    return tuple(_rule(each) for each in listed["rule"])


def _rule(listed: dict[str, Any]) -> Rule:
    fields: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in listed.items()
    }
    return Rule(**fields)


@cache
def _patterns() -> tuple[re.Pattern[str], re.Pattern[str]]:
    listed = [rule.patterns for rule in rules()], [rule.cased for rule in rules()]
    return _alternatives(listed[0]), _alternatives(listed[1])


def _alternatives(patterns: list[tuple[str, ...]]) -> re.Pattern[str]:
    """All rules as one pattern, with a group for each, so that one match tests a line."""
    groups = (f"(?P<r{n}>{'|'.join(each)})" for n, each in enumerate(patterns) if each)
    return re.compile("|".join(groups))
