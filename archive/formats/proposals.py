"""Finds what a record holds that was not read: a field with more text, and `--map` options."""

import re
import shlex
from collections.abc import Container, Iterator, Mapping
from itertools import islice
from typing import Any, NamedTuple

from backfile.archive.formats.dates.parsing import parse_date

DEEPEST = 8  # levels of objects and lists
MOST_LEAVES = 5_000  # of one record
THIN = 10  # times as much text in another field
FEWEST_SPACES = 1 / 25  # of a text's characters; an address or a picture in base64 has none
MOST_EXAMINED = 10  # fields
TAG = re.compile(r"<[^<>]*>")
WHOLE_PAGE = re.compile(r"\s*(?:<[!?][^<>]*>\s*)*<(?:html|head)\b", re.I)
SHORTEST_TEXT, LONGEST_TITLE = 40, 200  # characters
DATE_FIGURES = re.compile(r"\d{4}|\d{1,2}[./-]\d{1,2}[./-]\d{2}")
LONGEST_DATE = 40
ADDRESS = re.compile(r"https?://\S+", re.I)


class Leaf(NamedTuple):
    """A string of a record, with the names that lead to it."""

    path: str
    value: str


def leaves_of(
    record: Any, path: str = "", levels: int = DEEPEST, *, numbered: bool = False
) -> Iterator[Leaf]:
    """Walk the strings of a record; an item of a list has the path of the list.

    The path of an object in a list has its number if paths are `numbered`, as `--map` wants them.
    """
    if isinstance(record, str):
        yield Leaf(path, record)
    elif isinstance(record, Mapping) and levels:
        for name, each in record.items():
            inner = f"{path}.{name}" if path else str(name)
            yield from leaves_of(each, inner, levels - 1, numbered=numbered)
    elif isinstance(record, list | tuple) and levels:
        for n, each in enumerate(record):
            inner = f"{path}.{n}" if numbered and isinstance(each, Mapping) else path
            yield from leaves_of(each, inner, levels - 1, numbered=numbered)


def left_out_of(record: Mapping[str, Any], found: Mapping[str, Any], text: str) -> str:
    """The path of a field with more than ten times as much text as `text`; empty if there is none.

    `found` are the fields of the article that were found: they were not left out. A whole web page
    beside a text is its source, and was not left out either.
    """
    enough = THIN * len(text)
    read = {each for each in found.values() if isinstance(each, str)}
    others = [leaf for leaf in islice(leaves_of(record), MOST_LEAVES) if leaf.value not in read]
    if sum(len(leaf.value) for leaf in others) <= enough:
        return ""
    longest: dict[str, int] = {}
    for path, value in others:
        if _is_wordy(value):
            longest[path] = longest.get(path, 0) + len(value)
    for path, length in sorted(longest.items(), key=lambda each: -each[1])[:MOST_EXAMINED]:
        if length <= enough:
            break
        if _plain_length(record, path, beside=bool(found.get("text"))) > enough:
            return path[:100]
    return ""


def _plain_length(record: Mapping[str, Any], path: str, *, beside: bool) -> int:
    values = (leaf.value for leaf in leaves_of(record) if leaf.path == path)
    return sum(
        len(" ".join(TAG.sub(" ", value).split()))
        for value in values
        if not (beside and WHOLE_PAGE.match(value))
    )


def proposal_for(record: Mapping[str, Any], known: Container[str]) -> str:
    """Options that name the likeliest text, title, date and address among a record's fields.

    The article's fields that are `known` are not named. Empty if no field looks like a text.
    """
    every = islice(leaves_of(record, numbered=True), MOST_LEAVES)
    strings = [leaf for leaf in every if not leaf.path.rpartition(".")[2].startswith("@")]
    texts = [leaf for leaf in strings if _is_wordy(leaf.value)]
    best = max(texts, key=lambda leaf: len(leaf.value), default=Leaf("", ""))
    if len(best.value) < SHORTEST_TEXT:
        return ""
    found = {"text": best.path}
    for leaf in strings:
        if leaf.path != best.path and (ours := _looks_like(leaf.value)):
            found.setdefault(ours, leaf.path)
    options = (
        f"--map {ours}={shlex.quote(path)}" for ours, path in found.items() if ours not in known
    )
    return " ".join(options)


def _is_wordy(value: str) -> bool:
    """Whether a string has words; not all scripts divide them."""
    return not value.isascii() or value.count(" ") >= FEWEST_SPACES * len(value)


def _looks_like(value: str) -> str:
    """The field of an article that a value may be; empty if none."""
    if ADDRESS.fullmatch(value):
        return "url"
    if len(value) <= LONGEST_DATE and DATE_FIGURES.search(value) and parse_date(value):
        return "published"
    return "title" if " " in value.strip() and len(value) <= LONGEST_TITLE else ""
