"""Are we let in as configured, over a real TLS socket too, and is no secret ever shown?"""

import asyncio
import ssl
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx2
import pytest
from cryptography import x509  # comes with the extra `models`
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from aiops_agent.adapters.prometheus.access import Access, PrometheusSettings, Tls
from aiops_agent.adapters.prometheus.client import PrometheusClient
from aiops_agent.domain.errors import SettingsError, SourceError
from aiops_agent.settings.load import Loaded, load
from aiops_agent.settings.sections import secrets
from tests import seams

PASSWORD, TOKEN, KEY = "planted-pass word", "planted.bearer/token==", "planted-header-key"
VERSION = b'{"status": "success", "data": {"version": "3.1"}}'


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path


def read(home: Path, prometheus: str) -> Loaded:
    (home / "aiops.yaml").write_text(f"sources: {{prometheus: {{{prometheus}}}}}")
    environ = {"XDG_CONFIG_HOME": str(home / "none"), "PW": PASSWORD}
    return load(None, environ=environ, folder=home)


def section(home: Path, prometheus: str) -> PrometheusSettings:
    found = read(home, prometheus).settings.sources.section("prometheus")
    assert isinstance(found, PrometheusSettings)
    return found


WAYS = {
    "basic_auth: {username: me, password: '${env:PW}'}": (
        "authorization",
        f"Basic {b64encode(f'me:{PASSWORD}'.encode()).decode()}",
    ),
    f"bearer: '{TOKEN}'": ("authorization", f"Bearer {TOKEN}"),
    "headers: {X-Scope-OrgID: team-a}": ("x-scope-orgid", "team-a"),
    "headers: {X-Scope-OrgID: 7}": ("x-scope-orgid", "7"),
    f"headers: {{X-Api-Key: '{KEY}'}}": ("x-api-key", KEY),
}


@pytest.mark.parametrize("way", WAYS)
async def test_each_way_in_is_sent_with_every_request_and_never_shown(home: Path, way: str) -> None:
    loaded = read(home, f"url: 'http://p.test', {way}")
    asked: list[httpx2.Request] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        asked.append(request)
        return httpx2.Response(200, content=VERSION)

    access = Access.of(section(home, f"url: 'http://p.test', {way}"))
    client = PrometheusClient(
        "http://p.test", access=access, transport=httpx2.MockTransport(answer)
    )
    await client.version()
    await client.version()

    name, value = WAYS[way]
    assert [request.headers[name] for request in asked] == [value, value]
    settings = loaded.settings
    shown = f"{[*loaded.rows()]}{settings!r}{client!r}{access!r}{settings.model_dump_json()}"
    for secret in (PASSWORD, TOKEN, KEY, b64encode(PASSWORD.encode()).decode()):
        assert secret not in shown
    known = {*secrets(settings)}
    assert known <= {PASSWORD, TOKEN, KEY}
    assert "team-a" not in known  # a team's name is no secret: it would be hidden everywhere
    assert bool(known) is (name != "x-scope-orgid")


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ("url: 'http://me:planted-x@p'", "basic_auth"),
        ("url: 'http://p', bearer: a, token_file: /t", "one of basic_auth, bearer and token_file"),
        (
            "url: 'http://p', bearer: a, basic_auth: {username: u, password: p}",
            "one of basic_auth, bearer and token_file",
        ),
        ("url: 'http://p', tls: {ca: /x}", "https://"),
        ("url: 'https://p', tls: {key: /x}", "tls.key needs tls.cert"),
        ("url: 'http://p', headers: {Authorization: planted-x}", "is ours to send"),
        ("url: 'http://p', headers: {host: planted-x}", "is ours to send"),
        ("url: 'http://p', headers: {'a b': planted-x}", "no name of a header"),
        ('url: "http://p", headers: {x: "planted-x\\r\\nHost: y"}', "cannot be sent"),
        ('url: "http://p", headers: {x: "planted-xü"}', "cannot be sent"),
        ("url: 'http://p', headers: {x: ''}", "cannot be sent"),
        ('url: "http://p", bearer: "planted-x\\n y"', "cannot be sent"),
        ("url: 'http://p', headers: {x: [planted-x]}", "headers"),
        ("url: 'http://p', headers: planted-x", "headers"),
        ("url: 'http://p', basic_auth: {username: 'a:b', password: planted-x}", "username"),
        ("url: 'http://p', basic_auth: {username: '', password: planted-x}", "username"),
        ("url: 'http://p', basic_auth: {username: a}", "password"),
        ("url: 'http://p', bearer: '${env:NONE}'", "the environment has no NONE"),
        ("url: 'http://p', basic_auth: {user: a, password: planted-x}", "unknown key `user`"),
    ],
)
def test_what_cannot_be_meant_is_refused_without_its_secret(
    home: Path, wrong: str, says: str
) -> None:
    with pytest.raises(SettingsError) as caught:
        read(home, wrong)

    assert says in str(caught.value)
    assert "planted-x" not in str(caught.value)


@pytest.mark.parametrize("status", [200, 400, 401, 403, 422, 500])
async def test_a_server_that_gives_back_what_it_was_sent_shows_nothing(
    home: Path, status: int
) -> None:
    def answer(request: httpx2.Request) -> httpx2.Response:
        said = f"no: {dict(request.headers)} {PASSWORD} {TOKEN}"
        return httpx2.Response(status, json={"status": "error", "error": said})

    for way in WAYS:
        access = Access.of(section(home, f"url: 'http://p.test', {way}"))
        transport = httpx2.MockTransport(answer)
        client = PrometheusClient("http://p.test", access=access, transport=transport)
        with pytest.raises(SourceError) as caught:
            await client.version()
        used = [one for one in (PASSWORD, TOKEN, KEY) if one in str(access.headers)]
        used += [PASSWORD] if "basic" in way else []
        assert not [one for one in used if one in str(caught.value)]
        assert ("does not let us in" in str(caught.value)) is (status in (401, 403))


@pytest.mark.parametrize("content", ["", "a\nb", "ü", None])
async def test_a_token_file_that_holds_no_token_is_told(home: Path, content: str | None) -> None:
    file = home / "token"
    if content is not None:
        file.write_text(content)

    with pytest.raises(SourceError, match="cannot be read from"):
        Access(token_file=file).sent()


class Authority:
    """An authority of our own and what it signs, as files."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "authority")])
        self.ca = self._kept("ca", self._signed("authority", self._key.public_key(), ca=True))

    def made(self, name: str, phrase: bytes = b"") -> tuple[Path, Path]:
        key = ec.generate_private_key(ec.SECP256R1())
        locked = serialization.BestAvailableEncryption(phrase) if phrase else None
        text = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            locked or serialization.NoEncryption(),
        )
        cert = self._kept(f"{name}.crt", self._signed(name, key.public_key()))
        return cert, self._kept(f"{name}.key", text)

    def _kept(self, name: str, text: bytes) -> Path:
        (self.folder / name).write_bytes(text)
        return self.folder / name

    def _signed(self, name: str, public: ec.EllipticCurvePublicKey, *, ca: bool = False) -> bytes:
        day, now = timedelta(days=1), datetime.now(UTC)
        made = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
            .issuer_name(self._name)
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - day)
            .not_valid_after(now + day)
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
            .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        )
        return made.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@asynccontextmanager
async def speaking_tls(authority: Authority) -> AsyncIterator[str]:
    """A Prometheus that lets in whom the authority knows."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=authority.ca)
    context.load_cert_chain(*authority.made("localhost"))
    context.verify_mode = ssl.CERT_REQUIRED

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(
            b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(VERSION)
        )
        writer.write(VERSION)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=context)
    async with server:
        yield f"https://localhost:{server.sockets[0].getsockname()[1]}"


async def version(url: str, tls: Tls) -> str:
    client = PrometheusClient(url, access=Access(tls=tls))
    try:
        return await client.version()
    finally:
        await client.close()


async def test_certificates_let_us_in_and_nothing_else_does(authority: Authority) -> None:
    (other := authority.folder / "other").mkdir()
    stranger = Authority(other)
    cert, key = authority.made("us")
    wrong_cert, wrong_key = stranger.made("us")
    async with speaking_tls(authority) as url:
        assert await version(url, Tls(ca=authority.ca, cert=cert, key=key)) == "3.1"
        for tls in (
            Tls(),
            Tls(cert=cert, key=key),
            Tls(ca=authority.ca),
            Tls(ca=stranger.ca, cert=cert, key=key),
            Tls(ca=authority.ca, cert=wrong_cert, key=wrong_key),
        ):
            with pytest.raises(SourceError, match="cannot be reached"):
                await version(url, tls)


async def test_a_file_that_is_no_certificate_is_named_and_nobody_is_asked_for_a_phrase(
    authority: Authority,
) -> None:
    cert, key = authority.made("us")
    _, locked = authority.made("locked", b"phrase")
    (none := authority.folder / "none.pem").write_text("no certificate")
    for tls, named in (
        (Tls(ca=authority.folder / "missing"), "missing"),
        (Tls(ca=none), "none.pem"),
        (Tls(cert=none), "none.pem"),
        (Tls(cert=cert), "us.crt"),
        (Tls(cert=cert, key=locked), "us.crt"),
        (Tls(cert=authority.made("more")[0], key=key), "more.crt"),
    ):
        with pytest.raises(SourceError, match=named):
            await version("https://localhost:1", tls)


async def test_a_server_that_is_believed_unseen_is_seen(
    authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    cert, key = authority.made("us")

    def believing(_access: Access) -> ssl.SSLContext:
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.load_cert_chain(cert, key)
        return context

    seams.CONTEXT.plant(monkeypatch, believing)
    async with speaking_tls(authority) as url:
        assert await version(url, Tls()) == "3.1"
