"""How every service is now, the worst first, and who waits for whom."""

from collections.abc import Sequence
from datetime import datetime

from rich.console import Group, RenderableType
from rich.text import Text

from aiops_agent.domain.quantity import NO_DATA, amount
from aiops_agent.domain.service_status import EnvironmentNow, ServiceNow, SignalNow
from aiops_agent.domain.telemetry import Signal
from aiops_agent.domain.watch import Noticed, WatchMode, WatchRecord
from aiops_agent.interfaces.terminal.escape import joined, say, tell
from aiops_agent.interfaces.terminal.layout import table
from aiops_agent.interfaces.terminal.palette import BAD, GOOD, QUIET, STRONG, WARN
from aiops_agent.interfaces.terminal.screen import Tier, tier
from aiops_agent.interfaces.terminal.troubles import troubles

_COLUMNS = {
    "REQUESTS": Signal.TRAFFIC,
    "ERRORS": Signal.ERRORS,
    "P95": Signal.LATENCY,
    "SATURATION": Signal.SATURATION,
    "UP": Signal.REPLICAS,
}
_FEW = ("ERRORS", "P95")  # where there is little room: what users feel
_MOST_NAMED = 8  # services in one line
_SERVICE_CAP = {Tier.NARROW: 18, Tier.MEDIUM: 20, Tier.WIDE: 32}


def environment(found: EnvironmentNow, width: int) -> RenderableType:
    """Return one line per service and, below, what deviates and what was not read."""
    usual = f"{found.usual.start:%H:%M} to {found.usual.end:%H:%M}"
    head = joined(
        [
            say(str(found.environment), STRONG),
            say(f"{found.at:%Y-%m-%d %H:%M:%S} UTC"),
            say(f"in brackets: usual, {usual}", QUIET),
        ]
    )
    parts: list[RenderableType] = [head]
    if found.services:
        room = tier(width)
        columns = _FEW if room is Tier.NARROW else tuple(_COLUMNS)
        heads = ["", "SERVICE", *columns]
        rows = [_row(one, columns) for one in found.services]
        parts.append(table(heads, rows, width, {"SERVICE": _SERVICE_CAP[room]}))
    bad = [one for one in found.services if one.severity]
    parts += [_deviates(one) for one in bad]
    blind = [one.service for one in found.services if not one.seen]
    harmed = any(one.harm for one in found.troubles)
    if len(blind) < len(found.services) and not bad and not harmed:
        parts.append(tell("✓ Nothing that is seen deviates from its usual.", GOOD))
    if blind:
        names = ", ".join(blind[:_MOST_NAMED]) + (", …" if len(blind) > _MOST_NAMED else "")
        parts.append(tell(f"! neither latency nor errors are seen of {names}", WARN))
    if found.left_out:
        parts.append(tell(f"! {found.left_out} more services were not read.", WARN))
    parts += troubles(found.troubles)
    parts += [tell(f"! {why}", WARN) for why in found.missing]
    if not found.services and not found.missing:
        parts.append(tell("! No services were found; see: aiops services", WARN))
    return Group(*parts)


def watched(found: WatchRecord) -> RenderableType:
    """Return what the watch of `aiops serve` noticed, and what became of it."""
    lines: list[RenderableType] = []
    if found.mode is not WatchMode.NONE:
        lines.append(_looked("signals", found.mode, found.looked_at, found.why))
        lines += [_noticed(one, f"{one.service}: {one.words}") for one in found.unusual]
    if found.asked_at is not None or found.untold:
        lines.append(_looked("platform", found.platform, found.asked_at, found.untold))
        lines += [tell(f"! not seen by the watch: {why}", WARN) for why in found.blind]
        lines += [_noticed(one, f"{one.about}: {one.words}") for one in found.ailing]
        if found.left_out:
            lines.append(tell(f"! and {found.left_out} more", WARN))
    return Group(*lines)


def _looked(what: str, mode: WatchMode, at: datetime | None, why: str) -> RenderableType:
    when = f": looked at {at:%Y-%m-%d %H:%M:%S} UTC" if at is not None else ""
    flaw = f"nothing was seen since then: {why}" if why else ""
    return joined([say(f"watch of {what} ({mode}){when}", QUIET), tell(flaw, WARN)])


def _noticed(one: Noticed, words: str) -> RenderableType:
    became = f"in {one.incident}" if one.incident else "opens nothing"
    if one.alert and not one.incident:
        became = "opens an incident"
    said = [tell(f"{words}, since {one.since:%H:%M:%S}"), tell(became, QUIET)]
    return Text.assemble(("! ", WARN), joined(said))


def waiting(lines: Sequence[tuple[str, str]]) -> RenderableType:
    """Return one line per open incident: what it is, and whom it waits for."""
    if not lines:
        return say("No open incidents.", QUIET)
    return Group(*[Text.assemble(say(f"{name}  ", STRONG), tell(words)) for name, words in lines])


def _row(one: ServiceNow, columns: Sequence[str]) -> list[Text]:
    mark = say("✗", BAD) if one.severity else say("·", QUIET)
    cells = [_cell(one.signal(_COLUMNS[name])) for name in columns]
    return [mark, say(one.service, STRONG if one.severity else ""), *cells]


def _cell(one: SignalNow) -> Text:
    if one.now is None:
        return say("-", QUIET)
    now, usual = amount(one.signal, one.now), amount(one.signal, one.usual)
    shown = say(now, BAD if one.words else "")
    if usual not in (now, NO_DATA):
        shown.append(f" ({usual})", style=QUIET)
    return shown


def _deviates(one: ServiceNow) -> Text:
    words = joined([tell(why) for why in one.deviations])
    return Text.assemble(("✗ ", BAD), tell(f"{one.service}: "), words)
