"""Where an engine listens: sockets, addresses, certificates, and what is said when it does not."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path

import httpx2
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import NameOID

from aiops_agent.adapters.docker import endpoint
from aiops_agent.adapters.docker.client import DockerClient
from aiops_agent.adapters.docker.endpoint import Endpoint, from_host
from aiops_agent.adapters.docker.plug import DockerSettings
from aiops_agent.domain.errors import PlatformError, RequestRefused, SourceError
from aiops_agent.settings.load import load
from tests import seams

VERSION = b'{"Version": "24.0", "ApiVersion": "1.43", "MinAPIVersion": "1.24"}'


def section(environ: dict[str, str], **given: object) -> DockerSettings:
    return DockerSettings.model_validate(given, context=environ)


@pytest.mark.parametrize(
    ("host", "tls", "told"),
    [
        ("unix:///run/user/1000/docker.sock", False, "/run/user/1000/docker.sock"),
        ("tcp://proxy:2375", False, "http://proxy:2375"),
        ("tcp://proxy", False, "http://proxy:2375"),
        ("tcp://proxy/", False, "http://proxy:2375"),
        ("tcp://10.0.0.7:2376", True, "https://10.0.0.7:2376"),
        ("tcp://10.0.0.7", True, "https://10.0.0.7:2376"),
        ("https://engine.example:443", False, "https://engine.example:443"),
        ("tcp://[::1]:2375", False, "http://[::1]:2375"),
    ],
)
def test_a_host_is_read_as_the_docker_command_reads_it(host: str, tls: bool, told: str) -> None:
    assert str(from_host(host, tls=tls)) == told


@pytest.mark.parametrize(
    "host",
    [
        "ssh://me@engine", "npipe:////./pipe/docker", "fd://", "/var/run/docker.sock", "engine",
        "tcp://", "tcp://me:secret@engine:2376", "tcp://engine:port", "tcp://engine:99999",
        "tcp://engine/path", "tcp://engine?x=1", "tcp://engine#x", "unix://relative", "",
    ],
)  # fmt: skip
def test_another_host_is_refused_with_a_sentence(host: str) -> None:
    with pytest.raises(ValueError) as caught:
        from_host(host, tls=False)
    assert "secret" not in str(caught.value)


def test_the_environment_says_where_when_the_file_does_not(tmp_path: Path) -> None:
    environ = {"DOCKER_HOST": "tcp://engine:2376", "DOCKER_TLS_VERIFY": "1"}

    found = section({**environ, "DOCKER_CERT_PATH": str(tmp_path)}).endpoint

    assert found == Endpoint(url="https://engine:2376", certificates=tmp_path)
    assert str(section(environ, socket="/x.sock").endpoint) == "/x.sock"
    assert str(section(environ, host="tcp://other").endpoint) == "http://other:2375"


def test_certificates_mean_that_the_engine_is_verified(tmp_path: Path) -> None:
    """Of the docker command they may mean TLS without a look at who answers; of us never."""
    environ = {"DOCKER_HOST": "tcp://engine", "DOCKER_CERT_PATH": str(tmp_path)}

    context = section(environ).endpoint.context()

    assert context is not None
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)


@pytest.mark.parametrize("place", ["podman/podman.sock", "run/podman.sock"])
def test_the_socket_of_podman_is_found(
    place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / place).parent.mkdir()
    (tmp_path / place).touch()
    monkeypatch.setattr(endpoint, "USUAL", tmp_path / "none.sock")
    monkeypatch.setattr(endpoint, "PODMAN", tmp_path / "run/podman.sock")

    assert endpoint.ambient({"XDG_RUNTIME_DIR": str(tmp_path)}) == {"socket": str(tmp_path / place)}


def test_a_rootless_socket_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "docker.sock").touch()
    environ = {"XDG_RUNTIME_DIR": str(tmp_path)}
    monkeypatch.setattr(endpoint, "USUAL", tmp_path / "none.sock")

    assert section(environ).endpoint == Endpoint(socket=tmp_path / "docker.sock")

    monkeypatch.setattr(endpoint, "USUAL", tmp_path / "docker.sock")  # the usual one goes first
    assert section(environ).endpoint == endpoint.HERE


def test_the_settings_read_the_environment_once(tmp_path: Path) -> None:
    file = tmp_path / "aiops.yaml"
    file.write_text("sources: {docker: {project: shop}}")

    docker = load(file, environ={"DOCKER_HOST": "tcp://proxy:2375"}).settings.sources.section(
        "docker"
    )

    assert isinstance(docker, DockerSettings)
    assert (str(docker.endpoint), docker.project) == ("http://proxy:2375", "shop")


def made(folder: Path, name: str, authority: "Made | None" = None) -> "Made":
    return Made(folder, name, authority)


class Made:
    """A key and its certificate, signed by an authority or by itself."""

    def __init__(self, folder: Path, name: str, authority: "Made | None") -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        signer = authority or self
        now = datetime.now(UTC)
        built = (
            x509.CertificateBuilder()
            .subject_name(self.name)
            .issuer_name(signer.name)
            .public_key(self.key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=1))
            .add_extension(x509.BasicConstraints(authority is None, None), critical=True)
            .add_extension(
                x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))]),
                critical=False,
            )
        )
        certificate = built.sign(signer.key, hashes.SHA256())
        folder.mkdir(exist_ok=True)
        self.pem, self.key_pem = folder / f"{name}.pem", folder / "key.pem"
        self.pem.write_bytes(certificate.public_bytes(Encoding.PEM))
        plain = (Encoding.PEM, PrivateFormat.PKCS8)
        self.key_pem.write_bytes(self.key.private_bytes(*plain, NoEncryption()))
        self.locked = self.key.private_bytes(*plain, BestAvailableEncryption(b"x"))


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[tuple[str, Path]]:
    """A server that wants a client certificate, and a folder with one."""
    authority = made(tmp_path / "ca", "ca")
    server, ours = made(tmp_path / "server", "cert", authority), tmp_path / "ours"
    made(ours, "cert", authority)
    (ours / "ca.pem").write_bytes(authority.pem.read_bytes())
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(authority.pem))
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_cert_chain(server.pem, server.key_pem)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(VERSION)}\r\nConnection: close\r\n\r\n"
        writer.write(head.encode() + VERSION)
        await writer.drain()
        writer.close()

    listening = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=context)
    async with listening:
        port = listening.sockets[0].getsockname()[1]
        yield f"tcp://127.0.0.1:{port}", ours


async def about(host: str, certificates: Path) -> str:
    client = DockerClient(from_host(host, tls=True, certificates=certificates))
    try:
        return str((await client.about())["Version"])
    finally:
        await client.close()


async def test_both_sides_prove_who_they_are(engine: tuple[str, Path]) -> None:
    assert await about(*engine) == "24.0"


def without_key(ours: Path) -> None:
    (ours / "key.pem").unlink()


def without_own(ours: Path) -> None:
    (ours / "key.pem").unlink()
    (ours / "cert.pem").unlink()


def without_authority(ours: Path) -> None:
    (ours / "ca.pem").unlink()


def another_authority(ours: Path) -> None:
    (ours / "ca.pem").write_bytes(made(ours.parent / "other", "ca").pem.read_bytes())


def rubbish(ours: Path) -> None:
    (ours / "cert.pem").write_text("rubbish")


def locked(ours: Path) -> None:
    own = made(ours, "cert")
    (ours / "key.pem").write_bytes(own.locked)


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (without_key, "has no key.pem"),
        (without_own, "cannot be reached on https://127.0.0.1"),
        (without_authority, "cannot be reached on https://127.0.0.1"),
        (another_authority, "CERTIFICATE_VERIFY_FAILED"),
        (rubbish, "cannot be used"),
        (locked, "cannot be used"),
    ],
)
async def test_wrong_certificates_are_one_sentence(
    engine: tuple[str, Path], spoil: Callable[[Path], None], told: str
) -> None:
    host, ours = engine
    spoil(ours)

    with pytest.raises(SourceError, match=told):
        await about(host, ours)


async def test_an_engine_that_is_not_verified_is_caught(
    engine: tuple[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    host, ours = engine
    another_authority(ours)

    def trusting(_endpoint: Endpoint) -> ssl.SSLContext:
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.load_cert_chain(ours / "cert.pem", ours / "key.pem")
        return context

    seams.TLS_CONTEXT.plant(monkeypatch, trusting)

    assert await about(host, ours) == "24.0"  # the right answer is: not verified


async def test_a_folder_that_is_not_there_is_one_sentence_also_for_the_hands(
    tmp_path: Path,
) -> None:
    client = DockerClient(from_host("tcp://127.0.0.1:1", tls=True, certificates=tmp_path / "none"))

    with pytest.raises(SourceError, match="no folder of certificates"):
        await client.about()
    with pytest.raises(PlatformError, match="no folder of certificates"):
        await client.send("POST", "/x", None, timedelta(seconds=1))


def answering(status: int, body: bytes) -> DockerClient:
    def answer(request: httpx2.Request) -> httpx2.Response:
        known = request.url.path == "/version" and status != 400
        return (
            httpx2.Response(200, content=VERSION)
            if known
            else httpx2.Response(status, content=body)
        )

    return DockerClient(Endpoint(url="http://proxy:2375"), transport=httpx2.MockTransport(answer))


async def test_a_proxy_that_refuses_is_told_from_the_engine() -> None:
    client = answering(403, b"<html>403 Forbidden</html>")

    with pytest.raises(SourceError, match="A proxy before Docker refused /containers/json"):
        await client.get("/containers/json")
    with pytest.raises(RequestRefused, match="HTTP status 403"):
        await client.send("POST", "/v1.43/containers/x/restart", None, timedelta(seconds=1))


async def test_an_engine_that_wants_tls_says_so() -> None:
    client = answering(400, b"Client sent an HTTP request to an HTTPS server.\n")

    with pytest.raises(SourceError, match=r"speaks TLS only: set sources\.docker\.tls"):
        await client.about()


async def test_an_address_nobody_listens_on_is_one_sentence() -> None:
    client = DockerClient(from_host("tcp://127.0.0.1:1", tls=False))

    with pytest.raises(SourceError, match=r"cannot be reached on http://127\.0\.0\.1:1: "):
        await client.about()
    await client.close()
