"""Failures of a cache, of whatever kind, as EngineUnavailable with what mends it."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from backfile.archive.model.errors import ArchiveError, EngineUnavailable
from backfile.archive.model.message import Message

PASSING = (ArchiveError, KeyboardInterrupt, SystemExit, GeneratorExit)
FULL = {errno.ENOSPC, errno.EDQUOT}  # no damage: the system's own words say what to do


@contextmanager
def translated(name: Message) -> Iterator[None]:
    """Raise EngineUnavailable, from the cause, if reading the files of an engine fails.

    Damaged bytes make a vendor raise almost anything: struct.error, KeyError, MemoryError; and code
    in Rust a PanicException, which is no Exception.
    """
    try:
        yield
    except PASSING:
        raise
    except BaseException as exc:
        if isinstance(exc, OSError) and exc.errno in FULL:
            raise
        error = f"{type(exc).__name__}: {exc}" if str(exc) else type(exc).__name__
        raise unavailable(
            name, Message("its files cannot be read (%(error)s)", error=error)
        ) from exc


def unavailable(name: Message, error: str) -> EngineUnavailable:
    """The error of a cache that can be made again from the record."""
    return EngineUnavailable(
        name, Message("%(error)s; `backfile verify --repair` mends it", error=error)
    )
