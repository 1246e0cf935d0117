"""Writes: articles are put, added and deleted by jobs, which the one writer does in their order.

The routes exist only where there is a token, and ask for it before they read anything.
"""

import json
import zlib
from collections.abc import Iterable, Iterator, Mapping
from http import HTTPStatus
from typing import IO, Any, NamedTuple

from flask import Blueprint, Response, abort, request, url_for
from werkzeug.exceptions import (
    Conflict,
    NotFound,
    RequestEntityTooLarge,
    ServiceUnavailable,
    Unauthorized,
    UnsupportedMediaType,
)

from backfile.archive.formats.cleaning import clean_line
from backfile.archive.formats.fields import FieldMap
from backfile.archive.formats.files import GZIP_MAGIC
from backfile.archive.formats.records import LONGEST_ID, RECORD_FORMATS, article_of
from backfile.archive.model.article import RECEIVED, Article, Origin
from backfile.archive.model.errors import ArticleNotFound, BadQuery, DiskFull, WithdrawnArticle
from backfile.archive.model.message import Message
from backfile.archive.store.inbox import Inbox
from backfile.archive.store.jobs import JobKind, JobState, JobStatus
from backfile.archive.store.reader import Reader
from backfile.web.api.answers import answer
from backfile.web.api.json import Json
from backfile.web.api.service_shapes import Job
from backfile.web.api.tokens import is_authorized

AT_ONCE = 1 << 20  # bytes
GZIP = 16 + zlib.MAX_WBITS  # as zlib names the format
NO_JOB = Message("no job has this id, or its result is no longer kept")
NO_TOKEN = Message("a token is needed: Authorization: Bearer TOKEN")
MANY_UPLOADS = Message("others are sending articles; try again in a few seconds")
RETRY_AFTER = 5  # seconds
ON_ARTICLES = ("PUT", "DELETE")


class Writes(NamedTuple):
    """What may be written to, by whom, and how many bytes one POST may have, unpacked."""

    inbox: Inbox
    token: str
    most: int


def blueprint(writes: Writes, reader: Reader) -> Blueprint:
    """The routes that write, and the one that says what became of it."""
    routes = Blueprint("writes", __name__, url_prefix="/api")
    inbox = writes.inbox

    @routes.before_request
    def authorize() -> None:
        if not is_authorized(request.headers.get("Authorization", ""), writes.token):
            raise Unauthorized(NO_TOKEN)

    @routes.put("/articles/<written_id:article_id>")
    def put(article_id: str) -> Response:
        line = line_of(article_id, request.get_data())
        return _accepted(_receive(inbox, JobKind.PUT, [line]))

    @routes.delete("/articles/<written_id:article_id>")
    def delete(article_id: str) -> Response:
        if not inbox.waiting() and not reader.has(article_id):
            raise ArticleNotFound(article_id)
        line = json.dumps({"id": article_id}).encode()
        return _accepted(_receive(inbox, JobKind.DELETE, [line]))

    @routes.post("/articles")
    def post() -> Response:
        request.max_content_length = writes.most
        _require_received(request.environ["wsgi.input"])
        encoding = request.headers.get("Content-Encoding", "").strip().lower()
        if encoding not in ("", "identity", "gzip", "x-gzip"):
            raise UnsupportedMediaType(Message("the body is packed, but not by gzip"))
        lines = unpacked(request.stream, writes.most, packed=encoding.endswith("gzip"))
        return _accepted(_receive(inbox, JobKind.POST, lines))

    @routes.get("/jobs/<job>")
    def job(job: str) -> Response:
        state = inbox.state(int(job)) if job.isascii() and job.isdecimal() else None
        if state is None:
            raise NotFound(NO_JOB)
        return answer(Job, job_json(state))

    return routes


def refused(reason: Message) -> Blueprint:
    """The same routes where nothing can be written: each says why, and what to do."""
    routes = Blueprint("refused_writes", __name__, url_prefix="/api")

    def refuse(**_: str) -> Response:
        abort(HTTPStatus.NOT_IMPLEMENTED, description=reason)

    routes.add_url_rule("/articles/<written_id:article_id>", "one", refuse, methods=ON_ARTICLES)
    routes.add_url_rule("/articles", "many", refuse, methods=["POST"])
    routes.add_url_rule("/jobs/<job>", "job", refuse)
    return routes


def line_of(article_id: str, body: bytes) -> bytes:
    """The JSON line of an article that is put under an id; raise BadQuery, or Conflict."""
    if clean_line(article_id) != article_id:
        reason = Message(
            "an id has no control characters, and no spaces but single ones between words"
        )
        raise BadQuery("article_id", reason)
    if len(article_id) > LONGEST_ID:
        raise BadQuery("article_id", Message("it has over %(most)s characters", most=LONGEST_ID))
    record = _record(body)
    other = Conflict(Message("the id in the body is not the one of the address"))
    if record.get("id", article_id) != article_id:
        raise other
    if _read(record).id != article_id:
        if _has_id(record):
            raise other
        record = {**record, "id": article_id}
        if _read(record).id != article_id:
            raise BadQuery("article_id", Message("no article can have this id"))
    return json.dumps(record).encode()


def unpacked(stream: IO[bytes], most: int, *, packed: bool) -> Iterator[bytes]:
    """Read a body, and unpack it if it is packed by gzip; raise RequestEntityTooLarge or BadQuery.

    It is known as packed by its first bytes, too. At most AT_ONCE bytes are held.
    """
    pieces = _pieces(stream)
    first = next(pieces, b"")
    if packed or first.startswith(GZIP_MAGIC):
        pieces = _gunzip(first, pieces)
        first = next(pieces, b"")
    if first.startswith(GZIP_MAGIC):
        raise BadQuery("body", Message("it is packed twice"))
    size, empty = 0, True
    while first:
        size += len(first)
        empty = empty and not first.strip()
        if size > most:
            raise RequestEntityTooLarge(Message("unpacked, it is larger than is taken at once"))
        yield first
        first = next(pieces, b"")
    if empty:
        raise BadQuery("body", Message("no article is in it"))


def job_json(state: JobState) -> Json:
    """A job as a Job."""
    result = state.result
    found = {
        "id": str(state.number),
        "kind": state.kind,
        "status": state.status,
        "waits_for": state.waits_for,
        "reason": result.reason if result else "",
        "finished_at": result.finished_at if result else None,
        "refusals": [each._asdict() for each in result.refusals] if result else [],
    }
    counts = ("added", "updated", "unchanged", "removed", "refused")
    return found | {name: getattr(result, name) if result else 0 for name in counts}


def _receive(inbox: Inbox, kind: JobKind, lines: Iterable[bytes]) -> JobState:
    with inbox.receiving(kind) as new:
        for some in lines:
            new.write(some)
        job = new.accept()
    return JobState(job.number, job.kind, JobStatus.QUEUED)


def _accepted(state: JobState) -> Response:
    response = answer(Job, job_json(state))
    response.status_code = HTTPStatus.ACCEPTED
    response.headers["Location"] = url_for("writes.job", job=str(state.number))
    return response


def _require_received(stream: object) -> None:
    """Raise what kept the server from receiving the body, if anything did."""
    match getattr(stream, "refusal", ""):
        case "busy":
            raise ServiceUnavailable(MANY_UPLOADS, retry_after=RETRY_AFTER)
        case "full":
            raise DiskFull


def _record(body: bytes) -> Mapping[str, Any]:
    try:
        record = json.loads(body.decode())
    except UnicodeDecodeError as exc:
        raise BadQuery("body", Message("it is not UTF-8")) from exc
    except (ValueError, RecursionError) as exc:
        raise BadQuery("body", Message("it is not JSON")) from exc
    if not isinstance(record, Mapping):
        raise BadQuery("body", Message("it is not an object"))
    return record


def _read(record: Mapping[str, Any]) -> Article:
    found = article_of(record, Origin(RECEIVED, 1), FieldMap())
    if isinstance(found, WithdrawnArticle):
        raise BadQuery("body", Message("it says that the article was withdrawn; DELETE removes it"))
    if not isinstance(found, Article):
        raise BadQuery("text", found.reason)
    return found


def _has_id(record: Mapping[str, Any]) -> bool:
    """Whether a record names an id, so that it is of that article and no other."""
    known = any(candidate.recognises(dict(record)) for candidate in RECORD_FORMATS)
    return known or "id" in FieldMap().find(record)


def _pieces(stream: IO[bytes]) -> Iterator[bytes]:
    while some := stream.read(AT_ONCE):
        yield some


def _gunzip(first: bytes, pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Unpack one gzip stream after another, in pieces of at most AT_ONCE bytes."""
    damaged = BadQuery("body", Message("the compressed data is cut short or damaged"))
    unpacking, packed = zlib.decompressobj(GZIP), first
    try:
        while packed or (packed := next(pieces, b"")):
            if some := unpacking.decompress(packed, AT_ONCE):
                yield some
            packed = unpacking.unconsumed_tail
            if unpacking.eof:
                packed = unpacking.unused_data.lstrip(b"\0") or next(pieces, b"").lstrip(b"\0")
                if not packed:
                    return
                unpacking = zlib.decompressobj(GZIP)
    except zlib.error as exc:
        raise damaged from exc
    raise damaged
