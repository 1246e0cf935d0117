"""The address that the world knows (BACKFILE_PUBLIC_URL), where a proxy stands before the server.

Without it, Host is what a request says, and only names of this machine are accepted if only this
machine may connect (no DNS rebinding). With it, its host is accepted as well, and each address in
an answer is one below it: of feeds, exports, citations and the search box.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any
from urllib.parse import urlsplit

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.sansio.utils import host_is_trusted
from werkzeug.wsgi import get_host

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]
LOCAL_HOSTS = ("localhost", "127.0.0.1", "[::1]")


def hosts_of(public_url: str, *, local: bool) -> list[str] | None:
    """The names by which the server may be asked; None for any.

    `local`: only this machine may connect. Other ports of a name are accepted, too.

    >>> hosts_of("https://archive.example:8443", local=False)
    ['localhost', '127.0.0.1', '[::1]', 'archive.example']
    """
    if public_url:
        return [*LOCAL_HOSTS, urlsplit(public_url).hostname or ""]
    return list(LOCAL_HOSTS) if local else None


def register(app: Flask, public_url: str, proxies: int, trusted: Sequence[str] | None) -> None:
    """Answer as below the public address, and count clients behind so many trusted proxies."""
    if public_url:
        app.wsgi_app = PublicAddress(  # type: ignore[method-assign]  # as Flask documents it
            app.wsgi_app, public_url, trusted or ()
        )
    if proxies:
        # The address of the client alone: host and scheme are those of the public address.
        app.wsgi_app = ProxyFix(  # type: ignore[method-assign]
            app.wsgi_app, x_for=proxies, x_proto=0, x_host=0, x_port=0, x_prefix=0
        )


class PublicAddress:
    """WSGI middleware: gives requests by trusted names the scheme and host of the public address.

    A request by another name stays as it is, and is refused by the application.
    """

    def __init__(self, application: Application, public_url: str, trusted: Sequence[str]) -> None:
        self._application = application
        self._scheme, self._host = urlsplit(public_url)[:2]
        self._trusted = list(trusted)

    def __call__(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        if host_is_trusted(get_host(environ), self._trusted):
            environ["wsgi.url_scheme"] = self._scheme
            environ["HTTP_HOST"] = self._host
        return self._application(environ, start_response)
