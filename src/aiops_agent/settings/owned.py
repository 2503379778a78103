"""Which files and folders decide about us beside the configuration, and whether they are ours."""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from urllib.parse import unquote

from aiops_agent.adapters.ownership import flaw, flaws_below, message
from aiops_agent.adapters.stop_file import NAME as STOP
from aiops_agent.settings.sections import Settings

_BESIDE = ("", "-wal", "-shm", "-journal")  # files of one SQLite database


def not_ours(settings: Settings) -> str:
    """Return what others could change, a sentence a line with what mends it; "" for nothing."""
    return message(dict.fromkeys(_flaws(settings)))


def _flaws(settings: Settings) -> Iterator[str]:
    models = settings.models
    pages = (settings.runbooks.folder, *((models.prompts, models.policies) if models else ()))
    yield from flaws_below(settings.state_dir, but=STOP)  # whoever makes it, it only stops
    for folder in filter(None, pages):
        yield from flaws_below(folder, ".md")
    files = database_files(settings.store.url)
    elsewhere = (file for file in files if not file.is_relative_to(settings.state_dir))
    yield from islice(filter(None, map(flaw, elsewhere)), 1)  # its folder's flaw is that of all


def database_files(url: str) -> tuple[Path, ...]:
    """Return the files of a SQLite store; none of another."""
    kind, _, rest = url.partition(":///")
    if not kind.startswith("sqlite"):
        return ()
    path = unquote(rest.partition("?")[0], errors="surrogateescape")
    return tuple(Path(f"{path}{end}") for end in _BESIDE)
