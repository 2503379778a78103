"""Text as the numbers of word pieces, as BERT's uncased tokenizer cuts it."""

import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

MOST = 256  # pieces of a text: as many as the model was trained on
_LONGEST_TEXT = 10_000  # characters: what follows cannot be among the first pieces
_LONGEST_WORD = 100  # characters: a longer one is no word
_FIRST, _LAST, _STRANGE = "[CLS]", "[SEP]", "[UNK]"
_BLANKS = "\t\n\r"
_UNSEEN = ("Cc", "Cf", "Cs", "Co")  # signs that control, or mean nothing to others
# Where scripts that write no blanks between words stand in Unicode: each sign is a word.
_IDEOGRAPHS = (
    *((0x4E00, 0x9FFF), (0x3400, 0x4DBF), (0xF900, 0xFAFF)),
    *((0x20000, 0x2A6DF), (0x2A700, 0x2CEAF), (0x2F800, 0x2FA1F)),
)


@dataclass(frozen=True)
class WordPieces:
    """Cuts text into pieces of a vocabulary. Raises KeyError when that lacks a mark."""

    numbers: Mapping[str, int]

    def read(self, text: str) -> list[int]:
        """Return the numbers of a text's pieces between the marks of its ends."""
        found = [self.numbers[_FIRST]]
        for word in words(text[:_LONGEST_TEXT]):
            found += self._pieces(word)
            if len(found) >= MOST:
                break
        return [*found[: MOST - 1], self.numbers[_LAST]]

    def _pieces(self, word: str) -> tuple[int, ...]:
        """Return the longest pieces that a word begins with, one after the other."""
        found: list[int] = []
        start = 0
        while start < len(word) <= _LONGEST_WORD:
            mark = "##" if start else ""
            ends = range(len(word), start, -1)
            end = next((one for one in ends if mark + word[start:one] in self.numbers), start)
            if end == start:
                break
            found.append(self.numbers[mark + word[start:end]])
            start = end
        return tuple(found) if start == len(word) else (self.numbers[_STRANGE],)


def words(text: str) -> Iterator[str]:
    """Yield words in lower case without accents; each sign of punctuation is one of its own."""
    plain = "".join(_spaced(sign) for sign in text)
    for word in plain.lower().split():
        bare = unicodedata.normalize("NFD", word)
        yield from _parted("".join(one for one in bare if unicodedata.category(one) != "Mn"))


def _spaced(sign: str) -> str:
    code = ord(sign)
    if sign in _BLANKS or unicodedata.category(sign) == "Zs":
        return " "
    if code in (0, 0xFFFD) or unicodedata.category(sign) in _UNSEEN:
        return ""
    return f" {sign} " if any(low <= code <= high for low, high in _IDEOGRAPHS) else sign


def _parted(word: str) -> Iterator[str]:
    spaced = "".join(f" {sign} " if _punctuation(sign) else sign for sign in word)
    yield from spaced.split()


def _punctuation(sign: str) -> bool:
    ascii_mark = sign.isascii() and sign.isprintable() and not sign.isalnum()
    return ascii_mark or unicodedata.category(sign).startswith("P")
