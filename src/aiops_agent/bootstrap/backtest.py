"""`aiops backtest`, built from the settings: without store, engine, platform or language model."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from aiops_agent import __version__
from aiops_agent.actions.catalogue import Catalogue
from aiops_agent.adapters.backtest_file import BacktestFile
from aiops_agent.agents.crew import without_llm
from aiops_agent.backtest.group import GroupTerms
from aiops_agent.backtest.run import Backtest, Told
from aiops_agent.backtest.tally import report
from aiops_agent.bootstrap.environments import ConfiguredEnvironment
from aiops_agent.bootstrap.terms import terms_of
from aiops_agent.domain.backtest import (
    AlertPast,
    BacktestReport,
    BacktestRun,
    PersonMark,
    Rightness,
)
from aiops_agent.domain.errors import SettingsError, UsageError
from aiops_agent.domain.redact import Clean, Redactor
from aiops_agent.domain.spelling import did_you_mean
from aiops_agent.domain.telemetry import Window
from aiops_agent.ports.past import AlertHistory, Meter
from aiops_agent.settings.owned import not_ours
from aiops_agent.settings.sections import ResolvedEnvironment, Settings, secrets

FOLDER = "backtest"  # in the state folder


@dataclass(frozen=True)
class Backtesting:
    """The backtest of one environment."""

    settings: Settings
    place: ConfiguredEnvironment
    file: BacktestFile
    now: Callable[[], datetime] = lambda: datetime.now(UTC)

    async def run(
        self, window: Window, meter: Meter, within: timedelta, told: Told, *, again: bool
    ) -> BacktestRun:
        """Replay what is due; raises UsageError, BusyError, SourceError or StoreError."""
        history = self.place.history(meter)
        if history is None:
            section = f"{self.place.configured.section}sources.prometheus"
            raise UsageError(f"No source tells which alerts fired; set {section}.")
        one, terms = self.place.configured, terms_of(self.settings)
        catalogue = Catalogue(self.settings.registry.actions)
        runner = Backtest(
            history=_Cleaned(history, self.place.redactor),
            open=lambda clock: self.place.past(clock, meter),
            kept=self.file,
            meter=meter,
            crew=without_llm(),
            terms=GroupTerms(
                environment=one.ref,
                window=terms.window,
                flap_window=terms.flap_window,
                replica_labels=terms.replica_labels,
                labels=tuple(one.labels.items()),
            ),
            pace=terms.pace,
            menu=catalogue.offers(one.ref.kind, catalogue.kinds, one.actions.bounds()),
            version=__version__,
            now=self.now,
            within=within,
        )
        with self.file.alone():
            return await runner.run(window, told, again=again)

    @property
    def clean(self) -> Clean:
        """What takes configured secrets out of a text."""
        return self.place.redactor.clean

    def mark(self, name: str, rightness: Rightness, by: str) -> None:
        """Keep a person's word on an answer; raises UsageError when there is no such answer."""
        known, wanted = self.file.answers(), name.upper()
        if wanted not in known:
            hint = did_you_mean(wanted, tuple(known))
            raise UsageError(f"There is no answer {name!r}.{hint} See: aiops backtest --show.")
        self.file.keep(PersonMark(id=wanted, rightness=rightness, by=by, at=self.now()))

    def report(self) -> BacktestReport:
        """Return the report of the latest run; raises UsageError when there was none."""
        run = self.file.last_run()
        if run is None:
            raise UsageError("There was no backtest yet; begin one with: aiops backtest.")
        ref = self.place.configured.ref
        return report(ref, run, self.file.answers().values(), self.file.marks())


def backtesting(settings: Settings, environment: str, folder: Path | None) -> Backtesting:
    """Return the backtest of an environment, by default the only one, kept in a folder.

    Raises UsageError, or SettingsError when others can change what decides.
    """
    if flaws := not_ours(settings):
        raise SettingsError(flaws)
    one = _chosen(settings, environment)
    place = ConfiguredEnvironment(settings.registry, one, Redactor(secrets(settings)))
    return Backtesting(settings, place, file_of(settings, one, folder))


def file_of(
    settings: Settings, one: ResolvedEnvironment, folder: Path | None = None
) -> BacktestFile:
    """Return where the answers of an environment are kept, by default in the state folder."""
    return BacktestFile.of(folder or settings.state_dir / FOLDER, one.ref)


def _chosen(settings: Settings, name: str) -> ResolvedEnvironment:
    known = {one.ref.name: one for one in settings.resolved}
    if not name and len(known) == 1:
        return next(iter(known.values()))
    if name not in known:
        raise UsageError(f"Name the environment: --environment {' or '.join(known)}.")
    return known[name]


@dataclass(frozen=True)
class _Cleaned:
    """Alerts whose labels have lost their secrets, as those that intake takes."""

    port: AlertHistory
    redactor: Redactor

    async def fired(self, window: Window) -> AlertPast:
        """Return which alerts fired."""
        found = await self.port.fired(window)
        value = self.redactor.value
        clean = tuple(
            one.model_copy(
                update={"labels": {name: value(name, text) for name, text in one.labels.items()}}
            )
            for one in found.episodes
        )
        return found.model_copy(update={"episodes": clean})
