"""Without a token: does a program of this machine come in, and no page that a browser shows?"""

import pytest
from fastapi import Request

from aiops_agent.interfaces.http.visitor import Doorstep, networks
from tests import seams
from tests.interfaces.http.conftest import BEARER, FakeMetrics, FakeService, app_of
from tests.interfaces.http.wires import PATH, alert, asking, sent, serving, status

JSON = {"Content-Type": "application/json"}
OURS = Doorstep(
    names=frozenset({"aiops.example.org", "10.0.0.5"}),
    external_url="https://ops.example.org/aiops",
    proxies=networks(["192.0.2.0/24"]),
)
HOSTS = {  # where {} is the port that we listen on
    "localhost": True,
    "LOCALHOST:{}": True,
    "localhost.:{}": True,
    "127.0.0.1:{}": True,
    "127.0.0.2:1": True,
    "[::1]:{}": True,
    "[::1]": True,
    "aiops.example.org": True,
    "AIOPS.example.org:80": True,
    "10.0.0.5": True,
    "ops.example.org": True,
    "evil.example": False,
    "evil.example:{}": False,
    "localhost.evil.example": False,
    "127.0.0.1.evil.example": False,
    "evil.example#localhost": False,
    "evil.example/localhost": False,
    "localhost@evil.example": False,
    "evil@localhost": False,
    "localhost, evil.example": False,
    "0.0.0.0:{}": False,
    "[::]": False,
    "10.0.0.6": False,
    "2130706433": False,
    "0x7f.1": False,
    "sub.aiops.example.org": False,
    "aiops.example.org.evil.example": False,
    "localhost:{}x": False,
    "localhost:99999": False,
    "": False,
    "[": False,
}
PAGES = {  # headers that a browser sends, and whether the page is ours, asked as localhost:{}
    ("Origin", "http://localhost:{}"): True,
    ("Origin", "HTTP://LOCALHOST:{}"): True,
    ("Origin", "https://ops.example.org"): True,
    ("Origin", "http://ops.example.org"): False,
    ("Origin", "http://localhost:1"): False,
    ("Origin", "http://localhost"): False,
    ("Origin", "https://localhost:{}"): False,
    ("Origin", "http://127.0.0.1:{}"): False,
    ("Origin", "http://evil.example"): False,
    ("Origin", "http://evil.example:{}"): False,
    ("Origin", "http://localhost:{}@evil.example"): False,
    ("Origin", "http://localhost:{}.evil.example"): False,
    ("Origin", "null"): False,
    ("Origin", ""): False,
    ("Origin", "file://"): False,
    ("Origin", "moz-extension://0-0"): False,
    ("Sec-Fetch-Site", "none"): True,
    ("Sec-Fetch-Site", "same-origin"): True,
    ("Sec-Fetch-Site", "same-site"): False,
    ("Sec-Fetch-Site", "cross-site"): False,
    ("Sec-Fetch-Site", "Cross-Site"): False,
    ("Sec-Fetch-Site", "anything"): False,
}
FORWARDED = ("Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-IP", "Via")


@pytest.fixture
def service() -> FakeService:
    return FakeService()


async def let_in(service: FakeService, *given: dict[str, str], tokens: bool = False) -> list[int]:
    """Post and read with each set of headers; return every status."""
    app = app_of(service, FakeMetrics(), tokens_required=tokens, doorstep=OURS)
    found = []
    async with serving(app) as port:
        for headers in given:
            own = {name: value.replace("{}", str(port)) for name, value in headers.items()}
            own = {"Host": f"localhost:{port}", **own}
            found.append(status(await sent(port, asking(PATH, {**JSON, **own}, alert()))))
            found.append(status(await sent(port, asking("/api/v1/incidents", own))))
    return found


async def test_only_our_names_are_answered_without_a_token(service: FakeService) -> None:
    for right in (True, False):
        hosts = [{"Host": host} for host, ours in HOSTS.items() if ours is right]
        found = await let_in(service, *hosts)
        print(f"{len(hosts)} hosts that are {'' if right else 'not '}ours: {sorted(set(found))}")
        assert set(found) == {200 if right else 403}, list(zip(hosts, found[::2], strict=False))


async def test_no_page_of_another_site_posts_or_reads(service: FakeService) -> None:
    for right in (True, False):
        pages = [{name: value} for (name, value), ours in PAGES.items() if ours is right]
        found = await let_in(service, *pages)
        print(f"{len(pages)} pages that are {'' if right else 'not '}ours: {sorted(set(found))}")
        assert set(found) == {200 if right else 403}, list(zip(pages, found[::2], strict=False))
    assert len(service.kept) == sum(PAGES.values())


async def test_nobody_comes_through_a_proxy_that_is_not_named(service: FakeService) -> None:
    found = await let_in(service, *({name: "127.0.0.1"} for name in FORWARDED))

    assert set(found) == {403}
    trusting = Doorstep(proxies=networks(["127.0.0.1"]))
    app = app_of(service, FakeMetrics(), tokens_required=False, doorstep=trusting)
    async with serving(app) as port:
        headers = {**JSON, "Host": "localhost", "X-Forwarded-For": "203.0.113.9"}
        assert status(await sent(port, asking(PATH, headers, alert()))) == 200


async def test_who_shows_a_token_is_asked_for_no_name(service: FakeService) -> None:
    """Pods and services are called by many names; a page has no token."""
    anything = [
        {**BEARER, "Host": "evil.example"},
        {**BEARER, "Origin": "null"},
        {**BEARER, "X-Forwarded-For": "203.0.113.9"},
    ]
    assert set(await let_in(service, *anything, tokens=True)) == {200}
    assert set(await let_in(service, {"Host": "evil.example"}, tokens=True)) == {401}


async def test_health_and_counts_answer_every_name_and_page(service: FakeService) -> None:
    app = app_of(service, FakeMetrics(), tokens_required=False)
    async with serving(app) as port:
        for path in ("/healthz", "/readyz", "/metrics"):
            for more in ({"Host": "10.244.0.7:8088"}, {"Host": "evil", "Origin": "null"}):
                assert status(await sent(port, asking(path, more))) == 200


@pytest.mark.parametrize(
    ("kind", "taken"),
    [
        ("application/json", True),
        ("Application/JSON; charset=utf-8", True),
        ("application/vnd.alerts+json", True),
        ("text/plain", False),
        ("text/plain; application/json", False),
        ("text/plain, application/json", False),
        ("application/x-www-form-urlencoded", False),
        ("multipart/form-data; boundary=x", False),
        ("text/json", False),
        ("application/jsonx", False),
        ("+json", False),
        ("", False),
        (None, False),
    ],
)
async def test_a_body_is_json_by_its_own_word(
    service: FakeService, kind: str | None, taken: bool
) -> None:
    headers = {"Host": "localhost", **({} if kind is None else {"Content-Type": kind})}
    app = app_of(service, FakeMetrics(), tokens_required=False)
    async with serving(app) as port:
        answer = await sent(port, asking(PATH, headers, alert()))

    assert (status(answer), len(service.kept)) == ((200, 1) if taken else (415, 0))
    assert taken or b"application/json" in answer


async def test_a_guard_without_its_doorstep_is_seen(
    service: FakeService, monkeypatch: pytest.MonkeyPatch
) -> None:
    seams.REFUSAL.plant(monkeypatch, lambda _self, _request: "")

    assert set(await let_in(service, {"Host": "evil.example"}, {"Origin": "null"})) == {200}


def test_two_hosts_or_none_are_no_host_of_ours() -> None:
    def asked(*hosts: bytes) -> Request:
        return Request({"type": "http", "headers": [(b"host", host) for host in hosts]})

    assert OURS.refusal(asked(b"localhost")) == ""
    assert "server.names" in OURS.refusal(asked())
    assert "server.names" in OURS.refusal(asked(b"localhost", b"localhost"))
