"""`aiops ask`: a question about an incident, and an answer that cites what it rests on."""

import asyncio
from typing import Annotated

import typer

from aiops_agent.domain.errors import UsageError
from aiops_agent.interfaces.cli.call import Call, Output, OutputOption, called, documents
from aiops_agent.interfaces.cli.exits import Exit
from aiops_agent.interfaces.cli.incident import IncidentArgument
from aiops_agent.interfaces.terminal.inquiry import inquiries


def ask(
    context: typer.Context,
    incident: IncidentArgument,
    question: Annotated[
        str, typer.Argument(metavar='"QUESTION"', help="None: show what was asked so far.")
    ] = "",
    correct: Annotated[
        int | None,
        typer.Option("--correct", min=1, metavar="N", help="The text corrects answer N."),
    ] = None,
    output: OutputOption = Output.TABLE,
) -> None:
    """Ask about an incident: a model answers within the incident's budget, citing what shows it.

    Sentences that their citations do not support are struck. Without a model the facts that fit
    best are quoted. Questions, answers and corrections stay with the incident.
    """
    call = called(context)
    if correct is not None:
        if not question.strip():
            command = call.command("ask", incident, "--correct", str(correct))
            raise UsageError(f'Say what is wrong: {command} "..."')
        call.application.inquiries.correct(incident, correct, question, call.user)
        call.note(f"Kept: later questions about {incident.upper()} are shown your correction.")
        return
    raise typer.Exit(call.run(_ask(call, incident, question, output)))


async def _ask(call: Call, incident: str, question: str, output: Output) -> Exit:
    desk = call.application.inquiries
    if not question.strip():
        kept = await asyncio.to_thread(desk.answers, incident)
        call.answer(output, documents(kept), lambda _: inquiries(kept))
        return Exit.DONE
    made = await desk.ask(incident, question, call.user)
    call.answer(output, made.document(), lambda _: inquiries((made,)))
    return Exit.DONE
