"""Finds articles again that have neither an id nor an address: by their content, or their place.

The name of a folder does not matter: a folder that was renamed, or that is read through another
one, has the same articles. Equal contents are one article. Where one of two equal files is changed,
the other one keeps the article, and the changed one is a new article.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from backfile.archive.model.article import Article, Origin
from backfile.archive.model.ids import folded, is_derived, is_part, is_unnamed
from backfile.archive.store.identities import Identities, Known, Placed


@dataclass(slots=True)
class Unnamed:
    """The articles without id and address that one run has read, by their contents and places."""

    _identities: Identities
    _contents: dict[bytes, str] = field(default_factory=dict)
    _places: dict[Origin, bytes] = field(default_factory=dict)

    def named(self, articles: Sequence[Article], seen: Mapping[str, Known]) -> list[Article]:
        """Give articles the ids under which the archive has them; `seen` are those of this run."""
        digests = {n: each.digest for n, each in enumerate(articles) if is_unnamed(each.id)}
        ids = self._by_content(articles, digests, seen)
        ids |= self._by_place(articles, digests.keys() - ids.keys(), {*seen, *ids.values()})
        for n, digest in digests.items():
            self._contents.setdefault(digest, ids.get(n, articles[n].id))
            self._places[articles[n].origin] = digest
        return [
            replace(each, id=ids[n]) if ids.get(n, each.id) != each.id else each
            for n, each in enumerate(articles)
        ]

    def is_displaced(self, holder: Known) -> bool:
        """Whether this run has read something else in the place of an article."""
        return self._places.get(holder.origin, holder.digest) != holder.digest

    def _by_content(
        self, articles: Sequence[Article], digests: Mapping[int, bytes], seen: Mapping[str, Known]
    ) -> dict[int, str]:
        """Ids by number; where several articles are equal, each keeps its own if it stays put."""
        held = self._identities.with_content(set(digests.values()))
        ids = {
            n: each.id
            for n, digest in digests.items()
            for each in held.get(digest, ())
            if each.origin == articles[n].origin
        }
        taken = {*seen, *ids.values()}
        for n, digest in digests.items():
            if n not in ids and (found := self._content(digest, held, taken)):
                ids[n] = found
                taken.add(found)
        return ids

    def _content(
        self, digest: bytes, held: Mapping[bytes, Sequence[Placed]], taken: set[str]
    ) -> str | None:
        options = [each.id for each in held.get(digest, ())]
        free = (each for each in options if each not in taken)
        return next(free, None) or self._contents.get(digest) or next(iter(options), None)

    def _by_place(
        self, articles: Sequence[Article], left: set[int], taken: set[str]
    ) -> dict[int, str]:
        """Ids by number of articles whose content is new, and whose place is known."""
        left = {n for n in left if _has_place(articles[n])}
        held = self._identities.at([articles[n].origin for n in left]) if left else {}
        ids: dict[int, str] = {}
        for n in sorted(left):
            options = _fitting(articles[n], held.get(articles[n].origin, ()))
            if found := next((each for each in options if each not in taken), None):
                ids[n] = found
                taken.add(found)
        return ids


def _has_place(article: Article) -> bool:
    """Whether an article without id is known by its place: not if that is passing."""
    return is_derived(article.id) and not article.origin.is_passing


def _fitting(article: Article, placed: Sequence[Placed]) -> Iterator[str]:
    """The articles of this place that an article can be; parts of a file may share a place."""
    for each in placed:
        same_title = folded(each.title) == folded(article.title)
        if is_derived(each.id) and (same_title or not is_part(article.id)):
            yield each.id
