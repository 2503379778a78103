"""One command as it was called: its flags, two screens, and the application when needed."""

import asyncio
import json
import os
import pwd
import shutil
import sys
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TextIO

import typer
from rich.console import Console, RenderableType

from aiops_agent.domain.text import shell
from aiops_agent.domain.value import Json, Value
from aiops_agent.interfaces.cli import door
from aiops_agent.interfaces.cli.discreet import Discreet
from aiops_agent.interfaces.cli.exits import Exit
from aiops_agent.interfaces.cli.leaving import Leaving, stay
from aiops_agent.interfaces.terminal.escape import tell
from aiops_agent.interfaces.terminal.screen import screen

if TYPE_CHECKING:
    from aiops_agent.bootstrap.application import Application
    from aiops_agent.bootstrap.records import Records
    from aiops_agent.memory.casebook import Casebook
    from aiops_agent.settings.load import Loaded
    from aiops_agent.settings.sections import Settings
    from aiops_agent.workflow.queries import Queries

PIPED_WIDTH = 120  # a pipe has no width; tables are then not squeezed to 80 columns


class Output(StrEnum):
    """How a read command answers."""

    TABLE = "table"
    JSON = "json"


OutputOption = Annotated[
    Output, typer.Option("--output", "-o", help="How to answer; --json for short.")
]


@dataclass(frozen=True)
class Flags:
    """The options that every command takes."""

    config: Path | None = None
    quiet: bool = False
    verbose: int = 0
    debug: bool = False
    no_color: bool = False
    no_input: bool = False


@dataclass
class Call:
    """Data goes to `out`, everything else to `err`."""

    flags: Flags = field(default_factory=Flags)
    overrides: dict[str, Json] = field(default_factory=dict)
    following: str = ""  # the incident on the screen
    discreet: Discreet = field(default_factory=Discreet)
    executes: bool = False  # this process is the one that sends, where that is one of its own
    leaving: Leaving = stay  # called with the code when the work is done, before the loop ends

    @cached_property
    def out(self) -> Console:
        """The screen for data."""
        return _screen(sys.stdout, self.flags)

    @cached_property
    def err(self) -> Console:
        """The screen for everything that is not data."""
        return _screen(sys.stderr, self.flags)

    @cached_property
    def loaded(self) -> "Loaded":
        """The settings with their origins; raises SettingsError."""
        return door.load(self.flags.config, self.overrides)

    @cached_property
    def settings(self) -> "Settings":
        """The settings that the application is built from."""
        return self.loaded.settings

    @cached_property
    def records(self) -> "Records":
        """What is kept, opened on first use: all that reading needs, and quick to open."""
        opened = door.records(self.settings)
        self.discreet.learn(opened.redactor.clean)
        return opened

    @property
    def queries(self) -> "Queries":
        """What may be asked of what is kept."""
        return self.records.queries

    @cached_property
    def casebook(self) -> "Casebook":
        """What people do with memory."""
        return door.casebook(self.records, self.settings)

    @cached_property
    def application(self) -> "Application":
        """The whole application, built on first use."""
        return door.application(self.settings, self.records, executes=self.executes)

    @property
    def interactive(self) -> bool:
        """Whether somebody can be asked: both ends are terminals and nothing forbids it."""
        asked_not_to = self.flags.no_input or door.no_input()
        return not asked_not_to and sys.stdin.isatty() and sys.stdout.isatty()

    @property
    def program(self) -> str:
        """How a person calls us from here: our name, or where we are when it is not found."""
        if shutil.which("aiops"):
            return "aiops"
        here = Path(sys.argv[0]).absolute()
        if here.name != "aiops" or not here.is_file():
            return "aiops"
        inside = here.is_relative_to(Path.cwd())
        return shell(str(here.relative_to(Path.cwd()) if inside else here))

    def command(self, *words: str) -> str:
        """Return the line for a shell that calls us with these words, on the same configuration."""
        config = ("--config", str(self.flags.config)) if self.flags.config else ()
        return f"{self.program} {shell(*config, *words)}"

    @property
    def user(self) -> str:
        """Who runs this process, by the system's word and not by a variable's."""
        try:
            return pwd.getpwuid(os.geteuid()).pw_name
        except KeyError:  # a container may run as a number without a name
            return f"uid {os.geteuid()}"

    def close(self) -> None:
        """Give back what the application holds, if it was built."""
        if "application" in self.__dict__:
            self.application.close()
        elif "records" in self.__dict__:
            self.records.close()

    def answer(self, output: Output, data: Json, draw: Callable[[int], RenderableType]) -> None:
        """Print data as JSON, or drawn for the width of the screen."""
        if output is Output.JSON:
            # ASCII: what was sent to us cannot move a cursor or turn the text around.
            print(json.dumps(data, indent=2))
        else:
            # A pipe has no edge: nothing is cut or wrapped there.
            self.out.print(draw(self.out.width), soft_wrap=not self.out.is_terminal)

    def note(self, *lines: str) -> None:
        """Say something beside the data, unless quiet."""
        if not self.flags.quiet:
            for line in lines:
                self.err.print(tell(line), soft_wrap=True)

    def run(self, work: Coroutine[Any, Any, Exit]) -> Exit:
        """Return the code of the work, the last thing that a command does.

        Ctrl-C lets a send in flight finish; a second one does not.
        """
        try:
            return asyncio.run(self._done(work))
        except KeyboardInterrupt:
            self.out.print()
            if self.following:
                self.note(
                    f"Interrupted. {self.following} is kept as it stands; go on with: "
                    f"{self.command('incident', 'resume', self.following)}"
                )
            return Exit.INTERRUPTED
        finally:
            self.close()

    async def _done(self, work: Coroutine[Any, Any, Exit]) -> Exit:
        code = await work
        self.leaving(code)
        return code


def documents(nouns: Sequence[Value]) -> list[Json]:
    """Return the JSON form of nouns."""
    return [noun.document() for noun in nouns]


def called(context: typer.Context) -> Call:
    """Return the call that a command belongs to."""
    call: Call = context.ensure_object(Call)
    return call


def _screen(stream: TextIO, flags: Flags) -> Console:
    colour = False if flags.no_color else None
    piped = shutil.get_terminal_size((PIPED_WIDTH, 24)).columns
    return screen(stream, colour=colour, width=None if stream.isatty() else piped)
