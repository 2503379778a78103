"""Who may come in without a token: programs of this machine, and no page that a browser shows."""

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from fastapi import Request

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

# Proxies add one of these: behind one, everybody is this machine.
_THROUGH = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via")
_OWN_SITE = ("same-origin", "none")  # of Sec-Fetch-Site; `none` is a person at the address bar


@dataclass(frozen=True)
class Doorstep:
    """What a request without a token must look like.

    A page of any site can make the browser of this machine post to us, and by rebinding its own
    name even read. It can forge neither `Host` nor `Origin`: both must be ours. `names` are ours
    besides loopback's, `external_url` is where people reach us, `proxies` may forward to us.
    """

    names: frozenset[str] = frozenset()
    external_url: str = ""
    proxies: tuple[Network, ...] = field(default=())

    def refusal(self, request: Request) -> str:
        """Return why the request must show a token, in a sentence; "" when it need not."""
        headers = request.headers
        told = headers.getlist("host")
        if len(told) != 1 or not self._ours(told[0]):
            return "Host is no name of this server: use a loopback name or set server.names."
        if not self._near(request):
            return "The request came through a proxy: show a token, or set server.trusted_proxies."
        site = headers.get("sec-fetch-site", "none").strip().lower()
        foreign = any(not self._home(origin, told[0]) for origin in headers.getlist("origin"))
        if foreign or site not in _OWN_SITE:
            return "The request comes from a page of another site: pages need a token."
        return ""

    def _ours(self, host: str) -> bool:
        name = _split(f"//{host}")[0]
        known = {one.lower() for one in self.names} | {_split(self.external_url)[0]}
        return bool(name) and (_is_loopback(name) or name in known)

    def _near(self, request: Request) -> bool:
        if not any(name in request.headers for name in _THROUGH):
            return True
        peer = request.client.host if request.client else ""
        return any(ipaddress.ip_address(peer) in known for known in self.proxies if peer)

    def _home(self, origin: str, host: str) -> bool:
        """Whether a page of ours asks; same name and same port, or that of `external_url`."""
        scheme = origin.strip().partition(":")[0].lower()
        same = scheme == "http" and _place(origin) == _place(f"http://{host}")
        return same or (bool(self.external_url) and _place(origin) == _place(self.external_url))


HOME = Doorstep()  # loopback's names only


def networks(texts: Iterable[str]) -> tuple[Network, ...]:
    """Return addresses and networks; raises ValueError for what is neither."""
    return tuple(ipaddress.ip_network(text, strict=False) for text in texts)


def _split(address: str) -> tuple[str, int | None]:
    """Return name and port, "" for what is no plain address."""
    try:
        parts = urlsplit(address.strip())
        name, port = (parts.hostname or "").removesuffix("."), parts.port
    except ValueError:
        return "", None
    odd = "@" in parts.netloc or parts.query or parts.fragment
    return ("", None) if odd else (name, port)


def _place(address: str) -> tuple[str, str, int | None]:
    scheme = address.strip().partition(":")[0].lower()
    name, port = _split(address)
    return scheme, name or address, port or {"http": 80, "https": 443}.get(scheme)


def _is_loopback(name: str) -> bool:
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False
