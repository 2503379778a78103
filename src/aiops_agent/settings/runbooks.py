"""The folder of runbooks: Markdown pages with front matter, read once, each flaw in a sentence."""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from aiops_agent.adapters.yaml_file import Place, YamlFile, read_page
from aiops_agent.domain.errors import SettingsError
from aiops_agent.domain.runbook import Runbook
from aiops_agent.domain.spelling import did_you_mean
from aiops_agent.domain.value import Document, Json

MOST = 500  # pages of a folder: people keep fewer, a wrong folder holds more
SKILL = "SKILL.md"  # HolmesGPT's: named after its folder, and its other keys are its own
_KEYS = ("name", "description", "match", "owner", "safe_actions")


@dataclass(frozen=True)
class Shelf:
    """The runbooks that can be used, and what is wrong with the others."""

    runbooks: tuple[Runbook, ...] = ()
    flaws: tuple[str, ...] = ()


def read_runbooks(folder: Path, actions: Collection[str]) -> Shelf:
    """Read all pages below a folder, or one page; `actions` are those that there are."""
    if folder.is_file():
        pages, root = [folder], folder.parent
    elif folder.is_dir():
        pages, root = _pages(folder), folder
    else:
        return Shelf(flaws=(f"There is no folder of runbooks {folder}.",))
    books: dict[str, Runbook] = {}
    flaws: list[str] = []
    if len(pages) > MOST:
        flaws.append(f"{folder} holds {len(pages)} pages; at most {MOST} are read.")
    for page in pages[:MOST]:
        try:
            book = _book(page, root, actions)
        except SettingsError as error:
            flaws += str(error).splitlines()
            continue
        if book.name in books:
            flaws.append(f"{page}: {books[book.name].file} is called {book.name} too.")
        else:
            books[book.name] = book
    return Shelf(tuple(books.values()), tuple(flaws))


def _pages(folder: Path) -> list[Path]:
    """Return the pages; what begins with a dot, and READMEs, are none."""
    found = (page for page in sorted(folder.rglob("*.md")) if page.is_file())
    return [
        page
        for page in found
        if not any(part.startswith(".") for part in page.relative_to(folder).parts)
        and page.name.lower() != "readme.md"
    ]


def _book(page: Path, root: Path, actions: Collection[str]) -> Runbook:
    front, text = read_page(page)
    data: Document = dict(front.data)
    if flaws := [*_flaws(front, actions)]:
        raise SettingsError("\n".join(flaws))
    if page.name == SKILL:
        data = {key: value for key, value in data.items() if key in _KEYS}
    usual = page.parent.name if page.name == SKILL else page.stem
    data.setdefault("name", re.sub(r"[^a-z0-9._-]+", "-", usual.lower()).strip("-"))
    match = data.get("match") or {}
    data["match"] = {key: _words(value) for key, value in match.items()}
    data["safe_actions"] = _words(data.get("safe_actions") or ())
    data["owner"] = data.get("owner") or ""
    try:
        return Runbook.of({**data, "text": text, "file": str(page.relative_to(root))})
    except ValidationError as error:
        raise SettingsError("\n".join(_said(front, error))) from error


def _flaws(front: YamlFile, actions: Collection[str]) -> Iterator[str]:
    """Yield what no type can see: unknown keys and actions, a match that is no mapping."""
    if front.path.name != SKILL:
        for key in front.data.keys() - set(_KEYS):
            yield f"{_where(front, (key,))}: unknown key `{key}`.{did_you_mean(key, _KEYS)}"
    if not isinstance(front.data.get("match") or {}, dict):
        yield f"{_where(front, ('match',))}: match: lines such as `service: [payments]`."
        return
    for key, value in (front.data.get("match") or {}).items():
        if not _words(value):
            yield f"{_where(front, ('match', key))}: match.{key}: a word, or a list of words."
    for action in _words(front.data.get("safe_actions") or ()):
        if action not in actions:
            hint = did_you_mean(action, list(actions))
            yield f"{_where(front, ('safe_actions',))}: there is no action {action!r}.{hint}"


def _words(value: Json) -> tuple[str, ...]:
    items = value if isinstance(value, list | tuple) else [value]
    plain = all(isinstance(item, str | int | float) and item != "" for item in items)
    return tuple(str(item) for item in items) if plain else ()


def _said(front: YamlFile, error: ValidationError) -> Iterator[str]:
    for flaw in error.errors(include_url=False, include_input=False):
        place = flaw["loc"][:1]
        name = str(place[0]) if place else "page"
        text = f"{flaw['msg'][:1].lower()}{flaw['msg'][1:]}"
        yield f"{_where(front, place)}: {name}: {text}."


def _where(front: YamlFile, place: Place) -> str:
    return front.marks.get(place, f"{front.path}:1:1")
