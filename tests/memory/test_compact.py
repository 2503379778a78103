"""Old incidents of one story become one case: nothing that they taught is lost, nor they."""

import json
import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from aiops_agent.adapters.cold_storage import ColdFile
from aiops_agent.adapters.sql.store import SqlStore
from aiops_agent.domain.diagnosis import CauseKind, Confidence
from aiops_agent.domain.errors import UsageError
from aiops_agent.domain.facts import PersonNote
from aiops_agent.domain.incident import Ending, IncidentId
from aiops_agent.domain.postmortem import CaseSource, PastIncident, PersonRating, TriedAction
from aiops_agent.domain.remediation import Action, ActionKind, EffectState, Recovery
from aiops_agent.domain.signature import MoveSize, Onset, Role, SignalMove, Signature
from aiops_agent.domain.telemetry import Signal
from aiops_agent.memory.calibration import held
from aiops_agent.memory.casebook import Casebook
from aiops_agent.memory.compact import FRESH, Merge, beyond, merges
from aiops_agent.memory.recall import ArchiveMemory
from aiops_agent.ports.archive import CaseSize, KeepLimits
from tests import seams
from tests.contracts.samples import a_case, a_report, an_incident
from tests.targets import at

NOW = datetime(2026, 11, 28, tzinfo=UTC)
SIGNALS = (Signal.LATENCY, Signal.ERRORS, Signal.TRAFFIC, Signal.SATURATION, Signal.MEMORY)


def tried(kind: str, recovery: Recovery, state: EffectState = EffectState.APPLIED) -> TriedAction:
    action = Action(kind=ActionKind(kind), target=at("payments-api"))
    return TriedAction(action=action, recovery=recovery, state=state)


FIXED = tried("scale_pods", Recovery.RECOVERED)
IN_VAIN = tried("restart_service", Recovery.NOT_RECOVERED)
CUT = tried("scale_pods", Recovery.RECOVERED, EffectState.UNKNOWN)


def moved(*signals: Signal) -> Signature:
    return Signature(
        moves=tuple(
            SignalMove(role=Role.SUBJECT, signal=s, up=True, size=MoveSize.MUCH, onset=Onset.JUMP)
            for s in signals
        )
    )


def cases(count: int, **other: Any) -> list[PastIncident]:
    """Return incidents of one story, the newest a month ago, every second of them in vain."""
    return [
        a_case(
            id=IncidentId(f"INC-{number:04}"),
            ended_at=NOW - timedelta(days=30 + number),
            tried=(FIXED,) if number % 2 else (IN_VAIN,),
            ending=Ending.FIXED if number % 2 else Ending.HANDED_OVER,
            **{"signature": moved(Signal.LATENCY, Signal.TRAFFIC), **other},
        )
        for number in range(1, count + 1)
    ]


def merged(given: Sequence[PastIncident], records: int = 0) -> list[Merge]:
    sizes = [CaseSize(one.id, one.ended_at, 1) for one in given]
    return list(merges(given, beyond(KeepLimits(records), sizes, NOW)))


def test_the_newest_that_was_mended_is_kept_whole_and_counts_the_others() -> None:
    (one,) = merged(cases(5))
    whole, pattern = one.made, one.made.pattern
    assert whole.id == "INC-0001"
    assert pattern is not None
    assert sorted(pattern.members) == ["INC-0002", "INC-0003", "INC-0004", "INC-0005"]
    assert pattern.since == NOW - timedelta(days=35)
    told = {(str(o.action.kind), o.recovery): (o.times, o.last) for o in pattern.outcomes}
    assert told == {
        ("scale_pods", Recovery.RECOVERED): (2, NOW - timedelta(days=33)),
        ("restart_service", Recovery.NOT_RECOVERED): (2, NOW - timedelta(days=32)),
    }


def test_a_pattern_takes_later_ones_in_and_counts_each_once() -> None:
    (first,) = merged(cases(5)[2:])
    (second,) = merged([*cases(2), first.made])
    pattern = second.made.pattern
    assert pattern is not None
    assert len(pattern.members) == 4
    assert sum(one.times for one in pattern.outcomes) == 4


def test_what_healed_by_itself_is_counted_and_what_was_cut_says_nothing() -> None:
    healed = {"tried": (), "ending": Ending.HEALED}
    idle = [one.model_copy(update=healed) for one in cases(3)]
    half = cases(4)[3].model_copy(update={"tried": (CUT,)})
    (one,) = merged([*idle, half])
    pattern = one.made.pattern
    assert pattern is not None
    assert (pattern.idle, pattern.healed, pattern.outcomes) == (3, 3, ())
    assert one.made.tried == (CUT,)


@pytest.mark.parametrize(
    "other",
    [
        {"cause": CauseKind.LEAK},
        {"service": "orders"},
        {"cause_service": "orders"},
        {"signature": moved(Signal.MEMORY, Signal.RESTARTS)},
        {"source": CaseSource.IMPORTED},
        {"ratings": (PersonRating(by="pat", at=NOW, right=True),)},
        {"ended_at": NOW - FRESH + timedelta(hours=1)},
    ],
)
def test_another_story_and_what_people_touched_stay_as_they_are(other: dict[str, Any]) -> None:
    same, strange = cases(2)
    assert merged([same, strange])
    assert merged([same, strange.model_copy(update=other)]) == []


@pytest.mark.parametrize(
    ("limits", "over"),
    [
        (KeepLimits(9), 0),
        (KeepLimits(3), 2),
        (KeepLimits(9, size=35.0), 2),
        (KeepLimits(9, age=timedelta(days=33)), 2),
        (KeepLimits(4, size=25.0, age=timedelta(days=34)), 3),
        (KeepLimits(0), 5),
    ],
)
def test_each_limit_leads_to_compaction(limits: KeepLimits, over: int) -> None:
    sizes = [CaseSize(one.id, one.ended_at, 10) for one in cases(5)]
    assert len(beyond(limits, sizes, NOW)) == over


def test_only_what_is_beyond_the_newest_becomes_one() -> None:
    assert [len(one.members) for one in merged(cases(5), records=3)] == [2]
    assert merged(cases(5), records=4) == []


@pytest.fixture
def casebook(store: SqlStore, tmp_path: Path) -> Casebook:
    made = Casebook(
        memory=ArchiveMemory(store),
        now=lambda: NOW,
        clean=lambda text: text,
        cold=ColdFile(tmp_path / "cold.jsonl"),
    )
    for case in cases(5):
        made.memory.remember(case, a_report(incident=case.id))
    return made


def test_compaction_loses_no_count_and_every_id_leads_to_its_story(casebook: Casebook) -> None:
    before = casebook.stats()
    assert casebook.compact(KeepLimits(0), rehearse=True).merged == 4
    assert casebook.stats() == before, "a rehearsal changes nothing"

    made = casebook.compact(KeepLimits(0))
    assert (made.cases, made.merged, made.patterns) == (5, 4, 1)
    after = casebook.stats()
    assert (after.cases, after.stood_for, after.remedies) == (1, 4, before.remedies)
    assert {casebook.case(f"INC-000{n}").case.id for n in range(1, 6)} == {"INC-0001"}
    assert [hit.case.id for hit in casebook.search("INC-0004")] == ["INC-0001"]
    assert casebook.compact(KeepLimits(0)).merged == 0, "nothing is left to do"


def test_megabytes_and_days_lead_to_compaction(casebook: Casebook) -> None:
    whole = casebook.compact(KeepLimits(9), rehearse=True).size
    assert whole > 5 * 100, "bytes as they are kept"
    assert casebook.compact(KeepLimits(9, size=whole), rehearse=True).over == 0
    assert casebook.compact(KeepLimits(9, size=whole / 2), rehearse=True).merged >= 1
    assert casebook.compact(KeepLimits(9, age=timedelta(days=33)), rehearse=True).merged == 1
    assert casebook.compact(KeepLimits(9, age=timedelta(days=30))).merged == 4
    assert casebook.compact(KeepLimits(9)).size < whole


@pytest.mark.parametrize("planted", [False, True])
def test_what_an_open_incident_or_a_person_names_stays(
    casebook: Casebook, store: SqlStore, monkeypatch: pytest.MonkeyPatch, planted: bool
) -> None:
    if planted:
        seams.CITED.plant(monkeypatch, lambda _texts: frozenset())
    note = PersonNote(by="pat", at=NOW, text="as in INC-0002?")
    with store.begin() as work:
        work.incidents.put(an_incident(id="INC-0009", notes=(note,)))
    other = a_case(id="INC-0008", service="web", ended_at=NOW)
    casebook.memory.remember(other, None)
    casebook.rate("INC-0008", "pat", right=True, words="see INC-0004.")
    casebook.compact(KeepLimits(0))
    left = {"INC-0001", "INC-0002", "INC-0004", "INC-0008"}
    assert ({str(one.id) for one in casebook.kept()} == left) is not planted


def test_what_is_forgotten_leaves_memory_and_cold_storage_alone(
    casebook: Casebook, tmp_path: Path
) -> None:
    casebook.compact(KeepLimits(0))
    assert casebook.forget("inc-0004", "pat") == "INC-0004"
    assert sorted(one.id for one in casebook.kept()) == [
        "INC-0001",
        "INC-0002",
        "INC-0003",
        "INC-0005",
    ]
    assert casebook.case("INC-0003").report == a_report(incident="INC-0003")
    casebook.compact(KeepLimits(0))
    casebook.forget("INC-0001", "pat")
    assert sorted(one.id for one in casebook.kept()) == ["INC-0002", "INC-0003", "INC-0005"]
    assert "INC-0004" not in (tmp_path / "cold.jsonl").read_text()
    assert all(hit.case.id != "INC-0004" for hit in casebook.search("INC-0004"))


def test_of_a_pattern_of_patterns_each_is_counted_once_when_it_is_taken_apart(
    casebook: Casebook,
) -> None:
    casebook.compact(KeepLimits(2))
    casebook.compact(KeepLimits(0))
    casebook.forget("INC-0005", "pat")
    assert sorted(one.id for one in casebook.kept()) == [f"INC-000{n}" for n in range(1, 5)]
    after = casebook.stats()
    assert after.stood_for == 0
    assert sum(one.helped + one.failed for one in after.remedies) == 4


def test_without_the_originals_a_name_is_forgotten_all_the_same(
    casebook: Casebook, tmp_path: Path
) -> None:
    casebook.compact(KeepLimits(0))
    (tmp_path / "cold.jsonl").unlink()
    casebook.forget("INC-0004", "pat")
    with pytest.raises(UsageError, match="INC-0004 was forgotten by pat at 2026"):
        casebook.case("INC-0004")
    assert casebook.case("INC-0003").case.id == "INC-0001"


@pytest.mark.parametrize("planted", [False, True])
def test_what_a_person_says_meanwhile_is_not_lost(
    casebook: Casebook, monkeypatch: pytest.MonkeyPatch, planted: bool
) -> None:
    put = ColdFile.put

    def rated_meanwhile(self: ColdFile, kept: Any) -> None:
        put(self, kept)
        casebook.rate("INC-0002", "pat", right=False, words="it was the disk")

    monkeypatch.setattr(ColdFile, "put", rated_meanwhile)
    if planted:
        seams.STILL.plant(monkeypatch, lambda _work, _one: True)
    made = casebook.compact(KeepLimits(0))
    assert made.merged == (4 if planted else 0)
    assert (casebook.case("INC-0002").case.ratings != ()) is not planted


def test_a_line_torn_by_a_kill_spoils_no_other(tmp_path: Path, casebook: Casebook) -> None:
    cold = tmp_path / "cold.jsonl"
    cold.write_text(json.dumps({"case": {}})[:9])
    casebook.compact(KeepLimits(0))
    assert len(casebook.cold.read(["INC-0002", "INC-0005"])) == 2
    casebook.cold.remove(["INC-0002"])
    assert [one.case.id for one in casebook.cold.read(["INC-0002", "INC-0005"])] == ["INC-0005"]
    assert cold.read_text().startswith('{"case": \n'), "what is not understood stays"


def test_killed_while_it_forgets_the_others_are_lost_nowhere(
    casebook: Casebook, monkeypatch: pytest.MonkeyPatch
) -> None:
    casebook.compact(KeepLimits(0))

    def killed(*_: object) -> bool:
        raise KeyboardInterrupt

    monkeypatch.setattr("aiops_agent.adapters.sql.archive.SqlArchive.forget", killed)
    with pytest.raises(KeyboardInterrupt):
        casebook.forget("INC-0004", "pat")
    assert len(casebook.cold.read(["INC-0002", "INC-0003", "INC-0005"])) == 3


def test_of_any_memory_each_incident_is_in_one_place_and_no_outcome_is_lost() -> None:
    """300 memories of five services, four causes and shapes of their own: sums stay the same."""
    for seed in range(300):
        rng = random.Random(seed)
        given = [
            one.model_copy(
                update={
                    "service": rng.choice(("web", "cart")),
                    "cause": rng.choice((CauseKind.CAPACITY, CauseKind.LEAK)),
                    "signature": moved(*rng.sample(SIGNALS, rng.randint(1, 3))),
                    "tried": tuple(rng.sample((FIXED, IN_VAIN, CUT), rng.randint(0, 2))),
                    "confidence": rng.choice((None, *Confidence)),
                }
            )
            for one in cases(rng.randint(2, 12))
        ]
        found = merged(given, records=rng.randint(0, 3))
        left = {one.id: one for one in given}
        for one in found:
            for member in one.members:
                del left[member.id]
            left[one.made.id] = one.made
        ids = [*left, *(m for c in left.values() if c.pattern for m in c.pattern.members)]
        assert sorted(ids) == sorted(one.id for one in given)
        whole = [t for one in left.values() for t in one.tried if t.state is EffectState.APPLIED]
        told = [o.times for one in left.values() if one.pattern for o in one.pattern.outcomes]
        done = [t for one in given for t in one.tried if t.state is EffectState.APPLIED]
        assert len(whole) + sum(told) == len(done)
        assert held(left.values()) == held(given)
