"""What does an installation weigh, without the tools of development?"""

from collections.abc import Iterator
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement

from bench.row import Row

# With which extras, and how many packages and megabytes that may be.
LIMITS = {"": (60, 200), "models": (75, 320)}


def rows() -> Iterator[Row]:
    """Yield the number of packages that the product needs, and their megabytes on disk."""
    for extra, (most, most_mb) in LIMITS.items():
        found = _closure("aiops-agent", frozenset(filter(None, [extra])))
        megabytes = {name: _megabytes(dist) for name, dist in found.items()}
        largest = sorted(megabytes, key=megabytes.__getitem__, reverse=True)[:4]
        heavy = ", ".join(f"{name} {megabytes[name]:.0f}" for name in largest)
        after = f" with {extra}" if extra else ""
        yield Row(f"packages installed{after}", len(found), "", most)
        yield Row(f"size installed{after}", sum(megabytes.values()), "MB", most_mb, heavy)


def _closure(root: str, chosen: frozenset[str]) -> dict[str, Distribution]:
    found: dict[str, Distribution] = {}
    wanted = [(root, chosen)]
    seen: set[tuple[str, frozenset[str]]] = set()
    while wanted:
        name, extras = wanted.pop()
        if (name, extras) in seen:
            continue
        seen.add((name, extras))
        try:
            found[name] = distribution(name)
        except PackageNotFoundError:  # for another platform
            continue
        for line in found[name].requires or []:
            need = Requirement(line)
            if _applies(need, extras):
                wanted.append((need.name.lower().replace("_", "-"), frozenset(need.extras)))
    return found


def _applies(need: Requirement, extras: frozenset[str]) -> bool:
    if need.marker is None:
        return True
    return any(need.marker.evaluate({"extra": extra}) for extra in extras or {""})


def _megabytes(dist: Distribution) -> float:
    files = [Path(str(dist.locate_file(file))) for file in dist.files or []]
    sources = [file for file in files if file.suffix != ".pyc" and file.exists()]
    return sum(file.stat().st_size for file in sources) / 1e6
