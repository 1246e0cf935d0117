"""Reads the originals of an archive again, with the readers of this release."""

from collections.abc import Collection, Iterator

from backfile.archive.formats.fields import FieldMap
from backfile.archive.formats.inputs import read_leaf
from backfile.archive.model.article import Article
from backfile.archive.model.errors import UnreadableArticle
from backfile.archive.model.ids import candidate_ids, former_ids, is_derived, place_mark
from backfile.archive.store.catalog import Catalog


class Rereading:
    """One pass over the originals of an archive, as an input.

    Articles that were removed, withdrawn, or replaced from another file since are skipped.
    `bytes_done` and `bytes_total` count files.
    """

    def __init__(
        self, catalog: Catalog, *, recovering: bool = False, only: Collection[str] | None = None
    ) -> None:
        """Read all originals, or `only` those of these digests.

        In an archive that is `recovering`, an article may be missing that has earlier versions.
        Then it is read, too, unless what is read is one of these.
        """
        self._catalog = catalog
        self._recovering = recovering
        self._only = only
        self.bytes_done = 0
        self.bytes_total = catalog.originals.count()

    def __iter__(self) -> Iterator[Article | UnreadableArticle]:
        for file, options in self._catalog.originals:
            self.bytes_done += 1
            if self._only is not None and file.digest not in self._only:
                continue
            for found in read_leaf(file, FieldMap.from_stored(**options)):
                if isinstance(found, UnreadableArticle) or self._is_current(found, file.key):
                    yield found

    def _is_current(self, article: Article, key: str) -> bool:
        """Whether an article was last read from here; one that nothing is known of is, too."""
        identities, history = self._catalog.identities, self._catalog.history
        ids, origin = candidate_ids(article), article.origin
        if here := identities.at([origin]).get(origin):
            return any(each.origin.digest == origin.digest for each in here)
        known, past = identities.known(ids), history.past(ids)
        if self._recovering:  # an article may be missing that has the id of another outlet's
            of_outlet = any(each.source == article.source for each in known.values())
            if of_outlet or any(article.digest in digests for digests in past.values()):
                return False
        elif known or past:
            return False
        former = former_ids(key, origin.offset) if is_derived(article.id) else ()
        return not history.removed([*ids, *former, place_mark(origin)])
