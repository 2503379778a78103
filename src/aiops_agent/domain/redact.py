"""Secrets taken out of text, before it leaves this machine or is kept: one redactor for all."""

# limit: the stages of one pass, which share how a piece is left out
import base64
import html
import json
import re
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from urllib.parse import quote, quote_plus

from aiops_agent.domain.naming import MARK, Naming, drawn, is_secret, naming, random_looking, turns
from aiops_agent.domain.shapes import SHAPES, Shape
from aiops_agent.domain.value import Json

# What a provider gave us to hand back as it is: it is its own, and a changed one is refused.
UNTOUCHED = frozenset({"thoughtSignature", "thought_signature", "encrypted_content"})
_FEWEST = 4  # characters of a configured secret that is replaced inside of words too

# What a name that may be a secret's contains; a text with none of them needs no closer look.
_HINTS = (
    "pass", "pwd", "pw", "secret", "token", "key", "auth", "cred", "cookie", "sess", "sig", "dsn",
    "jwt", "bearer", "otp", "pat", "salt", "seed", "nonce", "licen", "sas", "access", "hook",
    "refresh", "hmac", "private", "cert", "code", "crypt", "cipher", "login", "api", "sso", "csrf",
    "xsrf", "connection", "mnemonic", "hash", "assertion", "pem", "pin", "puk", "sid",
)  # fmt: skip
# A name, what closes it, what separates, what opens the value. Runs are possessive, the rest is
# short, and the look behind begins every name once: linear.
_PAIR = re.compile(
    r"(?<![\w.\-])([\w.\-]++)(?:"
    r"[\"'`\\\])]{0,4}\s{0,3}(?:=>|:=|==|=|:(?!:)|%3[DdAa]|\\u003[dD])"
    r"[ \t]{0,4}(?:[|>][+\-]?\n\s{1,20})?"
    r"|[\"'\\]{1,4}\s{0,3},[\s\\nrt]{0,40}?(?=\\{0,3}[\"'](?!value))"
    r"|\s{0,3}\n\s{0,20}value:\s{1,4}"
    r"|(?<=[A-Za-z])>(?=[^\s<>`|]{1,200}</))(\\{0,3}[\"'`])?"
)
_FLAGS = re.compile(r"(?<![\w.\-/])-")
_FLAG = re.compile(r"(?<![\w.\-/])(--?[\w\-]++)\s{1,3}(?!-)([\"'])?")
_FLAG_ALONE = re.compile(r"--?[\w\-]{1,60}")
# `- name: DB_PASSWORD` or `"name": "DB_PASSWORD"`, and its value beside it.
_NAMED = re.compile(
    r"(?i)\bname[\"'\\]{0,4}\s{0,3}[:=]\s{0,3}[\"'\\]{0,4}([\w.\-]++)[\s\\nrt,;\"']{1,60}+"
    r"value[\"'\\]{0,4}\s{0,3}[:=]\s{0,3}(\\{0,3}[\"'`])?"
)
_QUOTED = {
    '"': re.compile(r'(?:[^"\\\n]|\\.)*+'),
    "'": re.compile(r"(?:[^'\\\n]|\\.)*+"),
    "`": re.compile(r"[^`\n]*+"),
}
_PLAIN = re.compile(r"(?:[^\s\"'`<\\]|<(?!/)|[\"'`](?![\s,;:)\]}\"'`]|$)|\\(?![\"'nrt]|u0026))*+")
_HEADER = re.compile(r"[^\n\"'`\\]*+")
_JUDGED = 128  # characters of a value that tell whether it is a secret
# Where an unquoted value ends although no blank follows.
_NEXT_PAIR = re.compile(r"[&;,](?=\s?[\w.\-]{1,40}(?:=|:|%3[Dd]))|%26|\\u0026|&amp;")
_TRAILING = ",;)]}"
_SCHEME = re.compile(
    r"(?i)(bearer|basic|token|apikey|digest|negotiate|hawk|oauth|aws4-hmac-sha256|[\w\-]{2,20}+)\s++(?=\S)"
)
_MANY = {"digest", "hawk", "oauth", "aws4-hmac-sha256"}  # pairs of their own follow
_OTHER_PAIR = re.compile(r"\s[\w.\-]{1,40}[=:]")
_ADDRESS = re.compile(r"(?i)(?<![a-z0-9+.\-])([a-z][a-z0-9+.\-]{1,20})://")
_REST = re.compile(r"[^\s\"'`<>\\]*+")
_HOST = re.compile(r"(?:[\w.\-]{1,255}|\[[0-9a-fA-F:.%]{2,60}\])(?::\d{1,5})?(?=[/:?#,;)\]}.]|$)")
_PORT = re.compile(r"\d{1,5}(?:[/?#]|$)")
_HOST_PORT = re.compile(r"[\w.\-]{1,255}:\d")
_FEWEST_DRAWN = 20  # characters of a secret that stands alone; shorter ones are too often names
_PARTS_OF_PATH = re.compile(r"[/?&=#]")
_NEEDLES = tuple((needle, shape) for shape in SHAPES for needle in shape.needles)
_WORDS = re.compile(r"[A-Za-z0-9+/_\-]{20,}+={0,2}")
_BEGIN = re.compile(r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY[A-Z ]{0,10}-----")
_END = re.compile(r"-----END [A-Z0-9 ]{0,40}-----")


@dataclass(frozen=True)
class Redacted:
    """A text without its secrets, and how many places were taken out."""

    text: str
    count: int


Clean = Callable[[str], Redacted]


class Redactor:
    """Takes secrets out of text; the configured ones surely, others by their looks."""

    def __init__(self, configured: Iterable[str] = ()) -> None:
        spellings = {one for secret in configured for one in _spellings(secret)}
        longest_first = sorted(spellings, key=lambda one: (-len(one), one))
        self._configured = re.compile("|".join(map(_literal, longest_first))) if spellings else None
        self._stages: tuple[Callable[[str], tuple[str, int]], ...] = (
            self._known,
            _private_keys,
            _logins,
            _shaped,
            _valued,
            _drawn,
        )

    def __repr__(self) -> str:
        return "Redactor()"

    def clean(self, text: str) -> Redacted:
        """Return the text with `[redacted]` for each secret; clean text comes back as it is."""
        count = 0
        for stage in self._stages:
            text, found = stage(text)
            count += found
        return Redacted(text, count)

    def value(self, name: str, text: str) -> str:
        """Return the text of something that has a name, such as a label, without its secrets."""
        return self._named(name, text).text

    def document(self, value: Json, untouched: Collection[str] = ()) -> tuple[Json, int]:
        """Return a JSON document without its secrets, keys included, and how many there were.

        A key tells what stands under it, also in a list, as a flag does of what follows it and a
        "name" of the "value" beside it. What stands under the keys `untouched` stays: marks that
        its receiver made and wants back.
        """
        return self._within("", value, untouched)

    def _named(self, name: str, text: str) -> Redacted:
        cleaned = self.clean(text)
        secret = not cleaned.count and is_secret(naming(name), text, "")
        return Redacted(MARK, 1) if secret else cleaned

    def _within(self, name: str, value: Json, untouched: Collection[str]) -> tuple[Json, int]:
        if isinstance(value, str):
            cleaned = self._named(name, value)
            return cleaned.text, cleaned.count
        if isinstance(value, list):
            before = (str(one) if _is_flag(one) else name for one in ("", *value))
            pairs = zip(before, value, strict=False)
            items = [self._within(said, one, untouched) for said, one in pairs]
            return [item for item, _ in items], sum(count for _, count in items)
        if isinstance(value, dict):
            return self._mapping(value, untouched)
        return value, 0

    def _mapping(self, value: dict[str, Json], untouched: Collection[str]) -> tuple[Json, int]:
        found: dict[str, Json] = {}
        total = 0
        beside = value.get("name", value.get("key"))
        for key, item in value.items():
            name = self.clean(key)
            told = beside if key == "value" and isinstance(beside, str) else key
            kept = key in untouched and isinstance(item, str)
            cleaned, count = (item, 0) if kept else self._within(told, item, untouched)
            found[name.text] = cleaned
            total += count + name.count
        return found, total

    def _known(self, text: str) -> tuple[str, int]:
        return self._configured.subn(MARK, text) if self._configured else (text, 0)


def _spellings(secret: str) -> set[str]:
    """Return the ways in which a secret may be written by others."""
    secret = secret.strip()
    if not secret or secret == MARK:
        return set()
    found = {secret, quote(secret, safe=""), quote_plus(secret), html.escape(secret)}
    found |= {re.sub("%..", lambda code: code[0].lower(), one) for one in found}
    once = {json.dumps(secret, ensure_ascii=ascii_only)[1:-1] for ascii_only in (True, False)}
    found |= once | {json.dumps(one)[1:-1] for one in once}  # JSON in JSON, too
    if len(secret) >= 8:
        found.add(base64.b64encode(secret.encode()).decode().rstrip("="))
        found.add(base64.urlsafe_b64encode(secret.encode()).decode().rstrip("="))
    return found


def _literal(spelling: str) -> str:
    literal = re.escape(spelling)
    return literal if len(spelling) >= _FEWEST else rf"(?<!\w){literal}(?!\w)"


def _is_flag(one: Json) -> bool:
    return isinstance(one, str) and _FLAG_ALONE.fullmatch(one) is not None


class _Cut:
    """Pieces of a text whose secrets are left out, from left to right."""

    def __init__(self, text: str) -> None:
        self.text, self.done, self.count = text, 0, 0
        self._pieces: list[str] = []

    def out(self, start: int, end: int) -> None:
        """Leave out what lies between."""
        if end > start >= self.done:
            self._pieces += [self.text[self.done : start], MARK]
            self.done, self.count = end, self.count + 1

    def rest(self) -> tuple[str, int]:
        """Return what is left and how many were left out."""
        if not self.count:
            return self.text, 0
        return "".join((*self._pieces, self.text[self.done :])), self.count


def _private_keys(text: str) -> tuple[str, int]:
    if "PRIVATE KEY" not in text:
        return text, 0
    found, at = _Cut(text), 0
    while begin := _BEGIN.search(text, at):
        end = _END.search(text, begin.end())
        at = end.start() if end else len(text)
        if text[begin.end() : at] != MARK:
            found.out(begin.end(), at)
        at = end.end() if end else at
    return found.rest()


def _logins(text: str) -> tuple[str, int]:
    """Take out what stands before the host of an address, also with @, / and # inside."""
    if "://" not in text:
        return text, 0
    found = _Cut(text)
    heads = list(_ADDRESS.finditer(text))
    for number, head in enumerate(heads, start=1):
        start = head.end()
        limit = heads[number].start() if number < len(heads) else len(text)
        rest = text[start : _matched(_REST, text, start, limit)]
        at = rest.rfind("@")
        while at > 0 and not _HOST.match(rest, at + 1):
            at = rest.rfind("@", 0, at)
        begin = _login(head[1].lower(), rest, at) if at > 0 else None
        if begin is not None and rest[begin:at] != MARK:
            found.out(start + begin, start + at)
    return found.rest()


def _login(scheme: str, rest: str, at: int) -> int | None:
    """Return where the password begins in `user:password@host`, None when there is none."""
    colon = rest.find(":", 0, at)
    slash = next((i for i, char in enumerate(rest[:at]) if char in "/?#"), at)
    if colon >= 0 and colon < slash:
        web = scheme in {"http", "https", "ws", "wss"} and colon > 0
        port = _PORT.match(rest, colon + 1) and not _HOST_PORT.match(rest, at + 1)
        if web and (port or rest[at - 1] == "/"):
            return None  # host:port/and/an/@sign
        return colon + 1
    if slash < at:
        return None  # an @ in a path
    user = rest[:at]
    return 0 if random_looking(user) or drawn(user) else None


def _shaped(text: str) -> tuple[str, int]:
    met = [shape for needle, shape in _NEEDLES if needle in text]
    total = 0
    for shape in dict.fromkeys(met):
        text, count = _take_out(shape, text)
        total += count
    return text, total


def _take_out(shape: Shape, text: str) -> tuple[str, int]:
    found = _Cut(text)
    group = min(shape.pattern.groups, 1)
    for match in shape.pattern.finditer(text):
        if MARK not in match[group] and (shape.sure or _secret_path(match[group])):
            found.out(*match.span(group))
    return found.rest()


def _secret_path(path: str) -> bool:
    """Return whether a part of an address's path is long and odd enough to be its proof."""
    return any(
        random_looking(part) or drawn(part) or (len(part) >= 16 and not part.islower())
        for part in _PARTS_OF_PATH.split(path)
    )


def _valued(text: str) -> tuple[str, int]:
    """Take out the values that stand behind a secret's name."""
    lower = text.lower()
    if not any(hint in lower for hint in _HINTS):
        return text, 0
    count = 0
    patterns = [_NAMED] if "name" in lower and "value" in lower else []
    patterns += [_FLAG] if _FLAGS.search(text) else []
    patterns.append(_PAIR)
    for pattern in patterns:
        found, at = _Cut(text), 0
        while match := pattern.search(text, at):
            at = _value(found, match)
        text, more = found.rest()
        count += more
    return text, count


def _value(found: _Cut, match: re.Match[str]) -> int:
    """Leave out the value after a name and separator if it is one; return where to go on.

    It is judged by its beginning, and followed to its end only when it is taken out: else a text
    full of names would be read again for each of them.
    """
    kind, begin = naming(match[1]), match.end()
    if kind is Naming.INNOCENT:
        return begin
    opening, length = match[2] or "", _JUDGED
    start, end = _bounds(found.text, begin, opening, begin + length, kind)
    if not is_secret(kind, found.text[start:end], match[0]):
        return begin
    while end == begin + length < len(found.text):
        length *= 2
        start, end = _bounds(found.text, begin, opening, begin + length, kind)
    found.out(start, end)
    return end


def _bounds(text: str, begin: int, opening: str, limit: int, kind: Naming) -> tuple[int, int]:
    """Return where the value lies that begins there, not looking beyond `limit`."""
    limit = min(limit, len(text))
    if len(opening) > 1:  # quoted inside of something quoted
        ends = (text.find(one, begin, limit) for one in (opening, "\n"))
        end = min((end for end in ends if end >= 0), default=limit)
    elif opening:
        end = _matched(_QUOTED[opening], text, begin, limit)
    elif kind is not Naming.WHOLE:
        end = _matched(_PLAIN, text, begin, limit)
        if next_pair := _NEXT_PAIR.search(text, begin, end):
            end = next_pair.start()
        if end < limit or limit == len(text):
            while end > begin and text[end - 1] in _TRAILING:
                end -= 1
    else:
        end = _matched(_HEADER, text, begin, limit)
    return _credentials(text, begin, end) if kind is Naming.WHOLE else (begin, end)


def _matched(pattern: re.Pattern[str], text: str, begin: int, limit: int) -> int:
    match = pattern.match(text, begin, limit)
    return match.end() if match else begin


def _credentials(text: str, begin: int, end: int) -> tuple[int, int]:
    """Return where the credentials of a header lie: behind the scheme, before the next pair."""
    scheme = _SCHEME.match(text, begin, end)
    start = scheme.end() if scheme else begin
    if (scheme and scheme[1].lower() in _MANY) or ";" in text[start:end]:
        return start, end
    other = _OTHER_PAIR.search(text, start, end)
    return start, other.start() if other else end


def _drawn(text: str) -> tuple[str, int]:
    """Take out words that only a machine can have drawn, whatever stands around them."""
    found = _Cut(text)
    for match in _WORDS.finditer(text):
        word, start = match[0], match.start()
        path = "/" in word and not _base64(word)  # perhaps with one in it
        for part in word.split("/") if path else (word,):
            if len(part) >= _FEWEST_DRAWN and drawn(part):
                found.out(start, start + len(part))
            start += len(part) + 1
    return found.rest()


def _base64(word: str) -> bool:
    """Return whether its strokes are letters of base64, not those of a path."""
    return len(word) >= 32 and turns(word.replace("/", "")) >= 0.5
