"""Writes refusals to a file of rejects, one a line, and reads the file again after correction."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from backfile.archive.formats.fields import FieldMap
from backfile.archive.formats.files import MEMBER_MARK
from backfile.archive.formats.records import article_of
from backfile.archive.model.article import Article, Origin
from backfile.archive.model.errors import ArchiveError, UnreadableArticle

LONGEST_RECORD = 1 << 20  # characters of JSON; a longer record is not written


class BadRejects(ArchiveError):
    """A file has a line that is not in the format of `write_rejects`."""

    def __init__(self, path: Path, line: int) -> None:
        super().__init__(
            f"line {line} of {path} is not a rejected article; give the file that --rejects wrote"
        )


def write_rejects(path: Path, refused: Iterable[UnreadableArticle]) -> None:
    """Write each refusal as JSON: origin, reason, and the record if there is one."""
    with path.open("w", encoding="utf-8") as stream:
        for each in refused:
            line = {"origin": each.origin, "reason": each.reason}
            record = json.dumps(each.record, default=str)
            if each.record is not None and len(record) <= LONGEST_RECORD:
                line["record"] = json.loads(record)
            stream.write(json.dumps(line, ensure_ascii=False) + "\n")


class Rejects:
    """Refusals of an earlier run: records from the file of rejects, and `paths` of other files."""

    def __init__(self, path: Path, names: FieldMap) -> None:
        """Read the file of rejects; raise BadRejects, or OSError."""
        self._names = names
        lines = path.read_text(encoding="utf-8").splitlines()
        entries = [_entry(line, path, n) for n, line in enumerate(lines, 1) if line.strip()]
        self._records = [each for each in entries if each.get("record") is not None]
        paths = [_path_of(each["origin"]) for each in entries if each.get("record") is None]
        self.paths = list(dict.fromkeys(paths))

    def __iter__(self) -> Iterator[Article | UnreadableArticle]:
        for entry in self._records:
            yield self._article(entry["record"], entry["origin"])

    def _article(self, record: Any, place: str) -> Article | UnreadableArticle:
        file, _, offset = place.rpartition(":")
        origin = Origin(file, int(offset)) if offset.isdecimal() else Origin(place, 1)
        try:
            if isinstance(record, str):
                record = json.loads(record)
        except (ValueError, RecursionError):
            return UnreadableArticle(place, "not valid JSON", record=record)
        found = article_of(record, origin, self._names)
        if type(found) is UnreadableArticle:
            return UnreadableArticle(place, found.reason, record=record)
        return found


def _entry(line: str, path: Path, number: int) -> dict[str, Any]:
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError) as exc:
        raise BadRejects(path, number) from exc
    if not isinstance(entry, dict) or not isinstance(entry.get("origin"), str):
        raise BadRejects(path, number)
    return entry


def _path_of(origin: str) -> Path:
    """The file on disk of an origin, which may end in `:LINE`."""
    whole = Path(origin.partition(MEMBER_MARK)[0])
    return whole if whole.exists() else Path(str(whole).rpartition(":")[0] or whole)
