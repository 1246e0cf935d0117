"""Makes the names of an article of the mentions in its text: tidied, folded, most mentioned first.

A surname is folded into the full name that the same article gives, also where a model takes it for
an organisation. Another name that is taken now for this, now for that, is what most of its mentions
in the article are.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from itertools import chain
from typing import NamedTuple

from backfile.archive.model.article import ArticleNames

RULES = 1  # grows with each change of these rules, so that names can be made anew by them
MOST_NAMES = 30  # of each kind in an article
LONGEST_NAME = 80  # characters
MOST_WORDS = 8  # of a name; a longer one is a title or a list
EDGES = re.compile(r"^[^\w]+|[^\w.]+$")
ARTICLE = re.compile(r"^the (?=\S)", re.IGNORECASE)
POSSESSIVE = re.compile(r"(?<=\w)['’]s$|(?<=s)['’]$", re.IGNORECASE)
REST = re.compile(r"\W*['’]s\b", re.IGNORECASE)  # what a model cut off a possessive
ADDRESSED = re.compile(r"^(Mrs?|Ms|Mx|Dr|Prof|Sir|Dame)\.? (?=\w)")
OFFICE = re.compile(  # before a first name and a surname
    r"^((Vice|Prime|Deputy|Acting|Former) )?"
    r"(Mayor|Councill?or|Treasurer|President|Chancellor|Minister|Senator|Sen\.|Rep\.|Congress(wo)?man"
    r"|Governor|Gov\.|Secretary|Judge|Justice|Sheriff|General|Gen\.|Colonel|Col\.|Captain|Capt\."
    r"|Sergeant|Sgt\.|Professor|Rev\.|Reverend|Bishop|Father) (?=\w+\.? \w)"
)
FOREIGN = re.compile(r"[/@|\\<>()=#_]|\.com\b|www\.")  # credits, handles, addresses, markup


class NameKind(StrEnum):
    """What a name names."""

    PERSON = "person"
    ORGANISATION = "organisation"
    PLACE = "place"


class Mention(NamedTuple):
    """A name where it stands in a text, as it is written there."""

    kind: NameKind
    text: str


Counts = dict[NameKind, Counter[str]]
"""How often each name is mentioned as what, in lower case, in the order of first mentions."""


def names_of(mentions: Iterable[Mention]) -> ArticleNames:
    """The names in an article, from its mentions in the order of the text.

    >>> said = [("person", "Marian Holt"), ("place", "the Ash Valley"), ("person", "Holt’s")]
    >>> names_of(Mention(NameKind(kind), text) for kind, text in said)
    ArticleNames(people=('Marian Holt',), organisations=(), places=('Ash Valley',))
    """
    counts: Counts = {kind: Counter() for kind in NameKind}
    spelt: dict[str, Counter[str]] = defaultdict(Counter)
    for mention in mentions:
        if name := tidied(mention.text, mention.kind):
            counts[mention.kind][name.casefold()] += 1
            spelt[name.casefold()][name] += 1
    _settle_kinds(counts, _fold_people(counts))
    return ArticleNames(
        *(
            tuple(_most_common(spelt[name]) for name, _ in counts[kind].most_common(MOST_NAMES))
            for kind in NameKind
        )
    )


def tidied(text: str, kind: NameKind = NameKind.ORGANISATION) -> str:
    """A name without what stands around it, empty if it is none; of a person also without titles.

    >>> tidied("the White\\n House’s"), tidied("“U.S.”"), tidied("Harbour Inc."), tidied("n’t")
    ('White House', 'U.S.', 'Harbour Inc', '')
    >>> [tidied(name, NameKind.PERSON) for name in ("Mr. Holt", "Mayor Marian Holt", "Judge Dredd")]
    ['Holt', 'Marian Holt', 'Judge Dredd']
    """
    if REST.match(text):
        return ""
    name = ARTICLE.sub("", EDGES.sub("", " ".join(text.split())))
    name = EDGES.sub("", POSSESSIVE.sub("", name))
    if name.endswith(".") and "." not in name.rpartition(" ")[2][:-1]:
        name = name[:-1]
    if kind is NameKind.PERSON:
        name = ADDRESSED.sub("", OFFICE.sub("", name))
    return name if _is_name(name) else ""


def _is_name(text: str) -> bool:
    if not 2 <= len(text) <= LONGEST_NAME or len(text.split()) > MOST_WORDS:
        return False
    cased = any(c.isupper() for c in text) or not any(c.islower() for c in text)
    return cased and any(c.isalpha() for c in text) and not FOREIGN.search(text)


def _fold_people(counts: Counts) -> dict[str, str]:
    """Count parts of people's names, and surnames taken for organisations, for the whole name.

    Of several whole names, the most mentioned. A part of several words is a name of its own if it
    is mentioned more often. Returns the parts with their whole names.
    """
    people = counts[NameKind.PERSON]
    longer: dict[str, str] = {}
    for name, _ in people.most_common():
        for part in _parts(name.split()):
            longer.setdefault(part, name)
    folded: dict[str, str] = {}
    for name in sorted(people, key=len, reverse=True):
        whole = longer.get(name, name)
        if whole != name and (" " not in name or people[name] <= people[whole]):
            folded[name] = folded.get(whole, whole)
    for name, whole in folded.items():
        people[whole] += people.pop(name)
    for name, _ in people.most_common():
        _, several, surname = name.rpartition(" ")
        if several and (taken := counts[NameKind.ORGANISATION].pop(surname, 0)):
            people[name] += taken
            folded.setdefault(surname, name)
    return folded


def _settle_kinds(counts: Counts, folded: Mapping[str, str]) -> None:
    """Give each name the kind of most of its mentions; of equals, a place, then an organisation."""
    people = counts[NameKind.PERSON]
    for name in dict.fromkeys(chain.from_iterable(counts.values())):
        found = {kind: counts[kind][name] for kind in (NameKind.PLACE, NameKind.ORGANISATION)}
        found[NameKind.PERSON] = people[folded.get(name, name)]
        best = max(found, key=lambda kind: found[kind])
        for kind in found:
            if kind is not best:
                counts[kind].pop(name, None)


def _most_common(spellings: Counter[str]) -> str:
    return spellings.most_common(1)[0][0]


def _parts(words: Sequence[str]) -> Iterator[str]:
    """All shorter runs of a name's words."""
    for length in range(1, len(words)):
        for start in range(len(words) - length + 1):
            yield " ".join(words[start : start + length])
