"""Hostile and odd YAML is read as plain data or refused with its place."""

from pathlib import Path

import pytest

from aiops_agent.adapters.yaml_file import read_yaml
from aiops_agent.domain.errors import SettingsError

BOMB = "a: &a [x,x,x,x,x,x,x,x,x,x]\n" + "\n".join(
    f"{new}: &{new} [*{old},*{old},*{old},*{old},*{old},*{old},*{old},*{old}]"
    for old, new in zip("abcdefgh", "bcdefghi", strict=True)
)
REFUSED = {
    "syntax": (b"a: [1", ":2:1: not YAML"),
    "bytes": (b"\xff\xfe\xfa", "not UTF-8"),
    "control": (b"a: \x07", "not YAML"),
    "tag": (b"a: !python/object x", ":1:4: the tag !python/object is not known"),
    "circle": (b"a: &a [*a]", "nested deeper"),
    "bomb": (BOMB.encode(), "more than 20000 values"),
    "deep": (b"a: " + b"[" * 100_000, "file.yaml"),
    "key": (b"[1, 2]: 3", "a key must be a plain word"),
    "merge": (b"a: &a {b: 1}\nc:\n  <<: *a", ":3:3: a key must be a plain word"),
    "large": (b"#" * 300_000, "larger than 256 KiB"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_plain_data_is_refused(tmp_path: Path, name: str) -> None:
    content, told = REFUSED[name]
    (tmp_path / "file.yaml").write_bytes(content)

    with pytest.raises(SettingsError) as caught:
        read_yaml(tmp_path / "file.yaml")

    assert told in str(caught.value)


def test_texts_stay_the_texts_that_they_look_like(tmp_path: Path) -> None:
    text = "a: 16:00\nb: 2026-12-24\nc: on\nd: '5'\ne: 5\nf: 1.5\ng: true\nh:\ni: 15m\nj: 0x10"
    (tmp_path / "file.yaml").write_text(text)

    read = read_yaml(tmp_path / "file.yaml").data

    assert list(read.values()) == [
        *("16:00", "2026-12-24", "on", "5", 5, 1.5, True, None, "15m", "0x10"),
    ]


def test_an_empty_file_says_nothing(tmp_path: Path) -> None:
    (tmp_path / "file.yaml").write_text("# nothing\n")

    assert read_yaml(tmp_path / "file.yaml").data == {}
