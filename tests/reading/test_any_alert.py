"""No alert, however odd, raises; and what is not understood is contradicted by nothing."""

from datetime import UTC, datetime
from urllib.parse import quote

from hypothesis import given, settings
from hypothesis import strategies as st

from aiops_agent.domain.alert import Alert, AlertState
from aiops_agent.domain.labels import SCRAPED, THINGS
from aiops_agent.reading.alert import read_alert

NOW = datetime(2026, 11, 24, tzinfo=UTC)
PIECES = st.sampled_from(
    ["up", "(", ")", "{", "}", "[5m]", "[1h:]", "sum", "by", "(job)", "on", "/", "*", "-", ">",
     "==", "0", "1e9", "0x1F", "1.5", '"a"', "'b'", "`c`", "and", "or", "unless", "offset", "5m",
     "rate", "histogram_quantile", ",", "absent", "=~", "job", "=", "http_requests_total", "#x\n",
     "@", "end()", "inf", "nan", ":", "bool", "group_left", "é", "\x00", "kube_pod_info", "vector"]
)  # fmt: skip
TEXTS = st.one_of(st.text(max_size=40), st.sampled_from(
    ["", "<no value>", "/", "::1", "http://[", "a/b/c", "x@y", "10.0.0.1:80", "-0", "|", "..."]
))  # fmt: skip
LABELS = st.dictionaries(
    st.one_of(st.sampled_from([*THINGS, *SCRAPED, "node", "name", "slo"]), TEXTS), TEXTS, max_size=8
)


@settings(max_examples=60, deadline=None)
@given(LABELS, st.lists(PIECES, max_size=25).map(" ".join), TEXTS)
def test_any_alert_is_read(labels: dict[str, str], text: str, name: str) -> None:
    alert = Alert(
        source="x",
        labels={**labels, "alertname": name},
        state=AlertState.FIRING,
        generator_url=f"http://p/graph?g0.expr={quote(text)}",
        received_at=NOW,
    )
    seen = read_alert(alert, (), ("orders", "é", ""))
    if seen.claim is None or not seen.subject.service:
        assert not seen.refuters
        assert not seen.alike
        assert seen.own is None
        assert seen.why
