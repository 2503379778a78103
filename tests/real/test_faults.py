"""Faults of a seed on software that nobody here wrote, of which Prometheus alone tells.

Whoever strikes writes down whom; `aiops investigate` is given the alerts that fire since, and must
name that service first. One run has each fault once, on AIOPS_TEST_LANES systems at a time.
AIOPS_TEST_RUNS and AIOPS_TEST_SEED choose how many and which, AIOPS_TEST_KINDS some kinds by their
names. Answers are kept in AIOPS_TEST_FOLDER, so that a run that was cut off goes on. With
AIOPS_TEST_KEEP a folder keeps what each Prometheus saw: `python -m bench struck` asks anew of it.
"""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from .chains import Chains
from .faults import Fault, Plan, chosen, drawn
from .naming import Naming
from .processes import POLL_SECONDS, until
from .stage import ENDED, TOO_MUCH_FOR_TWO, USUAL_RATE, Stage
from .strange import RULES, passed

RUNS = int(os.environ.get("AIOPS_TEST_RUNS", "1"))
SEED = int(os.environ.get("AIOPS_TEST_SEED", "1"))
LANES = int(os.environ.get("AIOPS_TEST_LANES", "4"))
KINDS = os.environ.get("AIOPS_TEST_KINDS", "")  # all when none is named
KEEP = os.environ.get("AIOPS_TEST_KEEP", "")
MISSED = 1 / 8  # of the answers may be wrong,
FEW = 2  # and so many of one run: eight are too few to tell a share
ALERTED = 45  # seconds that an alert may take; then what fires must do, or the chain's front
SEEN = 25  # seconds of the trouble behind its alert, when the cause is asked for
FRONT = {"orders": "orders", "catalogue": "orders"}  # where users feel it; else at payments
HARMLESS = ("Watchdog", "ProcessRestarted")  # say nothing by themselves of what users feel

EARLIER = 3  # incidents within the time that is compared with
APART = 65  # seconds: what fires again within a minute of a rejection belongs to it


@dataclass(frozen=True)
class Answer:
    """The truth of a fault, and what the product made of it."""

    fault: str
    victim: str
    right: tuple[str, ...]
    struck_at: str
    asked_at: float  # Unix seconds
    asked: str  # the alerts that it was given
    front: str  # the service that was named, without an alert
    named: str
    kind: str
    confidence: str
    words: str

    @property
    def good(self) -> bool:
        """Whether the right service was named first."""
        return self.named in self.right

    @property
    def misleading(self) -> bool:
        """Whether a wrong service was named with HIGH."""
        return not self.good and self.confidence.upper() == "HIGH"


@pytest.mark.timeout(240 * RUNS + 300)
def test_of_faults_on_systems_of_others_the_right_service_is_named(
    engine: None, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    kept = Path(os.environ.get("AIOPS_TEST_FOLDER", tmp_path / "answers"))
    answers: list[Answer] = []
    for run in range(RUNS):
        plans = drawn(SEED, run, LANES, KINDS)

        def lane(plan: Plan, run: int = run) -> list[Answer]:
            return struck(plan, tmp_path / f"{run}-{plan.lane}", kept / f"{SEED}-{run}-{plan.lane}")

        with ThreadPoolExecutor(LANES) as pool:
            answers += [one for found in pool.map(lane, plans) for one in found]
    good, misled = [one for one in answers if one.good], [one for one in answers if one.misleading]
    wanted = len(answers) - max(FEW, int(MISSED * len(answers)))
    for one in answers:
        record_property("count", json.dumps({"good": one.good, **asdict(one)}))
    count = len(answers)
    record_property("count", row("real faults, service first", count, f">= {wanted}", len(good)))
    record_property("count", row("real faults, wrong with HIGH", count, "0", len(misled)))
    shutil.rmtree(kept)  # only a run that was cut off goes on
    told = [f"{one.fault} of {one.victim}: {one.named} ({one.kind})" for one in answers]
    assert len(answers) == RUNS * len(chosen(KINDS))
    assert len(good) >= wanted, told
    assert not misled, told


def row(name: str, count: int, goal: str, measured: int) -> str:
    return json.dumps({"row": name, "n": count, "goal": goal, "measured": measured})


def struck(plan: Plan, folder: Path, kept: Path) -> list[Answer]:
    """Return what was answered of each fault of a plan; what is known already is not done again."""
    file = kept.with_suffix(".json")
    if file.exists():
        found = [Answer(**one) for one in json.loads(file.read_text())]
        return [Answer(**{**asdict(one), "right": tuple(one.right)}) for one in found]
    chains = Chains(Naming.usual(), folder)
    answers: list[Answer] = []
    with chains.running():
        for fault, victim in plan.strikes:
            chains.calm(len(answers))
            answers.append(answered(chains, fault, victim))
        pages = json.dumps(chains.prometheus.get("metadata"))
    told = json.dumps([asdict(one) for one in answers], indent=1)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(told)
    if KEEP:
        keep(folder, Path(KEEP) / kept.name, {"truth.json": told, "metadata.json": pages})
    return answers


def keep(folder: Path, kept: Path, more: Mapping[str, str]) -> None:
    """Keep all that a Prometheus saw, with what else is to be known, so that it can be moved."""
    shutil.copytree(folder, kept, dirs_exist_ok=True)
    config = json.loads((folder / "prometheus.yml").read_text())
    config = {**config, "rule_files": ["public.yml", "rules.yml"], "alerting": {}}
    files = {"prometheus.yml": json.dumps(config), "public.yml": RULES.read_text(), **more}
    for name, text in files.items():
        (kept / name).write_text(text)


def answered(chains: Chains, fault: Fault, victim: str) -> Answer:
    """Strike, wait for an alert, ask for the cause, and take the fault back."""
    known, at = chains.firing(), datetime.now(UTC)
    undo = fault.strike(chains, victim)
    try:
        alerts = _alerts(chains, known)
        time.sleep(SEEN)
        alerts = _new(chains, known) or alerts
        asked_at = time.time()  # it names files; a busy machine looks seconds later
        found = _investigated(chains, alerts, FRONT.get(victim, "payments"), asked_at)
    finally:
        undo()
    diagnosis = found.get("diagnosis") or {}
    first = (diagnosis.get("hypotheses") or [{}])[0]
    names = [f"{one['labels']['alertname']} {one['labels'].get('service')}" for one in alerts]
    return Answer(
        fault=fault.name,
        victim=victim,
        right=fault.right(victim),
        struck_at=at.isoformat(timespec="seconds"),
        asked_at=asked_at,
        asked=", ".join(names),
        front="" if alerts else FRONT.get(victim, "payments"),
        named=str(first.get("service", "")),
        kind=str(first.get("kind", "")),
        confidence=str(diagnosis.get("confidence", "")),
        words=str(first.get("statement") or found.get("triage") or found.get("missing")),
    )


def _alerts(chains: Chains, known: dict[str, Any]) -> list[dict[str, Any]]:
    """Wait for an alert of what users feel, and return all new ones."""
    end = time.monotonic() + ALERTED
    while time.monotonic() < end:
        found = _new(chains, known)
        if any(one["labels"]["alertname"] not in HARMLESS for one in found):
            return found
        time.sleep(POLL_SECONDS)
    return _new(chains, known)


def _new(chains: Chains, known: dict[str, Any]) -> list[dict[str, Any]]:
    return [one for labels, one in chains.firing().items() if labels not in known]


def _investigated(chains: Chains, alerts: list[dict[str, Any]], front: str, asked_at: float) -> Any:
    """Return what `aiops investigate` says of the alerts, as Prometheus lists them."""
    file = chains.folder / f"alerts-{asked_at:.0f}.json"
    file.write_text(json.dumps({"data": {"alerts": alerts}}))
    asked = [str(file)] if alerts else ["--service", front]
    ran = chains.product.aiops("investigate", *asked, "-o", "json", timeout=120)
    (chains.folder / f"answer-{asked_at:.0f}.json").write_text(ran.out)
    assert ran.code == 0, ran
    return ran.data


@pytest.mark.long
@pytest.mark.timeout(1200)
def test_the_overload_after_three_earlier_incidents_still_ends_in_scale_pods(
    stage: Stage, record_property: Callable[[str, object], None]
) -> None:
    more = TOO_MUCH_FOR_TWO - USUAL_RATE
    for _ in range(EARLIER):
        load = stage.system.load(stage.naming.service, more)
        incident = _incident(stage)
        stage.left(incident)
        stage.system.end_load(load)
        until(lambda: not stage.prometheus.firing(), 60, "the alert to be over")
        passed(time.monotonic() + APART)

    stage.system.load(stage.naming.service, more)
    incident = _incident(stage)
    stage.wait(incident, "awaiting_approval", timeout=150)
    plan = stage.show(incident)["attempts"][-1]["plan"]
    kinds = [one["kind"] for one in plan["actions"]]
    scaled = int(kinds == ["scale_pods"])
    record_property("count", row("overload after three incidents, scale_pods", 1, "1", scaled))
    assert scaled, plan


def _incident(stage: Stage) -> str:
    """Wait for an incident that has not ended, and return its id."""

    def found() -> str:
        there = [one for one in stage.incidents() if one["status"] not in ENDED]
        return str(there[0]["id"]) if there else ""

    return until(found, 60, "an incident")
