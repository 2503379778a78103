"""Can nobody else write what decides about us, by whatever way it is reached?"""

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from aiops_agent.adapters import ownership
from aiops_agent.adapters.ownership import Ourselves, flaw, flaws_below
from aiops_agent.domain.errors import SettingsError
from aiops_agent.settings.load import load
from aiops_agent.settings.owned import database_files, not_ours
from aiops_agent.settings.sections import Settings
from tests import seams

STRANGER = 4242
US = Ourselves(os.geteuid(), frozenset({os.getegid()}))
ALONE = Ourselves(os.geteuid(), frozenset())


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A folder that is ours alone, with a file in a folder in it."""
    (tmp_path / "in").mkdir(mode=0o755)
    (tmp_path / "in/file.md").write_text("x")
    (tmp_path / "in/file.md").chmod(0o644)
    return tmp_path


def opened(path: Path, bits: int) -> None:
    path.chmod(stat.S_IMODE(path.stat().st_mode) | bits)


def linked(home: Path) -> Path:
    link = home / "link.md"
    link.symlink_to(home / "in/file.md")
    return link


@pytest.mark.parametrize(
    ("bits", "ours", "mend"),
    [
        (0, US, ""),
        (0o002, US, "o-w"),
        (0o020, ALONE, "g-w"),
        (0o022, ALONE, "go-w"),
        (0o022, US, "o-w"),
        (0o020, US, ""),
    ],
)
@pytest.mark.parametrize("part", ["in/file.md", "in", "."])
@pytest.mark.parametrize("way", ["in/file.md", "link", "in/../in/file.md", "in/new.md"])
def test_who_else_can_write_a_file_or_a_folder_on_its_way_is_told_with_the_chmod(
    home: Path, bits: int, ours: Ourselves, mend: str, part: str, way: str
) -> None:
    file = linked(home) if way == "link" else home / way
    opened(home / part, bits)
    expected = "" if way == "in/new.md" and part == "in/file.md" else mend

    told = flaw(file, ours)

    assert bool(told) is bool(expected)
    if expected:
        assert f"run: chmod {expected} {(home / part).resolve()}" in told


def test_of_a_sticky_folder_only_its_own_entries_count(home: Path) -> None:
    opened(home / "in", 0o1777)

    assert flaw(home / "in/file.md", US) == ""
    assert flaw(home / "in/new.md", US) == ""
    assert "chmod o-w" in flaw(home / "in", US)  # as a folder of ours it may not be


def test_a_link_is_judged_by_where_it_leads_however_far(home: Path) -> None:
    far = home / "far"
    far.mkdir()
    (far / "real.md").write_text("x")
    (home / "two").symlink_to("in/three")
    (home / "in/three").symlink_to("../far/real.md")
    assert flaw(home / "two", US) == ""

    opened(far, 0o002)
    assert f"chmod o-w {far}" in flaw(home / "two", US)
    (home / "round").symlink_to("about")
    (home / "about").symlink_to("round")
    assert "circle" in flaw(home / "round", US)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
@pytest.mark.parametrize("part", ["in/file.md", "in", "."])
def test_what_belongs_to_a_stranger_is_told(home: Path, part: str) -> None:
    os.chown(home / part, STRANGER, -1)

    assert f"chown root {(home / part).resolve()}" in flaw(home / "in/file.md", US)
    assert flaw(home / "in/file.md", Ourselves(STRANGER)) == ""  # root's and his own


def test_a_group_with_another_member_is_not_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    known: dict[int, set[str]] = {os.getegid(): {"somebody", "else"}}
    monkeypatch.setattr(ownership, "_members", lambda number: known.get(number, set()))
    assert os.getegid() not in Ourselves().groups
    known.clear()
    assert os.getegid() in Ourselves().groups


def test_what_is_mounted_for_reading_only_nobody_writes(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened(home / "in", 0o777)
    monkeypatch.setattr(ownership, "_read_only", lambda _step: True)

    assert flaw(home / "in/file.md", US) == ""


def test_a_folder_is_looked_at_with_all_that_is_in_it(home: Path) -> None:
    state = home / "state"
    for name in ("aiops.db", "locks/serve.lock", "shops/a/journal", "approvals/x.approve", "odd"):
        (state / name).parent.mkdir(parents=True, exist_ok=True)
        (state / name).write_text("")
    files = list(state.rglob("*"))
    assert list(flaws_below(state, "", US)) == []

    for path in files:
        before = path.stat().st_mode
        opened(path, 0o002)
        assert str(path) in "".join(flaws_below(state, "", US))
        path.chmod(before)
    opened(home / "in/file.md", 0o002)
    (state / "aiops.db").unlink()
    (state / "aiops.db").symlink_to(home / "in/file.md")
    assert f"chmod o-w {home}/in/file.md" in "".join(flaws_below(state, "", US))


def settings_of(home: Path, text: str) -> Callable[[], Settings]:
    (home / "aiops.yaml").write_text(text)
    environ = {"XDG_CONFIG_HOME": str(home / "none"), "AIOPS_STATE_DIR": str(home / "state")}
    return lambda: load(None, environ=environ, folder=home).settings


def test_the_stop_file_stops_whoever_can_write_it(home: Path) -> None:
    settings = settings_of(home, "")()
    (home / "state/deep").mkdir(parents=True)
    for name in ("STOP", "deep/STOP"):
        (home / "state" / name).write_text("")
        opened(home / "state" / name, 0o022)

    assert not_ours(settings).count("run: chmod") == 1
    assert "deep/STOP" in not_ours(settings)


def test_a_configuration_that_others_can_write_is_not_read(home: Path) -> None:
    read = settings_of(home, "mode: act\nno such key: 1")
    opened(home / "aiops.yaml", 0o002)

    with pytest.raises(SettingsError) as caught:
        read()
    assert str(caught.value) == (
        f"{home}/aiops.yaml can be written by others; run: chmod o-w {home}/aiops.yaml."
    )


@pytest.mark.parametrize("key", ["runbooks: {folder", "models: {prompts", "models: {policies"])
def test_pages_that_others_can_write_are_told(home: Path, key: str) -> None:
    settings = settings_of(home, f"{key}: {home}/in}}")()
    (home / "in/notes.txt").write_text("x")
    opened(home / "in/notes.txt", 0o002)  # is no page
    assert not_ours(settings) == ""

    opened(home / "in/file.md", 0o002)
    assert f"chmod o-w {home}/in/file.md" in not_ours(settings)


def test_a_database_elsewhere_is_looked_at_with_its_journals(home: Path) -> None:
    settings = settings_of(home, f"store: {{url: 'sqlite:///{home}/in/a%20b.db?x=1'}}")()
    assert database_files(settings.store.url)[0] == home / "in/a b.db"
    assert database_files("postgresql+psycopg:///x") == ()

    for name in ("a b.db", "a b.db-wal", "a b.db-shm"):
        file = home / "in" / name
        file.write_text("")
        opened(file, 0o002)
        assert f"chmod o-w '{file}'" in not_ours(settings)
        file.unlink()


def test_a_look_that_looks_at_the_last_step_only_is_seen(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened(home / "in", 0o002)
    assert flaw(home / "in/file.md", US)
    seams.STEPS.plant(monkeypatch, lambda end: iter([(end, end.lstat())]))

    assert flaw(home / "in/file.md", US) == ""
