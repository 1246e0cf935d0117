"""Finds the day in an article's address, or in the name of its file, where it is unmistakable."""

import re
from collections.abc import Iterator
from datetime import date, timedelta
from urllib.parse import urlsplit

NAMES = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
YEAR = r"((?:19|20)\d\d)"
FOLDERS = re.compile(rf"/{YEAR}/(\d\d?|{'|'.join(NAMES)})/(\d\d?)(?=/|$)", re.I)
IN_ADDRESS = (
    FOLDERS,
    re.compile(rf"/{YEAR}/(\d\d)(\d\d)(?=/|$)"),
    re.compile(rf"/{YEAR}(\d\d)(\d\d)(?=/|$)"),
    re.compile(rf"(?<!\d)(?<!\d-){YEAR}-(\d\d)-(\d\d)(?!-?\d)"),
)
IN_FILE_NAME = (
    FOLDERS,
    re.compile(rf"/{YEAR}-(\d\d)-(\d\d)(?=/)"),
    re.compile(rf"(?<!\d)(?<!\d[-_.]){YEAR}([-_.])(\d\d)\2(\d\d)(?![-_.]?\d)(?=[^/]*$)"),
    re.compile(rf"(?<![^\W_]){YEAR}(\d\d)(\d\d)(?![^\W_])(?=[^/]*$)"),
)


def day_in_address(url: str, today: date) -> date | None:
    """The one day that the path of an address names.

    >>> str(day_in_address("https://a.example/2024/mar/23/bridge", date(2026, 1, 1)))
    '2024-03-23'
    """
    try:
        path = urlsplit(url).path
    except ValueError:
        return None
    return _only_day(path, IN_ADDRESS, today)


def day_in_file_name(key: str, today: date) -> date | None:
    """The one day that the name of a file names, or the folders it lies in.

    >>> str(day_in_file_name("news/2024-03-23-bridge.txt", date(2026, 1, 1)))
    '2024-03-23'
    """
    return _only_day("/" + key.rpartition("!/")[2], IN_FILE_NAME, today)


def _only_day(path: str, patterns: tuple[re.Pattern[str], ...], today: date) -> date | None:
    found = {day for pattern in patterns for day in _days(path, pattern)}
    day = found.pop() if len(found) == 1 else None
    return day if day and day <= today + timedelta(days=1) else None


def _days(path: str, pattern: re.Pattern[str]) -> Iterator[date]:
    for match in pattern.finditer(path):
        year, month, day = (part for part in match.groups() if part not in "-_.")
        number = NAMES.index(month.lower()) + 1 if month.lower() in NAMES else int(month)
        try:
            yield date(int(year), number, int(day))
        except ValueError:
            continue
