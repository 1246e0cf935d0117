"""Reduces web addresses to a canonical form, equal for tracked, AMP and mobile forms of a page."""

import re
from contextlib import suppress
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

# Labels in front of a host that select a form of the same page.
FORM_LABELS = frozenset({"www", "m", "mobile", "touch", "amp"})
AMP_CACHE = ".cdn.ampproject.org"  # https://amp.dev/documentation/guides-and-tutorials/cache/
AMP_VIEWERS = ("google.", "www.google.", "bing.", "www.bing.")
AMP_CACHED = re.compile(r"/(?:amp|[a-z]{1,2})/(?:s/)?([^/]+\.[^/]+)(/.*)?$")
AMP_SEGMENT = re.compile(r"/amp(?=/|$)|\.amp(?=\.html?$|$)", re.I)
DEFAULT_PAGE = re.compile(r"/(?:index|default)\.(?:html?|php|aspx?)$", re.I)
# Parameters that select a form, and tracking parameters that courlan does not know.
FORM_PARAMETERS = frozenset({"amp", "outputtype", "amp_js_v", "usqp", "amp_gsa"})
SOURCE_PARAMETERS = frozenset({"cmp", "cmpid", "smid", "ocid", "xtor", "igshid", "_ga", "mc_eid"})
SOURCE_PREFIXES = ("at_", "ns_", "utm_")


def canonical_url(url: str) -> str:
    """Return the canonical form of an address; all addresses of one page have the same form.

    It has no scheme, `www.`, usual port, fragment, tracking parameter, mark of an AMP or mobile
    page, or final slash; parameters are sorted. An invalid address is returned unchanged.

    >>> canonical_url("https://m.Courier.example/a/amp/?utm_source=x&id=3#top")
    '//courier.example/a?id=3'
    """
    from courlan import normalize_url

    try:
        plain = urlsplit(normalize_url(without_amp(url)))
        host, port = plain.hostname, plain.port  # courlan has dropped a usual port
    except ValueError:
        return url
    if not host:
        return url
    pairs = parse_qsl(plain.query, keep_blank_values=True)
    parameters = sorted(pair for pair in pairs if _may_identify(pair[0]))
    path = DEFAULT_PAGE.sub("", plain.path).rstrip("/")
    location = _plain_host(host) + (f":{port}" if port else "")
    return urlunsplit(("", location, path, urlencode(parameters), ""))


def without_amp(url: str) -> str:
    """Return the address of the plain page for an AMP page, also for one in an AMP cache.

    Raises ValueError for an invalid address.

    >>> without_amp("https://www.google.com/amp/s/courier.example/a.amp.html")
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


def is_amp_or_mobile(url: str) -> bool:
    """Whether this is the address of an AMP or mobile page, not of the plain page.

    >>> [is_amp_or_mobile(f"https://{host}.courier.example/a") for host in ("m", "www")]
    [True, False]
    """
    try:
        host = urlsplit(url).hostname or ""
        return without_amp(url) != url or _plain_host(host) != host.removeprefix("www.")
    except ValueError:
        return False


def with_parameter(url: str, name: str, value: str) -> str:
    """Add a parameter to an address, before its anchor.

    >>> with_parameter("/article/1#p2", "q", "swing bridge")
    '/article/1?q=swing+bridge#p2'
    """
    before, anchor, after = url.partition("#")
    parameter = urlencode({name: value})
    return f"{before}{'&' if '?' in before else '?'}{parameter}{anchor}{after}"


def host_of(url: str) -> str:
    """The host of an address in lower case; empty for an invalid address or a path."""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def site_of(url: str) -> str:
    """The host of an address without `www.`, `m.` and the like; empty for an invalid address.

    >>> site_of("https://m.Courier.example/a?id=3")
    'courier.example'
    """
    try:
        return _plain_host(urlsplit(without_amp(url)).hostname or "")
    except ValueError:
        return ""


def is_page(url: str) -> bool:
    """Whether an address names a page, and not only a host.

    >>> [is_page(f"https://courier.example{rest}") for rest in ("/ferry", "/", "")]
    [True, False, False]
    """
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return bool(parts.path.strip("/") or parts.query)


def _plain_host(host: str) -> str:
    """Drop labels such as `www` and `m`, also behind a language as in `de.m.wikipedia.org`.

    An internationalized name becomes its ASCII form (IDNA).
    """
    with suppress(UnicodeError):
        host = host.encode("idna").decode()
    labels = host.casefold().split(".")
    while len(labels) > 2 and labels[0] in FORM_LABELS:
        labels.pop(0)
    if len(labels) > 3 and labels[1] in FORM_LABELS:
        labels.pop(1)
    return ".".join(labels)


def _may_identify(parameter: str) -> bool:
    """Whether a parameter may identify an article: it does not only track readers."""
    name = parameter.casefold()
    return name not in SOURCE_PARAMETERS and not name.startswith(SOURCE_PREFIXES)
