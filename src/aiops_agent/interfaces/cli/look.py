"""`aiops doctor`, `aiops services`, `aiops info`: does it see what it needs, and what is where?"""

import platform
import sys

import typer

from aiops_agent import __version__
from aiops_agent.domain.checkup import Checkup, Health
from aiops_agent.domain.errors import BusyError, SettingsError, StoreError
from aiops_agent.interfaces.cli import door
from aiops_agent.interfaces.cli.call import Call, Output, OutputOption, called, documents
from aiops_agent.interfaces.cli.exits import Exit
from aiops_agent.interfaces.cli.follow import approval_files
from aiops_agent.interfaces.cli.inbox import waiting_note
from aiops_agent.interfaces.cli.tables import checkups, facts, surveys


def doctor(context: typer.Context, output: OutputOption = Output.TABLE) -> None:
    """Check configured integrations (exit 3 if one has a problem, 4 if a key is refused).

    With a section `models:` each model is asked for one word.
    """
    call = called(context)
    raise typer.Exit(call.run(_doctor(call, output)))


def services(context: typer.Context, output: OutputOption = Output.TABLE) -> None:
    """Show what can be seen of each service.

    Which signals, callers, logs and changes were found, by which recipe, and what is missing.

    SIGNALS are the first letters of latency, traffic, errors and saturation; a dash is missing.
    """
    call = called(context)
    raise typer.Exit(call.run(_services(call, output)))


def info(context: typer.Context, output: OutputOption = Output.TABLE) -> None:
    """Show versions and every path."""
    call = called(context)
    rows = _info(call)
    data = {name.replace(" ", "_"): value for name, value in rows}
    call.answer(output, data, lambda _: facts(rows))


async def _doctor(call: Call, output: Output) -> Exit:
    found = [*_core(call), *_files(call), *_meaning(call)]
    if not any(one.unusable for one in found):
        found += await _application(call)
    sick = any(one.health is Health.PROBLEM for one in found)
    call.answer(output, documents(found), lambda _: checkups(found))
    if any(one.unusable for one in found):
        return Exit.SETTINGS
    return Exit.PROBLEMS if sick else Exit.DONE


def _core(call: Call) -> list[Checkup]:
    loaded = call.loaded
    files = ", ".join(map(str, loaded.files)) or "built-in values only"
    python, state = platform.python_version(), loaded.settings.state_dir
    version = f"{__version__}, python {python}, state in {state}"
    idle, remedy = (
        "unrecognised setting: it has no effect",
        "aiops config show lists every setting",
    )
    strange = [_checkup(name, Health.NOTE, idle, remedy) for name in loaded.strange]
    own = [_checkup("version", Health.OK, version), _checkup("configuration", Health.OK, files)]
    return [*own, *strange]


def _files(call: Call) -> list[Checkup]:
    """Look whether only we can write what decides about us; the configuration was looked at."""
    flaws = [line.removesuffix(".") for line in door.not_ours(call.settings).splitlines()]
    if not flaws:
        return [_checkup("files", Health.OK, "only this user or root can write them")]
    told = [line.partition("; run: ") for line in flaws]
    return [
        _checkup("files", Health.PROBLEM, words, remedy).model_copy(update={"unusable": True})
        for words, _, remedy in told
    ]


def _meaning(call: Call) -> list[Checkup]:
    """Look whether the folder that is set holds the model by which words are found by meaning."""
    folder = call.settings.memory.minilm
    if folder is None:
        return []
    if not (flaw := door.minilm_flaw(call.settings)):
        return [_checkup("minilm", Health.OK, f"memory finds words by meaning, with {folder}")]
    words, _, remedy = flaw.removesuffix(".").rpartition(": ")
    broken = _checkup("minilm", Health.PROBLEM, words, remedy)
    return [broken.model_copy(update={"unusable": True})]  # nothing is begun with it


def _checkup(name: str, health: Health, words: str, remedy: str = "") -> Checkup:
    return Checkup(group="core", name=name, health=health, words=words, remedy=remedy)


async def _application(call: Call) -> list[Checkup]:
    """Look at the store and at all it joins; a store that fails is a problem to show."""
    try:
        application = call.application
        made = application.queries.tokens()
        tokens = [token for token in made if token.revoked_at is None]
        seen = await application.doctor()
    except (BusyError, StoreError) as error:
        return [_checkup("store", Health.PROBLEM, str(error))]
    guard = _checkup("tokens", Health.OK, f"{len(tokens)} count")
    if not tokens:
        words = "none: only this machine may send alerts"
        health = Health.NOTE
        if made:
            words, health = "every token is revoked: nobody may send alerts", Health.PROBLEM
        guard = _checkup("tokens", health, words, "aiops token create alertmanager")
    words, _, remedy = waiting_note(call).partition("; see: ")
    inbox = [_checkup("inbox", Health.NOTE, words, remedy)] if words else []
    return [guard, *inbox, *seen]


async def _services(call: Call, output: Output) -> Exit:
    settings = call.loaded.settings
    if not any(one.sources.any for one in settings.resolved):
        call.note("No source is configured: set sources.prometheus or sources.docker.")
    found = await call.application.survey()
    call.answer(output, documents(found), lambda width: surveys(found, width))
    return Exit.DONE


def _info(call: Call) -> list[tuple[str, str]]:
    rows = [
        ("version", __version__),
        ("python", f"{platform.python_version()} ({sys.executable})"),
        ("system", platform.platform(terse=True)),
    ]
    try:
        loaded = call.loaded
    except SettingsError as error:  # the paths are asked for because something is wrong
        return [*rows, ("configuration", f"cannot be used: {error}")]
    settings = loaded.settings
    rows_of = {key: value for key, value, _ in loaded.rows()}
    return [
        *rows,
        ("configuration", ", ".join(map(str, loaded.files)) or "built-in values only"),
        ("mode", settings.mode.value),
        ("environment", ", ".join(str(one.ref) for one in settings.resolved)),
        ("state", str(settings.state_dir)),
        ("store", str(rows_of["store.url"])),
        ("approval files", str(approval_files(call).folder)),
        ("shops", str(settings.state_dir / "shops")),
        ("address", f"http://{settings.server.host}:{settings.server.port}"),
    ]
