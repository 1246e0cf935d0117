"""Finds what may stand for each word of a query: its terms in each language, or its spellings."""

from collections.abc import Sized
from functools import partial

from backfile.archive.model.errors import BadQuery
from backfile.archive.model.message import Message
from backfile.index.lexical.analysis.languages import Place
from backfile.index.lexical.analysis.ngrams import has_run
from backfile.index.lexical.analysis.stemming import fold, spelling_of
from backfile.index.lexical.scoring.collection import Collection
from backfile.index.lexical.spelling.shared_spellings import AnySpellings, spellings_of_whole
from backfile.index.lexical.spelling.wildcards import ANY_WORD, is_match, split_wild
from backfile.index.model.expression import INDEXED, Form, Fuzzy, Leaf, Phrase, Prefix, Word
from backfile.index.model.postings import Slot
from backfile.index.model.whole import UNDIVIDED, Whole

MOST_TERMS = 10_000  # of a prefix
MOST_SPELLINGS = 50  # terms of a fuzzy word: the nearest, then the most frequent
Way = tuple[Slot, ...]
"""One way in which a passage can hold a word or phrase: what stands at each place."""


class Slots:
    """Reads the words of a query against one collection."""

    def __init__(self, collection: Collection, whole: Whole = UNDIVIDED) -> None:
        self._collection = collection
        self._whole = whole
        self._languages = collection.languages

    def _spellings(self) -> AnySpellings:
        return spellings_of_whole(self._collection.spellings(), self._whole)

    def ways(self, leaf: Leaf) -> list[Way]:
        """The ways in which a passage can hold a leaf; see `Languages.paths`."""
        match leaf:
            case Prefix(text) if not has_run(text):
                return [(Slot(tuple(self.expanded(text))),)]
            case Fuzzy(text, _, edits) if not has_run(text):
                return [(Slot(tuple(self.spelt_alike(text, edits))),)]
            case Word(form=form) | Phrase(form=form):
                texts = (leaf.text, *leaf.alike)
                return [way for text in texts for way in self.ways_of_text(text, form)]
        return self.ways_of_text(leaf.text)

    def ways_of_text(self, text: str, form: Form = Form.ANY) -> list[Way]:
        joined: list[Slot] = []
        apart: list[Slot] = []
        for is_wild, piece in split_wild(text):
            if is_wild:
                slot = self._wild_slot(piece)
                joined.append(slot)
                apart.append(slot)
            else:
                paths = self._languages.paths(piece)
                joined += (_slot(place, form) for place in paths[0])
                apart += (_slot(place, form) for place in paths[-1])
        same = [slot.terms for slot in joined] == [slot.terms for slot in apart]
        return [tuple(joined)] if same else [tuple(joined), tuple(apart)]

    def _wild_slot(self, pattern: str) -> Slot:
        """What may stand for a word with wildcards; `*` alone is any word."""
        if pattern == ANY_WORD:
            return Slot(None)
        terms = self._spellings().terms_matching(pattern)
        self._require_few(terms, pattern)
        return Slot(tuple(sorted(terms)), is_match(pattern))

    def expanded(self, prefix: str) -> list[str]:
        """The terms of a prefix and its own stem; of a single letter, the pairs it begins."""
        folded = fold(prefix)
        if has_run(prefix):
            snapshot = self._collection.snapshot
            own = {term for field in INDEXED for term in snapshot.terms(field, folded)}
            found = self._whole.union(own)
        else:
            found = self._spellings().terms_beginning(folded)
        self._require_few(found, prefix + "*")
        return sorted(found.union(*self._languages.terms(prefix)))

    def _require_few(self, terms: Sized, typed: str) -> None:
        """Raise BadQuery if a part with wildcards stands for too many terms."""
        if len(terms) > MOST_TERMS:
            reason = Message(
                "%(part)s stands for %(number)s words; at most %(most)s are taken: "
                "type more letters",
                part=typed,
                number=len(terms),
                most=MOST_TERMS,
            )
            raise BadQuery("q", reason)

    def spelt_alike(self, text: str, edits: int) -> list[str]:
        """The terms of words within so many edits; of many, the nearest and most frequent."""
        spellings = self._spellings()
        asked = {spelling_of(text, language) for language in self._languages.readings}
        near = sorted(
            (found for each in asked for found in spellings.near(each, edits)),
            key=lambda found: (found.distance, -found.spelling.frequency, found.spelling.text),
        )
        terms = dict.fromkeys(term for found in near for term in found.spelling.terms)
        return list(terms)[:MOST_SPELLINGS]


def _slot(place: Place, form: Form) -> Slot:
    if form is Form.ANY:
        return Slot(place.terms)
    return Slot(place.terms, partial(form.accepts, place.written))
