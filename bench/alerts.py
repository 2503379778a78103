"""Does the reading of an alert say of whom it speaks, what it claims, and what may contradict it?

Public alert rules, each fired once with the labels that its exporter attaches, beside the judged
truth; and the whole corpus of rules. The expression reaches the reading as it does in life: in the
link that Alertmanager sends, or as a rule that the environment lists.
"""

import argparse
import gzip
import json
import re
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

import yaml

from aiops_agent.domain.alert import Alert, AlertState
from aiops_agent.domain.labels import THINGS
from aiops_agent.domain.meaning import AlertMeaning
from aiops_agent.domain.telemetry import AlertRule
from aiops_agent.evaluation.goals import Goal, share
from aiops_agent.reading.alert import read_alert
from aiops_agent.reading.conventions import CONVENTIONS, Convention, says
from aiops_agent.reading.expression import read_expression, tokens
from bench import false_alarms, firing
from bench.told import tell

AT = datetime(2026, 1, 1, tzinfo=UTC)
KINDS = {"deployment": "workload", "statefulset": "workload", "daemonset": "workload",
         "container": "pod"}  # fmt: skip


@dataclass(frozen=True)
class Rule:
    """One public rule; `sources` are all that have it, less what is behind a slash."""

    id: str
    sources: frozenset[str]
    rule: AlertRule


@dataclass(frozen=True)
class Case:
    """A fired alert with the judged truth.

    `names` are the right answers of whom it speaks, none where nothing can be told; `may` are the
    signals that may contradict it.
    """

    rule: Rule
    source: str
    alert: Alert
    names: frozenset[str]
    kind: str
    claim: str
    may: frozenset[str]


@dataclass(frozen=True)
class Cases:
    """All of a folder; `known` are the services that exist in the world of the judged ones."""

    known: tuple[str, ...]
    rules: tuple[Rule, ...]
    judged: tuple[Case, ...]


Reader = Callable[[Case], AlertMeaning]


def main(arguments: list[str]) -> int:
    """Measure; exit 1 when a goal is missed."""
    parser = argparse.ArgumentParser(prog="python -m bench alerts", description=__doc__)
    parser.add_argument("--cases", type=Path, required=True, help="folder of the rules and truths")
    parser.add_argument(
        "--without",
        metavar="SOURCE",
        help="judge the alerts of SOURCE by what the others show alone; 'each': one after another",
    )
    given = parser.parse_args(arguments)
    try:
        cases = read(given.cases)
    except OSError as error:
        print(f"bench: {error}. Give a folder that holds expected.yaml.", file=sys.stderr)
        return 2
    sources = sorted({one.source for one in cases.judged})
    if not given.without:
        alarms, faults = false_alarms.rows()
        fired = [firing.Fired(linked(o), o.rule.rule, o.claim, o.names) for o in cases.judged]
        lives, flaws = firing.rows(fired, cases.known)
        for fault in (*faults, *flaws):
            print(fault, file=sys.stderr)
        return tell([*judged(cases), *corpus(cases), *alarms, *lives])
    if given.without not in {"each", *sources}:
        print(f"bench: no source {given.without}; there are {', '.join(sources)}", file=sys.stderr)
        return 2
    return tell(left_out(cases, sources if given.without == "each" else [given.without]))


def read(folder: Path) -> Cases:
    """Return the cases of a folder. Raises OSError when a file is not there."""
    with gzip.open(folder / "rules.jsonl.gz", "rt", encoding="utf-8") as lines:
        rules = {one.id: one for one in map(_rule, lines)}
    truth = yaml.safe_load((folder / "expected.yaml").read_text(encoding="utf-8"))
    judged = tuple(_case(one, rules[one["id"]]) for one in truth["alerts"] if one["id"] in rules)
    if missing := [one["alert"] for one in truth["alerts"] if one["id"] not in rules]:
        print(f"bench: without an expression: {', '.join(missing)}", file=sys.stderr)
    return Cases(tuple(truth["world"]["services"]), tuple(rules.values()), judged)


def _rule(line: str) -> Rule:
    told = json.loads(line)
    sources = (told["source"], *told.get("also_in", ()))
    rule = AlertRule(
        name=told["alert"],
        group=told["group"],
        expression=told["expr"],
        labels={name: str(value) for name, value in told["labels"].items()},
        annotations={name: str(value) for name, value in told["annotations"].items()},
    )
    return Rule(told["id"], frozenset(map(_head, sources)), rule)


def _head(source: str) -> str:
    return source.partition("/")[0]


def _case(told: Mapping[str, object], rule: Rule) -> Case:
    subject, labels, words = told["subject"], told["labels"], told.get("annotations")
    may = told["may_be_contradicted_by"]
    assert isinstance(subject, dict)
    assert isinstance(labels, dict)
    assert isinstance(may, list)
    texts = words if isinstance(words, dict) else {}
    return Case(
        rule=rule,
        source=_head(str(told["source"])),
        alert=Alert(
            source="alertmanager",
            labels={name: str(value) for name, value in labels.items()},
            annotations={name: str(value) for name, value in texts.items()},
            state=AlertState.FIRING,
            received_at=AT,
        ),
        names=frozenset(str(subject[one]) for one in ("name", "of") if subject.get(one)),
        kind=str(subject["kind"]),
        claim=str(told["claim"]),
        may=frozenset(map(str, may)),
    )


def linked(case: Case) -> Alert:
    """Return the alert as Alertmanager sends it: with the expression in its link."""
    link = f"http://prometheus:9090/graph?g0.expr={quote(case.rule.rule.expression)}&g0.tab=1"
    return case.alert.model_copy(update={"generator_url": link})


def judged(cases: Cases) -> list[Goal]:
    """Return the rows of the judged alerts, each way in which an expression may come."""
    listed: dict[str, list[AlertRule]] = {}
    for one in cases.rules:
        for source in one.sources:
            listed.setdefault(source, []).append(one.rule)

    def by_link(case: Case) -> AlertMeaning:
        return read_alert(linked(case), (), cases.known)

    def by_rules(case: Case) -> AlertMeaning:
        return read_alert(case.alert, listed.get(case.source, ()), cases.known)

    def by_words(case: Case) -> AlertMeaning:
        return read_alert(case.alert, (), cases.known)

    rows = [*rows_of("generatorURL", cases.judged, by_link)]
    rows += rows_of("rules port", cases.judged, by_rules)
    # Only told: without its expression an alert says less. Still nothing may be dismissed wrongly.
    return [*rows, *rows_of("no expression", cases.judged, by_words, promised=False)]


def rows_of(
    way: str, cases: Sequence[Case], reader: Reader, *, promised: bool = True
) -> list[Goal]:
    """Return what one way of reading makes of the cases; the failing ones are told on stderr."""
    read_as = [(case, reader(case)) for case in cases]
    right = [_right(*one) for one in read_as]
    wrong = [_wrong(*one) for one in read_as]
    claims = [_claimed(*one) for one in read_as]
    bad = [_wrongly(case, seen) for case, seen in read_as]
    kinds = [_kind(seen) == case.kind for case, seen in read_as]
    kept = [
        _right(case, seen) and bool(_signals(seen) & case.may) for case, seen in read_as if case.may
    ]
    _explain(way, read_as if promised else [one for one in read_as if _wrongly(*one)])
    figures = [
        ("subject right", *share(right), ">= 0.95"),
        ("subject wrong", *share(wrong), "<= 0.02"),
        ("subject's kind right", *share(kinds), ""),
        ("claim right", *share(claims), ">= 0.9"),
        ("refutable ones that still can be", *share(kept), ">= 0.7"),
    ]
    rows = [
        Goal(f"{name} ({way})", n, got, goal if promised else "") for name, n, got, goal in figures
    ]
    return [*rows, Goal(f"wrongly dismissable ({way})", len(bad), sum(bad), "<= 0")]


def _right(case: Case, seen: AlertMeaning) -> bool:
    return seen.subject.service in case.names if case.names else not seen.subject.service


def _wrong(case: Case, seen: AlertMeaning) -> bool:
    return bool(seen.subject.service) and not _right(case, seen)


def _claimed(case: Case, seen: AlertMeaning) -> bool:
    return seen.claim is not None and seen.claim.value == case.claim


def _kind(seen: AlertMeaning) -> str:
    return KINDS.get(seen.subject.kind.value, seen.subject.kind.value)


def _signals(seen: AlertMeaning) -> frozenset[str]:
    """Return what could contradict it: signals, and where its rule is listed, its own value."""
    own = () if seen.own is None else (seen.own.signal.value,)
    return frozenset((*(one.signal.value for one in seen.refuters), *own))


def _wrongly(case: Case, seen: AlertMeaning) -> bool:
    signals = _signals(seen)
    return bool(signals) and (not _right(case, seen) or not signals <= case.may)


def _explain(way: str, read_as: Iterable[tuple[Case, AlertMeaning]]) -> None:
    for case, seen in read_as:
        faults = []
        if not _right(case, seen):
            word = "wrong" if seen.subject.service else "missing"
            names = ", ".join(sorted(case.names)) or "nothing"
            faults.append(f"subject {word}: {seen.subject.service!r}, right is {names}")
        if not _claimed(case, seen):
            faults.append(f"claim: {seen.claim}, right is {case.claim}")
        if _wrongly(case, seen):
            may = ", ".join(sorted(case.may)) or "nothing"
            faults.append(f"dismissable by {', '.join(sorted(_signals(seen)))}, right is {may}")
        if case.may and not _signals(seen):
            faults.append(f"lost {', '.join(sorted(case.may))}: {seen.why}")
        if faults:
            what = f"{way}: {case.alert.name} ({case.rule.id}): {'; '.join(faults)}"
            print(what, file=sys.stderr)


def corpus(cases: Cases) -> list[Goal]:
    """Return the rows of all rules: each must be read, and what is not understood never refuted."""
    unread, loose, refutable, broken = 0, 0, 0, 0
    for one in cases.rules:
        broken += read_expression(one.rule.expression) is None
        # A service that is known, so that only the claim decides.
        labels = {"alertname": one.rule.name, "service": cases.known[0], **one.rule.labels}
        alert = Alert(source="corpus", labels=labels, annotations=one.rule.annotations,
                      state=AlertState.FIRING, received_at=AT)  # fmt: skip
        seen = read_alert(alert, (one.rule,), cases.known)
        unread += seen.claim is None
        refutable += bool(_signals(seen))
        if seen.claim is None and _signals(seen):
            loose += 1
            print(f"corpus: {one.rule.name} ({one.id}) is refutable unread", file=sys.stderr)
    n = len(cases.rules)
    return [
        Goal("expressions that cannot be read (corpus)", n, broken, "<= 0"),
        Goal("rules whose claim is not read (corpus)", n, unread),
        Goal("rules not read and refutable all the same (corpus)", n, loose, "<= 0"),
        Goal("rules that some signal could refute (corpus)", n, refutable),
    ]


def left_out(cases: Cases, sources: Sequence[str]) -> list[Goal]:
    """Return how well each source's alerts are read by what the other sources show.

    A phrase or label that only rules of that source hold is forgotten, wherever it was found.
    """
    rows: list[Goal] = []
    everywhere: list[tuple[Case, AlertMeaning]] = []
    for source in sources:
        others = [one.rule for one in cases.rules if one.sources != {source}]
        own_rules = [one.rule for one in cases.rules if source in one.sources]
        names = " ".join(tokens(name) for rule in others for name in _names(rule))
        table = tuple(_kept(row, names) for row in CONVENTIONS)
        elsewhere, own_labels = _words(others), _words(own_rules)
        things = {k: v for k, v in THINGS.items() if k in elsewhere or k not in own_labels}
        own = [case for case in cases.judged if case.source == source]
        read_as = [(case, read_alert(linked(case), (), cases.known, table, things)) for case in own]
        _explain(f"without {source}", read_as)
        rows += _sums(f"without {source}", read_as)
        everywhere += read_as
    return [*rows, *_sums("own source left out", everywhere)]


def _sums(what: str, read_as: Sequence[tuple[Case, AlertMeaning]]) -> list[Goal]:
    bad = [_wrongly(*one) for one in read_as]
    return [
        Goal(f"claim right, {what}", *share(_claimed(*one) for one in read_as)),
        Goal(f"subject right, {what}", *share(_right(*one) for one in read_as)),
        Goal(f"subject wrong, {what}", *share(_wrong(*one) for one in read_as)),
        Goal(f"wrongly dismissable, {what}", len(bad), sum(bad), "<= 0"),
    ]


def _names(rule: AlertRule) -> list[str]:
    expression = read_expression(rule.expression)
    series = expression.series if expression is not None else ()
    chosen = [one.value for measured in series for one in measured.matchers]
    return [rule.name, *(one.metric for one in series), *chosen]


def _words(rules: Iterable[AlertRule]) -> set[str]:
    """Return all words of expressions, labels among them."""
    return {word for one in rules for word in re.split(r"\W+", one.expression)}


def _kept(row: Convention, names: str) -> Convention:
    kept = tuple(one for one in row.phrases if says(names, (one,)))
    return Convention(row.claim, kept, row.when, row.words)
