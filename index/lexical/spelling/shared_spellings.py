"""The words of a divided archive by their spelling: each shard looks among its own."""

from collections.abc import Iterable

from backfile.index.lexical.spelling.spellings import NearSpelling, Spelling, Spellings
from backfile.index.model.whole import Whole


class SharedSpellings:
    """The spellings of all shards, as one of them asks for them; see `Spellings`."""

    def __init__(self, own: Spellings, whole: Whole) -> None:
        self._own = own
        self._whole = whole

    def near(self, word: str, edits: int) -> list[NearSpelling]:
        """The words within so many edits of this folded one, nearest first."""
        alike: dict[str, list[NearSpelling]] = {}
        for some in self._whole.gather(self._own.near(word, edits)):
            for each in some:
                alike.setdefault(each.spelling.text, []).append(each)
        found = [
            NearSpelling(same[0].distance, _merged([each.spelling for each in same]))
            for same in alike.values()
        ]
        return sorted(found, key=lambda n: (n.distance, -n.spelling.frequency, n.spelling.text))

    def terms_beginning(self, prefix: str) -> set[str]:
        """The terms of all words with this prefix."""
        return set[str]().union(*self._whole.gather(self._own.terms_beginning(prefix)))

    def terms_matching(self, pattern: str) -> set[str]:
        """The terms of all words of a pattern with wildcards."""
        return set[str]().union(*self._whole.gather(self._own.terms_matching(pattern)))


AnySpellings = Spellings | SharedSpellings


def spellings_of_whole(own: Spellings, whole: Whole) -> AnySpellings:
    """The spellings of the whole; where that is not divided, these are its own."""
    return SharedSpellings(own, whole) if whole.is_divided else own


def _merged(alike: Iterable[Spelling]) -> Spelling:
    """One word of several shards, written as where it is most frequent."""
    found = sorted(alike, key=lambda each: (-each.frequency, each.written))
    return Spelling(
        found[0].text,
        found[0].written,
        tuple(sorted({term for each in found for term in each.terms})),
        sum(each.frequency for each in found),
        any(each.living for each in found),
    )
