"""Names the forms in which the plain words of a query were found: bridge, found as bridges."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from backfile.archive.model.message import Message
from backfile.index.answers.explain import listed, quoted
from backfile.index.lexical.analysis.languages import Languages
from backfile.index.lexical.analysis.stemming import fold
from backfile.index.model.expression import Expression, is_plain, positive_leaves
from backfile.index.model.results import Explanation


class Forms:
    """Compares what is marked in the hits of one search with the words that were typed."""

    def __init__(self, expression: Expression | None, languages: Languages) -> None:
        leaves = positive_leaves(expression) if expression else ()
        words = dict.fromkeys(leaf.text for leaf in leaves if is_plain(leaf))
        self._languages = languages
        self._words = [(fold(word), _terms(languages.terms(word))) for word in words]
        self._known: dict[str, tuple[str, frozenset[int]]] = {}

    def add(self, why: Explanation, marked: Sequence[str]) -> Explanation:
        """Name the forms of the words that are nowhere as typed.

        >>> from backfile.index.model.expression import Word
        >>> said = Explanation((), ())
        >>> Forms(Word("bridge"), Languages()).add(said, ["bridges", "Bridging"]).clauses
        ('found as "bridges" and "Bridging"',)
        >>> Forms(Word("bridge"), Languages()).add(said, ["bridges", "Bridge"]).clauses
        ()
        """
        found = dict.fromkeys(self._other_forms(marked))
        if not found:
            return why
        clause = Message("found as %(words)s", words=listed([quoted(form) for form in found]))
        return replace(why, clauses=(*why.clauses, clause))

    def _other_forms(self, marked: Iterable[str]) -> Iterator[str]:
        forms: list[dict[str, str]] = [{} for _ in self._words]
        for text in marked:
            folded, of = self._read(text)
            for number in of:
                forms[number][text] = folded
        for (word, _), found in zip(self._words, forms, strict=True):
            if word not in found.values():
                yield from found

    def _read(self, text: str) -> tuple[str, frozenset[int]]:
        """A marked text folded, and the numbers of the words that it is a form of."""
        if text not in self._known:
            places = self._languages.terms(text)
            terms = frozenset(places[0]) if len(places) == 1 else frozenset()
            of = (n for n, (_, wanted) in enumerate(self._words) if not terms.isdisjoint(wanted))
            self._known[text] = fold(text), frozenset(of)
        return self._known[text]


def _terms(places: Iterable[Iterable[str]]) -> frozenset[str]:
    return frozenset(term for place in places for term in place)
