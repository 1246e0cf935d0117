"""Finds the authors of a web page: as its metadata name them, and as the page shows them."""

import html
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, NamedTuple

from backfile.archive.formats.wire.bylines import is_office

LONGEST_BYLINE = 200  # characters that an element shows; a longer one is about an author
LONGEST_NAME = 40  # characters
LONGEST_LEAD = 160  # characters of a line that begins with "By"
MOST_ELEMENTS = 150  # behind the headline, in which a byline is looked for
MOST_SHOWN = 3  # bylines of a page that are read: further ones are of other articles
MOST_NAMES, MOST_WORDS = 12, 5
OPENING = re.compile(
    r"^\W*(?:(?:\w+\s+){0,2}(?:by|durch)|von|par|por|di|door|af|av|od|przez|text|texto|texte|testo|"
    r"autor(?:in)?|author|fotos?|текст|автор|written|words)\s*[:|]?(?=\s)\s*",
    re.I,
)
LINE_BY = re.compile(r"^\W{0,3}(?:[Bb]y|BY|Von|VON|Par|PAR|Por|POR|Door)\s*:?\s+[^\W\d_]")
JOINED = re.compile(r"\s*\n\s*(and|&|und|et|y|e|og|och|en|with|,|;)\s*\n\s*|\s*(,)\n\s*", re.I)
DIVIDER = re.compile(r"\s*(?:,|;|\s(?:and|&|und|et|og|och|with)\s)\s*", re.I)
# Where a byline goes on with a day, a handle, an address, or another thing.
END = re.compile(
    r"\s*(?:[|•·/()\[\]@\d]|\s[-–—]+(?:\s|$)|(?<=[^\W\d_]{3})\.\s|\S+@|https?:|"
    r"\b(?:on|for|in|at|for|special to|updated|published|publiziert|posted|"
    r"(?:mon|tues|wednes|thurs|fri|satur|sun)day|montag|"
    r"(?:jan|febr)uary|march|april|june|july|august|(?:septem|octo|novem|decem)ber|"
    r"(?:jan|feb|mar|apr|may|jun|jul|aug|sept?|oct|nov|dec)\.?(?=\s*\d|$))\b)",
    re.I,
)
PARTICLES = frozenset(
    (
        *("de", "del", "della", "der", "den", "di", "da", "do", "dos", "du", "la", "le", "van"),
        *("von", "zu", "zur", "bin", "ibn", "al", "el", "ter", "ten", "y", "e", "af"),
    )
)
CREDENTIAL = re.compile(r"[A-Z][A-Za-z]?\.?(?:[A-Z]\.?)+$")  # MS, RDN, Ph.D.
NOT_IN_NAMES = re.compile(
    r"\b(?:about|admin\w*|articles?|authors?|archive|bio\w*|blog|comments?|copyright|editorial|email|follow|guest|"
    r"hidden|more|name|online|posts?|redac\w+|redazione|rédaction|reports?|share|special|subscribe|"
    r"team|user|view|web|website|wires?|world)\b",
    re.I,
)
WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+")  # of the name of a class
AUTHOR = ("byline", "author")  # beginnings of such words
AUTHORS = frozenset(
    ("writer", "writers", "reporter", "reporters", "creator", "autor", "verfasser", "auteur")
)
# Of an author's picture and life, of other people, and of other articles.
ELSEWHERE = re.compile(
    r"comment|respond|bio(?:s|graph|$|[-_ ])|related|sidebar|widget|footer|recommend|teaser|"
    r"trending|popular|newsletter|caption|credit|flyout|follow|avatar|login|user",
    re.I,
)
ROLES_IN = ("class", "id", "rel", "itemprop")


class Claim(NamedTuple):
    """Names that a page's metadata give, and whether they say that these are people."""

    names: Sequence[str]
    is_of_people: bool = False


def authors_of(tree: Any, claims: Iterable[Claim], outlets: Sequence[str]) -> list[str]:
    """The people in the first claim that names any, or else in the byline that the page shows.

    The byline is believed before a claim all of whose names it has, and more; and before one of
    which it is unsure that it names people, as programs write the account of who published a page.
    """
    claim, claimed = next(
        ((each, names) for each in claims if (names := _claimed(each, outlets))), (None, [])
    )
    shown = next(filter(None, islice(_shown(tree, outlets), MOST_SHOWN)), [])
    if claim is None:
        return shown
    both = {name.casefold() for name in shown} & {name.casefold() for name in claimed}
    is_other = bool(shown) and not both and not claim.is_of_people
    return shown if is_other or len(both) == len(claimed) < len(shown) else claimed


def people_in(byline: str, outlets: Sequence[str] = (), *, known: bool = False) -> list[str]:
    """The people whom a byline names, without roles, outlets and days; empty if unsure.

    Ends of lines are those of the page's elements. What is `known` to be of people may be a single
    word, as what stands behind "by" may be, or the name of the outlet.

    >>> people_in("By\\nANA RUIZ\\nand\\nJosé Núñez, Staff Writer\\n@anaruiz")
    ['Ana Ruiz', 'José Núñez']
    >>> people_in("Analysis by Tom Keel, CNN Editor-at-large"), people_in("By Reuters")
    (['Tom Keel'], [])
    """
    byline = JOINED.sub(r" \1\2 ", "\n".join(" ".join(each.split()) for each in byline.split("\n")))
    opened = OPENING.sub("", byline.strip())
    is_opened = opened != byline.strip()
    first = next((each for each in opened.split("\n") if each.strip(" ,;:|-")), "")
    found = END.search(first.strip(" ,;:|-"))
    first = first.strip(" ,;:|-")[: found.start() if found else None]
    names = []
    for part in DIVIDER.split(first)[:MOST_NAMES]:
        name = _in_small_letters(part.strip(" .:'\"“”*"))
        if name in names or not _is_name(name) or (" " not in name and not (known or is_opened)):
            continue
        if (known and " " in name) or not any(_same(name, each) for each in outlets):
            names.append(name)
    return names


def _claimed(claim: Claim, outlets: Sequence[str]) -> list[str]:
    found = [
        name
        for each in claim.names[:MOST_NAMES]
        for name in people_in(html.unescape(each), outlets, known=claim.is_of_people)
    ]
    return list(dict.fromkeys(found))


def _is_name(name: str) -> bool:
    """Whether words can be the name of a person, by how they are written.

    >>> [_is_name(each) for each in ("Ludwig van Beek", "RDN", "the harbour", "Staff Writer")]
    [True, False, False, False]
    """
    words = name.split()
    if not 2 < len(name) <= LONGEST_NAME or len(words) > MOST_WORDS or CREDENTIAL.match(name):
        return False
    if not all(each[0].isalpha() for each in words):
        return False
    small = [each for each in words if each[0].islower() and each not in PARTICLES]
    if small or words[0][0].islower() or words[-1][0].islower():
        return False
    return not is_office(name) and not NOT_IN_NAMES.search(name)


def _same(name: str, outlet: str) -> bool:
    """Whether a name is that of an outlet, or a part of it."""
    name, outlet = ("".join(filter(str.isalnum, each.casefold())) for each in (name, outlet))
    return len(outlet) > 2 and (name in outlet or outlet in name)


def _in_small_letters(name: str) -> str:
    """A name of two words or more in capitals as names are usually written."""
    return name.title() if " " in name and name.isupper() else name


def _shown(tree: Any, outlets: Sequence[str]) -> Iterator[list[str]]:
    """The people in each byline of a page, in its order; none of what stands below the article."""
    headline = next(iter(tree.iter("h1")), None)
    behind = 0
    for element in tree.iter():
        if not isinstance(element.tag, str):
            continue
        if element is headline or behind:
            behind += 1
        roles = " ".join(element.get(each) or "" for each in ROLES_IN)
        is_author = _is_of_authors(roles)
        if not is_author and not 0 < behind < MOST_ELEMENTS:
            continue
        text = _text(element, LONGEST_BYLINE)
        is_line = 0 < len(text) <= LONGEST_LEAD and LINE_BY.match(text)
        if text and (is_author or is_line) and not _is_elsewhere(element):
            linked = [_text(each, LONGEST_BYLINE) for each in element.iter("a") if _leads_to(each)]
            names = dict.fromkeys(name for each in linked for name in people_in(each, outlets))
            yield max(list(names), people_in(text, outlets), key=len)


def _leads_to(link: Any) -> bool:
    """Whether a link leads to the page of an author."""
    address = link.get("href") or ""
    return link.get("rel") == "author" or bool(re.search(r"/(?:authors?|staff|by)/", address))


def _is_elsewhere(element: Any) -> bool:
    around = (element, *islice(element.iterancestors(), 8))
    return any(
        each.tag in ("footer", "nav", "figure", "aside")
        or ELSEWHERE.search(" ".join(each.get(name) or "" for name in ("class", "id")))
        for each in around
        if each.tag not in ("body", "html")
    )


def _is_of_authors(roles: str) -> bool:
    """Whether the classes of an element say that it holds authors.

    >>> _is_of_authors("articleByline__name"), _is_of_authors("autoracing")
    (True, False)
    """
    words = map(str.casefold, WORD.findall(roles))
    return any(each.startswith(AUTHOR) or each in AUTHORS for each in words)


def _text(element: Any, most: int) -> str:
    """The text of an element, each piece on a line; empty if it is longer than `most`."""
    pieces, length = [], 0
    for piece in map(str.strip, element.itertext()):
        pieces.append(piece)
        length += len(piece)
        if length > most:
            return ""
    return "\n".join(filter(None, pieces))
