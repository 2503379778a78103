"""Where secrets stand in real telemetry, and lines of telemetry without any."""
# ruff: noqa: E501
# Its tables are read by line.

import json
import random
from collections.abc import Callable
from urllib.parse import quote

_VENDORS = [
    "acme",
    "globex",
    "initech",
    "umbrella",
    "hooli",
    "payments",
    "ledger",
    "crm",
    "mailer",
    "search",
    "cdn",
    "billing",
]
_NAMES = [
    "{}_API_KEY",
    "{}_TOKEN",
    "{}_SECRET",
    "{}_PASSWORD",
    "{}_ACCESS_TOKEN",
    "{}_CLIENT_SECRET",
    "{}_PRIVATE_KEY",
    "{}_AUTH_TOKEN",
    "{}_SIGNING_KEY",
    "{}_DB_PASS",
    "{}_PASSPHRASE",
    "{}_SECRET_KEY",
    "{}_REFRESH_TOKEN",
    "{}ApiKey",
    "{}AuthToken",
    "{}Password",
    "{}ClientSecret",
    "spring.{}.password",
    "{}.api-key",
    "{}-access-key",
    "{}_WEBHOOK_SECRET",
    "{}_ENCRYPTION_KEY",
    "{}_CREDENTIALS",
    "{}_MASTER_KEY",
    "db-{}-pwd",
    "{}_BEARER_TOKEN",
]
_HEADERS = [
    "X-{}-Api-Key",
    "X-{}-Token",
    "X-{}-Auth-Token",
    "{}-Access-Key",
    "X-{}-Secret",
    "X-Api-Key",
    "X-Auth-Token",
    "{}-Subscription-Key",
    "X-{}-Password",
    "Private-Token",
]
_QUERY = [
    "api_key",
    "token",
    "access_token",
    "apikey",
    "secret",
    "password",
    "client_secret",
    "auth_token",
]

Context = Callable[[str, random.Random], str]


def _named(rng: random.Random, names: list[str]) -> str:
    vendor = rng.choice(_VENDORS)
    name = rng.choice(names)
    upper = name.startswith("{}_")
    return name.format(vendor.upper() if upper and rng.random() < 0.8 else vendor)


def key(secret: str, rng: random.Random) -> str:
    """Return a line with `NAME=secret`, in one of its spellings."""
    name = _named(rng, _NAMES)
    form = rng.choice(
        (
            "{n}={s}", "{n}={s} retries=3", 'export {n}="{s}"', "{n}: {s}", "{n}: '{s}'",
            "config loaded: {n}={s}, region=eu", "env {n} = {s}", 'level=debug {n}="{s}" took=3ms',
            "--{l}={s} --verbose", "--{l} {s}", "  - name: {n}\n    value: {s}", "{n} => {s}",
            "map[{n}:{s} user:app]", "<{l}>{s}</{l}>", "Server=db;{n}={s};Timeout=3",
        )
    )  # fmt: skip
    return form.format(n=name, s=secret, l=name.replace(".", "-"))


def header(secret: str, rng: random.Random) -> str:
    """Return a line with the secret in a header."""
    form = rng.choice(
        (
            "Authorization: Bearer {s}", "authorization: Token {s}", "Authorization: Basic {s}",
            "Authorization: {s}", "> Authorization: ApiKey {s}", "proxy-authorization: Basic {s}",
            'curl -H "Authorization: Bearer {s}" http://api/x', "Cookie: lang=en; session={s}",
            "Set-Cookie: sid={s}; Path=/; HttpOnly", "{h}: {s}", "{h}: {s}", "{h}: {s}",
            "request headers: {{'{h}': '{s}', 'Accept': '*/*'}}", '("{h}", "{s}")',
            "req.headers[authorization]=Bearer {s} status=401", "-H '{h}: {s}'",
        )
    )  # fmt: skip
    return form.format(s=secret, h=_named(rng, _HEADERS))


def in_json(secret: str, rng: random.Random) -> str:
    """Return a line with the secret in JSON, perhaps in JSON in JSON."""
    name = _named(rng, _NAMES)
    body: object = rng.choice(
        (
            {"level": "info", name: secret},
            {"config": {"db": {"user": "app", name: secret, "port": 5432}}},
            {"env": [{"name": name, "value": secret}, {"name": "PORT", "value": "80"}]},
            {"env": [f"{name}={secret}", "PORT=80"]},
            {"headers": {_named(rng, _HEADERS): secret, "Authorization": f"Bearer {secret}"}},
            {"headers": [["authorization", f"Bearer {secret}"]]},
        )
    )
    text = json.dumps(body, indent=rng.choice((None, None, 2)))
    return json.dumps({"msg": text}) if rng.random() < 0.3 else text


def url(secret: str, rng: random.Random) -> str:
    """Return a line with the secret in an address, before its host or in its query."""
    name = rng.choice(_QUERY)
    scheme = rng.choice(["postgres", "mysql", "redis", "amqp", "mongodb", "https", "http", "ftp"])
    form = rng.choice(
        (
            "{c}://app:{s}@db.internal:5432/shop failed", "url={c}://app:{s}@db/shop?ssl=true",
            "{c}://:{s}@cache:6379/0", "GET /v1/items?{n}={q}&page=2 200",
            "https://api.example.com/v1?page=2&{n}={q}", 'fetch "https://h/x?{n}={q}#top" failed',
        )
    )  # fmt: skip
    return form.format(c=scheme, s=secret, n=name, q=quote(secret, safe=""))


def bare(secret: str, rng: random.Random) -> str:
    """Return a line with the secret alone among words."""
    form = rng.choice(
        ("rejected {}", "got {} from vault", "{}", "login with '{}' failed", "[{}] ok")
    )
    return form.format(secret)


CONTEXTS: dict[str, Context] = {
    "key": key, "header": header, "json": in_json, "url": url, "bare": bare,
}  # fmt: skip


def clean(rng: random.Random) -> str:
    """Return a line of ordinary telemetry, full of identities and without a secret."""

    def hexes(length: int) -> str:
        return "".join(rng.choices("0123456789abcdef", k=length))

    def b36(length: int) -> str:
        return "".join(rng.choices("bcdfghjklmnpqrstvwxz2456789", k=length))

    values = {
        "pod": f"{rng.choice(_VENDORS)}-{hexes(10)}-{b36(5)}",
        "trace": hexes(32), "span": hexes(16), "sha": hexes(40), "digest": hexes(64),
        "uuid": "-".join(map(hexes, (8, 4, 4, 4, 12))), "id": hexes(12),
        "ulid": "01H" + "".join(rng.choices("0123456789ABCDEFGHJKMNPQRSTVWXYZ", k=23)),
        "ip": ".".join(str(rng.randrange(256)) for _ in range(4)), "n": rng.randrange(100_000),
        "v": rng.choice(_VENDORS), "ms": rng.randrange(3000), "port": rng.randrange(1024, 65000),
    }  # fmt: skip
    return rng.choice(_CLEAN).format(**values)


_CLEAN = """\
time="2026-11-20T10:11:12Z" level=info msg="request served" pod={pod} trace_id={trace} span_id={span} took={ms}ms
{ip} - - [20/Nov/2026:10:11:12 +0000] "GET /api/v1/{v}/orders/{n}?page=2&sort=desc HTTP/1.1" 200 {n} "-" "Mozilla/5.0"
ts=2026-11-20T10:11:12Z caller=dispatch.go:{n} level=debug component=dispatcher receiver={v} msg="flushing" aggrGroup={{}}:{{alertname="X"}}
Pulled image "registry.example.com/{v}@sha256:{digest}" in {ms}ms
Successfully assigned default/{pod} to node-{ip}
checkout of commit {sha} done, parent {sha}
ERROR [{v}] com.example.{v}.OrderService - timeout after {ms} ms calling http://{v}:{port}/internal/orders/{uuid}
invalid token: expired for request {uuid}
password authentication failed for user "{v}"
token bucket empty: tokens=0 max_tokens={n} refill_rate=100
session {uuid} opened for client {ip}:{port}
kube_secret_info{{namespace="default",secret="{v}-db-tls",uid="{uuid}"}} 1
rate(http_requests_total{{job="{v}",code=~"5.."}}[5m]) > 0.05
container {digest} exited with code 137
consumer group={v} topic=orders partition=3 offset={n} key=order-{n} lag={ms}
cache miss key={v}:orders:{n} ttl={ms}s
auth: user {n} logged in from {ip} method=password result=ok
Authorization header missing for GET /v1/{v} from {ip}
FATAL: remaining connection slots are reserved, pid={n}, xid {ulid}
HTTP/1.1 401 Unauthorized WWW-Authenticate: Bearer realm="{v}"
org.springframework.web.client.ResourceAccessException: I/O error on POST request for "http://{v}:{port}/v1/charge"
	at com.example.{v}.Http2ConnectionHandlerFactory$$Lambda$14/0x00000008{span}.run(Http2Connection.java:{n})
secretName: {v}-tls, serviceAccountName: {v}, tokenExpirationSeconds: 3600
certificate {v}.example.com expires in {n} hours, serial {trace}
S3 GetObject s3://{v}-logs/2026/11/20/{uuid}.json.gz took {ms} ms etag "{trace}"
slow query took {ms} ms: SELECT id, state FROM orders WHERE customer_id = {n} AND token_state = 'used'
Deployment {v}: replicas 3 -> 5 by autoscaler, revision {n}, template-hash {id}
otlp export failed: rpc error: code = Unavailable desc = connection refused to {ip}:{port}
job {ulid} finished: status=done items={n} next_run_key=none
api key usage: 12 of {n} requests, plan=basic
""".splitlines()
