"""Gives each request an id, and logs as text or as JSON lines (BACKFILE_LOG).

A line of a request has neither the query nor the client's address: what readers search for is
theirs. BACKFILE_LOG_QUERIES=yes adds the query.
"""

import json
import logging
import re
import secrets
import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

from flask import Flask, Response, g, has_request_context, request

from backfile.archive.model.settings import Settings

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]
HEADER = "X-Request-Id"
PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,63}")  # others could forge lines of a log
ID, FACTS = "backfile.request_id", "backfile.facts"  # in the environment of a request
LONGEST_QUERY = 2000  # characters in a line
requests = logging.getLogger("backfile.requests")


class JsonLines(logging.Formatter):
    """Writes a record as one line of JSON; those of a request have its id."""

    def __init__(self, worker: int) -> None:
        super().__init__()
        self._worker = worker

    def format(self, record: logging.LogRecord) -> str:
        """Write a record; the fields of a request's line are in its attribute `fields`."""
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        line: dict[str, Any] = {
            "time": at,
            "level": record.levelname.lower(),
            "logger": record.name,
            "worker": self._worker,
        }
        fields = getattr(record, "fields", None)
        if fields is None:
            line["message"] = record.getMessage()
            line |= {"request_id": request_id()} if request_id() else {}
        else:
            line |= fields
        if record.exc_info:
            line["error"] = "".join(traceback.format_exception(*record.exc_info))
        return json.dumps(line, default=str)


def log_to_stderr(settings: Settings, worker: int = 0) -> None:
    """Log warnings of this process, as JSON each request as well."""
    handler = logging.StreamHandler()
    if settings.log == "json":
        handler.setFormatter(JsonLines(worker))
        requests.setLevel(logging.INFO)
    else:
        handler.setFormatter(logging.Formatter("%(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    # Waitress warns of each request that has to wait for a thread, by the hundred when it is busy.
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)


def request_id() -> str:
    """The id of the present request; empty outside of one."""
    return str(request.environ.get(ID, "")) if has_request_context() else ""


def register(app: Flask, *, queries: bool = False) -> None:
    """Give requests their ids, and log them where `backfile.requests` is logged."""

    @app.after_request
    def note(response: Response) -> Response:
        route = request.url_rule.rule if request.url_rule else None
        facts: dict[str, Any] = {"route": route}
        if searched := g.get("searched"):
            facts |= searched._asdict()
        if queries and request.query_string:
            facts["query"] = request.query_string.decode("utf-8", "replace")[:LONGEST_QUERY]
        request.environ[FACTS] = facts
        return response

    app.wsgi_app = Requests(app.wsgi_app)  # type: ignore[method-assign]  # as Flask documents it


class Requests:
    """WSGI middleware: an id for each request, and a line when its answer was sent."""

    def __init__(self, application: Application) -> None:
        self._application = application

    def __call__(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        begun = time.perf_counter()
        given = environ.get("HTTP_X_REQUEST_ID", "")
        environ[ID] = given if PLAIN.fullmatch(given) else secrets.token_hex(8)
        status = [0]

        def start(code: str, headers: list[tuple[str, str]], *error: Any) -> Any:
            status[0] = int(code[:3])
            return start_response(code, [*headers, (HEADER, environ[ID])], *error)

        answer = self._application(environ, start)
        if not requests.isEnabledFor(logging.INFO):
            return answer
        return _Counted(answer, lambda sent: _log(environ, status[0], begun, sent))


class _Counted:
    """The pieces of an answer; tells how many bytes they had when it is closed."""

    def __init__(self, pieces: Iterable[bytes], tell: Callable[[int], None]) -> None:
        self._pieces = pieces
        self._tell = tell
        self._sent = 0

    def __iter__(self) -> Iterator[bytes]:
        for piece in self._pieces:
            self._sent += len(piece)
            yield piece

    def close(self) -> None:
        """Close the pieces, and tell; the server calls it whether or not all was sent."""
        try:
            if close := getattr(self._pieces, "close", None):
                close()
        finally:
            self._tell(self._sent)


def _log(environ: dict[str, Any], status: int, begun: float, sent: int) -> None:
    fields = {
        "request_id": environ[ID],
        "method": environ["REQUEST_METHOD"],
        "status": status,
        "ms": round(1000 * (time.perf_counter() - begun), 1),
        "bytes": sent,
        **environ.get(FACTS, {}),
    }
    requests.info("request", extra={"fields": fields})
