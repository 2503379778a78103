"""The trace of one incident as a waterfall: what ran when, how long, and what it cost."""

from collections.abc import Iterator, Sequence

from rich.console import Group, RenderableType
from rich.text import Text

from aiops_agent.domain.answer import Usage
from aiops_agent.domain.quantity import money, stopwatch
from aiops_agent.domain.trace import SpanKind, Trace, TraceSpan
from aiops_agent.interfaces.terminal.escape import say
from aiops_agent.interfaces.terminal.layout import table
from aiops_agent.interfaces.terminal.palette import BAD, GOOD, LINK, QUIET, STRONG, WARN
from aiops_agent.interfaces.terminal.screen import Tier, tier

_INK = {
    SpanKind.INCIDENT: STRONG,
    SpanKind.PHASE: LINK,
    SpanKind.MODEL: "magenta",
    SpanKind.TOOL: "blue",
    SpanKind.POLICY: WARN,
    SpanKind.WAIT: WARN,
    SpanKind.RUN: GOOD,
}
_BAR = {Tier.NARROW: 0, Tier.MEDIUM: 16, Tier.WIDE: 28}
_NAME_CAP = 34  # cells
_SAME = 2  # siblings of one name beyond this are one line


def waterfall(trace: Trace, width: int) -> RenderableType:
    """Return one line per span: a tree of names, a bar on one time axis, time, tokens, cost."""
    bar = _BAR[tier(width)]
    heads = ["WHAT", *(["WHEN"] if bar else []), "TOOK", "TOKENS", "COST", "HOW"]
    rows = []
    for span, depth, count in _lines(trace.spans):
        ink = BAD if span.failed else _INK.get(span.kind, "")
        times = f" ×{count}" if count > 1 else ""
        name = say("  " * depth + _name(span) + times, ink)
        row = [name, say(_bar(span, trace.root, bar), ink)] if bar else [name]
        rows.append([*row, *_numbers(span), say(span.words, BAD if span.failed else QUIET)])
    shown = table(heads, rows, width, {"WHAT": _NAME_CAP})
    return Group(*_heading(trace), Text(), shown)


def _heading(trace: Trace) -> Iterator[Text]:
    root = trace.root
    own = "" if root.environment is None else f", {stopwatch(root.environment)} in the shop"
    yield say(f"{root.name}: {root.words} after {stopwatch(root.took)}{own}", STRONG)
    yield say(f"trace {trace.id}, times are of the wall clock", QUIET)


def _name(span: TraceSpan) -> str:
    match span.kind:
        case SpanKind.MODEL:
            return f"model {span.name}"
        case SpanKind.TOOL:
            return f"tool {span.name}"
        case SpanKind.AGENT:
            return f"{span.name} ({span.by})"
        case _:
            return span.name


def _numbers(span: TraceSpan) -> list[Text]:
    used = span.usage
    spent = used != Usage()
    tokens = f"{used.tokens}" if spent else ""
    return [say(stopwatch(span.took)), say(tokens), say(money(used.cost) if spent else "")]


def _bar(span: TraceSpan, root: TraceSpan, cells: int) -> str:
    """Return a bar on the axis of the whole; what is too short to see is a mark."""
    whole = root.took or 1.0
    begin = min(max((span.start - root.start).total_seconds() / whole, 0.0), 1.0)
    end = min(max((span.end - root.start).total_seconds() / whole, begin), 1.0)
    left = min(int(begin * cells), cells - 1)
    length = min(round((end - begin) * cells), cells - left)
    return (" " * left + ("▇" * length or "▏")).ljust(cells)


def _lines(spans: Sequence[TraceSpan]) -> Iterator[tuple[TraceSpan, int, int]]:
    """Yield each span with its depth; many looks of one kind below one parent are one line."""
    below: dict[str, list[TraceSpan]] = {}
    for span in spans:
        below.setdefault(span.parent, []).append(span)

    def walk(parent: str, depth: int) -> Iterator[tuple[TraceSpan, int, int]]:
        children = below.get(parent, [])
        for span, count in _merged(children, set(below)):
            yield span, depth, count
            yield from walk(span.id, depth + 1) if count == 1 else ()

    yield from walk("", 0)


def _merged(children: Sequence[TraceSpan], parents: set[str]) -> Iterator[tuple[TraceSpan, int]]:
    """Join runs of siblings of one name that have nothing below them."""
    runs: list[list[TraceSpan]] = []
    for span in children:
        before = runs[-1][-1] if runs else None
        same = before and (before.kind, before.name, before.by) == (span.kind, span.name, span.by)
        plain = not span.failed and span.id not in parents
        if before and same and plain and before.id not in parents and not before.failed:
            runs[-1].append(span)
        else:
            runs.append([span])
    for run in runs:
        if len(run) <= _SAME:
            yield from ((span, 1) for span in run)
        else:
            used = sum((span.usage for span in run), Usage())
            ends = {"end": run[-1].end, "usage": used, "words": run[-1].words}
            yield run[0].model_copy(update=ends), len(run)
