"""Limits the requests of each client address (BACKFILE_RATE), and says how many are left."""

import math
import time
from ipaddress import IPv6Address, ip_address

from flask import Flask, Response, g, request
from werkzeug.exceptions import TooManyRequests

from backfile.archive.model.message import Message

FREE = ("healthz", "static")  # whether the process lives, and the parts of a page
SECONDS = 60
NAME = '"minute"'
BITS_OF_A_CLIENT = 64  # of an IPv6 address: its other half is the client's own to choose


def limit_requests(app: Flask, most: int) -> None:
    """Answer 429 to an address that has sent `most` requests in the last minute; 0 is no limit.

    Headers say what is left, as in https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/.
    The count is of this process. Behind a proxy, all requests have its address.
    """
    if not most:
        return
    from limits import RateLimitItemPerMinute
    from limits.storage import MemoryStorage
    from limits.strategies import MovingWindowRateLimiter

    limiter, limit = MovingWindowRateLimiter(MemoryStorage()), RateLimitItemPerMinute(most)

    @app.before_request
    def count() -> None:
        if request.endpoint and request.endpoint.rpartition(".")[2] in FREE:
            return
        client = client_of(request.remote_addr or "")
        allowed = limiter.hit(limit, client)
        left = limiter.get_window_stats(limit, client)
        # The oldest request of the window ends to count at `reset_time`.
        seconds = max(1, math.ceil(left.reset_time - time.time()))
        g.rate = (left.remaining, seconds)
        if not allowed:
            reason = Message("at most %(most)s requests a minute from one address", most=most)
            raise TooManyRequests(reason)

    @app.after_request
    def tell(response: Response) -> Response:
        if "rate" in g:
            remaining, seconds = g.rate
            response.headers["RateLimit-Policy"] = f"{NAME};q={most};w={SECONDS}"
            response.headers["RateLimit"] = f"{NAME};r={remaining};t={seconds}"
            if response.status_code == TooManyRequests.code:
                response.headers["Retry-After"] = str(seconds)
        return response


def client_of(address: str) -> str:
    """The address by which a client is counted: of IPv6, the network.

    >>> client_of("192.0.2.7"), client_of("2001:db8::1") == client_of("2001:db8::ffff:2")
    ('192.0.2.7', True)
    """
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if not isinstance(found, IPv6Address):
        return str(found)
    if found.ipv4_mapped:
        return str(found.ipv4_mapped)
    return f"{int(found) >> (128 - BITS_OF_A_CLIENT):x}"
