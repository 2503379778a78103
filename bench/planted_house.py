"""Secrets planted in everything that comes in: what of them is kept, shown, told or logged?

`python -m bench leaks --seed N`: one incident of a foreign vendor's environment, from the alert to
the report, whose bodies, labels, log lines, rules, changes, errors and people's words hold secrets;
then every file of the state folder, the report and every log line is searched.
"""

import argparse
import asyncio
import io
import json
import logging
import random
import sqlite3
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from rich.console import Console

from aiops_agent.adapters.sql.plain import unpacked
from aiops_agent.bootstrap.application import Application, Overrides, application
from aiops_agent.domain.alert import Alert
from aiops_agent.domain.approval import Surface
from aiops_agent.domain.environment import EnvironmentRef
from aiops_agent.domain.errors import AiopsError, SourceError
from aiops_agent.domain.payload import EventType
from aiops_agent.domain.telemetry import AlertRule, LogLine, RuleReading, ServiceName, Window
from aiops_agent.evaluation.goals import Goal
from aiops_agent.interfaces.cli.discreet import Discreet
from aiops_agent.interfaces.cli.logs import log_to
from aiops_agent.ports.plug import Connection, Port, Surroundings, Vendor
from aiops_agent.registry import Registry
from aiops_agent.settings.load import load
from aiops_agent.simulator.plug import create_shop
from bench.contexts import CONTEXTS
from bench.families import NAMED, UNNAMED, drawn, families
from bench.told import tell
from tests.house import foreign
from tests.house.test_plug import CREW

N = 5_000
_FEWEST = 8  # characters of a half that is looked for
CONFIG = """
state_dir: {state}
environments:
  there: {{kind: fake, sources: {{fake: {{folder: {shop}}}}}}}
models: {{default: any, base_url: "http://127.0.0.1:1", api_key: "{key}"}}
"""
OURS = "configured"  # a context: the key of our own settings, which no text may show


@dataclass
class Planter:
    """Draws secrets in their contexts, and remembers each."""

    rng: random.Random
    planted: list[tuple[str, str, str]] = field(default_factory=list)  # secret, context, kind

    def __post_init__(self) -> None:
        self.key = drawn(self.rng.choice(families(UNNAMED)), self.rng)

    def line(self) -> str:
        """Return a line of telemetry that holds a new secret."""
        number = len(self.planted)
        if number % 11 == 10:
            self.planted.append((self.key, OURS, OURS))
            return f"could not log in with {self.key}, giving up"
        kind, table = (("named", NAMED), ("unnamed", UNNAMED))[number % 2]
        context = tuple(CONTEXTS)[number // 2 % len(CONTEXTS)]
        secret = drawn(self.rng.choice(families(table)), self.rng)
        self.planted.append((secret, context, kind))
        return CONTEXTS[context](secret, self.rng)

    def lines(self, count: int) -> list[str]:
        """Return so many of them."""
        return [self.line() for _ in range(count)]


class LeakyLogs:
    """The shop's log, and lines in it that give secrets away."""

    def __init__(self, inner: Any, lines: Sequence[str]) -> None:
        self._inner, self._lines = inner, lines

    async def lines(self, services: Sequence[ServiceName], window: Window) -> tuple[LogLine, ...]:
        found = await self._inner.lines(services, window)
        at = window.end - timedelta(seconds=1)
        leaked = (  # thrice: a kind of line that is seen once is no finding
            LogLine(at=at, service=service, level="error", text=text)
            for text in self._lines
            for service in services
            for _ in range(3)
        )
        return (*found, *leaked)


class LeakyChanges:
    """A source that fails, and says too much when it does."""

    def __init__(self, lines: Sequence[str]) -> None:
        self._lines = " then ".join(lines)

    async def changes(self, _window: Window) -> tuple[Any, ...]:
        raise SourceError(f"GET {self._lines} was refused")


class LeakyRules:
    """Alerting rules whose expressions, labels and words give secrets away."""

    def __init__(self, inner: Any, lines: Sequence[str]) -> None:
        self._inner, self._lines = inner, lines

    async def rules(self) -> tuple[AlertRule, ...]:
        (first, *others) = await self._inner.rules()
        told = tuple(
            first.model_copy(
                update={
                    "name": f"leaks {number}",
                    "expression": f"{first.expression} # {text}" if number % 3 == 0 else "1",
                    "labels": {"note": text} if number % 3 == 1 else {},
                    "annotations": {"summary": text} if number % 3 == 2 else {},
                }
            )
            for number, text in enumerate(self._lines)
        )
        return (first, *others, *told)

    async def evaluate(self, rule: AlertRule, _at: object = None) -> tuple[RuleReading, ...]:
        if rule not in await self.rules():
            raise SourceError(f"there is no such rule: {rule}")
        return (RuleReading(labels={**rule.labels, **rule.annotations}, value=1.0),)


def leaky(planter: Planter, count: int) -> Registry:
    """Return the foreign vendor's registry, whose every port leaks."""
    logs, errors = planter.lines(2 * count), planter.lines(count)
    rules = planter.lines(count)

    def connect(section: Any, around: Surroundings) -> Connection:
        (vendor,) = (one for one in foreign.PLUGGED.sources if one.name == "fake")
        right = vendor.connect(section, around)
        return replace(
            right,
            logs=LeakyLogs(right.logs, logs),
            changes=LeakyChanges(errors),
            rules=LeakyRules(right.rules, rules),
        )

    others = tuple(one for one in foreign.PLUGGED.sources if one.name != "fake")
    vendor = Vendor("fake", foreign.FakeSettings, frozenset(Port), connect, group="fake")
    return replace(foreign.PLUGGED, sources=(*others, vendor))


async def lived(folder: Path, planter: Planter, n: int) -> str:
    """Live the incident and return all that can be read afterwards."""
    part = n // 8
    shop = create_shop(folder / "shop", "traffic-surge", 1)
    config = folder / "aiops.yaml"
    config.write_text(CONFIG.format(state=folder / "state", shop=folder / "shop", key=planter.key))
    settings = load(config, environ={}, registry=leaky(planter, part)).settings
    said = io.StringIO()
    built = application(settings, Overrides(name=folder.name, crew=CREW))
    discreet = Discreet()
    discreet.learn(built.clean)
    log_to(Console(file=said, width=10_000), discreet, quiet=False, verbose=2)
    try:
        bodies = [_alerts(shop.alerts, planter, part), *_odd(planter, part)]
        for number, body in enumerate(bodies):
            built.intake.take("fake" if not number else "alertmanager", body, name="there")
        async with built.engine("serve") as engine:
            (ref,) = (one.ref for one in settings.resolved)
            (incident, *_) = await engine.intake(ref)
            async for event in engine.follow(incident):
                if event.type is EventType.APPROVAL_PENDING:
                    _people(built, incident, planter, part)
            for line in planter.lines(part):
                logging.getLogger("aiops_agent.leaks").warning("GET %s", line)
            shown = [json.dumps(built.queries.report(incident).data)]
            shown += await _ruled(built, ref)
    finally:
        built.close()
        log_to(Console(), str, quiet=False, verbose=0)
    return "\n".join([*kept(folder / "state"), *shown, said.getvalue()])


def kept(state: Path) -> Iterator[str]:
    """Yield what every file below holds, and what a database in it holds packed."""
    for file in sorted(one for one in state.rglob("*") if one.is_file()):
        content = file.read_bytes()
        yield content.decode("latin-1")
        if content.startswith(b"SQLite format 3"):
            with closing(sqlite3.connect(file)) as database:
                names = database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
                for (name,) in names.fetchall():
                    for row in database.execute(f'SELECT * FROM "{name}"'):
                        yield from (unpacked(one) for one in row if isinstance(one, bytes))


async def _ruled(built: Application, ref: EnvironmentRef) -> list[str]:
    """Return what every rule and its evaluation say; no story asks for them yet."""
    rules = built.places.environment(ref).rules
    return [str((one, await rules.evaluate(one))) for one in await rules.rules()]


def _alerts(alerts: Sequence[Alert], planter: Planter, count: int) -> bytes:
    first = alerts[0]
    more = [
        first.model_copy(
            update={
                "labels": {**first.labels, "instance": f"i{number}", "note": planter.line()},
                "annotations": {f"a{k}": planter.line() for k in range(4)},
                "received_at": datetime.now(UTC),
            }
        )
        for number in range(count // 5)
    ]
    return json.dumps([one.document() for one in (*alerts, *more)]).encode()


def _odd(planter: Planter, count: int) -> Iterator[bytes]:
    for line in planter.lines(count // 2):
        yield f"no JSON: {line}".encode()
    for line in planter.lines(count // 2):
        yield json.dumps({"version": "9", "what": line}).encode()


def _people(built: Application, incident: str, planter: Planter, count: int) -> None:
    for line in planter.lines(15):
        built.commands.note(incident, "alex", line[:400])
    for line in planter.lines(count):
        with_error = AiopsError(f"could not reach {line}")
        logging.getLogger("aiops_agent.leaks").error("failed", exc_info=with_error)
    plan = built.queries.approval(incident).digest
    built.commands.decide(
        incident, approve=False, by="alex", surface=Surface.COMMAND, reason=planter.line(),
        plan=plan,
    )  # fmt: skip


def goals(seed: int, n: int = N) -> Iterator[Goal]:
    """Yield the rates of what cannot be read anywhere, by context and kind of family."""
    planter = Planter(random.Random(f"leaks {seed}"))
    with tempfile.TemporaryDirectory() as folder:
        text = asyncio.run(lived(Path(folder), planter, n))
    tried: Counter[tuple[str, str]] = Counter()
    hidden: Counter[tuple[str, str]] = Counter()
    for secret, context, kind in planter.planted:
        tried[context, kind] += 1
        hidden[context, kind] += not _read(secret, text)
    yield Goal("secrets planted", len(planter.planted), len(planter.planted), f">= {n * 9 // 10}")
    ours = tried.pop((OURS, OURS))
    yield Goal("keys of the settings that can be read", ours, ours - hidden[OURS, OURS], "<= 0")
    for (context, kind), count in sorted(tried.items()):
        goal = ">= 0.99" if context != "bare" else (">= 0.95" if kind == "named" else "")
        share = hidden[context, kind] / count
        yield Goal(f"nowhere to be read, {context}, {kind} families", count, share, goal)


def _read(secret: str, text: str) -> bool:
    """Whether the secret, or one of its halves, stands somewhere, also as JSON writes it.

    Halves that are short are words of a dictionary, and stand in texts that are no secret.
    """
    half = len(secret) // 2
    parts = {secret, secret[:half], secret[half:]} if half >= _FEWEST else {secret}
    return any(part in text or json.dumps(part)[1:-1] in text for part in parts)


def main(arguments: Sequence[str]) -> int:
    """Plant, live, search; exit 1 when a goal is missed."""
    parser = argparse.ArgumentParser(prog="python -m bench leaks", description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--n", type=int, default=N, help="about so many secrets")
    given = parser.parse_args(arguments)
    return tell(goals(given.seed, given.n))
