"""Writes pages in the reader's language: the one chosen, remembered, or liked by the browser."""

from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec
from urllib.parse import urlencode

from babel.core import negotiate_locale
from flask import Flask, Response, g, has_request_context, request
from markupsafe import Markup

from backfile.archive.model.message import Value
from backfile.web.i18n.languages import WRITTEN, PageLanguage, codes, page_language

PARAMETER = "lang"  # of a page's address, and the name of the cookie that remembers it
REMEMBERED = 365 * 24 * 3600  # seconds
Given = ParamSpec("Given")


def register(app: Flask) -> None:
    """Let templates say `_()`, `ngettext()` and `{% trans %}`, and remember what was chosen."""
    environment: Any = app.jinja_env
    environment.add_extension("jinja2.ext.i18n")
    environment.newstyle_gettext = True
    environment.policies["ext.i18n.trimmed"] = True
    environment.globals.update(
        _=gettext, gettext=gettext, ngettext=ngettext, language_of_page=language_of_page,
        languages_of_pages=[page_language(code) for code in codes()],
        carried=carried, url_in=url_in,
        with_language=with_language,  # no filter: of what is constant, Jinja calls one only once
    )  # fmt: skip
    app.after_request(_remember)


def language_of_page() -> PageLanguage:
    """The language of the page that is being made; English where there is none."""
    if not has_request_context():
        return page_language(WRITTEN)
    known: PageLanguage | None = g.get("language_of_page")
    if known is None:
        known = g.language_of_page = page_language(_chosen() or _liked())
    return known


def gettext(template: str, **values: Value) -> Markup:
    """Say it in the language of the page; what fills its gaps is escaped."""
    language = language_of_page()
    said = Markup(language.template(template))  # noqa: S704
    return said % language.filled(values) if values or "%" in said else said


def ngettext(singular: str, plural: str, number: int, /, **values: Value) -> Markup:
    """Say it of one or of many; the number is `%(number)s`."""
    language = language_of_page()
    template = Markup(language.template(singular, plural, number))  # noqa: S704
    return template % language.filled({"number": number, **values})


def said(message: str) -> str:
    """Say a message in the language of the page; what is none is left as it is."""
    return language_of_page().said(message)


def url_in(language: PageLanguage) -> str:
    """The page that is being made, in another language: all else stays as it was asked."""
    kept = [pair for pair in request.args.items(multi=True) if pair[0] != PARAMETER]
    return "?" + urlencode([*kept, (PARAMETER, language.code)])


def carried() -> str:
    """The language that links have to carry, if any.

    It was chosen with this very request, and no cookie shows yet that it will be remembered: so
    it is carried by one page, or by all where the browser takes no cookies.
    """
    known: str | None = g.get("carried_language")
    if known is None:
        asked = _asked()
        known = g.carried_language = asked if asked != request.cookies.get(PARAMETER) else ""
    return known


def carrying(url_of: Callable[Given, str]) -> Callable[Given, str]:
    """Let the address of a page carry the language, where that is needed."""

    @wraps(url_of)
    def address(*args: Given.args, **kwargs: Given.kwargs) -> str:
        return with_language(url_of(*args, **kwargs))

    return address


def with_language(url: str) -> str:
    """Add the language to the address of a page, in front of its anchor, where that is needed."""
    if not has_request_context() or not (code := carried()):
        return url
    before, anchor, after = url.partition("#")
    return f"{before}{'&' if '?' in before else '?'}{PARAMETER}={code}{anchor}{after}"


def _chosen() -> str:
    remembered = request.cookies.get(PARAMETER, "")
    return _asked() or (remembered if remembered in codes() else "")


def _asked() -> str:
    asked = request.args.get(PARAMETER, "")
    return asked if asked in codes() else ""


def _liked() -> str:
    # Not its best_match(): that prefers `de` to the en-GB in front of it.
    wanted = [tag for tag, quality in request.accept_languages if quality]
    return negotiate_locale(wanted, codes(), sep="-") or WRITTEN


def _remember(response: Response) -> Response:
    """Say what a page depends on, and keep what was chosen; no other answer knows of languages."""
    if "language_of_page" not in g:
        return response
    response.vary.update(("Accept-Language", "Cookie"))
    response.content_language.add(language_of_page().code)
    if asked := _asked():
        response.set_cookie(PARAMETER, asked, REMEMBERED, httponly=True, samesite="Lax")
    return response
