"""`aiops doctor`, `aiops services`, `aiops info`: does it see what it needs, and what is where?"""

import platform
import sys

import typer

from aiops_agent import __version__
from aiops_agent.domain.checkup import Health
from aiops_agent.domain.errors import SettingsError
from aiops_agent.interfaces.cli.call import Call, Output, OutputOption, called, documents
from aiops_agent.interfaces.cli.exits import Exit
from aiops_agent.interfaces.cli.follow import approval_files
from aiops_agent.interfaces.cli.running import run
from aiops_agent.interfaces.cli.tables import checkups, facts, surveys


def doctor(context: typer.Context, output: OutputOption = Output.TABLE) -> None:
    """Look at all that is configured; code 3 for a problem."""
    call = called(context)
    raise typer.Exit(run(call, _doctor(call, output)))


def services(context: typer.Context, output: OutputOption = Output.TABLE) -> None:
    """Show what can be seen of each service.

    Which signals, callers, logs and changes were found, by which recipe, and what is missing.

    SIGNALS are the first letters of latency, traffic, errors and saturation; a dash is missing.
    """
    call = called(context)
    raise typer.Exit(run(call, _services(call, output)))


def info(context: typer.Context, output: OutputOption = Output.TABLE) -> None:
    """Show versions and every path."""
    call = called(context)
    rows = _info(call)
    data = {name.replace(" ", "_"): value for name, value in rows}
    call.answer(output, data, lambda _: facts(rows))


async def _doctor(call: Call, output: Output) -> Exit:
    found = await call.house.doctor()
    sick = any(one.health is Health.PROBLEM for one in found)
    call.answer(output, documents(found), lambda _: checkups(found))
    return Exit.PROBLEMS if sick else Exit.DONE


async def _services(call: Call, output: Output) -> Exit:
    found = await call.house.survey()
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
        ("environment", settings.environment),
        ("state", str(settings.state_dir)),
        ("store", str(rows_of["store.url"])),
        ("approval files", str(approval_files(call).folder)),
        ("shops", str(settings.state_dir / "shops")),
        ("address", f"http://{settings.server.host}:{settings.server.port}"),
    ]
