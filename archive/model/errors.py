"""Every error a caller may meet. The message is made here, once: what, which one, what to do.

ArchiveError
├── UnreadableArticle   one article or file of the input; yielded and counted, seldom raised
│   └── WithdrawnArticle    one that its source has taken back
├── BadQuery            a parameter of a search
├── BadSetting          a setting, from the environment or an option
├── ArticleNotFound     an id nobody has
├── ArchiveMissing      no archive at this path
├── ArchiveMismatch     made with another model, schema, splitter or analyser
├── ArchiveBusy         another process is writing
├── ArchiveUnwritable   no archive can be made or changed at this path
├── BackupRefused       no backup can be made at this path
├── BackupUnusable      a folder is no backup, or a damaged one
├── EngineUnavailable   Whoosh, Chroma, the model or the catalogue cannot answer
└── WorkerLost          a process that helped was ended from outside
"""

from pathlib import Path
from typing import Any

from backfile.archive.model.message import Message


class ArchiveError(Exception):
    """The root of all errors below; its text is one line that a person can act on."""

    @property
    def message(self) -> str:
        """That line, as a message where it can be said in other languages."""
        return self.args[0] if self.args and isinstance(self.args[0], str) else str(self)

    def __reduce__(self) -> tuple[Any, ...]:
        """Come whole from another process, whatever arguments the message was made of."""
        return _restored, (type(self), self.args), self.__dict__


class UnreadableArticle(ArchiveError):
    """Something in the input that cannot become an article, and why.

    `record` is what was refused where it is one of many in its file, as JSON can hold it; `key`
    then names its place below the folder it was read from.
    """

    def __init__(self, origin: str, reason: str, *, record: object = None, key: str = "") -> None:
        self.origin = origin
        self.reason = reason
        self.record = record
        self.key = key
        super().__init__(f"{origin}: {reason}")


class WithdrawnArticle(UnreadableArticle):
    """An article that its source has taken back: kept out, and taken out if it is in already.

    `version` is the source's own for the withdrawal, 0 where it counts none; a later version of the
    article overrules it.
    """

    def __init__(self, origin: str, article_id: str, version: int, reason: str) -> None:
        self.article_id = article_id
        self.version = version
        super().__init__(origin, reason)


class BadQuery(ArchiveError):
    """A search parameter with a value that cannot be used."""

    def __init__(self, field: str, reason: str) -> None:
        self.field = field
        self.reason = reason
        super().__init__(Message("%(field)s: %(reason)s", field=field, reason=reason))


class BadSetting(ArchiveError):
    """A setting with a value that cannot be used."""

    def __init__(self, name: str, reason: str) -> None:
        self.name = name
        self.reason = reason
        super().__init__(f"{name}: {reason}")


class ArticleNotFound(ArchiveError):
    """No article in the archive has this id."""

    def __init__(self, article_id: str) -> None:
        self.article_id = article_id
        said = Message(
            "no article has the id %(id)s; a search shows the ids there are", id=repr(article_id)
        )
        super().__init__(said)


class ArchiveMissing(ArchiveError):
    """The path holds no archive."""

    def __init__(self, path: Path) -> None:
        self.path = path
        super().__init__(f"no archive at {path}; `backfile index PATH...` makes one")


class ArchiveMismatch(ArchiveError):
    """The archive was made with something else than what is in use now."""

    def __init__(self, expected: str, found: str, remedy: str) -> None:
        self.expected = expected
        self.found = found
        super().__init__(f"the archive was made with {expected}, but this is {found}; {remedy}")


class ArchiveBusy(ArchiveError):
    """Another process holds the writer's lock, or reads what is to be replaced."""

    def __init__(self, path: Path, doing: str = "writing to") -> None:
        self.path = path
        super().__init__(
            f"another process is {doing} {path}; wait for it to end, then run this again"
        )


class ArchiveUnwritable(ArchiveError):
    """The operating system lets nothing be made or changed at the path."""

    def __init__(self, path: Path, reason: str) -> None:
        self.path = path
        self.reason = reason
        super().__init__(
            f"cannot write to the archive at {path}: {reason}; "
            "give another directory with --archive, or make this one writable"
        )


class BackupRefused(ArchiveError):
    """No backup is made here; what lies here is left as it is. `reason` says what to do, too."""

    def __init__(self, path: Path, reason: str) -> None:
        self.path = path
        self.reason = reason
        super().__init__(f"no backup was made at {path}: {reason}")


class BackupUnusable(ArchiveError):
    """Nothing can be restored from this folder."""

    def __init__(self, path: Path, reason: str) -> None:
        self.path = path
        self.reason = reason
        super().__init__(
            f"{path} cannot be restored: {reason}; nothing was changed, restore another backup"
        )


class EngineUnavailable(ArchiveError):
    """An engine that is needed cannot answer."""

    def __init__(self, name: str, reason: str) -> None:
        self.name = name
        self.reason = reason
        super().__init__(Message("%(name)s is unavailable: %(reason)s", name=name, reason=reason))


class WorkerLost(ArchiveError):
    """A worker process died of something else than its work."""

    def __init__(self) -> None:
        super().__init__(
            "a worker process was ended from outside, most often for want of memory; "
            "run the same command again to go on, with a smaller --threads if it happens again"
        )


def _restored(kind: type[ArchiveError], args: tuple[Any, ...]) -> ArchiveError:
    return kind.__new__(kind, *args)
