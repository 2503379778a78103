import time
from collections.abc import Callable

import pytest

from aiops_agent.domain import redact
from aiops_agent.domain.naming import MARK, Naming, naming
from aiops_agent.domain.redact import Redactor
from tests import seams

DIRTY = {
    "DB_PASSWORD=hunter2": "DB_PASSWORD=[redacted]",
    'password=ab"c&d;e': "password=[redacted]",
    "Server=db;Password=abc;Database=y": "Server=db;Password=[redacted];Database=y",
    "postgres://app:p@ss/w#rd@db:5432/x": "postgres://app:[redacted]@db:5432/x",
    "a http://x.y,http://u:pw@h/ b": "a http://x.y,http://u:[redacted]@h/ b",
    '{"db": {"password": "a\\"b", "user": "x"}}': '{"db": {"password": "[redacted]", "user": "x"}}',
    r"{\"api_key\":\"abc\"}": r"{\"api_key\":\"[redacted]\"}",
    '{"name":"DB_PASSWORD","value":"x1y"}': '{"name":"DB_PASSWORD","value":"[redacted]"}',
    "- name: DB_PASSWORD\n  value: hello": "- name: DB_PASSWORD\n  value: [redacted]",
    "Authorization: Bearer abc.def-ghi status=200": "Authorization: Bearer [redacted] status=200",
    "Cookie: a=b; c=d": "Cookie: [redacted]",
    '("X-Api-Key", "abcdef")': '("X-Api-Key", "[redacted]")',
    "GET /x?user=1&token=abc&page=2": "GET /x?user=1&token=[redacted]&page=2",
    "next=password%3Dabc%26user": "next=password%3D[redacted]%26user",
    "<password>one</password>": "<password>[redacted]</password>",
    "run --db-password hunter2 --fast": "run --db-password [redacted] --fast",
    "machine h login bob password hunter2": "machine h login bob password [redacted]",
    "curl -u bob:hunter2 http://h": "curl -u bob:[redacted] http://h",
    "app:pw@tcp(db:3306)/x": "app:[redacted]@tcp(db:3306)/x",
    "key AKIAIOSFODNN7EXAMPLE used": "key [redacted] used",
    "https://hooks.slack.com/services/T0/B0/Xabcd1234": "https://hooks.slack.com/[redacted]",
    "the password is hunter2!": "the password is [redacted]",
    "mysql -h db -uapp -phunter2 shop": "mysql -h db -uapp -p[redacted] shop",
    "ALTER USER a WITH PASSWORD 'x y z'": "ALTER USER a WITH PASSWORD '[redacted]'",
    "password: |-\n  hunter2\nnext": "password: |-\n  [redacted]\nnext",
    "-----BEGIN RSA PRIVATE KEY-----\nMII\n-----END RSA PRIVATE KEY-----": (
        "-----BEGIN RSA PRIVATE KEY-----[redacted]-----END RSA PRIVATE KEY-----"
    ),
}

CLEAN = """\
pod payments-7d9f8b6c5d-x2x7p on 10.0.0.1 trace_id=4bf92f3577b34da6a3ce929d0e0e4736
span=00f067aa0ba902b7
commit 9e1d5bc0aa11bb22cc33dd44ee55ff6677889900
image sha256:9e1d5bc0aa11bb22cc33dd44ee55ff66778899009e1d5bc0
request 550e8400-e29b-41d4-a716-446655440000 from [2001:db8::1]:443 took 12ms
error: password authentication failed for user "app"
invalid token: expired
Password: incorrect
max_tokens=4096 token_count: 12 tokens=17
kube_secret_info{namespace="kube-system",secret="default-token-abc12"} 1
secretName: payments-db-tls
password=<redacted> token=*** api_key=${API_KEY} secret: null
https://registry:4873/@scope/pkg and https://github.com/org/repo/issues/12
mail bob@example.com or ssh://git@github.com/org/repo.git
groupKey="{}:{alertname=\\"HighLatency\\"}" cache_key=user:123:profile
sum by (token) (rate(auth_token_requests_total{code=~"5.."}[5m])) > 0.05
java.lang.IllegalStateException
at org.springframework.boot.SpringApplication.run(SpringApplication.java:1215)
PWD=/home/app PATH=/usr/local/sbin:/usr/local/bin LANG=C.UTF-8
01HF7YAT31JZHCS8N5VK5X9BQ3 ulid, 2026-11-20T10:11:12.123456Z, 0x7ffdeadbeef, 1.2.3-rc.1+build.5
""".splitlines()


@pytest.mark.parametrize("dirty", DIRTY)
def test_a_secret_is_taken_out_and_all_around_it_stays(dirty: str) -> None:
    cleaned = Redactor().clean(dirty)
    assert cleaned.text == DIRTY[dirty]
    assert cleaned.count == cleaned.text.count(MARK)


@pytest.mark.parametrize("dirty", DIRTY)
def test_what_was_cleaned_is_clean(dirty: str) -> None:
    once = Redactor().clean(dirty)
    assert Redactor().clean(once.text) == redact.Redacted(once.text, 0)


@pytest.mark.parametrize("clean", CLEAN)
def test_identities_and_talk_about_secrets_stay(clean: str) -> None:
    assert Redactor().clean(clean) == redact.Redacted(clean, 0)


@pytest.mark.parametrize(
    "written",
    [
        "is s3/cr t+ö!",
        "is s3%2Fcr%20t%2B%C3%B6%21",
        "is s3%2Fcr+t%2B%C3%B6%21",
        "is s3/cr t+\\u00f6!",
    ],
)
def test_a_configured_secret_is_found_in_every_spelling(written: str) -> None:
    assert Redactor(["s3/cr t+ö!"]).clean(written).text == "is [redacted]"


def test_short_configured_secrets_are_replaced_as_words_only() -> None:
    assert Redactor(["ab", ""]).clean("cab ab, ab").text == "cab [redacted], [redacted]"


def test_a_redactor_does_not_tell_what_it_knows() -> None:
    assert "hunter2" not in repr(Redactor(["hunter2"]))


def test_the_marks_that_a_receiver_wants_back_stay() -> None:
    mark = "Ab1" * 20
    document = {"thoughtSignature": mark, "text": mark, "parts": [{"thoughtSignature": mark}]}
    cleaned, count = Redactor().document(document, {"thoughtSignature"})
    assert cleaned == {**document, "text": MARK}
    assert count == 1


def test_a_document_keeps_its_form() -> None:
    document = {"db": [{"password": "x1y", "port": 1, "none": None}], "said": "token=abc"}
    cleaned, count = Redactor().document(document)
    assert cleaned == {"db": [{"password": MARK, "port": 1, "none": None}], "said": f"token={MARK}"}
    assert count == 2


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("spring.datasource.password", Naming.SECRET),
        ("clientSecret", Naming.SECRET),
        ("X-Api-Key", Naming.SECRET),
        ("nextPageToken", Naming.COUNTED),
        ("proxy-authorization", Naming.WHOLE),
        ("acme_key", Naming.PERHAPS),
        ("cache_key", Naming.INNOCENT),
        ("secretName", Naming.ABOUT),
        ("monkey_business", Naming.INNOCENT),
        ("path", Naming.INNOCENT),
    ],
)
def test_a_name_says_what_follows(name: str, kind: Naming) -> None:
    assert naming(name) is kind


@pytest.mark.parametrize(
    ("seam", "dirty"), [(seams.VALUED, "password=x1y"), (seams.LOGINS, "ftp://u:pw@h/")]
)
def test_a_stage_that_does_nothing_is_noticed(
    seam: object, dirty: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    seam.plant(monkeypatch, lambda text: (text, 0))  # type: ignore[attr-defined]  # a Seam
    assert Redactor().clean(dirty).text == dirty


HOSTILE: dict[str, Callable[[int], str]] = {
    "blanks": lambda n: "password" + " " * n,
    "names": lambda n: "key=" * (n // 4),
    "quotes": lambda n: 'key="' * (n // 5),
    "pairs": lambda n: "password=a&" * (n // 11),
    "letters": lambda n: "a" * n,
    "hex": lambda n: "0123456789abcdef" * (n // 16),
    "addresses": lambda n: "ab://b:c@" * (n // 9),
    "signs": lambda n: "ab://" + "@" * n,
    "headers": lambda n: "authorization:a=" * (n // 16),
    "begins": lambda n: "-----BEGIN PRIVATE KEY-----" * (n // 27),
    "tokens": lambda n: "eyJ" * (n // 3),
    "dashes": lambda n: "sk-" * (n // 3),
    "hooks": lambda n: "/hook" * (n // 5),
    "words": lambda n: "Ab1" * (n // 3),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_time_grows_with_length_and_not_faster(kind: str) -> None:
    def seconds(n: int) -> float:
        text, best = HOSTILE[kind](n), float("inf")
        for _ in range(3):
            began = time.process_time()
            Redactor().clean(text)
            best = min(best, time.process_time() - began)
        return best

    assert seconds(20_000) < 4 * seconds(10_000) + 0.01  # quadratic: 4 times and more at any length
    assert seconds(20_000) < 1.0
