"""A Whoosh codec that stores posting lists as arrays, which numpy reads whole.

Documents, frequencies and the written forms of terms (forms.py) are in one file; positions, read
for phrases alone, in another; words as they are spelt in a third (vocabulary.py). Whoosh still
provides schema, terms, columns, segments and deletions, and a stock Whoosh searcher can search such
an index.

A posting list, little-endian: a header (number of documents, bytes per frequency, bytes per high
position, offset of the positions, length of their high part, positions that the longest form
covers, bytes of the forms), documents as uint32, frequencies in as many bytes as the greatest
needs, and the forms. Positions: first all low bytes, uncompressed, as a passage seldom has more
than 256 words and zlib gains nothing on them; then, if any position needs them, the higher bytes,
which are nearly all 0, compressed.
"""

import struct
import zlib
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from whoosh.codec.whoosh3 import W3Codec, W3FieldWriter, W3PerDocWriter, W3TermsReader
from whoosh.filedb.filetables import OrderedHashReader
from whoosh.reading import IndexReader
from whoosh.system import pack_ushort
from whoosh.util.numeric import byte_to_length

from backfile.index.lexical.storage import forms, vocabulary
from backfile.index.lexical.storage.forms import FormLists
from backfile.index.lexical.storage.postings import (
    HEADER,
    MappedFile,
    Place,
    ReadLists,
    StoredList,
    of_an_earlier_release,
    read_lists,
    width_of,
)
from backfile.index.lexical.storage.unpickling import damaged, refused, seal_of
from backfile.index.lexical.storage.whoosh_matcher import ArrayMatcher
from backfile.index.model.arrays import Numbers, Rows
from backfile.index.model.postings import Vocabulary

# Recorded in the manifest and with each segment; every change of this format changes it.
POSTINGS = "arrays-4"
TERM_INFO = struct.Struct("!BfIBBfIIqi")  # as W3TermInfo reads it, with where the list is stored
NOT_INLINE = b"\0"  # the first byte of TERM_INFO
OFFSET = 8  # index in TERM_INFO of where the list is stored
LENGTHS = np.array([byte_to_length(code) for code in range(256)], np.uint32)
POSITIONS_EXTENSION = ".pos"
ROW = "row"  # a column
BREAKS = "breaks"  # a field with two terms, at the starts of sentences and of paragraphs


class PostingLists(NamedTuple):
    """The lists of many terms of one field, concatenated."""

    terms: list[bytes]
    cuts: npt.NDArray[np.int64]
    """The start of each term's postings, and the end of the last one's."""
    documents: Numbers
    frequencies: Numbers
    lengths: Numbers
    """The number of words of the field in each of the documents."""
    positions: Numbers
    """`frequencies[i]` positions for each i."""
    forms: FormLists


def length_codes(lengths: npt.ArrayLike) -> npt.NDArray[np.uint8]:
    """Round lengths to one byte each, as Whoosh does."""
    return np.minimum(np.searchsorted(LENGTHS, lengths), 255).astype(np.uint8)


class ArrayCodec(W3Codec):
    """W3Codec with posting lists as arrays."""

    def new_segment(self, storage: Any, index_name: str) -> Any:
        segment = super().new_segment(storage, index_name)
        segment.postings = POSTINGS
        return segment

    def per_document_writer(self, storage: Any, segment: Any) -> "ArrayColumnsWriter":
        return ArrayColumnsWriter(self, storage, segment)

    def field_writer(self, storage: Any, segment: Any) -> "ArrayFieldWriter":
        return ArrayFieldWriter(self, storage, segment)

    def terms_reader(self, storage: Any, segment: Any) -> "ArrayTermsReader":
        def mapped(extension: str) -> Any:
            name = segment.make_filename(extension)
            return MappedFile.open(storage, name, seal_of(segment, name))

        return ArrayTermsReader(
            self,
            mapped(self.TERMS_EXT),
            storage.file_length(segment.make_filename(self.TERMS_EXT)),
            mapped(self.POSTS_EXT),
            mapped(POSITIONS_EXTENSION),
            mapped(vocabulary.EXTENSION),
            earlier=getattr(segment, "postings", None) != POSTINGS,
        )


class ArrayColumnsWriter(W3PerDocWriter):
    """Writes the numbers that a Whoosh reader expects; columns are written elsewhere, as arrays."""

    def count(self, documents: int, words: dict[str, int]) -> None:
        """Set the number of documents, and the total number of words of each field."""
        self._doccount = documents
        self._fieldlengths = words


class ArrayFieldWriter(W3FieldWriter):
    """Writes whole posting lists, terms ascending within a field."""

    def __init__(self, codec: Any, storage: Any, segment: Any) -> None:
        super().__init__(codec, storage, segment)
        self._positions = self._create_file(POSITIONS_EXTENSION)

    def add_lists(self, field: str, lists: PostingLists) -> None:
        """Write the lists of terms of a field: ascending, and above all terms written before."""
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
        names, named = lists.forms.names, lists.forms.cuts.tolist()
        terms = [term.decode() for term in lists.terms]
        records = forms.encoded(terms, lists.forms, at[1:])
        for i, (term, *known) in enumerate(zip(lists.terms, most, *lengths, *ids, strict=True)):
            left, right, start, end = cuts[i], cuts[i + 1], at[i], at[i + 1]
            high, high_width = b"", width_of(above[i])
            if above[i]:
                rest = (lists.positions[start:end] >> 8).astype(f"<u{high_width}")
                high = zlib.compress(rest.tobytes(), 1)
            greatest, shortest, longest, first, last = known
            width = width_of(greatest)
            count, total = right - left, end - start
            written = records[i]
            covered = forms.longest_of(names[named[i] : named[i + 1]]) if written else 1
            stored = b"".join(
                (
                    HEADER.pack(count, width, high_width, where, len(high), covered, len(written)),
                    documents[4 * left : 4 * right],
                    lists.frequencies[left:right].astype(f"<u{width}").tobytes(),
                    written,
                )
            )
            self._positions.write(low[start:end] + high)
            self._postfile.write(stored)
            info = (0, total, count, shortest, longest, greatest, first, last, offset, len(stored))
            self._tindex.add(fieldid + term, TERM_INFO.pack(*info))
            offset, where = offset + len(stored), where + total + len(high)

    def add_vocabulary(self, words: Vocabulary) -> None:
        """Write the vocabulary of all fields; call it once per segment, even without words."""
        with self._create_file(vocabulary.EXTENSION) as stream:
            stream.write(vocabulary.encode(words))

    def close(self) -> None:
        super().close()
        self._positions.close()


class TermTable(OrderedHashReader):
    """Whoosh's table of terms; a walk over it ends, whatever lengths an unsealed file has."""

    def _ranges(self, **limits: Any) -> Iterator[tuple[int, int, int, int]]:
        for found in super()._ranges(**limits):
            if min(found) < 0:
                raise damaged(str(self.dbfile))
            yield found


class ArrayTermsReader(W3TermsReader):
    """Reads posting lists as arrays, or as matchers for a stock searcher."""

    def __init__(
        self,
        codec: Any,
        terms: Any,
        length: int,
        postings: Any,
        positions: Any,
        words: Any,
        *,
        earlier: bool,
    ) -> None:
        super().__init__(codec, terms, length, postings)
        if not getattr(terms, "seal", None):
            self._tindex.__class__ = TermTable  # Whoosh's constructor names the other class
        self._positions = positions
        self._words = words
        self._earlier = earlier

    def matcher(self, field: str, term: bytes, format_: Any, scorer: Any = None) -> ArrayMatcher:
        offset, _ = self.term_info(field, term).extent()  # raises TermNotFound
        return ArrayMatcher(self._list_at(term, offset), (field, term), format_, scorer)

    def term_info(self, field: str, term: bytes) -> Any:
        """What Whoosh knows of a term; raise TermNotFound, or EngineUnavailable if it is unsafe.

        Whoosh can keep short lists among the terms, as pickles; this codec never does.
        """
        found = self._tindex.get(self._keycoder(field, term))
        if found and found[:1] != NOT_INLINE:
            raise refused("a pickled list")
        return super().term_info(field, term)

    def items(self) -> Iterator[tuple[tuple[str, bytes], Any]]:
        return ((term, self.term_info(*term)) for term in self.terms())

    def items_from(self, field: str, prefix: bytes) -> Iterator[tuple[tuple[str, bytes], Any]]:
        return ((term, self.term_info(*term)) for term in self.terms_from(field, prefix))

    def stored(self, field: str, term: bytes) -> StoredList | None:
        """Open the list of a term; None for an unknown term."""
        found = self._tindex.get(self._keycoder(field, term))
        return self._list_at(term, TERM_INFO.unpack(found)[OFFSET]) if found else None

    def walk(self, field: str) -> Iterator[tuple[bytes, Place]]:
        """The terms of a field, ascending."""
        prefix = self._keycoder(field, b"")
        for key, found in self._tindex.items_from(prefix):
            if not key.startswith(prefix):
                return
            known = TERM_INFO.unpack(found)
            yield key[len(prefix) :], Place(int(known[1]), known[OFFSET], known[OFFSET + 1])

    def read(self, terms: Sequence[str], places: Sequence[Place]) -> ReadLists:
        """Read the lists of terms; raise EngineUnavailable if an earlier release wrote them."""
        if self._earlier:
            raise of_an_earlier_release()
        return read_lists(terms, places, self._postfile, self._positions)

    def vocabulary(self) -> Vocabulary:
        """Read and decompress the vocabulary; nothing is cached."""
        return vocabulary.decode(self._words.whole())

    def _list_at(self, term: bytes, offset: int) -> StoredList:
        return StoredList(
            term.decode(), self._postfile, offset, self._positions, earlier=self._earlier
        )

    def close(self) -> None:
        super().close()
        self._positions.close()
        self._words.close()


def document_rows(reader: IndexReader) -> Rows:
    """The row of each document, by its number."""
    found = [read_column(leaf, ROW, ">u4") for leaf, _ in leaves_of(reader)]
    return np.concatenate(found).astype(np.int64) if found else np.empty(0, np.int64)


def deleted_documents(reader: IndexReader) -> list[int]:
    """The numbers of the deleted documents."""
    return [
        place.start + number
        for leaf, place in leaves_of(reader)
        for number in leaf.segment().deleted_docs()
    ]


def leaves_of(reader: IndexReader) -> list[tuple[IndexReader, slice]]:
    """The reader of each segment, and the range of its document numbers."""
    return [
        (leaf, slice(base, base + leaf.doc_count_all()))
        for leaf, base in reader.leaf_readers()
        if leaf.segment() is not None
    ]


def read_column(leaf: IndexReader, name: str, dtype: str) -> "np.ndarray[Any, Any]":
    """Read a whole fixed-width column of a segment; documents past its end are 0.

    The column of rows always exists; one of lengths is missing where all lengths are 0. Raises
    EngineUnavailable if the file is not as it was sealed.
    """
    segment, storage = leaf.segment(), leaf.storage()
    filename = W3Codec.column_filename(segment, name)
    seal, most = seal_of(segment, filename), leaf.doc_count_all() * np.dtype(dtype).itemsize
    if name != ROW and not seal and not storage.file_exists(filename):
        return np.zeros(leaf.doc_count_all(), dtype)
    with storage.open_file(filename) as stream:  # of a sealed file, a merge may take it away
        content = stream.read()
    if (seal and not seal.fits(content)) or (
        len(content) != most if name == ROW else len(content) > most
    ):
        raise damaged(filename)
    return np.frombuffer(content.ljust(most, b"\0"), dtype)
