"""Offers words to search for instead, where nothing good was found."""

from collections.abc import Iterator

from archive.store.catalog.catalog import Catalog
from index.columns.columns import Columns
from index.expression import Expression, Word, wanted
from index.lexical.language.analysis import terms, words_of
from index.lexical.language.languages import Languages
from index.lexical.language.stemming import marked, reading
from index.protocols import LexicalSnapshot, Similar
from index.results import Offer

MOST_OFFERS = 8
MOST_WORDS = 12  # of a query are looked at
ALIKE = 2  # words are offered at most for one that is nowhere


def offers_for(
    expression: Expression | None, lexical: LexicalSnapshot, columns: Columns, catalog: Catalog
) -> tuple[Offer, ...]:
    """Offer words spelt like those that are nowhere; then the words that are here, rarest first."""
    if expression is None:
        return ()
    said = [word for leaf in wanted(expression) for word in words_of(leaf.text)]
    words = list(dict.fromkeys(Languages.of(columns.spoken).weighty(said)))[:MOST_WORDS]
    known = {word: int(lexical.match(Word(word), columns).held.sum()) for word in words}
    alike = [
        Offer(_as_spelt(similar, catalog), articles)
        for word, held in known.items()
        if not held
        for similar in lexical.similar(word, columns, ALIKE)
        if (articles := _articles(similar, columns))
    ]
    here = sorted((held, word) for word, held in known.items() if held)
    offers = [*alike, *(Offer(word, held) for held, word in here)]
    return tuple({offer.word: offer for offer in offers}.values())[:MOST_OFFERS]


def _articles(similar: Similar, columns: Columns) -> int:
    rows = similar.rows[similar.rows < columns.n_rows]
    return int(columns.articles_with(rows[columns.alive[rows]]).sum())


def _as_spelt(similar: Similar, catalog: Catalog) -> str:
    """A term is a stem; find a word with that stem where it stands."""
    return next(_spellings(similar, catalog), marked(similar.term)[0])


def _spellings(similar: Similar, catalog: Catalog) -> Iterator[str]:
    for found in catalog.stored(similar.rows[:1].tolist()):
        for word in words_of(found.passage.text):
            if terms(word, reading(found.article.language)) == [similar.term]:
                yield word
