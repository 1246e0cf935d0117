"""Who may see and change collections: the one user of a local server, or who has the token.

A local server is one that only this machine reaches, without a proxy. Elsewhere the token of the
server (BACKFILE_TOKEN) is asked for once; the cookie that then stands for it is made of it and ends
by itself, and another token ends it, too. No other site's page can use either (CSRF).
"""

import hmac
import time
from collections.abc import Callable
from hashlib import sha256
from typing import NamedTuple

from flask import Request

from backfile.web.api.tokens import is_authorized
from backfile.web.public_address import LOCAL_HOSTS

COOKIE = "backfile-session"
SECONDS = 30 * 24 * 3600
PROXIED = ("Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-Ip", "Via")


class Access(NamedTuple):
    """Whether the server is local, and its token; with neither, nobody has access."""

    local: bool = False
    token: str = ""
    now: Callable[[], float] = time.time

    @classmethod
    def of(cls, host: str, public_url: str, proxies: int, token: str) -> "Access":
        """The access to a server that listens on a host (of IPv6 in brackets)."""
        return cls(host in LOCAL_HOSTS and not public_url and not proxies, token)

    def allows(self, request: Request) -> bool:
        """Whether a request comes from the one who may: from this machine, or with the token."""
        if self.local and not any(name in request.headers for name in PROXIED):
            return True
        return self._has_token(request) or self.is_signed_in(request)

    def is_signed_in(self, request: Request) -> bool:
        """Whether a request has the cookie of somebody who gave the token, and it is not over."""
        given = request.cookies.get(COOKIE, "")
        ends = given.partition("-")[0]
        if not self.token or not (ends.isascii() and ends.isdecimal() and len(ends) <= 12):
            return False
        return hmac.compare_digest(given.encode(), self._cookie(int(ends)).encode()) and (
            int(ends) > self.now()
        )

    def may_change(self, request: Request) -> bool:
        """Whether a request that changes something is allowed, and sent by a page of this server.

        SameSite=Strict keeps the cookie of a session from other sites, so it is enough where a
        browser says nothing of the page: over plain HTTP, with `no-referrer`.
        """
        if not self.allows(request):
            return False
        return is_from_here(request) or (
            "Sec-Fetch-Site" not in request.headers and self.is_signed_in(request)
        )

    def knows(self, token: str) -> bool:
        """Whether this is the token; the time it takes tells nothing about it."""
        return bool(self.token) and hmac.compare_digest(
            token.encode("utf-8", "replace"), self.token.encode()
        )

    def new_cookie(self) -> str:
        """The cookie of a session that begins now."""
        return self._cookie(int(self.now()) + SECONDS)

    def _cookie(self, ends: int) -> str:
        made = hmac.new(self.token.encode(), f"backfile session until {ends}".encode(), sha256)
        return f"{ends}-{made.hexdigest()}"

    def _has_token(self, request: Request) -> bool:
        return is_authorized(request.headers.get("Authorization", ""), self.token)


def is_from_here(request: Request) -> bool:
    """Whether a request was sent by a page of this server, or by no browser at all.

    Browsers say with each form where its page comes from, by one header or the other:
    https://cheatsheetseries.owasp.org/cheatsheets/Cross-Site_Request_Forgery_Prevention_Cheat_Sheet.html
    """
    if site := request.headers.get("Sec-Fetch-Site"):
        return site in ("same-origin", "none")
    origin = request.headers.get("Origin")
    return origin is None or origin == request.host_url.rstrip("/")
