"""Folds the case and accents of a word, and finds its stem in a language.

A stem is marked with its language (`bruck|de`), so that words of two languages never share a term.
English stems, numbers and pairs of letters have no mark.
"""

import re
import unicodedata
from collections.abc import Callable
from functools import cache, lru_cache

from whoosh.lang.porter import stem
from whoosh.lang.stopwords import stoplists

from backfile.index.lexical.analysis.word_delimiter import (
    COUNTRY,
    HYPHENS,
    QUOTES,
    is_contraction,
    tokens,
)

ENGLISH = ""  # and texts without a known language
UNSTEMMED = "x"  # languages without stemmer and stop words in Whoosh
STEMMED = frozenset(("da", "de", "es", "fi", "fr", "hu", "it", "nl", "no", "pt", "ro", "ru", "sv"))
CODES = {"en": ENGLISH, "nb": "no", "nn": "no"}
MARK = "|"  # occurs in no word
COUNTRY_TERM = "u.s"  # of the United States, in every language; the pronoun is another word
LONGEST_TERM = 64
LETTERS = str.maketrans(
    {"’": "'", "ø": "o", "ł": "l", "đ": "d", "æ": "ae", "œ": "oe", "ı": "i"}
    | {"ة": "ه", "ى": "ي", "ی": "ي", "ک": "ك"}  # Arabic and Persian forms of a letter
    | dict.fromkeys(["\ufe0f", *map(chr, range(0x1F3FB, 0x1F400))], "")  # how an emoji is shown
)
JOINTS = str.maketrans("", "", f"'.{HYPHENS}{QUOTES}\u05f3")  # within a word that is one term
CONTRACTED = re.compile(r"'(?:t|d|m|re|ve|ll)$")
# Articles and endings joined to a word: l'eau, dell'acqua, al-, İzmir'de. Whoosh's stemmer for
# Arabic would remove them, but fails at a replacement pattern that Python no longer accepts.
ELISIONS = {
    "fr": re.compile(r"^(?:[ldjmtsnc]|qu|jusqu|lorsqu|puisqu|quoiqu)'(?=\w\w)"),
    "ar": re.compile(r"^(?:[وفبك]?ال|لل)(?=\w\w)"),
    "tr": re.compile(r"(?<=\w)'\w*$"),  # an ending behind a name: İzmir'de
    "it": re.compile(r"^(?:[ldcvsmtn]|un|(?:de|ne|su|a|da|co)ll?|quest|quell|anch|sant)'(?=\w\w)"),
}
# Umlauts in ASCII: Bruecke; not in neue or Quelle. As in Snowball's "German2".
UMLAUT = re.compile(r"(?<![aeq])ue|ae|oe")
# Stemmers know endings by their accents, which a searcher may leave out. Spanish: the usual accent
# is restored. French: words are stemmed twice; of the accented words of 100 news pages, 5% are then
# missed when typed without accents, not 20%.
BARE_ENDING = re.compile(r"ion$")
TWICE = frozenset(["fr"])


@lru_cache(maxsize=1 << 17)
def fold(word: str) -> str:
    """Fold case and accents, and drop a possessive.

    >>> [fold(w) for w in ("Zoë's", "O’Dowd", "didn't", "co-op", "Straße", "Łódź")]
    ['zoe', 'odowd', "didn't", 'coop', 'strasse', 'lodz']
    """
    folded = word.casefold()
    if not folded.isascii():
        decomposed = unicodedata.normalize("NFKD", folded.translate(LETTERS))
        bare = "".join(c for c in decomposed if not _is_accent(c))
        folded = unicodedata.normalize("NFC", bare)
    if not folded.isalnum():
        folded = folded.removesuffix("'s")
        is_number = folded.replace(".", "").isdigit()
        if not (CONTRACTED.search(folded) or is_number):
            folded = folded.translate(JOINTS)
    return folded[:LONGEST_TERM]


@lru_cache(maxsize=1 << 17)
def term_of(word: str, language: str = ENGLISH) -> str:
    """Fold and stem a word; `language` is a code as `reading` returns it.

    >>> term_of("Bridges"), term_of("bridge's"), term_of("Brücken", "de"), term_of("l'eau", "fr")
    ('bridg', 'bridg', 'bruck|de', 'eau|fr')
    """
    if word == COUNTRY:
        return COUNTRY_TERM
    folded = fold(word)
    if language == ENGLISH:
        return stem(folded) if folded.isascii() and folded.isalpha() else folded
    if language in ELISIONS:
        word = _without_elision(word, language)
        folded = fold(word)
    if not folded.isalpha():
        return folded
    if language in STEMMED:
        folded = _stem(folded if language == "de" else word.casefold(), language) or folded
    return f"{folded}{MARK}{language}"


def spelling_of(word: str, language: str = ENGLISH) -> str:
    """Fold a word without stemming it.

    >>> spelling_of("Brücken", "de"), spelling_of("l'Eau", "fr"), spelling_of("Bridge's")
    ('brucken', 'eau', 'bridge')
    """
    return fold(_without_elision(word, language)) if language in ELISIONS else fold(word)


def reading(language: str) -> str:
    """Map the code of an article's language to the code of its analysis.

    >>> [reading(code) for code in ("", "en", "de", "nb", "tr", "pl")]
    ['', '', 'de', 'no', 'tr', 'x']
    """
    code = CODES.get(language, language)
    known = not code or code in STEMMED or code in ELISIONS or code in stoplists
    return code if known else UNSTEMMED


def is_stop_word(word: str, language: str = ENGLISH) -> bool:
    """Whether a word is a stop word.

    >>> [is_stop_word(word) for word in ("us", "US", "u.s", "didn't")]
    [True, False, False, True]
    """
    is_country = any(token.text == COUNTRY for token in tokens(word)[:1])
    return not is_country and (fold(word) in _stop_words(language) or is_contraction(word))


def marked(term: str) -> tuple[str, str]:
    """Split a term into its stem and its language.

    >>> marked("bruck|de"), marked("bridg")
    (('bruck', 'de'), ('bridg', ''))
    """
    bare, _, language = term.partition(MARK)
    return bare, language


def _without_elision(word: str, language: str) -> str:
    return ELISIONS[language].sub("", word.casefold().replace("’", "'"))


def _is_accent(character: str) -> bool:
    """Whether it is an accent or vowel sign, and not a sign that makes another letter."""
    kind = unicodedata.combining(character)
    return 9 < kind < 40 or kind > 200  # combining classes; 7 to 9 voice kana and join Hindi


def _stem(word: str, language: str) -> str:
    if language == "de":
        word = UMLAUT.sub(lambda found: found.group()[0], word)
    if language == "es":
        word = BARE_ENDING.sub("ión", word)
    stemmed = fold(_stemmer(language)(word))
    return fold(_stemmer(language)(stemmed)) if language in TWICE else stemmed


@cache
def _stop_words(language: str) -> frozenset[str]:
    if language == ENGLISH:
        return frozenset((*stoplists["en"], "us"))
    return frozenset(map(fold, stoplists.get(language, ())))


@cache
def _stemmer(language: str) -> Callable[[str], str]:
    """Load a stemmer at its first use; loading all takes 10 ms."""
    from whoosh.lang import stemmer_for_language

    found: Callable[[str], str] = stemmer_for_language(language)
    return found
