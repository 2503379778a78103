"""Postmortems that people wrote, as cases: Markdown of several shapes, CSV, our own export.

What cannot be read sensibly is kept as text, so that its words are found. Nothing here counts as
an outcome: it is what somebody tells.
"""

import csv
import io
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from pydantic import ValidationError

from aiops_agent.domain.diagnosis import CauseKind
from aiops_agent.domain.environment import EnvironmentRef
from aiops_agent.domain.errors import UsageError
from aiops_agent.domain.incident import IncidentId, Status
from aiops_agent.domain.postmortem import CaseSource, PastIncident
from aiops_agent.domain.telemetry import ServiceName

LONGEST_PAGE = 1_000_000  # characters
MOST_ROWS = 50_000  # of a table: what is kept in one transaction
_TITLE, _LONG = 200, 2000  # characters

# What the authors of templates call the same thing; names are compared in lower case.
FIELDS: Mapping[str, frozenset[str]] = {
    "title": frozenset({"title", "summary line", "short description", "name", "incident title",
                        "subject", "incident"}),
    "service": frozenset({"service", "services", "affected services", "services affected",
                          "affected service", "component", "components", "service affected",
                          "system", "application", "cmdb_ci", "business service", "product"}),
    "began": frozenset({"start", "started", "started at", "start time", "date", "incident date",
                        "opened", "opened at", "opened_at", "created", "created at", "began",
                        "date of incident", "detected", "impact start time", "start date",
                        "start date/time", "when did it start"}),
    "ended": frozenset({"end", "ended", "ended at", "end time", "resolved", "resolved at",
                        "closed", "closed at", "closed_at", "resolved_at", "impact end time",
                        "mitigated", "end date", "end date/time", "resolution time"}),
    "cause": frozenset({"root cause", "root causes", "cause", "causes", "root_cause", "fault",
                        "root cause analysis", "contributing factors", "what went wrong"}),
    "trigger": frozenset({"trigger", "triggers"}),
    "fix": frozenset({"resolution", "remediation", "mitigation", "fix", "resolution and recovery",
                      "recovery", "how was it fixed", "close notes", "close_notes",
                      "corrective actions", "resolution notes", "how we fixed it"}),
    "summary": frozenset({"summary", "overview", "incident summary", "executive summary",
                          "issue summary", "description", "what happened", "problem summary",
                          "impact", "leadup", "tl;dr"}),
    "alert": frozenset({"alert", "alerts", "alert name", "alertname", "detection"}),
    "id": frozenset({"id", "number", "key", "incident id", "incident number", "issue key",
                     "ticket"}),
}  # fmt: skip
_MEANS = {name: field for field, names in FIELDS.items() for name in names}
# What a heading of other words is about; it may be about both.
_ABOUT = (
    ("cause", re.compile(r"\bcause|\bcontributing\b")),
    ("fix", re.compile(r"\b(?:mitigat|resol|recover|remed|fix)")),
)
_NO_STORY = re.compile(r"\b(?:time|date|duration|owner|team|who)\b")
_HEADING = re.compile(r"^#{1,6}\s(.*)$")
_UNDERLINE = re.compile(r"^(?:=+|-{3,})\s*$")
_LINE = re.compile(
    r"^[-*\s]*(?:\*\*|__)?([A-Za-z][\w ()/;'-]{1,40}?)(?:\*\*|__)?\s*:(?:\*\*|__)?\s+(\S.*)$"
)
_DATES = (
    (re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d"), ("%Y-%m-%d %H:%M",)),
    (re.compile(r"\d{4}-\d\d-\d\d"), ("%Y-%m-%d",)),
    (re.compile(r"\d{4}/\d\d?/\d\d?"), ("%Y/%m/%d",)),
    (re.compile(r"\d\d?\.\d\d?\.\d{4}"), ("%d.%m.%Y",)),
    (re.compile(r"[A-Z][a-z]+ \d\d?,? \d{4}"), ("%B %d, %Y", "%B %d %Y", "%b %d, %Y", "%b %d %Y")),
    (re.compile(r"\d\d? [A-Z][a-z]+ \d{4}"), ("%d %B %Y", "%d %b %Y")),
)  # fmt: skip


@dataclass(frozen=True)
class ToldReading:
    """Where cases are read for; `now` is the end of one that names no date."""

    environment: EnvironmentRef
    now: datetime

    def markdown(self, page: str) -> PastIncident:
        """Return the case of one page; a foreign shape keeps its first line and all its text."""
        _check_length(page)
        fields = dict(_page_fields(page.lstrip("\ufeff")))
        return self._case(fields, page)

    def table(self, text: str) -> Iterator[PastIncident]:
        """Yield a case for each row of CSV; columns with no known name are kept as text."""
        if text.lstrip().startswith("{"):
            yield from self.exported(text)
            return
        rows = csv.reader(io.StringIO(text.lstrip("\ufeff")), delimiter=_delimiter(text))
        try:
            heads = [one.strip() for one in next(rows, [])]
            for number, row in enumerate(rows):
                if number >= MOST_ROWS:
                    raise UsageError(f"A table has at most {MOST_ROWS} rows; split it.")
                if any(cell.strip() for cell in row):
                    yield self._row(heads, row)
        except csv.Error as error:
            raise UsageError(f"This is no CSV: {error}.") from error

    def exported(self, text: str) -> Iterator[PastIncident]:
        """Yield the cases of our own export, a JSON document a line."""
        for number, line in enumerate(text.splitlines(), start=1):
            if not line.strip():
                continue
            try:
                case = PastIncident.of(json.loads(line)["case"])
            except (ValueError, KeyError, TypeError, ValidationError) as error:
                raise UsageError(f"Line {number} is no exported case.") from error
            yield case.model_copy(update=self._mine(case.model_dump_json(), ""))

    def _row(self, heads: list[str], row: list[str]) -> PastIncident:
        fields: dict[str, str] = {}
        pairs = zip([*heads, *[""] * len(row)], row, strict=False)
        said = [(head, cell.strip()) for head, cell in pairs if cell.strip()]
        for head, cell in said:
            if field := _MEANS.get(head.lower().replace("_", " ")) or _MEANS.get(head.lower()):
                fields.setdefault(field, cell)
        text = "\n".join(f"{head}: {cell}" if head else cell for head, cell in said)
        return self._case(fields, text)

    def _case(self, fields: Mapping[str, str], text: str) -> PastIncident:
        first = next((line.strip("# \t") for line in text.splitlines() if line.strip()), "")
        began, ended = moment(fields.get("began", "")), moment(fields.get("ended", ""))
        began = began or moment(fields.get("heading", "")) or moment(fields.get("summary", ""))
        service = re.split(r"[,;/\n]", fields.get("service", ""))[0].strip(" *`_-")[:80]
        told = (fields.get("cause") or fields.get("trigger", ""), fields.get("fix", ""))
        summary = " ".join(dict.fromkeys(told)).strip()
        return PastIncident(
            title=(fields.get("title") or fields.get("heading") or first or "untitled")[:_TITLE],
            service=ServiceName(service),
            alert_names=tuple(one[:80] for one in (fields.get("alert"),) if one and len(one) < 80),
            signal=None,
            cause=CauseKind.UNKNOWN,  # told in words; ours are kinds that telemetry showed
            cause_service=ServiceName(service),
            status=Status.RESOLVED if ended or "fix" in fields else Status.ESCALATED,
            summary=(summary or fields.get("summary", ""))[:_LONG],
            ended_at=ended or began or self.now,
            started_at=began,
            text=text,
            **self._mine(text, fields.get("id", "")),
        )

    def _mine(self, text: str, name: str) -> dict[str, Any]:
        # Of its content: what is brought in twice is one case. A name of theirs is none of ours.
        told = sha256(f"{name}\n{text}".encode("utf-8", "surrogatepass")).hexdigest()[:10].upper()
        return {
            "id": IncidentId(f"TOLD-{told}"),
            "environment": self.environment,
            "source": CaseSource.IMPORTED,
        }


def moment(text: str) -> datetime | None:
    """Return the first date in a text, as UTC; None when there is none that we can read."""
    for pattern, shapes in _DATES:
        for found in pattern.findall(text[:500]):
            for shape in shapes:
                try:
                    return datetime.strptime(found.replace("T", " "), shape).replace(tzinfo=UTC)
                except ValueError:  # no day of the calendar, or another shape: the next is tried
                    continue
    return None


def _page_fields(page: str) -> Iterator[tuple[str, str]]:
    """Yield what a page says of each field, the first mention last, so that it counts."""
    found: list[tuple[str, str]] = []
    sections: tuple[str, ...] = ()
    body: list[str] = []
    for line, heading in _headed(page.splitlines()):
        if heading:
            found += _said(sections, " ".join(body))
            name, _, value = heading.partition(":")
            title = line.startswith("# ") and not any(field == "heading" for field, _ in found)
            sections, body = _meant(name, strictly=title), []
            found += _said(sections, value)
            found += [] if sections else [("heading", heading.strip(" *_"))]
            continue
        for name, value in _pairs(line):
            if field := _MEANS.get(_plain(name)):
                found += _said((field,), value.strip(" *_`\"'"))
        body.append(line)
    found += _said(sections, " ".join(body))
    yield from reversed(found)


def _said(fields: tuple[str, ...], text: str) -> Iterator[tuple[str, str]]:
    """Yield a text for each field of which it says anything: a day must be one."""
    said = " ".join(text.split())
    for field in fields:
        if said and (field not in ("began", "ended") or moment(said)):
            yield field, said


def _plain(name: str) -> str:
    """Return a name as FIELDS has it: without numbers, marks and "(s)"."""
    bare = re.sub(r"^[\d.\s]+", "", name.strip(" *_")).replace("(s)", "")
    return bare.strip(" :?*_").lower()


def _meant(heading: str, *, strictly: bool) -> tuple[str, ...]:
    """Return the fields that a chapter tells of; a page's title may hold any word."""
    name = _plain(heading)
    if known := _MEANS.get(name):
        return (known,)
    if strictly or _NO_STORY.search(name):
        return ()
    return tuple(field for field, words in _ABOUT if words.search(name))


def _pairs(line: str) -> Iterator[tuple[str, str]]:
    """Yield names with what stands behind them: of a line, or two cells of a table each."""
    if told := _LINE.match(line):
        yield told[1], told[2]
    elif line.startswith("|"):
        cells = line.strip().strip("|").split("|")
        yield from zip(cells[::2], cells[1::2], strict=False)


def _headed(lines: list[str]) -> Iterator[tuple[str, str]]:
    """Yield each line with the heading that it is, or ""."""
    for number, line in enumerate(lines):
        below = lines[number + 1] if number + 1 < len(lines) else ""
        if _UNDERLINE.match(line):
            continue
        if found := _HEADING.match(line):
            yield line, found[1].strip().rstrip("#").strip()
        elif (
            line.strip()
            and _UNDERLINE.match(below)
            and (below.startswith("=") or not {":", "|"} & set(line))
        ):
            yield line, line.strip()
        elif (bold := re.fullmatch(r"\*\*([^*]{2,60})\*\*:?", line.strip())) and bold[1]:
            yield line, bold[1]
        else:
            yield line, ""


def _delimiter(text: str) -> str:
    head = text.split("\n", 1)[0]
    return max(",;\t", key=head.count)


def _check_length(page: str) -> None:
    if len(page) > LONGEST_PAGE:
        raise UsageError(f"A page has at most {LONGEST_PAGE} characters.")
