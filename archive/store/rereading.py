"""Reads the originals of an archive again, with the readers of this release."""

from collections.abc import Iterator

from backfile.archive.formats.fields import FieldMap
from backfile.archive.formats.inputs import read_leaf
from backfile.archive.model.article import Article
from backfile.archive.model.errors import UnreadableArticle
from backfile.archive.store.catalog import Catalog


class Rereading:
    """One pass over the originals of an archive, as an input.

    Articles that were removed, withdrawn, or replaced from another file since are skipped.
    `bytes_done` and `bytes_total` count files.
    """

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self.bytes_done = 0
        self.bytes_total = catalog.originals.count()

    def __iter__(self) -> Iterator[Article | UnreadableArticle]:
        for file, options in self._catalog.originals:
            for found in read_leaf(file, FieldMap.from_stored(**options)):
                if isinstance(found, UnreadableArticle) or self._is_current(found):
                    yield found
            self.bytes_done += 1

    def _is_current(self, article: Article) -> bool:
        holder = self._catalog.identities.known([article.id]).get(article.id)
        if holder:
            now, then = article.origin, holder.origin
            return (now, now.digest) == (then, then.digest)
        history = self._catalog.history
        return not history.past([article.id]) and not history.removed([article.id])
