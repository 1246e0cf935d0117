"""The words of a divided archive by their spelling: each shard looks among its own."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from itertools import chain, islice

from backfile.index.lexical.spelling.spellings import NearSpelling, Spelling, Spellings
from backfile.index.model.whole import Stage, Whole, result_of


class SharedSpellings:
    """The spellings of all shards, as one of them asks for them; see `Spellings`."""

    def __init__(self, own: Spellings, whole: Whole) -> None:
        self._own = own
        self._whole = whole

    def near(self, word: str, edits: int) -> list[NearSpelling]:
        """The words within so many edits of this folded one, nearest first."""
        return result_of(self.near_each([word], edits))[0]

    def near_each(self, words: Sequence[str], edits: int) -> Stage[list[list[NearSpelling]]]:
        """The same of several words, in one round."""
        self._whole.note(words)
        given = self._whole.reduced([self._own.near(word, edits) for word in words], _near_in_whole)
        yield
        return given.value()

    def terms_beginning(self, prefix: str) -> set[str]:
        """The terms of all words with this prefix."""
        return self._whole.union(self._own.terms_beginning(prefix))

    def terms_matching(self, pattern: str) -> set[str]:
        """The terms of all words of a pattern with wildcards."""
        return self._whole.union(self._own.terms_matching(pattern))


AnySpellings = Spellings | SharedSpellings


def near_each(
    spellings: AnySpellings, words: Sequence[str], edits: int
) -> Stage[list[list[NearSpelling]]]:
    """The words within so many edits of each of these, nearest first; of a whole in one round."""
    if isinstance(spellings, SharedSpellings):
        return (yield from spellings.near_each(words, edits))
    return [spellings.near(word, edits) for word in words]


def spellings_of_whole(own: Spellings, whole: Whole) -> AnySpellings:
    """The spellings of the whole; where that is not divided, these are its own."""
    return SharedSpellings(own, whole) if whole.is_divided else own


def beginning_in_whole(own: Spellings, prefix: str, limit: int, whole: Whole) -> list[Spelling]:
    """The most frequent words of the whole with this prefix; of equals, the first by the alphabet.

    A word that is as frequent as the last of them has at least one shard's part of that frequency
    in some shard: Cao and Wang, "Efficient top-K query calculation in distributed networks", 2004.
    """
    first = list(islice(own.beginning(prefix), limit))
    if not whole.is_divided:
        return first
    frequencies = {each.text: each.frequency for each in first}
    least = whole.reduced(frequencies, partial(_least_to_ask_for, limit=limit)).value()
    words = whole.union(set(own.frequencies_beginning(prefix, least)))
    found = [each for each in exactly_in_whole(own, sorted(words), whole) if each]
    return sorted(found, key=lambda each: (-each.frequency, each.text))[:limit]


def exactly_in_whole(
    own: Spellings, words: Sequence[str], whole: Whole
) -> Sequence[Spelling | None]:
    """Each of these folded words as the whole has it; None if it is in no shard."""
    return whole.reduced([own.exactly(word) for word in words], _exactly_in_whole).value()


def _least_to_ask_for(shards: Sequence[Mapping[str, int]], limit: int) -> int:
    """The least frequency in a shard of a word that may be among the first in the whole."""
    sums: Counter[str] = Counter()
    for some in shards:
        sums.update(some)
    enough = sorted(sums.values(), reverse=True)[limit - 1 : limit]
    return -(-enough[0] // len(shards)) if enough else 1


def _exactly_in_whole(shards: Sequence[Sequence[Spelling | None]]) -> list[Spelling | None]:
    alike = ([each for each in same if each] for same in zip(*shards, strict=True))
    return [_merged(same) if same else None for same in alike]


def _near_in_whole(shards: Sequence[Sequence[list[NearSpelling]]]) -> list[list[NearSpelling]]:
    return [_near(same) for same in zip(*shards, strict=True)]


def _near(shards: Iterable[Sequence[NearSpelling]]) -> list[NearSpelling]:
    alike: dict[str, list[NearSpelling]] = {}
    for each in chain.from_iterable(shards):
        alike.setdefault(each.spelling.text, []).append(each)
    found = [
        NearSpelling(same[0].distance, _merged([each.spelling for each in same]))
        for same in alike.values()
    ]
    return sorted(found, key=lambda n: (n.distance, -n.spelling.frequency, n.spelling.text))


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
