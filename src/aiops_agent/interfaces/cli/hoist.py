"""Global options may stand anywhere on the line: they are moved to its front."""

from collections.abc import Iterator, Sequence

_SWITCHES = {"--quiet", "-q", "--verbose", "-v", "-vv", "--debug", "--no-color", "--no-input"}
_WITH_VALUE = {"--config", "-c"}
_FREE_TEXT = {"--reason", "-r"}  # what follows is a person's words, also when it looks like -v


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
        elif word in _SWITCHES or word.startswith("--config="):
            front.append(word)
        else:
            rest += [word, *(_one(left) if word in _FREE_TEXT else ())]
    return (*front, *rest)


def _one(words: Iterator[str]) -> tuple[str, ...]:
    return tuple(word for _, word in zip(range(1), words, strict=False))
