"""Tells which web addresses name the same article: tracked, AMP and mobile forms of one page."""

import re
from contextlib import suppress
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

# Labels in front of a host that choose a form of the same page.
FORM_LABELS = frozenset({"www", "m", "mobile", "touch", "amp"})
AMP_CACHE = ".cdn.ampproject.org"  # https://amp.dev/documentation/guides-and-tutorials/cache/
AMP_VIEWERS = ("google.", "www.google.", "bing.", "www.bing.")
AMP_CACHED = re.compile(r"/(?:amp|[a-z]{1,2})/(?:s/)?([^/]+\.[^/]+)(/.*)?$")
AMP_SEGMENT = re.compile(r"/amp(?=/|$)|\.amp(?=\.html?$|$)", re.I)
DEFAULT_PAGE = re.compile(r"/(?:index|default)\.(?:html?|php|aspx?)$", re.I)
# Parameters of forms, and those that tell whence a reader came and that courlan does not know.
FORM_PARAMETERS = frozenset({"amp", "outputtype", "amp_js_v", "usqp", "amp_gsa"})
SOURCE_PARAMETERS = frozenset({"cmp", "cmpid", "smid", "ocid", "xtor", "igshid", "_ga", "mc_eid"})
SOURCE_PREFIXES = ("at_", "ns_", "utm_")


def canonical_url(url: str) -> str:
    """Reduce an address to what names the article; others that name the same reduce to the same.

    Gone are scheme, `www.` and the like, port, fragment, tracking, marks of AMP and mobile pages,
    and a last slash; parameters are sorted. What is no address is returned as it is.

    >>> canonical_url("https://m.Courier.example/a/amp/?utm_source=x&id=3#top")
    '//courier.example/a?id=3'
    """
    from courlan import normalize_url

    try:
        plain = urlsplit(normalize_url(plain_form(url)))
        host, port = plain.hostname, plain.port  # courlan has dropped a usual port
    except ValueError:
        return url
    if not host:
        return url
    kept = [pair for pair in parse_qsl(plain.query, keep_blank_values=True) if _names(pair[0])]
    path = DEFAULT_PAGE.sub("", plain.path).rstrip("/")
    place = _without_forms(host) + (f":{port}" if port else "")
    return urlunsplit(("", place, path, urlencode(sorted(kept)), ""))


def plain_form(url: str) -> str:
    """Take an AMP page's address, its place in a cache included, to that of the page itself.

    Raises ValueError for what is no address.

    >>> plain_form("https://www.google.com/amp/s/courier.example/a.amp.html")
    'https://courier.example/a.html'
    """
    parts = urlsplit(url)
    host, path = parts.netloc, parts.path
    cached = host.endswith(AMP_CACHE) or (host.startswith(AMP_VIEWERS) and "/amp/" in path)
    if cached and (found := AMP_CACHED.search(path)):
        host, path = found[1], found[2] or ""
    path = AMP_SEGMENT.sub("", path)
    query = "&".join(
        pair
        for pair in parts.query.split("&")
        if pair.partition("=")[0].casefold() not in FORM_PARAMETERS
    )
    return urlunsplit((parts.scheme, host, path, query, parts.fragment))


def is_twin(url: str) -> bool:
    """Tell the address of an AMP or mobile page, whose plain page has one of its own.

    >>> is_twin("https://m.courier.example/a"), is_twin("https://www.courier.example/a")
    (True, False)
    """
    try:
        host = urlsplit(url).hostname or ""
        return plain_form(url) != url or _without_forms(host) != host.removeprefix("www.")
    except ValueError:
        return False


def _without_forms(host: str) -> str:
    """Drop labels such as `www` and `m`, also behind a language as in `de.m.wikipedia.org`.

    A name in other letters becomes what it is registered as.
    """
    with suppress(UnicodeError):
        host = host.encode("idna").decode()
    labels = host.casefold().split(".")
    while len(labels) > 2 and labels[0] in FORM_LABELS:
        labels.pop(0)
    if len(labels) > 3 and labels[1] in FORM_LABELS:
        labels.pop(1)
    return ".".join(labels)


def _names(parameter: str) -> bool:
    """Whether a parameter may be part of an article's name."""
    name = parameter.casefold()
    return name not in SOURCE_PARAMETERS and not name.startswith(SOURCE_PREFIXES)
