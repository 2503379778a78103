"""The command `aiops`: its words, its options, and the border where every error becomes a code."""

import os
import sys
import traceback
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

import typer

from aiops_agent import __version__
from aiops_agent.domain.errors import AiopsError
from aiops_agent.interfaces.cli import (
    approval,
    ask,
    backtest,
    benchmark,
    config,
    demo,
    execute,
    inbox,
    incident,
    init,
    investigate,
    look,
    memory,
    plan,
    privacy,
    record,
    report,
    runbook,
    sending,
    serve,
    shop,
    stats,
    status,
    store,
    token,
    trace,
)
from aiops_agent.interfaces.cli.call import Call, Flags
from aiops_agent.interfaces.cli.exits import Exit, exit_for
from aiops_agent.interfaces.cli.leaving import Leaving, at_the_latest, stay
from aiops_agent.interfaces.cli.logs import log_to
from aiops_agent.interfaces.terminal.escape import problem

EPILOG = (
    "Exit codes: 0 done, 1 error, 2 usage, 3 problems found, 4 configuration, 5 refused and "
    "nothing changed, 6 acted but not verified, 7 a limit was reached and the "
    "report is partial, 8 waiting for a person."
)
TRY, ANSWER, SET_UP = "Work", "Look and answer", "Set up"

app = typer.Typer(
    name="aiops",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="An alert becomes an approved, executed and verified fix.",
    epilog=EPILOG,
)
app.command(rich_help_panel=TRY)(demo.demo)
app.command(rich_help_panel=TRY)(serve.serve)
app.command(rich_help_panel=TRY)(execute.execute)
app.add_typer(shop.app, name="shop", rich_help_panel=TRY)
app.command(rich_help_panel=ANSWER)(investigate.investigate)
app.command(rich_help_panel=ANSWER)(status.status)
app.add_typer(incident.app, name="incident", rich_help_panel=ANSWER)
app.command(rich_help_panel=ANSWER)(incident.show)
app.add_typer(inbox.app, name="inbox", rich_help_panel=ANSWER)
app.add_typer(approval.app, name="approval", rich_help_panel=ANSWER)
app.command(rich_help_panel=ANSWER)(approval.approve)
app.command(rich_help_panel=ANSWER)(approval.reject)
app.add_typer(plan.app, name="plan", rich_help_panel=ANSWER)
app.command(rich_help_panel=ANSWER)(report.report)
app.command(rich_help_panel=ANSWER)(ask.ask)
app.command(rich_help_panel=ANSWER)(trace.trace)
app.command(rich_help_panel=ANSWER)(stats.stats)
app.add_typer(sending.app, name="sending", rich_help_panel=ANSWER)
app.add_typer(privacy.app, name="privacy", rich_help_panel=ANSWER)
app.add_typer(memory.app, name="memory", rich_help_panel=ANSWER)
app.command(rich_help_panel=ANSWER)(record.record)
app.add_typer(runbook.app, name="runbook", rich_help_panel=ANSWER)
app.add_typer(incident.events, name="events", rich_help_panel=ANSWER)
app.command(rich_help_panel=SET_UP)(init.init)
app.command(rich_help_panel=SET_UP)(look.doctor)
app.command(rich_help_panel=SET_UP)(look.services)
app.command(rich_help_panel=SET_UP)(look.info)
app.command(rich_help_panel=SET_UP)(backtest.backtest)
app.add_typer(config.app, name="config", rich_help_panel=SET_UP)
app.add_typer(benchmark.app, name="benchmark", rich_help_panel=SET_UP)
app.add_typer(store.app, name="store", rich_help_panel=SET_UP)
app.add_typer(token.app, name="token", rich_help_panel=SET_UP)
_SWITCHES = {"--quiet", "-q", "--verbose", "-v", "-vv", "--debug", "--no-color", "--no-input"}
_WITH_VALUE = {"--config", "-c"}
_FREE_TEXT = {"--reason", "-r"}  # what follows is a person's words, also when it looks like -v


def _version(wanted: bool) -> None:
    if wanted:
        print(f"aiops {__version__}")
        raise typer.Exit


@app.callback()
def options(
    context: typer.Context,
    *,
    configuration: Annotated[
        Path | None, typer.Option("--config", "-c", help="The configuration file.")
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Data only.")] = False,
    verbose: Annotated[
        int,
        typer.Option(
            "--verbose", "-v", count=True, show_default=False, help="Show more; truncate no line."
        ),
    ] = 0,
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks.")] = False,
    no_color: Annotated[bool, typer.Option("--no-color", help="No colours.")] = False,
    no_input: Annotated[bool, typer.Option("--no-input", help="Never prompt.")] = False,
    _version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """These options may stand anywhere on the line."""
    call: Call = context.obj
    call.flags = Flags(configuration, quiet, verbose, debug, no_color, no_input)
    log_to(call.err, call.discreet, quiet=quiet, verbose=verbose + 2 * debug)


def program() -> None:
    """Run the command of this process, and end it even where a thread hangs."""
    code = main(leaving=at_the_latest)
    at_the_latest(code)
    sys.exit(code)


def main(arguments: Sequence[str] | None = None, leaving: Leaving = stay) -> int:
    """Run one command and return its exit code; every error is told in a sentence."""
    os.umask(0o077)  # what we write is ours alone, whatever the shell says
    call = Call(leaving=leaving)
    words = hoisted(sys.argv[1:] if arguments is None else arguments)
    try:
        app(list(words), prog_name="aiops", obj=call)
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(bool(end.code))
    except AiopsError as error:
        return _told(call, str(error), exit_for(error))
    except BrokenPipeError:
        return _pipe_closed()
    except Exception as error:  # noqa: BLE001 -- border: nobody is shown a traceback unasked
        text = (
            f"Internal error: {type(error).__name__}: {error}. Re-run with --debug for a traceback."
        )
        return _told(call, text, Exit.OURS)
    return Exit.DONE


def _told(call: Call, text: str, code: Exit) -> int:
    if call.flags.debug:
        print(call.discreet(traceback.format_exc()), file=sys.stderr)
    for line in call.discreet(text).splitlines():
        call.err.print(problem(line), soft_wrap=True)
    return code


def _pipe_closed() -> int:
    # Whoever read our output has seen enough; the interpreter must not complain at its end.
    sys.stdout = None
    return Exit.OURS


def hoisted(words: Sequence[str]) -> tuple[str, ...]:
    """Return the words with global options first; what follows `--` stays where it is."""
    front: list[str] = []
    rest: list[str] = []
    left = iter(words)
    for word in left:
        if word == "--":
            rest += [word, *left]
        elif word in _WITH_VALUE:
            front += [word, *_one(left)]
        elif word == "--json":  # short for what every command that answers takes
            rest += ["--output", "json"]
        elif word in _SWITCHES or word.startswith("--config="):
            front.append(word)
        else:
            rest += [word, *(_one(left) if word in _FREE_TEXT else ())]
    return (*front, *rest)


def _one(words: Iterator[str]) -> tuple[str, ...]:
    return tuple(word for _, word in zip(range(1), words, strict=False))


if __name__ == "__main__":
    program()
