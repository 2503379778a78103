"""Does an API server's audit log say what our ledger says?

`python -m bench cluster-audit --log FILE --store URL --reader USER --executor USER` reads the log
(a line of JSON for each request, level Metadata is enough) and the ledger of one installation: the
account that reads asked for nothing but reads, and each change that the account that acts made has
a record of the same operation, and the other way round.
"""

import argparse
import json
import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from aiops_agent.adapters.sql.engine import make_engine
from aiops_agent.adapters.sql.store import SqlStore
from aiops_agent.domain.ledger import Intent, IntentState
from aiops_agent.evaluation.goals import Goal
from aiops_agent.ports.store import View
from bench.told import tell

_READS = frozenset(("get", "list", "watch"))
# What an account asks about itself is posted, and changes nothing.
_ASKED = "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews"
_MOST = 1_000_000  # incidents
_METHODS = {"patch": "PATCH", "create": "POST"}  # of what our accounts may do: change, evict
_OPERATION = re.compile(r"\Aaiops-agent/[\w.+-]+ \(([\w.~-]+)\)\Z")


@dataclass(frozen=True)
class Asked:
    """One request as the API server noted it."""

    user: str
    verb: str
    path: str
    dry: bool
    code: int
    operation: str

    @property
    def words(self) -> str:
        """What was asked, in a line."""
        return f"{self.user}: {self.verb} {self.path} ({self.code}) {self.operation}".rstrip()

    @property
    def request(self) -> str:
        """The request as the ledger calls it."""
        return f"{_METHODS.get(self.verb, self.verb)} {self.path}"

    @property
    def read(self) -> bool:
        """Whether it can have changed nothing."""
        return self.verb in _READS or (self.verb, self.path) == ("create", _ASKED)

    @property
    def changed(self) -> bool:
        """Whether it changed something."""
        return not self.read and not self.dry and 200 <= self.code < 300


def requests(lines: Iterable[str]) -> Iterator[Asked]:
    """Yield the requests that were answered. Raises ValueError for what is no such log."""
    for line in lines:
        event: Any = json.loads(line)
        if event["stage"] not in ("ResponseComplete", "Panic"):
            continue
        address = urlsplit(event["requestURI"])
        told = _OPERATION.fullmatch(event.get("userAgent") or "")
        yield Asked(
            user=event["user"].get("username") or "",
            verb=event["verb"],
            path=address.path,
            dry=parse_qs(address.query).get("dryRun") == ["All"],
            code=int((event.get("responseStatus") or {}).get("code") or 0),
            operation=told[1] if told else "",
        )


def records(view: View) -> Iterator[Intent]:
    """Yield all rows of the ledger that belong to plans of an incident."""
    for summary in view.incidents.listed(limit=_MOST):
        incident = view.incidents.get(summary.id)
        for attempt in incident.attempts if incident else ():
            if attempt.prepared is not None:
                for undo in (False, True):
                    yield from view.ledger.of_plan(summary.id, attempt.prepared.digest, undo=undo)


def judged(
    asked: Sequence[Asked], ledger: Sequence[Intent], reader: str, executor: str
) -> list[Goal]:
    """Return the rows; what is wrong is told on stderr."""
    read = [one for one in asked if one.user == reader]
    acted = [one for one in asked if one.user == executor and not one.read]
    changed = [one for one in acted if one.changed]
    applied = [one for one in ledger if one.state is IntentState.APPLIED]
    known = {(one.operation, one.request.words) for one in ledger}
    done = Counter((one.operation, one.request) for one in changed)
    return [
        _row("requests of who reads that are no read", read, [one for one in read if not one.read]),
        _row(
            "writes without a record of that operation",
            acted,
            [one for one in acted if not one.dry and (one.operation, one.request) not in known],
        ),
        _row(
            "records of an effect without one request",
            applied,
            [one for one in applied if done[one.operation, one.request.words] != 1],
        ),
        _row(
            "changes without a record of an effect",
            changed,
            [one for one in changed if one.operation not in {row.operation for row in applied}],
        ),
    ]


def _row(name: str, of: Sequence[object], wrong: Sequence[Asked | Intent]) -> Goal:
    for one in wrong:
        said = one.words if isinstance(one, Asked) else f"{one.operation} {one.request.words}"
        print(f"{name}: {said}", file=sys.stderr)
    return Goal(f"audit: {name}", len(of), len(wrong), "<= 0")


def main(arguments: list[str]) -> int:
    """Compare; 1 on a miss, 2 when something cannot be read."""
    parser = argparse.ArgumentParser(prog="python -m bench cluster-audit", description=__doc__)
    parser.add_argument("--log", type=Path, required=True)
    parser.add_argument("--store", required=True, help="URL, as store.url")
    parser.add_argument("--reader", required=True)
    parser.add_argument("--executor", required=True)
    given = parser.parse_args(arguments)
    database = make_engine(given.store, 2)
    try:
        with SqlStore(database).read() as view:
            ledger = list(records(view))
        with given.log.open(encoding="utf-8") as lines:
            return tell(judged(list(requests(lines)), ledger, given.reader, given.executor))
    except (OSError, ValueError, KeyError) as error:
        print(
            f"bench: {given.log} is no audit log of a Kubernetes API server: {error}",
            file=sys.stderr,
        )
        return 2
    finally:
        database.dispose()
