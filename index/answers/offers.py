"""Offers words to search for instead, where nothing good was found."""

from index.asking.corrections import likely
from index.columns.columns import Columns
from index.expression import Expression, Word, wanted
from index.lexical.language.analysis import words_of
from index.lexical.language.languages import Languages
from index.protocols import LexicalSnapshot
from index.results import Offer

MOST_OFFERS = 8
MOST_WORDS = 12  # of a query are looked at
ALIKE = 2  # words are offered at most for one that is nowhere


def offers_for(
    expression: Expression | None, lexical: LexicalSnapshot, columns: Columns
) -> tuple[Offer, ...]:
    """Offer words spelt like those that are nowhere; then the words that are here, rarest first."""
    if expression is None:
        return ()

    def articles(word: str) -> int:
        return int(lexical.match(Word(word), columns).held.sum())

    languages = Languages.of(columns.spoken)
    said = [word for leaf in wanted(expression) for word in words_of(leaf.text)]
    known = {
        word: articles(word) for word in list(dict.fromkeys(languages.weighty(said)))[:MOST_WORDS]
    }
    alike = [
        Offer(found.spelling.written, articles(found.spelling.text))
        for word, held in known.items()
        if not held
        for found in likely(word, lexical.spellings(columns), languages)[:ALIKE]
    ]
    here = sorted((held, word) for word, held in known.items() if held)
    offers = [*alike, *(Offer(word, held) for held, word in here)]
    return tuple({offer.word: offer for offer in offers if offer.articles}.values())[:MOST_OFFERS]
