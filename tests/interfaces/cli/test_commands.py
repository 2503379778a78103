"""Every command: data on stdout, the rest on stderr, and a code that a script can trust."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from aiops_agent.domain.approval import ApprovalState, RefusedAnswer, Surface
from aiops_agent.domain.errors import BusyError, StoreError
from aiops_agent.domain.incident import Incident
from aiops_agent.interfaces.cli import door, keyboard
from aiops_agent.interfaces.cli.call import Call, Flags
from aiops_agent.interfaces.cli.serve import sum_up
from tests.contracts.samples import a_delivery
from tests.interfaces.cli.conftest import Aiops
from tests.interfaces.cli.played import NOW, REQUEST, PlayedHouse, answered
from tests.interfaces.terminal import canned

READS = (
    ("demo", "--list"),
    ("doctor",),
    ("info",),
    ("services",),
    ("inbox", "list"),
    ("incident", "list"),
    ("incident", "show", "INC-0001"),
    ("incident", "show", "INC-0001", "e2"),
    ("show", "INC-0001", "E4", "--attempt", "1"),
    ("approval", "list"),
    ("approval", "show", "INC-0001"),
    ("approval", "audit"),
    ("report", "INC-0001"),
    ("trace", "INC-0001"),
    ("privacy", "show", "INC-0001"),
    ("stats", "--since", "all"),
    ("config", "check"),
    ("config", "show"),
    ("config", "show", "--origin"),
    ("token", "list"),
)


@pytest.mark.parametrize("words", READS)
def test_a_read_command_answers_in_json_and_nothing_else(
    aiops: Aiops, words: tuple[str, ...]
) -> None:
    ran = aiops(*words, "-o", "json", "-q")

    assert ran.code == 0
    assert ran.data is not None
    assert ran.err == ""
    assert ran.out.isascii()


@pytest.mark.parametrize("words", READS)
def test_a_read_command_prints_no_escape_sequence_into_a_pipe(
    aiops: Aiops, words: tuple[str, ...]
) -> None:
    ran = aiops(*words)

    assert ran.code == 0
    assert ran.out
    assert "\x1b" not in ran.out + ran.err


CODES = {
    ("incident", "show", "INC-9"): (2, "Did you mean INC-0001?"),
    ("incident", "list", "--limit", "x"): (2, "--limit"),
    ("incident", "show", "INC-0001", "E9"): (2, "INC-0001 has E1, E2, E3, E4, E5, E6, and no"),
    ("show", "INC-0001", "E1", "--attempt", "7"): (2, "has no diagnosis in attempt 7"),
    ("demo", "hung-proces"): (2, "Did you mean hung-process?"),
    ("demo", "qqqq"): (2, "Known: traffic-surge, hung-process."),
    ("trace", "INC-9"): (2, "Did you mean INC-0001?"),
    ("plan", "export", "INC-9"): (2, "Did you mean INC-0001?"),
    ("plan", "export", "INC-0001", "--attempt", "7"): (2, "has no plan that changes anything in"),
    ("plan", "export", "INC-0001"): (2, "only a Kubernetes environment of this configuration does"),
    ("privacy", "show", "INC-9"): (2, "Did you mean INC-0001?"),
    ("stats", "--since", "7 days"): (2, "such as 500ms"),
    ("stats", "--since", "999999999d"): (2, "too long ago"),
    ("token", "revoke", "nobody"): (2, "There is no token"),
    ("approve", "INC-0001", "--plan", "0" * 12): (5, "another plan"),
    ("approve", "INC-0001"): (2, f"aiops approve INC-0001 --plan {REQUEST.digest[:12]}"),
    ("reject", "INC-0001", "-r", "it's $(x)"): (
        2,
        f"""aiops reject INC-0001 --plan {REQUEST.digest[:12]} --reason 'it'"'"'s $(x)'""",
    ),
    ("incident", "close", "INC-0001"): (2, "--takeover"),
    ("config", "check", "-c", "gone.yaml"): (4, "There is no configuration file gone.yaml."),
    ("serve", "--host", "0.0.0.0"): (4, "aiops token create"),
    ("demoo",): (2, "Did you mean"),
}


@pytest.mark.parametrize("words", CODES)
def test_an_error_is_one_sentence_with_a_code(aiops: Aiops, words: tuple[str, ...]) -> None:
    code, told = CODES[words]

    ran = aiops(*words)

    assert ran.code == code
    assert told in " ".join(ran.err.split())
    assert ran.out == ""
    assert "Traceback" not in ran.err


def test_a_flaw_in_the_configuration_is_told_with_its_place(aiops: Aiops) -> None:
    Path("aiops.yaml").write_text("server:\n  prt: 1\nmode: x\n")

    ran = aiops("config", "check")

    assert ran.code == 4
    assert "aiops.yaml:2:3: unknown key `prt` in `server`. Did you mean port?" in ran.err
    assert "aiops.yaml:3:1: mode" in ran.err


def test_info_helps_also_when_the_configuration_is_broken(aiops: Aiops) -> None:
    Path("aiops.yaml").write_text("mode: x\n")

    ran = aiops("info")

    assert ran.code == 0
    assert "cannot be used: aiops.yaml:1:1" in ran.out


@pytest.mark.parametrize(
    ("error", "code"), [(BusyError("busy"), 1), (StoreError("full"), 1), (KeyError("x"), 1)]
)
def test_what_fails_inside_is_told_without_a_traceback(
    aiops: Aiops, monkeypatch: pytest.MonkeyPatch, error: Exception, code: int
) -> None:
    def fail(settings: object) -> None:
        raise error

    monkeypatch.setattr(door, "records", fail)

    ran = aiops("incident", "list")

    assert ran.code == code
    assert str(error).strip("'") in ran.err
    assert "Traceback" not in ran.err
    assert "Traceback" in aiops("incident", "list", "--debug").err


def test_options_for_every_command_may_stand_anywhere(aiops: Aiops) -> None:
    Path("other.yaml").write_text("server: {port: 1}")

    for words in (("-c", "other.yaml", "config", "show"), ("config", "show", "-c", "other.yaml")):
        assert aiops(*words, "-o", "json").data["server.port"] == 1


def test_a_reason_that_looks_like_an_option_is_a_reason(aiops: Aiops, house: PlayedHouse) -> None:
    aiops("reject", "INC-0001", "--plan", REQUEST.digest, "--reason", "-q")

    assert house.service.decisions[0].reason == "-q"


def test_approve_says_what_it_did_on_stderr(aiops: Aiops, house: PlayedHouse) -> None:
    ran = aiops("approve", "INC-0001", "--plan", REQUEST.digest[:12])

    assert (ran.code, ran.out) == (0, "")
    assert "scale_pods payments-api replicas=5" in ran.err
    assert answered(house) == [(True, Surface.COMMAND)]


@pytest.mark.parametrize(
    ("words", "typed", "code", "decided"),
    [
        ("approve INC-0001", "y", 0, (True, "")),
        ("approve INC-0001 -r fine", "y", 0, (True, "fine")),
        ("approve INC-0001", "", 5, (False, "")),
        ("approve INC-0001", "r not now", 5, (False, "not now")),
        ("approve INC-0001", None, 8, None),
        ("reject INC-0001 -r no", "y", 0, (False, "no")),
        ("reject INC-0001", "r not now", 0, (False, "not now")),
        ("reject INC-0001", "n", 8, None),
        ("reject INC-0001", "", 8, None),
        ("reject INC-0001", None, 8, None),
    ],
)
def test_without_a_name_the_whole_plan_is_shown_and_asked_about(
    aiops: Aiops,
    house: PlayedHouse,
    monkeypatch: pytest.MonkeyPatch,
    words: str,
    typed: str | None,
    code: int,
    decided: tuple[bool, str] | None,
) -> None:
    async def ask(_stream: object, show: Callable[[], None]) -> str | None:
        show()
        return typed

    monkeypatch.setattr(keyboard, "ask", ask)
    monkeypatch.setattr(Call, "interactive", True)

    ran = aiops(*words.split())

    assert ran.code == code
    for told in ("[APPROVAL REQUIRED]", "touches", REQUEST.digest[:12], "plan? [y/N]"):
        assert told in ran.out
    given = [(one.approve, one.reason) for one in house.service.decisions]
    assert given == ([decided] if decided else [])
    assert ("Nothing is decided: INC-0001.1 goes on waiting." in ran.err) == (code == 8)
    for one in house.service.decisions:
        assert (one.digest, one.surface) == (REQUEST.digest, Surface.COMMAND)


def test_answers_that_did_not_count_are_listed(aiops: Aiops, house: PlayedHouse) -> None:
    assert "No answer was refused." in aiops("approval", "audit").out
    house.service.late.append(
        RefusedAnswer(
            request="INC-0001.1",
            incident="INC-0001",
            plan="0" * 64,
            approve=True,
            by="alex\x1b[31m",
            surface=Surface.FILE,
            at=NOW,
            why="INC-0001.1 is not waiting any more",
        )
    )
    shown = aiops("approval", "audit", "INC-0001").out
    for told in ("INC-0001.1", "yes", "alex", "file", "is not waiting any more"):
        assert told in shown
    assert "\x1b" not in shown
    assert aiops("approval", "audit", "-o", "json").data[0]["approve"] is True


def test_an_answered_request_is_not_answered_again(aiops: Aiops, house: PlayedHouse) -> None:
    house.service.end(ApprovalState.REJECTED)

    assert aiops("approve", "INC-0001").code == 5


@pytest.mark.parametrize("verb", ["approve", "reject"])
@pytest.mark.parametrize("shape", [canned.WAITING, canned.RESOLVED], ids=["goes on", "ended"])
def test_who_answers_late_is_told_so_and_what_can_still_be_done(
    aiops: Aiops, house: PlayedHouse, shape: Incident, verb: str
) -> None:
    house.service.end(ApprovalState.USED)
    house.service.one = shape

    ran = aiops(verb, "INC-0001", "--plan", REQUEST.digest[:12])

    assert (ran.code, ran.out) == (5, "")
    assert "INC-0001.1 is not waiting any more" in ran.err
    assert "changes nothing" in ran.err
    assert "aiops approval audit INC-0001" in ran.err
    stoppable = verb == "reject" and not shape.ended
    assert ("aiops incident close INC-0001 --takeover" in ran.err) == stoppable


def test_approval_show_prints_the_line_that_creates_the_file(aiops: Aiops, state: Path) -> None:
    ran = aiops("approval", "show", "INC-0001")

    line = f"(umask 077; printf 'approve {REQUEST.digest}\\n' > {state}/approvals/INC-0001.1"
    assert line in ran.out
    assert (state / "approvals").stat().st_mode & 0o777 == 0o700


def test_a_sick_house_gives_code_3(aiops: Aiops, house: PlayedHouse) -> None:
    house.sick = True

    ran = aiops("doctor")

    assert ran.code == 3
    assert "✗ prometheus" in ran.out
    assert "off: docker" in ran.out


def test_services_without_a_signal_are_named(aiops: Aiops) -> None:
    ran = aiops("services")

    assert "! cart: no latency; no errors" in ran.out
    assert "L---" in ran.out


def test_a_token_is_printed_alone_and_its_hash_never(aiops: Aiops) -> None:
    ran = aiops("token", "create", "am")

    assert ran.out == "aiops_secret\n"
    assert "secret" not in json.dumps(aiops("token", "list", "-o", "json").data)


def test_taking_over_is_said(aiops: Aiops, house: PlayedHouse) -> None:
    ran = aiops("incident", "close", "INC-0001", "--takeover", "--reason", "mine")

    assert ran.code == 0
    assert house.service.one.takeover


def test_splitting_and_merging_are_asked_for_with_who_and_why(
    aiops: Aiops, house: PlayedHouse
) -> None:
    ran = aiops("incident", "split", "INC-0001", "A", "0a1b2c3d", "--reason", "apart")
    assert (ran.code, ran.out) == (0, "")
    assert "aiops incident resume INC-0001" in ran.err
    ran = aiops("incident", "merge", "INC-0002", "INC-0001")
    assert "INC-0001 has all alerts of INC-0002, which ends." in ran.err
    (split, merge) = house.service.moved
    assert (split[:3], split[-1]) == (("INC-0001", "A", "0a1b2c3d"), "apart")
    assert (merge[:2], merge[-1]) == (("INC-0002", "INC-0001"), "")
    assert split[3] == merge[2] != "", "who did it"


def test_a_note_is_kept_and_said(aiops: Aiops, house: PlayedHouse) -> None:
    ran = aiops("incident", "note", "INC-0001", "it is not the database")

    assert ran.code == 0
    assert "a person's opinion" in ran.err
    assert [note.text for note in house.service.one.notes] == ["it is not the database"]


def test_the_house_is_closed_after_following(aiops: Aiops, house: PlayedHouse) -> None:
    aiops("demo", "--yes")

    assert house.closed


def test_a_token_is_made_for_environments_that_are_configured(
    aiops: Aiops, house: PlayedHouse
) -> None:
    assert aiops("token", "create", "am", "--environment", "local").code == 0
    assert [str(one) for one in house.service.made[0].environments] == ["docker:local"]

    ran = aiops("token", "create", "am", "--environment", "locl")
    assert (ran.code, "There is no environment 'locl'" in ran.err) == (2, True)


def test_that_every_token_is_revoked_is_a_problem(aiops: Aiops, house: PlayedHouse) -> None:
    assert aiops("token", "create", "am").code == 0
    house.service.made = [one.model_copy(update={"revoked_at": NOW}) for one in house.service.made]

    ran = aiops("doctor", "-o", "json")
    (tokens,) = [one for one in ran.data if one["name"] == "tokens"]
    assert (ran.code, tokens["health"]) == (3, "problem")
    assert "every token is revoked" in tokens["words"]


def test_alerts_that_no_environment_claims_are_shown(aiops: Aiops, house: PlayedHouse) -> None:
    body = a_delivery(unclaimed="No environment claims it.", environment=None)
    house.service.nobodys.append(body)

    checks = {one["name"]: one for one in aiops("doctor", "-o", "json").data}
    assert checks["inbox"]["health"] == "note"
    assert "1 alert waits" in checks["inbox"]["words"]
    assert "1 alert waits; see: " in aiops("incident", "list").err


def test_what_a_server_did_is_summed_up_when_it_stops(
    house: PlayedHouse, capsys: pytest.CaptureFixture[str]
) -> None:
    loud, quiet = Call(), Call(flags=Flags(quiet=True))
    for call in (quiet, loud):
        vars(call).update(application=house, records=house)
        sum_up(call, NOW)
    told = capsys.readouterr()

    assert told.out == ""
    assert told.err.count("1 incident since") == 1
    assert "no language model was asked" in told.err


def test_the_doctor_says_what_a_model_folder_lacks_and_what_to_run(
    aiops: Aiops, tmp_path: Path
) -> None:
    (tmp_path / "vocab.txt").write_text("[PAD]\n")
    Path("aiops.yaml").write_text(f"memory: {{minilm: {tmp_path}}}\n")

    ran = aiops("doctor", "-o", "json")

    assert ran.code == 4
    (one,) = (one for one in ran.data if one["name"] == "minilm")
    assert one["health"] == "problem"
    assert "model.safetensors missing" in one["words"]
    assert "aiops memory model fetch" in one["remedy"]
