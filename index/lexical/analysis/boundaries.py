"""Cuts a text into sentences and paragraphs, never within a word of the analyser."""

from typing import NamedTuple

from backfile.archive.passages import breaks_of
from backfile.index.model.expression import Stretch


class CutText(NamedTuple):
    """A text, the starts of its sentences in characters, and which of them open a paragraph."""

    text: str
    starts: list[int]
    opens: list[bool]

    @property
    def sentences(self) -> list[str]:
        """The sentences with the blanks after them; joined, they are the text."""
        ends = [*self.starts[1:], len(self.text)]
        return [self.text[start:end] for start, end in zip(self.starts, ends, strict=True)]

    def starts_of(self, stretch: Stretch) -> list[int]:
        """The starts of the sentences, or of the paragraphs."""
        if stretch is Stretch.SENTENCE:
            return self.starts
        return [start for start, opens in zip(self.starts, self.opens, strict=True) if opens]


def cut_text(text: str, language: str) -> CutText:
    """Cut a text at the starts of sentences, but not within a word (`end.Next`).

    >>> cut = cut_text("It rose. Nobody saw it.\\n\\nA bridge.", "en")
    >>> cut.sentences, cut.opens
    (['It rose. ', 'Nobody saw it.\\n\\n', 'A bridge.'], [True, False, True])
    """
    breaks = breaks_of(text, language)
    opening = {0, *breaks.paragraphs}
    starts = [0, *(each for each in breaks.sentences if _is_between_words(text, each))]
    return CutText(text, starts, [start in opening for start in starts])


def _is_between_words(text: str, place: int) -> bool:
    before = text[place - 1]
    return not (before.isalnum() or before in "_.'’")
