"""Says what a reader has to know before trusting an answer."""

from archive.errors import EngineUnavailable
from archive.message import Message
from index.query import Mode, Query
from index.search.snapshot import Snapshot


def cautions(query: Query, snapshot: Snapshot, failure: EngineUnavailable | None) -> list[Message]:
    """List them; `failure` is why meaning could not be asked, where it could not."""
    found = []
    if failure:
        found.append(Message("by words alone: %(failure)s", failure=failure.message))
    if query.mode is not Mode.SEMANTIC and query.text and snapshot.words_coverage < 1:
        share = int(100 * snapshot.words_coverage)
        found.append(
            Message("by words, %(share)s%% of the archive can be searched so far", share=share)
        )
    if query.cursor and query.cursor.generation != snapshot.columns.generation:
        found.append(
            Message("the archive has changed since the first page: hits may be missed or repeated")
        )
    return found
