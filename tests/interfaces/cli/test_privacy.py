"""`aiops privacy show memory` on a real store: what people asked is shown as it left."""

import json
from pathlib import Path

import pytest

from aiops_agent.adapters.sql.calls import SqlCallLog
from aiops_agent.bootstrap.records import Records
from aiops_agent.domain.model import ModelCall
from aiops_agent.interfaces.cli.main import main
from aiops_agent.settings.sections import Settings
from tests.interfaces.terminal.canned import a_call


def keep(state: Path, *calls: ModelCall) -> None:
    opened = Records(Settings(state_dir=state))
    for call in calls:
        SqlCallLog(opened.store).keep(call)
    opened.close()


def test_what_people_asked_memory_is_shown(state: Path, capsys: pytest.CaptureFixture[str]) -> None:
    keep(
        state,
        a_call(incident="memory", sent={"text": "checkout is slow"}),
        a_call(sent={"text": "of an incident"}),
    )

    assert main(["privacy", "show", "memory"]) == 0
    out = capsys.readouterr().out
    assert "1 requests of memory left this machine" in out
    assert "checkout is slow" in out
    assert "of an incident" not in out

    assert main(["privacy", "show", "Memory", "-o", "json"]) == 0
    (request,) = json.loads(capsys.readouterr().out)["requests"]
    assert request["sent"] == {"text": "checkout is slow"}
