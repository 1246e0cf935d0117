"""The page of the API: each route with its parameters, a request that works, and its answer.

Requests and answers are those of this server and its archive, asked once for each generation.
"""

import json
import re
from collections.abc import Mapping
from itertools import islice
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode

from flask import Blueprint, Response, current_app, make_response, render_template, request
from markupsafe import Markup, escape
from werkzeug.exceptions import HTTPException

from backfile.archive.model.errors import ArchiveError
from backfile.index.model.query import Copies, Query, Sort
from backfile.index.search.question import ArchiveSearcher
from backfile.web.api.batch import answers
from backfile.web.api.openapi import WRONG, Route, routes
from backfile.web.api.parameters import EXAMPLES
from backfile.web.i18n.negotiation import translated

CUT = "…"
LONGEST_VALUE = 72  # characters of a text in an example
MOST_NAMES = 4  # of an object within an object
DEEPEST = 4
MOST_LINES = 8  # of an answer that is not JSON
CODE = re.compile(r"`([^`]+)`")


class Shown(NamedTuple):
    """A route, the address or the body of a request that works, and its answer, shortened."""

    route: Route
    url: str = ""
    answer: str = ""
    sent: str = ""

    @property
    def anchor(self) -> str:
        words = re.findall(r"[a-z]+", self.route.path)
        return "-".join([self.route.method, *words])


def blueprint(searcher: ArchiveSearcher, *, writes: bool = False) -> Blueprint:
    """The route of the page."""
    page = Blueprint("api_page", __name__)
    kept: dict[tuple[int, str], list[Shown]] = {}

    def shown_routes() -> list[Shown]:
        key = (searcher.overview().generation, request.host_url)
        found = kept.get(key)
        if found is None:
            used = _used(searcher)
            found = [_example(searcher, route, used) for route in routes(writes=writes)]
            kept.clear()
            if all(
                each.answer or each.route.secured for each in found
            ):  # else an engine is out, or nothing is there
                kept[key] = found
        return found

    @page.get("/api")
    def show() -> str:
        of_search = {each["name"] for each in routes()[0].parameters}
        return render_template(
            "api.html", shown=shown_routes(), wrong=WRONG, of_search=of_search, coded=coded
        )

    return page


def coded(text: str) -> Markup:
    """Translate a text, escape it, and mark what stands between backticks as code."""
    return Markup(CODE.sub(r"<code>\1</code>", str(escape(translated(text)))))  # noqa: S704


def shortened(value: Any, depth: int = 0) -> Any:
    """Shorten texts, lists and objects, the more the deeper they are.

    >>> shortened({"hits": [{"id": "a"}, {"id": "b"}], "total": 2})
    {'hits': [{'id': 'a'}, '…'], 'total': 2}
    """
    if isinstance(value, str):
        return value if len(value) <= LONGEST_VALUE else value[:LONGEST_VALUE].rstrip() + CUT
    if isinstance(value, list):
        if depth >= DEEPEST and value:
            return [CUT]
        return [shortened(each, depth + 1) for each in value[:1]] + [CUT] * (len(value) > 1)
    if isinstance(value, dict):
        most = len(value) if depth < 1 else MOST_NAMES if depth < DEEPEST else 0
        first = {name: shortened(each, depth + 1) for name, each in islice(value.items(), most)}
        return first | ({CUT: CUT} if len(value) > most else {})
    return value


def _used(searcher: ArchiveSearcher) -> Mapping[str, str]:
    """The parameters of requests that find something in this archive; none if it is empty."""
    newest = searcher.search(Query(sort=Sort.ADDED, copies=Copies.SHOW, limit=1)).hits
    if not newest:
        return {}
    asked = Query(str(EXAMPLES["q"]), limit=1)
    found = searcher.search(asked).hits
    article = (found or newest)[0].article
    text = asked.text if found else " ".join(article.title.split()[:4])
    return {"q": text, "article_id": article.id, "style": "bibtex", "limit": "1"}


def _example(searcher: ArchiveSearcher, route: Route, used: Mapping[str, str]) -> Shown:
    if route.secured:
        return _write(route)
    return _batch(searcher, route, used) if route.body else _shown(route, used)


def _write(route: Route) -> Shown:
    """Show what is sent; nothing is written for an example."""
    (content,) = route.body["content"].values() if route.body else ({"example": ""},)
    sent = content["example"]
    lines = sent if isinstance(sent, str) else json.dumps(sent, ensure_ascii=False)
    named = {each["name"]: quote(str(each["example"]), safe="") for each in route.parameters}
    return Shown(route, route.path.format_map(named), sent=lines.strip())


def _batch(searcher: ArchiveSearcher, route: Route, used: Mapping[str, str]) -> Shown:
    """Show two searches, one of which cannot be answered."""
    asked = {"q": used.get("q", ""), "limit": 1, "fields": ["total", "hits.article.title"]}
    lines = [json.dumps(each, ensure_ascii=False) for each in (asked, {"since": "soon"})]
    answered = answers(searcher, [line.encode() for line in lines]) if used else ()
    return Shown(route, answer="".join(answered), sent="\n".join(lines))


def _shown(route: Route, used: Mapping[str, str]) -> Shown:
    if not used:
        return Shown(route)
    names = [each["name"] for each in route.parameters if each["in"] == "query"]
    path = route.path.format_map({name: quote(value, safe="") for name, value in used.items()})
    asked = urlencode({name: used[name] for name in names if name in used})
    url = f"{path}?{asked}" if asked else path
    try:
        asked_here = current_app.test_request_context(url, base_url=request.host_url)
        with (
            current_app.app_context(),
            asked_here,
        ):  # its own `g`: the language of this page is kept
            return Shown(route, url, _text_of(make_response(current_app.dispatch_request())))
    except (ArchiveError, HTTPException):  # an engine is out; the rest of the page holds
        return Shown(route, url)


def _text_of(response: Response) -> str:
    if response.is_json or "+json" in (response.mimetype or ""):
        return json.dumps(shortened(response.get_json(force=True)), ensure_ascii=False, indent=2)
    pieces = (p if isinstance(p, str) else p.decode() for p in response.response)
    text = "".join(islice(pieces, MOST_LINES)).lstrip("\ufeff")
    lines = [str(shortened(line)) for line in text.splitlines()]
    return "\n".join([*lines[:MOST_LINES], *([CUT] * (len(lines) > MOST_LINES))])
