"""Describes a format: a name, a test that recognises it, and a reader."""

from collections.abc import Callable, Mapping
from enum import IntEnum
from typing import Any, NamedTuple

from backfile.archive.formats.fields import FieldMap
from backfile.archive.formats.files import ReadResult, ReadResults, Records, SourceFile
from backfile.archive.model.article import Origin


class Stage(IntEnum):
    """The order in which formats of text are tried; within a stage, in the order of their list."""

    TRANSMISSION = 0
    JSON = 1
    MARKUP = 2
    OTHER_MARKUP = 3
    TEXT = 4


class Format(NamedTuple):
    """A format of text: `recognises` gets the file and the beginning of its text.

    With `has_nuls`, its files may contain zero bytes, and are still text. A format of many records
    in a file has a reader that leaves them to be made, too.
    """

    name: str
    stage: Stage
    recognises: Callable[[SourceFile, str], bool]
    read: Callable[[SourceFile, FieldMap], ReadResults]
    has_nuls: bool = False
    records: Callable[[SourceFile, FieldMap], Records] | None = None


class BinaryFormat(NamedTuple):
    """A format of bytes, or of text in several encodings: `recognises` gets the first bytes.

    Of `records` as in `Format`.
    """

    name: str
    recognises: Callable[[bytes], bool]
    read: Callable[[SourceFile, FieldMap], ReadResults]
    records: Callable[[SourceFile, FieldMap], Records] | None = None


class RecordFormat(NamedTuple):
    """A format of JSON objects, recognised by their fields; `read` gets one and its origin."""

    name: str
    recognises: Callable[[Mapping[str, Any]], bool]
    read: Callable[[Mapping[str, Any], Origin], ReadResult]


class Plugin(NamedTuple):
    """All formats of one room."""

    formats: tuple[Format, ...] = ()
    binary_formats: tuple[BinaryFormat, ...] = ()
    record_formats: tuple[RecordFormat, ...] = ()
