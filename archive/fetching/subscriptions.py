"""Keeps which feeds an archive follows, and what their servers said last."""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from pathlib import Path

from archive.errors import EngineUnavailable
from archive.store.whole_files import write_json


@dataclass(frozen=True, slots=True)
class Subscription:
    """A feed that is followed: by the address that it was named by, and where it has moved.

    `etag` and `last_modified` are the server's, to ask only for what is new; `minutes` is how long
    the feed says that it stays as it is; `fetched` and `due` are instants, `due` the first at which
    it may be asked again.
    """

    url: str
    moved_to: str = ""
    etag: str = ""
    last_modified: str = ""
    minutes: int = 0
    fetched: datetime | None = None
    due: datetime | None = None

    @property
    def address(self) -> str:
        return self.moved_to or self.url

    def is_due(self, now: datetime) -> bool:
        return self.due is None or now >= self.due


class Subscriptions:
    """All of an archive, in the order in which they came; who changes them holds the lock."""

    def __init__(self, path: Path) -> None:
        """Read them; raise EngineUnavailable if the file is damaged."""
        self._path = path
        self._held: dict[str, Subscription] = {}
        try:
            stored = json.loads(path.read_text())["feeds"]
            self._held = {each["url"]: _restored(Subscription, each) for each in stored}
        except FileNotFoundError:
            return
        except (OSError, ValueError, KeyError, TypeError) as exc:
            reason = f"{path} cannot be read; remove it, and follow each feed again"
            raise EngineUnavailable("the list of feeds", reason) from exc

    def __iter__(self) -> Iterator[Subscription]:
        return iter(self._held.values())

    def get(self, url: str) -> Subscription:
        """The one of this address, or a new one that is not kept yet."""
        return self._held.get(url) or Subscription(url)

    def keep(self, subscription: Subscription) -> None:
        """Put one in place of what is held of its address."""
        self._held[subscription.url] = subscription

    def forget(self, url: str) -> bool:
        """Drop one; say whether there was one."""
        return self._held.pop(url, None) is not None

    def write(self) -> None:
        """Write whole or not at all."""
        write_json(self._path, {"feeds": [_stored(each) for each in self]})


def _stored(subscription: Subscription) -> dict[str, str]:
    said = asdict(subscription)
    return {
        name: value.isoformat() if isinstance(value, datetime) else value
        for name, value in said.items()
        if value
    }


def _restored(kind: type[Subscription], stored: dict[str, str]) -> Subscription:
    times = ("fetched", "due")
    known = {field.name for field in fields(kind)}
    return kind(
        **{
            name: datetime.fromisoformat(value) if name in times else value
            for name, value in stored.items()
            if name in known
        }  # type: ignore[arg-type]
    )
