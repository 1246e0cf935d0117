"""Failures of a cache, of whatever kind, as EngineUnavailable with what mends it."""

from collections.abc import Iterator
from contextlib import contextmanager

from backfile.archive.model.errors import ArchiveError, DiskFull, EngineUnavailable, means_full
from backfile.archive.model.message import Message

PASSING = (ArchiveError, KeyboardInterrupt, SystemExit, GeneratorExit)
FULL = "disk is full"  # in SQLite's words, which Chroma passes on


@contextmanager
def translated(name: Message) -> Iterator[None]:
    """Raise EngineUnavailable, or DiskFull, from what was raised by reading the files of an engine.

    Damaged bytes make a vendor raise almost anything: struct.error, KeyError, MemoryError; and code
    in Rust a PanicException, which is no Exception.
    """
    try:
        yield
    except PASSING:
        raise
    except BaseException as exc:
        if FULL in str(exc) or (isinstance(exc, OSError) and means_full(exc)):
            raise DiskFull from exc
        error = f"{type(exc).__name__}: {exc}" if str(exc) else type(exc).__name__
        raise unavailable(
            name, Message("its files cannot be read (%(error)s)", error=error)
        ) from exc


def unavailable(name: Message, error: str) -> EngineUnavailable:
    """The error of a cache that can be made again from the record."""
    return EngineUnavailable(
        name, Message("%(error)s; `backfile verify --repair` mends it", error=error)
    )
