"""Pages about the service itself: the overview, and the health checks."""

from http import HTTPStatus

from flask import Blueprint, Response, render_template

from backfile.archive.store.directory import ArchiveDirectory
from backfile.archive.store.reader import Reader
from backfile.index.model.query import Copies, Query, Sort
from backfile.index.search.question import ArchiveSearcher
from backfile.index.search.readiness import Part, Readiness
from backfile.web.api.answers import answer, problem
from backfile.web.api.json import Json
from backfile.web.api.service_shapes import Alive, Ready
from backfile.web.api.shapes import Problem
from backfile.web.parts import RETRY
from backfile.web.request_log import request_id

LAST_ADDED = 8
LAST_RUNS = 5


def blueprint(
    searcher: ArchiveSearcher, reader: Reader, directory: ArchiveDirectory | None = None
) -> Blueprint:
    """Routes of the overview and of the health checks.

    /healthz answers if the process is alive, /readyz if the archive can be searched by words.
    """
    routes = Blueprint("site", __name__)

    @routes.get("/overview")
    def overview() -> str:
        # All numbers count one set, the whole archive, so that they agree with each other.
        query = Query(sort=Sort.ADDED, copies=Copies.SHOW, limit=LAST_ADDED)
        results = searcher.search(query)
        return render_template(
            "overview.html", query=query, results=results, runs=reader.runs(LAST_RUNS)
        )

    @routes.get("/healthz")
    def healthz() -> Response:
        return answer(Alive, {"status": "ok"})

    @routes.get("/readyz")
    def readyz() -> Response:
        found = searcher.readiness(directory)
        if found.failure:
            return _not_ready(found, found.failure)
        # Without meaning, a server still answers by words: a load balancer should keep it.
        disk = found.disk
        values = {
            "status": "ok" if found.is_whole else "degraded",
            "generation": found.generation,
            "coverage": round(found.coverage, 4),
            "generation_seconds": round(found.age, 3),
            "behind": found.behind,
            "parts": _parts_json(found),
            "disk": {"free_bytes": disk.free_bytes, "writable": disk.writable} if disk else None,
        }
        return answer(Ready, values)

    return routes


def _not_ready(found: Readiness, failure: Part) -> Response:
    status = HTTPStatus.SERVICE_UNAVAILABLE
    values = problem(status, failure.detail)
    values |= {"request_id": request_id(), "parts": _parts_json(found)}
    response = answer(Problem, values, media_type="application/problem+json")
    response.status_code = status.value
    response.headers["Retry-After"] = str(RETRY)
    return response


def _parts_json(found: Readiness) -> Json:
    return {
        part.name: {"status": part.status, **({"detail": part.detail} if part.detail else {})}
        for part in found.parts
    }
