"""A backtest on the screen and as Markdown: each alert of the past, and what it adds up to."""

from collections.abc import Iterator, Sequence
from datetime import timedelta

from rich.console import Group, RenderableType
from rich.text import Text

from aiops_agent.domain.backtest import (
    BacktestReport,
    BandRow,
    Healed,
    PastAnswer,
    Rightness,
    WouldHave,
)
from aiops_agent.domain.duration import spelled
from aiops_agent.domain.text import markdown
from aiops_agent.interfaces.terminal.escape import say, tell
from aiops_agent.interfaces.terminal.layout import table
from aiops_agent.interfaces.terminal.palette import BAD, GOOD, QUIET, STRONG, WARN, words

HEADS = ("ID", "WHEN (UTC)", "SERVICE", "CAUSE", "SURE", "HEALED", "MARK", "WOULD HAVE")
_NARROW = ("ID", "WHEN (UTC)", "CAUSE", "SURE", "WOULD HAVE")
_WIDE = 110  # cells from which on all columns have room
_CAPS = {"SERVICE": 20, "CAUSE": 34}
_INK = {Rightness.RIGHT: GOOD, Rightness.WRONG: BAD}
_MOST_UNREAD = 10  # lines; the JSON has all
LIMITS = (
    "Logs, changes and what ran are not known of the past: a faulty release may be called a hang.",
    "Alerting rules and declared calls are read as they are now; memory and models are not asked.",
    "HEALED: telemetry was usual again, whatever people did meanwhile.",
)


def screen(found: BacktestReport, width: int) -> RenderableType:
    """Return the report for a terminal."""
    heads = HEADS if width >= _WIDE else _NARROW
    rows = []
    for one in found.answers:
        named = dict(zip(HEADS, map(say, _cells(one, found)), strict=True))
        named["MARK"].stylize(_INK[found.marks[one.id]] if one.id in found.marks else QUIET)
        rows.append([named[head] for head in heads])
    parts: list[RenderableType] = [say(_head(found), STRONG)]
    parts += [Text(), table(heads, rows, width, _CAPS)] if rows else []
    parts += [Text(), *map(tell, _sums(found))]
    if found.marks:
        marked = [one for one in found.reliability if one.right + one.wrong]
        cells = [[say(cell) for cell in _reliability(one)] for one in marked]
        parts += [Text(), table(_RELIABILITY, cells, width)]
    elif rows:
        parts.append(tell("Say which are right: aiops backtest --mark ID right|wrong", QUIET))
    parts += [tell(f"! {line}", WARN) for line in _lost(found)]
    return Group(*parts, Text(), *[tell(line, QUIET) for line in LIMITS])


def page(found: BacktestReport) -> str:
    """Return the report as Markdown, each answer with its reasons."""
    lines = ["# Backtest", "", markdown(_head(found)), ""]
    lines += [f"- {markdown(line)}" for line in (*_sums(found), *_lost(found))]
    if found.answers:
        rows = [[markdown(cell) for cell in _cells(one, found)] for one in found.answers]
        lines += ["", "## Alerts", "", *_grid(HEADS, rows)]
    lines += ["", "## Reliability", ""]
    lines += _grid(_RELIABILITY, [_reliability(one) for one in found.reliability if one.answers])
    lines += ["", "The share is of those that people marked; its bounds hold with 95 % (Wilson)."]
    lines += ["", "## Answers"]
    for one in found.answers:
        lines += ["", f"### {one.id} {markdown(one.title)}", "", *_story(one)]
    lines += ["", "## What it cannot know", "", *[f"- {line}" for line in LIMITS], ""]
    return "\n".join(lines)


_RELIABILITY = ("SURE", "ANSWERS", "RIGHT", "WRONG", "SHARE RIGHT", "95 % WITHIN")


def _head(found: BacktestReport) -> str:
    run, count = found.run, len(found.answers)
    since, until = f"{run.since:%Y-%m-%d %H:%M}", f"{run.until:%Y-%m-%d %H:%M}"
    what = f"{count} incident{'' if count == 1 else 's'} of {run.episodes} alerts"
    return f"{found.environment}: {what}, {since} to {until} UTC"


def _cells(one: PastAnswer, found: BacktestReport) -> tuple[str, ...]:
    cause = one.cause
    named = f"{words(cause.kind)} of {cause.service}" if cause and not cause.abstains else "-"
    mark = found.marks.get(one.id)
    when = f"{one.opened_at:%m-%d %H:%M}"
    healed = words(one.healed) if one.healed else "-"
    return (one.id, when, one.service, named, one.band, healed, mark or "-", _would(one))


def _would(one: PastAnswer) -> str:
    if one.actions:
        asked = ", ".join(action.text for action in one.actions)
        return f"{asked}{' (frozen)' if one.would is WouldHave.DENIED else ''}"
    return words(one.would)


def _sums(found: BacktestReport) -> Iterator[str]:
    run = found.run
    counts = ", ".join(f"{count} {words(name)}" for name, count in found.outcomes.items() if count)
    if counts:
        yield f"Would have: {counts}."
    if found.notices_per_day is not None:
        days = run.recorded / timedelta(days=1)
        yield f"Notices per day: {found.notices_per_day:.2f} ({found.notices} in {days:.1f} days)."
    healed = {words(name): count for name, count in found.healed.items() if count}
    if healed:
        told = ", ".join(f"{name} {count}" for name, count in healed.items())
        yield f"Healed anyway within {spelled(run.within)}: {told}."
    for one in found.actions:
        marks = f"{one.right} right, {one.wrong} wrong of those marked"
        yield f"{one.kind}: asked for {one.asked} times; {marks}."
    yield f"This run asked {run.queries:,} queries and read {run.read / 1e6:.1f} MB."


def _lost(found: BacktestReport) -> Iterator[str]:
    run = found.run
    if run.stopped:
        left = f"{run.left} alerts are left; " if run.left else ""
        yield f"It stopped: {run.stopped.rstrip('.')}; {left}call it again to go on."
    for line in run.unread[:_MOST_UNREAD]:
        yield f"Not read: {line.rstrip('.')}."
    if len(run.unread) > _MOST_UNREAD:
        yield f"Not read: {len(run.unread) - _MOST_UNREAD} more."
    short = run.recorded < 0.9 * (run.until - run.since)
    if short and run.recorded:
        yield f"Telemetry is there for {run.recorded / timedelta(days=1):.1f} days of that time."
    unseen = found.healed.get(Healed.UNSEEN, 0)
    if found.answers and unseen == len(found.answers):
        yield "Nothing shows whether anything healed: are its signals seen (aiops services)?"


def _reliability(one: BandRow) -> tuple[str, ...]:
    marked = one.right + one.wrong
    counts = (one.band.value, str(one.answers), str(one.right), str(one.wrong))
    if one.low is None or one.high is None:
        return (*counts, "-", "-")
    return (*counts, f"{one.right / marked:.0%}", f"{one.low:.0%} to {one.high:.0%}")


def _story(one: PastAnswer) -> Iterator[str]:
    ended = f", ended {one.ended_at:%H:%M}" if one.ended_at else ", fired on"
    names = ", ".join(dict.fromkeys(alert.name for alert in one.alerts))
    yield f"- {one.opened_at:%Y-%m-%d %H:%M} UTC{ended}: {markdown(names)}"
    yield f"- {one.severity}, {one.verdict}: {markdown(one.reason)}"
    if one.cause:
        yield f"- cause: {markdown(one.cause.statement)} ({one.cause.confidence})"
        yield f"- why so sure: {markdown(one.cause.why)}"
    yield f"- would have: {markdown(_would(one))}" + (f"; {markdown(one.plan)}" if one.plan else "")
    if one.objection:
        yield f"- against it: {markdown(one.objection)}"
    if one.healed_words:
        yield f"- healed anyway: {words(one.healed or '')}; {markdown(one.healed_words)}"
    if one.unknown:
        yield f"- not known: {markdown('; '.join(one.unknown))}"


def _grid(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    lines = [f"| {' | '.join(cells)} |" for cells in (heads, *rows)]
    return [lines[0], f"|{'---|' * len(heads)}", *lines[1:]]
