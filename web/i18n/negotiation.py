"""Selects the language of a page: the requested one, the one in the cookie, or the browser's."""

from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec
from urllib.parse import urlencode

from babel.core import negotiate_locale
from flask import Flask, Response, g, has_request_context, request
from markupsafe import Markup

from backfile.archive.model.addresses import with_parameter
from backfile.archive.model.message import Value
from backfile.web.i18n.languages import WRITTEN, PageLanguage, codes, page_language

PARAMETER = "lang"  # of a page's address, and the name of the cookie that remembers it
REMEMBERED = 365 * 24 * 3600  # seconds
Given = ParamSpec("Given")


def register(app: Flask) -> None:
    """Add `_()`, `ngettext()` and `{% trans %}` to templates, and remember the language."""
    environment: Any = app.jinja_env
    environment.add_extension("jinja2.ext.i18n")
    environment.newstyle_gettext = True
    environment.policies["ext.i18n.trimmed"] = True
    environment.globals.update(
        _=gettext, gettext=gettext, ngettext=ngettext, language_of_page=language_of_page,
        languages_of_pages=[page_language(code) for code in codes()],
        link_language=link_language, url_in_language=url_in_language,
        with_language=with_language,  # not a filter: Jinja calls filters of constants only once
    )  # fmt: skip
    app.after_request(_remember_language)


def language_of_page() -> PageLanguage:
    """The language of the current page; English outside of a request."""
    if not has_request_context():
        return page_language(WRITTEN)
    known: PageLanguage | None = g.get("language_of_page")
    if known is None:
        known = g.language_of_page = page_language(_chosen_language() or _browser_language())
    return known


def gettext(template: str, **values: Value) -> Markup:
    """Translate a template for the current page; values are escaped."""
    language = language_of_page()
    text = Markup(language.template(template))  # noqa: S704
    return text % language.fill(values) if values or "%" in text else text


def ngettext(singular: str, plural: str, number: int, /, **values: Value) -> Markup:
    """Translate the singular or the plural form; the number is `%(number)s`."""
    language = language_of_page()
    template = Markup(language.template(singular, plural, number))  # noqa: S704
    return template % language.fill({"number": number, **values})


def translated(message: str) -> str:
    """Translate a Message for the current page; other texts are returned unchanged."""
    return language_of_page().translate(message)


def url_in_language(language: PageLanguage) -> str:
    """The address of the current page in another language."""
    if g.get("base"):  # it has the other parameters
        return "?" + urlencode({PARAMETER: language.code})
    others = [pair for pair in request.args.items(multi=True) if pair[0] != PARAMETER]
    return "?" + urlencode([*others, (PARAMETER, language.code)])


def link_language() -> str:
    """The language that links must contain; empty if none.

    It is the language of this request's parameter, unless the cookie has it already: so the links
    of one page contain it, or of all pages if the browser accepts no cookies.
    """
    known: str | None = g.get("link_language")
    if known is None:
        requested = _requested_language()
        remembered = request.cookies.get(PARAMETER)
        known = g.link_language = requested if requested != remembered else ""
    return known


def with_link_language(url_of: Callable[Given, str]) -> Callable[Given, str]:
    """Decorate a function that returns a page's address: add `link_language` to it."""

    @wraps(url_of)
    def address(*args: Given.args, **kwargs: Given.kwargs) -> str:
        return with_language(url_of(*args, **kwargs))

    return address


def with_language(url: str) -> str:
    """Add `link_language` to the address of a page, if there is one."""
    if not has_request_context() or not (code := link_language()):
        return url
    return with_parameter(url, PARAMETER, code)


def _chosen_language() -> str:
    remembered = request.cookies.get(PARAMETER, "")
    return _requested_language() or (remembered if remembered in codes() else "")


def _requested_language() -> str:
    requested = request.args.get(PARAMETER, "")
    return requested if requested in codes() else ""


def _browser_language() -> str:
    # Not best_match(): with `en-GB, de` it would choose `de`.
    preferred = [tag for tag, quality in request.accept_languages if quality]
    return negotiate_locale(preferred, codes(), sep="-") or WRITTEN


def _remember_language(response: Response) -> Response:
    """Add `Vary` and `Content-Language` to a page, and store a requested language in a cookie."""
    if "language_of_page" not in g:
        return response
    response.vary.update(("Accept-Language", "Cookie"))
    response.content_language.add(language_of_page().code)
    if code := _requested_language():
        response.set_cookie(PARAMETER, code, REMEMBERED, httponly=True, samesite="Lax")
    return response
