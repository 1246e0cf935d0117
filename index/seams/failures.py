"""Failures of a cache, of whatever kind, as EngineUnavailable with what mends it."""

from collections.abc import Iterator
from contextlib import contextmanager

from backfile.archive.model.errors import ArchiveError, EngineUnavailable, has_memory, shortage_of
from backfile.archive.model.message import Message

PASSING = (ArchiveError, KeyboardInterrupt, SystemExit, GeneratorExit)


@contextmanager
def translated(name: Message) -> Iterator[None]:
    """Raise EngineUnavailable, or a Shortage, in place of what an engine raises over its files.

    Damaged bytes make a vendor raise almost anything: struct.error, KeyError, MemoryError; and code
    in Rust a PanicException, which is no Exception.
    """
    try:
        yield
    except PASSING:
        raise
    except BaseException as exc:
        # Damage may ask for more memory than any machine has, as a length that was changed does.
        is_damage = isinstance(exc, MemoryError) and has_memory()
        if not is_damage and (shortage := shortage_of(exc)):
            raise shortage from exc
        error = f"{type(exc).__name__}: {exc}" if str(exc) else type(exc).__name__
        raise unavailable(
            name, Message("its files cannot be read (%(error)s)", error=error)
        ) from exc


def unavailable(name: Message, error: str) -> EngineUnavailable:
    """The error of a cache that can be made again from the record."""
    return EngineUnavailable(
        name, Message("%(error)s; `backfile verify --repair` mends it", error=error)
    )
