"""Reads ANPA 1312, the format of North American agencies' wires."""

import re

from backfile.archive.formats.wire.bylines import BYLINE_OPENING, names_in
from backfile.archive.formats.wire.items import WireItem
from backfile.archive.formats.wire.telegrams import Telegram, full_year, paragraphs

# Service level and number of the story, a unit separator or a dash, and the selector's code.
ANPA_HEADER = re.compile(r"\s*[A-Za-z]\d{3,4}(?:\x1f|\s*-{2,}|(?=\s*[\r\n]))")
# Priority, category, the marks of the format, keyword and version, day, number of words.
DETAIL = re.compile(
    r"\s*(?P<priority>[a-z])\s(?P<category>[a-z])[\s\x10-\x14]+"
    r"(?P<keyword>\S.*?)\s+(?P<month>\d{1,2})-(?P<day>\d{1,2})\s+\d{1,5}",
    re.I,
)
# The agency, its wire, and the time of transmission: AP-WF-02-20-16 0337GMT
SENT = re.compile(
    r"(?P<source>[A-Z]{2,5})-[A-Z]{2}-(?P<month>\d\d)-(?P<day>\d\d)-(?P<year>\d\d) "
    r"(?P<hour>\d\d)(?P<minute>\d\d)(?P<zone>GMT)?"
)
LONGEST_HEADER = 200  # characters of a line
MARK = "^"  # begins a line that is not part of the story; "<" or "=" ends it
NOTES = re.compile(
    r"^(?:eds?|editors?(?:'s?)?(?: note)?|note|with|an? ap|ap photo|photo|graphic|optional|for use|"
    r"disclaimer|ap (?:video|graphic)s?)\b.*[:,]|^ap photos?\b|^(?:eds?|note)\b|^advisory\b",
    re.I,
)
# ANPA's letters for categories.
CATEGORIES = {
    "a": "national",
    "b": "special events",
    "c": "features",
    "d": "food",
    "e": "entertainment",
    "f": "economy, business and finance",
    "i": "international",
    "k": "commentary",
    "l": "lifestyle",
    "n": "state and regional",
    "o": "weather",
    "p": "politics",
    "r": "racing",
    "s": "sport",
    "q": "sport",
    "t": "travel",
    "w": "Washington",
}
TYPED = (("``", "“"), ("''", "”"), (" _ ", " — "))  # a teleprinter's quotes and dashes
LEAST_BODY = 1  # paragraphs without a mark; otherwise the story is in the marked lines


def anpa_item(message: Telegram) -> WireItem:
    """The metadata and the text of a message."""
    header = (line[:LONGEST_HEADER] for line in message.header)
    detail = next(filter(None, map(DETAIL.match, header)), None)
    ended = [*message.trailer, *reversed(message.text)]
    sent = next(filter(None, map(SENT.search, ended)), None)
    lines = [line for line in message.text if not SENT.search(line)]
    marked = [_unmarked(line) for line in lines if line.lstrip().startswith(MARK)]
    body = paragraphs([line for line in lines if not line.lstrip().startswith(MARK)])
    title, byline, rest = _headed(marked)
    if len(body) < LEAST_BODY:
        body = rest
    fields = {
        "title": _typed(title),
        "text": "\n\n".join(_typed(each) for each in body if each.strip("_ ")),
        "source": sent["source"] if sent else "",
        "section": CATEGORIES.get(detail["category"].casefold(), "") if detail else "",
        "authors": names_in(byline) if byline else (),
    }
    return WireItem(fields, kind="a message", days=(_day(sent),))


def _headed(marked: list[str]) -> tuple[str, str, list[str]]:
    """The headline, the byline, and the other marked lines, which are a summary of the story.

    The first marked line repeats the keyword, the second is the headline.
    """
    lines = [line for line in marked[1:] if line and not NOTES.match(line)]
    title = lines[0] if lines else ""
    bylines = [line for line in lines[1:] if BYLINE_OPENING.match(line)]
    return title, "".join(bylines[:1]), [line for line in lines[1:] if line not in bylines]


def _unmarked(line: str) -> str:
    return line.strip().lstrip(MARK).rstrip("<= ").strip()


def _typed(text: str) -> str:
    for typed, meant in TYPED:
        text = text.replace(typed, meant)
    return text


def _day(sent: re.Match[str] | None) -> str:
    """The day of transmission, from the line with the year; the header has none."""
    if sent is None:
        return ""
    day = f"{full_year(sent['year'])}-{sent['month']}-{sent['day']}"
    return f"{day}T{sent['hour']}:{sent['minute']}:00Z" if sent["zone"] else day
