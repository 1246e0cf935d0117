"""Searches other names of a thing with it: a file says which words mean the same.

One group a line, its texts parted by commas: `healthcare, health care`. Lines that begin with `#`
are comments. This is the form of Solr's synonyms without its arrows.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Self

from backfile.archive.model.errors import BadSetting
from backfile.index.lexical.analysis.analyser import words_of
from backfile.index.model.expression import (
    WORDED,
    And,
    Expression,
    Form,
    Not,
    Or,
    Phrase,
    Word,
    Words,
    is_plain,
)

MOST_GROUPS = 10_000
MOST_ALIKE = 8  # other texts of a word or phrase
LONGEST = 6  # words of a text
LENGTHS = range(LONGEST, 1, -1)
Folded = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Synonyms:
    """Groups of texts that mean the same, by the folded words of each text."""

    groups: Mapping[Folded, tuple[str, ...]] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a file of groups; raise BadSetting with the line that is wrong."""
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as exc:
            raise BadSetting("BACKFILE_SYNONYMS", f"{path} cannot be read: {exc}") from exc
        groups: dict[Folded, tuple[str, ...]] = {}
        for number, line in enumerate(lines, 1):
            texts = tuple(filter(None, (text.strip() for text in line.split(","))))
            if not texts or line.lstrip().startswith("#"):
                continue
            folded = [tuple(words_of(text)) for text in texts]
            if len(texts) < 2 or not all(0 < len(each) <= LONGEST for each in folded):
                reason = (
                    f"{path}, line {number}: expected two texts or more, parted by commas, "
                    f"each of 1 to {LONGEST} words"
                )
                raise BadSetting("BACKFILE_SYNONYMS", reason)
            for each in folded:
                groups[each] = tuple(dict.fromkeys((*groups.get(each, ()), *texts)))
        if len(groups) > MOST_GROUPS:
            reason = f"{path} has {len(groups)} texts; at most {MOST_GROUPS} are taken"
            raise BadSetting("BACKFILE_SYNONYMS", reason)
        return cls(groups)

    def expanded(self, expression: Expression) -> Expression:
        """Let each word and phrase of an expression stand for its synonyms too.

        Plain words that together are in a group become one.
        """
        match expression:
            case Words(parts) if self.groups:
                return Words(tuple(self._joined(parts)))
            case And(parts) | Or(parts) if self.groups:
                return type(expression)(tuple(map(self.expanded, parts)))
            case Not(part) if self.groups:
                return Not(self.expanded(part))
            case Word(form=Form.ANY) | Phrase(slop=1, form=Form.ANY) if (
                self.groups and expression.field in WORDED
            ):
                return replace(expression, alike=self._alike(expression.text))
        return expression

    def _joined(self, parts: Sequence[Expression]) -> list[Expression]:
        found: list[Expression] = []
        place = 0
        while place < len(parts):
            length = next(filter(None, (self._length(parts, place, n) for n in LENGTHS)), 1)
            some = parts[place : place + length]
            if length > 1:
                text = " ".join(part.text for part in some if isinstance(part, Word))
                found.append(Word(text, alike=self._alike(text)))
            else:
                found += map(self.expanded, some)
            place += length
        return found

    def _length(self, parts: Sequence[Expression], place: int, length: int) -> int:
        """The length, if so many plain words from this place on are in a group; else 0."""
        some = parts[place : place + length]
        if len(some) < length or not all(map(is_plain, some)):
            return 0
        text = " ".join(part.text for part in some if isinstance(part, Word))
        return length if tuple(words_of(text)) in self.groups else 0

    def _alike(self, text: str) -> tuple[str, ...]:
        """The text with each part that is in a group replaced by the others of its group."""
        words = words_of(text)
        found: list[str] = []
        for start in range(len(words)):
            for end in range(start + 1, min(len(words), start + LONGEST) + 1):
                found += (
                    " ".join((*words[:start], other, *words[end:]))
                    for other in self.groups.get(tuple(words[start:end]), ())
                    if words_of(other) != words[start:end]
                )
        return tuple(dict.fromkeys(found))[:MOST_ALIKE]


NO_SYNONYMS = Synonyms()
