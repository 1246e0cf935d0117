"""Says in an answer's headers how long its stages took, for the browser's own tools."""

from collections.abc import Mapping

from flask import Response

from index.results import Results
from index.search.clock import Clock


def server_timing(took_ms: Mapping[str, float]) -> str:
    """Write the time of each stage as browsers show it (W3C Server Timing).

    >>> server_timing({"words": 1.25, "all": 9.8})
    'words;dur=1.25, all;dur=9.8'
    """
    return ", ".join(f"{name};dur={milliseconds:g}" for name, milliseconds in took_ms.items())


def timed(response: Response, results: Results, rendering: Clock) -> Response:
    """Add the time of a search, stage by stage, and of writing its answer."""
    took = {**results.took_ms, "render": rendering.took_ms["all"]}
    response.headers["Server-Timing"] = server_timing(took)
    return response
