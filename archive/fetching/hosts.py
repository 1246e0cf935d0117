"""Tells addresses of the public internet from those that only someone inside can reach."""

from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

PUBLIC = IPv6Network(
    "2000::/3"
)  # all that is given out; https://www.iana.org/assignments/ipv6-unicast-address-assignments
TEREDO = IPv6Network("2001::/32")
SIX_TO_FOUR = IPv6Network("2002::/16")
# An IPv4 address is the end of these: written as IPv6, compatible with it, behind NAT64 (RFC 6052).
ENDING_IN_IPV4 = (
    IPv6Network("::ffff:0:0/96"),
    IPv6Network("::/96"),
    IPv6Network("64:ff9b::/96"),
)


def is_public(address: str) -> bool:
    """Tell whether an address is one of the public internet, whatever it is wrapped in.

    >>> [is_public(each) for each in ("8.8.8.8", "127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1")]
    [True, False, False, False]
    """
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(found, IPv6Address):
        if any(found in network for network in ENDING_IN_IPV4):
            return _is_public(IPv4Address(int(found) & 0xFFFFFFFF))
        if found not in PUBLIC or found in TEREDO or found in SIX_TO_FOUR:
            return False
    return _is_public(found)


def _is_public(address: IPv4Address | IPv6Address) -> bool:
    # Python takes multicast for global: https://docs.python.org/3/library/ipaddress.html
    return address.is_global and not (address.is_multicast or address.is_reserved)
