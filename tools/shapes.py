"""Extract the key paths of recorded answers: `python tools/shapes.py FOLDER > llm_shapes.json`.

FOLDER holds `gemini.jsonl.gz` and `openai_compatible.jsonl.gz`, one exchange a line. Only names of
keys are kept, no value: tests/data/llm_shapes.json is made by this.
"""

import gzip
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

FILES = {"gemini": "gemini.jsonl.gz", "openai": "openai_compatible.jsonl.gz"}
FREE = ("args", "arguments")  # what a model puts there is no shape of the provider's
RARE = ("groundingMetadata", "logprobs", "moderation", "audio", "search_results", "executed_tools")


def paths(value: Any, above: str = "") -> Iterator[str]:
    """Yield the path of every key, lists as `[]`."""
    if isinstance(value, list):
        for one in value:
            yield from paths(one, f"{above}[]")
    elif isinstance(value, dict):
        for name, one in value.items():
            path = f"{above}.{name}" if above else name
            yield path
            if name not in FREE:
                yield from paths(one, path)


def shapes(folder: Path) -> dict[str, list[str]]:
    """Return the paths seen in good answers and in refusals, by format."""
    found: dict[str, set[str]] = {}
    for wire, name in FILES.items():
        with gzip.open(folder / name, "rt") as lines:
            for line in lines:
                exchange = json.loads(line)
                try:
                    body = json.loads(exchange["response"])
                except ValueError:
                    continue  # an event stream
                kind = "answer" if exchange["status"] == 200 else "refusal"
                found.setdefault(f"{wire} {kind}", set()).update(paths(body))
    return {
        kind: sorted(one for one in known if not any(rare in one for rare in RARE))
        for kind, known in sorted(found.items())
    }


if __name__ == "__main__":
    print(json.dumps(shapes(Path(sys.argv[1])), indent=1))
