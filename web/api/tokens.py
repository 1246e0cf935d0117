"""The token of those who may write: `Authorization: Bearer TOKEN`, and no other way.

A browser sends this header for no page of another site unless a script there knows the token, and
it is never kept in a cookie: so a forged request writes nothing.
"""

import hmac

SCHEME = "bearer"


def is_authorized(header: str, token: str) -> bool:
    """Whether the header `Authorization` has the token; the time it takes tells nothing about it.

    >>> [is_authorized(each, "a" * 16) for each in ("Bearer " + "a" * 16, "Bearer a", "", "a" * 16)]
    [True, False, False, False]
    """
    scheme, _, given = header.partition(" ")
    same = hmac.compare_digest(given.strip().encode("latin-1", "replace"), token.encode())
    return bool(token) and scheme.lower() == SCHEME and same
