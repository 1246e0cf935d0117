"""Lists the rooms of formats beside the built-in ones; to add or remove a room, change one line."""

from backfile.archive.formats.format import Plugin, RecordFormat
from backfile.archive.formats.wire.formats import WIRE

PLUGINS: tuple[Plugin, ...] = (WIRE,)
RECORD_FORMATS: tuple[RecordFormat, ...] = tuple(
    each for plugin in PLUGINS for each in plugin.record_formats
)
