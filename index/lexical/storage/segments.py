"""Writes a whole segment: of passages, or of what merging.py gives it.

Its files are written to a folder of their own, and the index moves them when it commits the
segment. So several processes can write segments of one index at once, and the files of a killed
process are recognised.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from whoosh import columns, fields

from backfile.archive.store.trust import make_private_folder
from backfile.index.lexical.analysis.analyser import NewsAnalyzer, cut_text
from backfile.index.lexical.analysis.stemming import reading
from backfile.index.lexical.storage.codec import (
    BREAKS,
    ArrayCodec,
    PostingLists,
    length_codes,
)
from backfile.index.lexical.storage.inversion import BreakLists, Inverter
from backfile.index.lexical.storage.unpickling import IndexFolder, seal_segment
from backfile.index.lexical.storage.vocabulary import joined
from backfile.index.model.postings import Vocabulary
from backfile.index.seams.protocols import LexicalEntry

INDEX_NAME = "MAIN"  # Whoosh's own default
STAGING = "staging"
FIELDS = ("text", "title")
LISTED = (BREAKS, *FIELDS)  # ascending, as terms are stored


def schema() -> fields.Schema:
    """The fields and columns of a passage, as Whoosh needs them."""
    analyzer = NewsAnalyzer()
    return fields.Schema(
        row=fields.COLUMN(columns.NumericColumn("I", default=0)),
        title=fields.TEXT(analyzer=analyzer, phrase=True),
        text=fields.TEXT(analyzer=analyzer, phrase=True),
        breaks=fields.TEXT(phrase=True),
        # Whoosh rounds the length of a field to one byte; the mean length needs exact numbers.
        title_words=fields.COLUMN(columns.NumericColumn("I", default=0)),
        text_words=fields.COLUMN(columns.NumericColumn("I", default=0)),
    )


def write_segment(index: Path, entries: Sequence[LexicalEntry]) -> Any:
    """Write passages in ascending order; return the segment; its files are in `staging_of` it."""
    inverters = {field: Inverter() for field in FIELDS}
    breaks = BreakLists()
    for _, title, text, language in entries:
        inverters["title"].add([title], reading(language))
        cut = cut_text(text, language)
        breaks.add(cut, inverters["text"].add(cut.sentences, reading(language)))
    draft = Draft(index)
    lengths = {field: np.frombuffer(i.lengths, np.uint32) for field, i in inverters.items()}
    draft.add_columns(np.array([entry.row for entry in entries], np.uint32), lengths)
    draft.add_lists(BREAKS, breaks.invert())
    for field in FIELDS:
        draft.add_lists(field, inverters[field].invert())
    titles = inverters["title"].forms()  # repeated for each passage, mostly in capitals
    once = titles._replace(counts=np.minimum(titles.counts, 1))
    draft.add_vocabulary(joined([inverters["text"].forms(), once]))
    return draft.finish()


def staging_of(index: Path, segment: Any) -> Path:
    """The folder of a segment's files before the index commits it."""
    return index / STAGING / str(segment.segment_id())


class Draft:
    """The files of a segment that is being written."""

    def __init__(self, index: Path) -> None:
        codec = ArrayCodec()
        self._segment = codec.new_segment(None, INDEX_NAME)
        folder = staging_of(index, self._segment)
        make_private_folder(folder)
        self._storage = IndexFolder(str(folder))
        self._columns = codec.per_document_writer(self._storage, self._segment)
        self._lists = codec.field_writer(self._storage, self._segment)

    def add_columns(
        self, rows: npt.NDArray[Any], lengths: Mapping[str, npt.NDArray[np.uint32]]
    ) -> None:
        """Write the row of each document, and the number of words of its fields."""
        self._segment.rows = (int(rows.min(initial=0)), int(rows.max(initial=0)))
        self._columns.count(len(rows), {field: int(of.sum()) for field, of in lengths.items()})
        self._write_column("row", rows.astype(">u4"))
        for field, of in lengths.items():
            self._write_column(f"{field}_words", of.astype(">u4"))
            self._write_column(f"_{field}_len", length_codes(of))
        self._segment.set_doc_count(len(rows))

    def add_lists(self, field: str, lists: PostingLists) -> None:
        if lists.terms:
            self._lists.add_lists(field, lists)

    def add_vocabulary(self, words: Vocabulary) -> None:
        self._lists.add_vocabulary(words)

    def finish(self) -> Any:
        self._columns.close()
        self._lists.close()
        seal_segment(self._segment, Path(self._storage.folder))
        return self._segment

    def close(self) -> None:
        """Close the files of a draft that will not be finished."""
        for writer in (self._columns, self._lists):
            with suppress(Exception):
                writer.close()

    def _write_column(self, name: str, values: npt.NDArray[Any]) -> None:
        with self._storage.create_file(ArrayCodec.column_filename(self._segment, name)) as stream:
            stream.write(values.tobytes())


@contextmanager
def drafted(index: Path) -> Iterator[Draft]:
    """Begin a segment; its files are closed if it cannot be finished."""
    draft = Draft(index)
    try:
        yield draft
    except BaseException:
        draft.close()
        raise
