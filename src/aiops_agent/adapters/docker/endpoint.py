"""Where an engine listens: a socket of this machine, or an address, with or without TLS."""

import os
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from aiops_agent.domain.errors import SourceError

USUAL = Path("/var/run/docker.sock")
PODMAN = Path("/run/podman/podman.sock")  # of the service that root runs
_PORTS = {False: 2375, True: 2376}


@dataclass(frozen=True)
class Endpoint:
    """A socket or, when `url` is not empty, `http(s)://host:port`.

    `certificates` is a folder with `ca.pem`, `cert.pem`, `key.pem`, as the docker command keeps it.
    """

    socket: Path = USUAL
    url: str = ""
    certificates: Path | None = None

    def __str__(self) -> str:
        """Where it is, as a person knows it."""
        return self.url or str(self.socket)

    @property
    def base(self) -> str:
        """The address that requests begin with."""
        return self.url or "http://docker"

    def context(self) -> ssl.SSLContext | None:
        """Return how both sides prove who they are, None without TLS. Reads files.

        The engine's certificate is always verified. Raises SourceError.
        """
        if not self.url.startswith("https:"):
            return None
        if self.certificates and not self.certificates.is_dir():
            raise SourceError(f"There is no folder of certificates {self.certificates}.")
        authority, own, key = (self._file(name) for name in ("ca.pem", "cert.pem", "key.pem"))
        if bool(own) != bool(key):
            missing = "key.pem" if own else "cert.pem"
            raise SourceError(f"{self.certificates} has no {missing}, which belongs to the other.")
        try:
            context = ssl.create_default_context(cafile=authority)
            if own and key:
                context.load_cert_chain(own, key, password=_no_password)
        except (OSError, ValueError) as error:
            told = f"The certificates in {self.certificates} cannot be used: {error}."
            raise SourceError(told) from error
        return context

    def _file(self, name: str) -> str | None:
        found = self.certificates / name if self.certificates else None
        return str(found) if found and found.exists() else None


HERE = Endpoint()


def from_host(host: str, *, tls: bool, certificates: Path | None = None) -> Endpoint:
    """Return where `host` says, as in DOCKER_HOST. Raises ValueError with a sentence."""
    scheme, _, rest = host.partition("://")
    if scheme == "unix" and rest.startswith("/"):
        return Endpoint(socket=Path(rest))
    if scheme not in ("tcp", "http", "https") or not rest:
        raise ValueError(
            f"{scheme or host}: an engine is reached by unix:///path, tcp://host:port or "
            "https://host:port; for ssh make a tunnel to its socket"
        )
    parts = urlsplit(f"//{rest}")
    if not parts.hostname or "@" in rest or parts.path.strip("/") or parts.query or parts.fragment:
        raise ValueError("a host and a port are meant, such as tcp://10.0.0.7:2376")
    secure = tls or scheme == "https"
    name = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    port = parts.port or _PORTS[secure]  # raises ValueError when it is no port
    url = f"{'https' if secure else 'http'}://{name}:{port}"
    return Endpoint(url=url, certificates=certificates if secure else None)


def ambient(environ: Mapping[str, str]) -> dict[str, str | bool]:
    """Return what the environment says of the engine, as keys of the section.

    DOCKER_HOST, DOCKER_TLS_VERIFY and DOCKER_CERT_PATH as the docker command reads them; without a
    host and without the usual socket, that of a rootless engine or of Podman.
    """
    if host := environ.get("DOCKER_HOST", ""):
        found: dict[str, str | bool] = {"host": host}
        if environ.get("DOCKER_TLS_VERIFY") or environ.get("DOCKER_CERT_PATH"):
            home = Path(environ.get("DOCKER_CONFIG") or "~/.docker").expanduser()
            found |= {"tls": True, "certificates": environ.get("DOCKER_CERT_PATH") or str(home)}
        return found
    own = Path(environ.get("XDG_RUNTIME_DIR") or "/nowhere")
    others = (own / "docker.sock", own / "podman/podman.sock", PODMAN)
    there = (str(one) for one in (USUAL, *others) if os.path.exists(one))  # noqa: PTH110 -- no error where we may not enter
    found_socket = next(there, str(USUAL))
    return {} if found_socket == str(USUAL) else {"socket": found_socket}


def _no_password() -> str:
    """Nobody is there to type it; an empty one is refused with a sentence."""
    return ""
