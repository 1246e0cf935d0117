"""Warnings that an answer carries, and other words to search for where nothing good was found."""

from backfile.archive.model.message import Message
from backfile.index.asking.did_you_mean import likely
from backfile.index.lexical.analysis.analyser import words_of
from backfile.index.lexical.analysis.languages import Languages
from backfile.index.lexical.scoring.lexical_search import LexicalSearch
from backfile.index.model.expression import Expression, Word, wanted
from backfile.index.model.query import Mode, Query
from backfile.index.model.results import Offer


def warnings(
    query: Query, *, generation: int, words_coverage: float, failure: str | None
) -> list[Message]:
    """List what limits an answer.

    `words_coverage` is the share of passages, 0 to 1, that can be found by their words; `failure`
    is why meaning could not be asked; `generation` is the one that the answer was taken from.
    """
    found = []
    if failure:
        found.append(Message("by words alone: %(failure)s", failure=failure))
    if query.mode is not Mode.SEMANTIC and query.text and words_coverage < 1:
        found.append(
            Message(
                "by words, %(share)s%% of the archive can be searched so far",
                share=int(100 * words_coverage),
            )
        )
    if query.cursor and query.cursor.generation != generation:
        found.append(
            Message("the archive has changed since the first page: hits may be missed or repeated")
        )
    return found


MOST_OFFERS = 8
MOST_WORDS = 12  # of a query are looked at
ALIKE = 2  # words are offered at most for one that is nowhere


def alternative_words(expression: Expression | None, lexical: LexicalSearch) -> tuple[Offer, ...]:
    """Offer words spelt like those that are nowhere; then the words that are here, rarest first."""
    if expression is None:
        return ()

    def articles(word: str) -> int:
        return int(lexical.match(Word(word)).matching.sum())

    languages = Languages.of(lexical.table.spoken)
    said = [word for leaf in wanted(expression) for word in words_of(leaf.text)]
    known = {
        word: articles(word) for word in list(dict.fromkeys(languages.weighty(said)))[:MOST_WORDS]
    }
    alike = [
        Offer(found.spelling.written, articles(found.spelling.text))
        for word, held in known.items()
        if not held
        for found in likely(word, lexical.spellings(), languages)[:ALIKE]
    ]
    here = sorted((held, word) for word, held in known.items() if held)
    offers = [*alike, *(Offer(word, held) for held, word in here)]
    return tuple({offer.word: offer for offer in offers if offer.articles}.values())[:MOST_OFFERS]
