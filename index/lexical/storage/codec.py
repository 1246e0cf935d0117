"""A Whoosh codec that keeps each posting list as arrays: documents and frequencies together,
positions apart and compressed, so that numpy reads a list whole and phrases alone read positions.
The words as they are spelt are in a file of their own (index/lexical/spelling/vocabulary.py).

Whoosh keeps what it is good at: schema, terms, columns, segments and deletions. A stock Whoosh
searcher works on such an index too; its matchers find the interface they know.

A list in the postings file, little-endian: a header (number of documents, bytes a frequency takes,
bytes a high position takes, where the positions lie and how long both of their parts are),
documents as uint32, frequencies as wide as the greatest needs. Its positions: their low bytes as
they are, since a passage seldom has more than 256 words and zlib gains nothing on them; then, where
one needs it, what lies above, nearly all zeros, compressed.
"""

import struct
import zlib
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from whoosh.codec.whoosh3 import W3Codec, W3FieldWriter, W3PerDocWriter, W3TermsReader
from whoosh.system import pack_ushort
from whoosh.util.numeric import byte_to_length

from backfile.index.lexical.storage import vocabulary
from backfile.index.lexical.storage.postings import HEADER, MappedFile, StoredList, width_of
from backfile.index.lexical.storage.vocabulary import Vocabulary
from backfile.index.lexical.storage.whoosh_matcher import ArrayMatcher
from backfile.index.model.arrays import Numbers

POSTINGS = "arrays-3"  # recorded in the manifest; a change in how lists are kept changes it
TERM_INFO = struct.Struct("!BfIBBfIIqi")  # as W3TermInfo reads it, with where the list is stored
OFFSET = 8  # its place in TERM_INFO
LENGTHS = np.array([byte_to_length(code) for code in range(256)], np.uint32)
POSITIONS_EXTENSION = ".pos"
BREAKS = "breaks"  # a field whose two terms stand where a sentence or a paragraph of a text begins


class PostingLists(NamedTuple):
    """The lists of many terms of one field, one after the other."""

    terms: list[bytes]
    cuts: npt.NDArray[np.int64]
    """Where each term's postings begin, and after the last where they end."""
    documents: Numbers
    frequencies: Numbers
    lengths: Numbers
    """How many words the field has in each of the documents."""
    positions: Numbers
    """`frequencies[i]` of them for each i."""


def length_codes(lengths: npt.ArrayLike) -> npt.NDArray[np.uint8]:
    """Put lengths into one byte each, as Whoosh rounds them."""
    return np.minimum(np.searchsorted(LENGTHS, lengths), 255).astype(np.uint8)


class ArrayCodec(W3Codec):
    """W3Codec with another form of postings."""

    def per_document_writer(self, storage: Any, segment: Any) -> "ArrayColumnsWriter":
        return ArrayColumnsWriter(self, storage, segment)

    def field_writer(self, storage: Any, segment: Any) -> "ArrayFieldWriter":
        return ArrayFieldWriter(self, storage, segment)

    def terms_reader(self, storage: Any, segment: Any) -> "ArrayTermsReader":
        name = segment.make_filename(self.TERMS_EXT)
        return ArrayTermsReader(
            self,
            MappedFile.open(storage, name),
            storage.file_length(name),
            MappedFile.open(storage, segment.make_filename(self.POSTS_EXT)),
            MappedFile.open(storage, segment.make_filename(POSITIONS_EXTENSION)),
            MappedFile.open(storage, segment.make_filename(vocabulary.EXTENSION)),
        )


class ArrayColumnsWriter(W3PerDocWriter):
    """Leaves the columns to who has them as arrays, and writes what else a reader looks for."""

    def count(self, documents: int, words: dict[str, int]) -> None:
        """Say how many documents there are, and words in each field of theirs altogether."""
        self._doccount = documents
        self._fieldlengths = words


class ArrayFieldWriter(W3FieldWriter):
    """Writes whole posting lists, terms in ascending order within a field."""

    def __init__(self, codec: Any, storage: Any, segment: Any) -> None:
        super().__init__(codec, storage, segment)
        self._positions = self._create_file(POSITIONS_EXTENSION)

    def add_lists(self, field: str, lists: PostingLists) -> None:
        """Write the lists of many terms of a field, ascending, and beyond those written before."""
        fieldid = pack_ushort(self._fieldmap.setdefault(field, len(self._fieldmap)))
        cuts, firsts = lists.cuts.tolist(), lists.cuts[:-1]
        ends = np.cumsum(lists.frequencies, dtype=np.int64)
        places = np.concatenate([[0], ends])[lists.cuts]
        at = places.tolist()
        documents = lists.documents.astype("<u4").tobytes()
        low = lists.positions.astype("<u1").tobytes()  # modulo 256
        offset, where = self._postfile.tell(), self._positions.tell()
        most = np.maximum.reduceat(lists.frequencies, firsts).tolist()
        above = (np.maximum.reduceat(lists.positions, places[:-1]) >> 8).tolist()
        lengths = (
            length_codes(ufunc.reduceat(lists.lengths, firsts)).tolist()
            for ufunc in (np.minimum, np.maximum)
        )
        ids = (lists.documents[firsts].tolist(), lists.documents[lists.cuts[1:] - 1].tolist())
        for i, (term, *known) in enumerate(zip(lists.terms, most, *lengths, *ids, strict=True)):
            left, right, start, end = cuts[i], cuts[i + 1], at[i], at[i + 1]
            high, high_width = b"", width_of(above[i])
            if above[i]:
                rest = (lists.positions[start:end] >> 8).astype(f"<u{high_width}")
                high = zlib.compress(rest.tobytes(), 1)
            greatest, shortest, longest, first, last = known
            width = width_of(greatest)
            count, total = right - left, end - start
            stored = b"".join(
                (
                    HEADER.pack(count, width, high_width, where, total, len(high)),
                    documents[4 * left : 4 * right],
                    lists.frequencies[left:right].astype(f"<u{width}").tobytes(),
                )
            )
            self._positions.write(low[start:end] + high)
            self._postfile.write(stored)
            info = (0, total, count, shortest, longest, greatest, first, last, offset, len(stored))
            self._tindex.add(fieldid + term, TERM_INFO.pack(*info))
            offset, where = offset + len(stored), where + total + len(high)

    def add_vocabulary(self, words: Vocabulary) -> None:
        """Write the words of all fields as they are spelt; once, even if there are none."""
        with self._create_file(vocabulary.EXTENSION) as stream:
            stream.write(vocabulary.encode(words))

    def close(self) -> None:
        super().close()
        self._positions.close()


class ArrayTermsReader(W3TermsReader):
    """Reads posting lists as arrays, or as a matcher for a stock searcher."""

    def __init__(
        self, codec: Any, terms: Any, length: int, postings: Any, positions: Any, words: Any
    ) -> None:
        super().__init__(codec, terms, length, postings)
        self._positions = positions
        self._words = words

    def matcher(self, field: str, term: bytes, format_: Any, scorer: Any = None) -> ArrayMatcher:
        offset, _ = self.term_info(field, term).extent()  # raises TermNotFound
        return ArrayMatcher(self._list_at(offset), (field, term), format_, scorer)

    def stored(self, field: str, term: bytes) -> StoredList | None:
        """Open the list of a term; None for one that is nowhere."""
        found = self._tindex.get(self._keycoder(field, term))
        return self._list_at(TERM_INFO.unpack(found)[OFFSET]) if found else None

    def vocabulary(self) -> Vocabulary:
        """Read the words as they are spelt; who wants them often keeps them."""
        return vocabulary.decode(self._words.whole())

    def _list_at(self, offset: int) -> StoredList:
        return StoredList(self._postfile, offset, self._positions)

    def close(self) -> None:
        super().close()
        self._positions.close()
        self._words.close()
