"""The network of all-MiniLM-L6-v2: six layers of attention, the mean of the last as a unit vector.

Weights are a safetensors file: a length, a JSON head, then plain numbers. Nothing of it is run.
"""

import json
import mmap
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from aiops_agent.adapters.minilm.wordpiece import WordPieces
from aiops_agent.domain.errors import SettingsError
from aiops_agent.ports.meaning import Whose

Floats: TypeAlias = npt.NDArray[np.float32]
NAME = "all-MiniLM-L6-v2"  # stands beside each vector: those of other models are not comparable
VOCABULARY, WEIGHTS = "vocab.txt", "model.safetensors"
HEAD = 32  # numbers of a head of attention
TOGETHER = 32  # texts that go through at once
_WORDS = "embeddings.word_embeddings.weight"
_LONGEST_HEAD = 1_000_000  # bytes
_TINY = 1e-12  # keeps a division from zero


@dataclass(frozen=True)
class MiniLM:
    """ports.meaning.Embedder."""

    pieces: WordPieces
    weights: Mapping[str, Floats]
    name: str = NAME
    quick: bool = True

    @property
    def width(self) -> int:
        """How many numbers a vector has."""
        return int(self.weights[_WORDS].shape[1])

    def embed(self, texts: Sequence[str], _whose: Sequence[Whose] = ()) -> Floats:
        """Return a unit vector of each text as a row."""
        read = [self.pieces.read(text) for text in texts]
        found = np.zeros((len(read), self.width), np.float32)
        # Texts of about the same length together: the shorter ones are filled up to the longest.
        order = sorted(range(len(read)), key=lambda one: len(read[one]))
        for first in range(0, len(order), TOGETHER):
            places = order[first : first + TOGETHER]
            found[places] = self._through([read[one] for one in places])
        return found

    def _through(self, read: Sequence[Sequence[int]]) -> Floats:
        longest = max(map(len, read))
        ids = np.zeros((len(read), longest), np.int64)
        there = np.zeros((len(read), longest), np.float32)
        for row, numbers in enumerate(read):
            ids[row, : len(numbers)], there[row, : len(numbers)] = numbers, 1.0
        weights = self.weights
        seen = (
            weights[_WORDS][ids]
            + weights["embeddings.position_embeddings.weight"][:longest]
            + weights["embeddings.token_type_embeddings.weight"][0]
        )
        state = self._even(seen, "embeddings.LayerNorm")
        unheard = (there[:, None, None, :] - 1.0) * 1e9
        for layer in count():
            if layer and f"encoder.layer.{layer}.output.dense.weight" not in weights:
                break
            state = self._layer(state, unheard, f"encoder.layer.{layer}")
        mean: Floats = (state * there[..., None]).sum(1) / there.sum(1, keepdims=True)
        unit: Floats = mean / np.maximum(np.linalg.norm(mean, axis=1, keepdims=True), _TINY)
        return unit

    def _layer(self, state: Floats, unheard: Floats, at: str) -> Floats:
        rows, length, _ = state.shape
        asked, known, told = (
            self._linear(state, f"{at}.attention.self.{one}")
            .reshape(rows, length, -1, HEAD)
            .transpose(0, 2, 1, 3)
            for one in ("query", "key", "value")
        )
        scores = asked @ known.transpose(0, 1, 3, 2) / np.float32(HEAD**0.5) + unheard
        heard = np.exp(scores - scores.max(-1, keepdims=True))
        heard /= heard.sum(-1, keepdims=True)
        joined = (heard @ told).transpose(0, 2, 1, 3).reshape(rows, length, self.width)
        told_on = self._linear(joined, f"{at}.attention.output.dense")
        state = self._even(state + told_on, f"{at}.attention.output.LayerNorm")
        inner = _gelu(self._linear(state, f"{at}.intermediate.dense"))
        return self._even(
            state + self._linear(inner, f"{at}.output.dense"), f"{at}.output.LayerNorm"
        )

    def _linear(self, state: Floats, at: str) -> Floats:
        out: Floats = state @ self.weights[f"{at}.weight"].T + self.weights[f"{at}.bias"]
        return out

    def _even(self, state: Floats, at: str) -> Floats:
        off = state - state.mean(-1, keepdims=True)
        even = off / np.sqrt((off * off).mean(-1, keepdims=True) + np.float32(_TINY))
        out: Floats = even * self.weights[f"{at}.weight"] + self.weights[f"{at}.bias"]
        return out


class _Flaw(ValueError):
    """What is wrong with the files, in words."""


def open_model(folder: Path) -> MiniLM:
    """Return the model of a folder; raises SettingsError, with the reason, when it holds none."""
    try:
        if gone := [name for name in (WEIGHTS, VOCABULARY) if not (folder / name).is_file()]:
            raise _Flaw(f"{' and '.join(gone)} missing")
        weights = _weights(folder / WEIGHTS)
        lines = (folder / VOCABULARY).read_text("utf-8").splitlines()
        if len(lines) != len(weights[_WORDS]):
            raise _Flaw(f"{VOCABULARY} has {len(lines)} of {len(weights[_WORDS])} words")
        model = MiniLM(WordPieces({piece: number for number, piece in enumerate(lines)}), weights)
        model.embed(("ready",))  # whatever else is missing or of another size shows here
    except (
        OSError,
        ValueError,
        KeyError,
        IndexError,
        TypeError,
        AttributeError,
        struct.error,
    ) as error:
        why = str(error) if isinstance(error, _Flaw) else f"{WEIGHTS} or {VOCABULARY} is another's"
        raise SettingsError(
            f"{folder} holds no {NAME} ({why}): fetch it with "
            "`aiops memory model fetch`, or take memory.minilm out."
        ) from error
    return model


def _weights(file: Path) -> dict[str, Floats]:
    with file.open("rb") as opened:
        data = memoryview(mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ))
    (length,) = struct.unpack("<Q", data[:8])
    if length > _LONGEST_HEAD:
        raise ValueError("the head is too long")
    head: dict[str, Any] = json.loads(bytes(data[8 : 8 + length]))
    ends = [told["data_offsets"][1] for name, told in head.items() if name != "__metadata__"]
    if len(data) != (whole := 8 + length + max(ends)):
        raise _Flaw(f"{file.name} has {len(data)} of {whole} bytes")
    found: dict[str, Floats] = {}
    for name, told in head.items():
        if name != "__metadata__" and told["dtype"] == "F32":
            first, last = (8 + length + int(one) for one in told["data_offsets"])
            values = np.frombuffer(data[first:last], "<f4").reshape(told["shape"])
            found[name.removeprefix("bert.")] = values
    return found


def _gelu(state: Floats) -> Floats:
    """Return x times the normal distribution's share below x (Abramowitz and Stegun 7.1.26)."""
    size = np.abs(state) * np.float32(0.5**0.5)
    step = 1 / (1 + np.float32(0.3275911) * size)
    series = np.zeros_like(step)
    for factor in (1.061405429, -1.453152027, 1.421413741, -0.284496736, 0.254829592):
        series = (series + np.float32(factor)) * step
    part = np.copysign(1 - series * np.exp(-size * size), state)
    out: Floats = state * np.float32(0.5) * (1 + part)
    return out
