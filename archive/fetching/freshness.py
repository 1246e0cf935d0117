"""Says when a feed may be asked for again, as its server and the feed itself have it."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

MAX_AGE = re.compile(r"(?:^|[\s,])max-age\s*=\s*\"?(\d{1,9})", re.I)
AT_ONCE = re.compile(r"(?:^|[\s,])no-(?:cache|store)(?:$|[\s,])", re.I)
TIME_TO_LIVE = re.compile(rb"<ttl>\s*(\d{1,6})\s*</ttl>", re.I)  # minutes, in RSS 2.0
LONGEST_WAIT = timedelta(days=1)  # a server that says a year is mistaken
USUAL_WAIT = timedelta(minutes=30)  # after "too many requests" that does not say how long


def minutes_to_live(content: bytes) -> int:
    """How long a feed says itself that it stays as it is; 0 where it says nothing."""
    found = TIME_TO_LIVE.search(content[: 1 << 16])
    return int(found[1]) if found else 0


def due_after(headers: Mapping[str, str], minutes: int, now: datetime) -> datetime:
    """When an answer that came now, of a feed with so many minutes to live, is no longer fresh."""
    wait = timedelta(minutes=minutes)
    control = headers.get("cache-control", "")
    if not AT_ONCE.search(control) and (found := MAX_AGE.search(control)):
        age = headers.get("age", "").strip()
        seconds = int(found[1]) - (int(age) if age.isdecimal() and len(age) < 10 else 0)
        wait = max(wait, timedelta(seconds=seconds))
    return now + min(max(wait, timedelta()), LONGEST_WAIT)


def due_after_refusal(headers: Mapping[str, str], now: datetime) -> datetime:
    """When a server that had too many requests (429, 503) may be asked again."""
    said = headers.get("retry-after", "").strip()
    wait = USUAL_WAIT
    if said.isdecimal() and len(said) < 10:
        wait = timedelta(seconds=int(said))
    elif said:
        try:
            wait = parsedate_to_datetime(said).astimezone(UTC) - now
        except (ValueError, OverflowError):
            wait = USUAL_WAIT
    return now + min(max(wait, timedelta()), LONGEST_WAIT)
