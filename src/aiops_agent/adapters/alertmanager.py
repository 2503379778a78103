"""Reads what Alertmanager sends (webhook version 4), and what Grafana sends in the same form.

We believe little of it. Grafana's alerting says version 1 and adds to each alert the values that it
saw and where it is shown.
"""

# limit: a body is read in one place, whoever of the two sends it

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import orjson

from aiops_agent.domain.alert import Alert, AlertGroup, AlertState, Delivery
from aiops_agent.domain.errors import RejectedBody

SOURCE = "alertmanager"
VERSION = "4"
GRAFANA, GRAFANA_VERSION = "grafana", "1"
MAX_VALUE = 4_096  # characters of one label, annotation or name
MAX_BODY = 262_144  # characters of the body that are kept for a person to look at
MAX_NAMES = 512  # labels, or annotations, of one alert
MAX_VALUES = 3_000_000  # of a body: real ones have far fewer, each costs 60 bytes and more
MAX_URL = 2_048  # some browsers take no longer one
REPLACEMENT = "\ufffd"


def decode_grafana(body: bytes, *, received_at: datetime) -> Delivery:
    """Return the delivery that a body of Grafana's webhook is, as `decode` does."""
    return decode(body, received_at=received_at, source=GRAFANA, version=GRAFANA_VERSION)


def decode(
    body: bytes, *, received_at: datetime, source: str = SOURCE, version: str = VERSION
) -> Delivery:
    """Return the delivery that a body is; one that cannot be accepted says why in `rejected`.

    Only the state of each alert counts: the body's own status is computed over what was kept of
    the group and calls it resolved while alerts that were cut off still fire.
    """
    alerts: tuple[Alert, ...] = ()
    group, truncated, rejected = AlertGroup(), 0, ""
    try:
        document = _document(body, version)
        alerts = tuple(
            _alert(found, f"alerts[{number}]", received_at).model_copy(update={"source": source})
            for number, found in enumerate(document["alerts"])
        )
        group = _group(document)
        truncated = _count(document.get("truncatedAlerts"))
    except RejectedBody as error:
        alerts, rejected = (), str(error)
    return Delivery(
        source=source,
        digest=hashlib.sha256(body).hexdigest(),
        body=_kept(body),
        alerts=alerts,
        group=group,
        truncated=truncated,
        rejected=rejected,
        received_at=received_at,
    )


def _document(body: bytes, wanted: str) -> dict[str, Any]:
    # Counted in the bytes, where it is cheap: a list of millions of nothings stops everybody else.
    if len(body) > MAX_VALUES and sum(map(body.count, (b",", b"[", b"{"))) > MAX_VALUES:
        raise RejectedBody(f"The body holds more than {MAX_VALUES:,} values.")
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise RejectedBody(f"The body is not JSON: {_line(str(error))}.") from error
    if not isinstance(document, dict):
        raise RejectedBody(f"The body is {_kind(document)}, not an object.")
    version = document.get("version", wanted)
    if version not in (wanted, int(wanted)):
        told = _line(str(version)) if isinstance(version, str | int) else _kind(version)
        other = {GRAFANA_VERSION: GRAFANA, VERSION: SOURCE}.get(told)
        where = f" here; send it to /api/v1/{other}" if other else f"; {wanted} is known"
        raise RejectedBody(f"Webhook version {told} is unknown{where}.")
    if not isinstance(document.get("alerts"), list):
        raise RejectedBody(f"alerts is {_kind(document.get('alerts'))}, not a list.")
    return document


def _group(document: dict[str, Any]) -> AlertGroup:
    receiver = document.get("receiver")
    try:
        labels = _texts(document.get("groupLabels") or {}, "groupLabels")
    except RejectedBody:  # nonsense about the group is no reason to lose its alerts
        labels = {}
    return AlertGroup(
        group_labels=labels,
        receiver=_cut(receiver) if isinstance(receiver, str) else "",
        alertmanager_url=_link(document.get("externalURL")),
    )


def _alert(found: Any, where: str, received_at: datetime) -> Alert:
    if not isinstance(found, dict):
        raise RejectedBody(f"{where} is {_kind(found)}, not an object.")
    annotations = _texts(found.get("annotations") or {}, f"{where}.annotations")
    labels = _texts(found.get("labels"), f"{where}.labels")
    values = found.get("valueString")
    if isinstance(values, str) and values.strip():  # Grafana's: what its rule saw
        annotations = {"values": _cut(values), **annotations}
    if found.get("status") not in tuple(AlertState):
        raise RejectedBody(f"{where}.status is neither firing nor resolved.")
    return Alert(
        source=SOURCE,
        labels=labels,
        annotations=annotations,
        state=AlertState(found["status"]),
        starts_at=_moment(found.get("startsAt")),
        ends_at=_moment(found.get("endsAt")),
        received_at=received_at,
        generator_url=_link(found.get("generatorURL")),
        runbook=_link(annotations.get("runbook_url")) or _link(annotations.get("runbook")),
    )


def _texts(found: Any, where: str) -> dict[str, str]:
    if not isinstance(found, Mapping):
        raise RejectedBody(f"{where} is {_kind(found)}, not an object of texts.")
    if len(found) > MAX_NAMES:
        raise RejectedBody(f"{where} has {len(found)} names; at most {MAX_NAMES} are accepted.")
    for value in found.values():
        if not isinstance(value, str):
            raise RejectedBody(f"{where} holds {_kind(value)} where a text is due.")
    return {_cut(name): _cut(value) for name, value in found.items()}


def _cut(text: str) -> str:
    """Keep a text to MAX_VALUE; the mark keeps texts apart that differ beyond it."""
    clean = text.replace("\0", REPLACEMENT)
    if len(clean) <= MAX_VALUE:
        return clean
    seal = hashlib.sha256(clean.encode()).hexdigest()[:12]
    mark = f"… [cut: {len(clean)} characters, sha256 {seal}]"
    return clean[: MAX_VALUE - len(mark)] + mark


def _kept(body: bytes) -> str:
    text = body[: 4 * MAX_BODY].decode("utf-8", "replace").replace("\0", REPLACEMENT)
    if len(text) <= MAX_BODY and len(body) <= 4 * MAX_BODY:
        return text
    mark = f"… [cut: {len(body)} bytes]"
    return text[: MAX_BODY - len(mark)] + mark


def _moment(found: Any) -> datetime | None:
    """Read a time that may be missing or a lie; Go's zero time and nonsense are no time."""
    if not isinstance(found, str) or len(found) > 64:
        return None
    try:
        moment = datetime.fromisoformat(found)
        if moment.tzinfo is None or moment.year <= 1:
            return None
        return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _link(found: Any) -> str | None:
    """Return a link that is safe to show as one, or None."""
    if not isinstance(found, str) or len(found) > MAX_URL or not found.isprintable():
        return None
    try:
        parts = urlsplit(found)
        host = parts.hostname
    except ValueError:
        return None
    return found if parts.scheme in ("http", "https") and host else None


def _count(found: Any) -> int:
    # What is left out cannot be told from nonsense: count it as nothing left out.
    if isinstance(found, bool) or not isinstance(found, int):
        return 0
    return max(0, found)


def _kind(found: Any) -> str:
    if found is None:
        return "null or missing"
    names = {dict: "an object", list: "a list", str: "a text", bool: "a boolean"}
    return names.get(type(found), "a number")


def _line(text: str) -> str:
    return " ".join(text.split())[:120]
