"""Says what a reader has to know before trusting an answer."""

from archive.errors import EngineUnavailable
from index.query import Mode, Query
from index.search.snapshot import Snapshot


def cautions(query: Query, snapshot: Snapshot, failure: EngineUnavailable | None) -> list[str]:
    """List them; `failure` is why meaning could not be asked, where it could not."""
    found = [f"by words alone: {failure}"] if failure else []
    if query.mode is not Mode.SEMANTIC and query.text and snapshot.words_coverage < 1:
        share = f"{int(100 * snapshot.words_coverage)}%"
        found.append(f"by words, {share} of the archive can be searched so far")
    if query.cursor and query.cursor.generation != snapshot.columns.generation:
        found.append("the archive has changed since the first page: hits may be missed or repeated")
    return found
