"""Is it a secret that such a name names, and does such a value look drawn at random?"""

import re
from enum import Enum
from functools import lru_cache

MARK = "[redacted]"


class Naming(Enum):
    """What a name says about the value that follows it."""

    SECRET = "secret"  # noqa: S105  # a word, not a password
    COUNTED = "counted"  # a secret, unless the value is a number or a plain word
    PERHAPS = "perhaps"  # a secret if the value looks drawn at random
    ABOUT = "about"  # tells something of a secret: one only if surely drawn at random
    WHOLE = "whole"  # a secret to the end of its header
    INNOCENT = "innocent"


_WHOLE = {"authorization", "cookie", "setcookie", "proxyauthorization", "xauthorization"}
_SECRET = re.compile(
    "passw(?:or)?d|passwort|passphrase|passcode|secret|credential|mnemonic|apikey|accesskey|authkey"
    "|privatekey|signingkey|encryptionkey|masterkey|sharedkey|accountkey|sessionkey|licen[sc]ekey"
    "|subscriptionkey|integrationkey|writekey|connectionstring|sharedaccess|clientpass|userpass"
    "|dbpass|rootpass|adminpass|authpass|keypass|storepass|smtppass|mailpass"
)
_SECRET_PARTS = {"pwd", "creds", "cred", "passkey", "otp", "totp", "pw"}
_COUNTED = re.compile("token|bearer")
_COUNTED_PARTS = {"pass"}
_PERHAPS = {
    "key", "keys", "auth", "sig", "signature", "session", "sessionid", "sid", "dsn", "salt",
    "seed", "nonce", "license", "sas", "access", "webhook", "hook", "refresh", "hmac", "private",
    "cert", "code", "crypt", "cipher", "login", "api", "oauth", "sso", "csrf", "xsrf", "state",
    "jwt", "pat", "userkey", "appkey", "assertion", "authenticity", "hash", "pem", "pin",
    "puk", "signed",
}  # fmt: skip
# What follows a secret's name is then told about it, and is not the secret.
_ABOUT = {
    "name", "names", "ref", "refs", "id", "ids", "count", "counts", "type", "path", "file", "dir",
    "ttl", "expires", "expiry", "expiration", "expire", "expired", "length", "len", "size", "limit",
    "limits", "usage", "policy", "version", "arn", "rotation", "enabled", "required", "status",
    "seconds", "total", "bytes", "issuer", "audience", "algorithm", "alg", "store", "provider",
    "namespace", "kind", "age", "state", "error", "errors", "valid", "rate", "duration", "budget",
    "used", "max", "min", "index", "field", "label", "source", "owner", "uid", "exists", "bucket",
    "at", "ms", "days", "hours", "present", "missing", "mount", "volume", "class", "created",
    "info", "resource", "metadata", "annotation", "annotations", "labels", "change", "changed",
    "url", "uri", "endpoint", "host", "port", "header", "per", "sec", "minute",
}  # fmt: skip
_SURELY = {"secretid", "clientsecretid"}  # such an "id" is the secret itself
_KEYS = {  # keys that open nothing
    "cache", "partition", "primary", "foreign", "group", "sort", "routing", "object", "s3", "label",
    "dedup", "event", "message", "row", "idempotency", "shard", "lock", "redis", "queue", "public",
    "config", "map", "sorting", "index", "composite", "lookup", "translation", "json", "issue",
    "project", "range", "hash", "metric", "topic", "record", "sub", "host", "memcached",
}  # fmt: skip
# Values that stand for a secret or say that there is none.
_PLACEHOLDER = re.compile(
    r"(?i)(?:\[redacted[^\]]{0,40}\]|<[^<>]{0,60}>|\$\{?[\w.:\-]{0,60}\}?|\$\([^)]{0,60}\)|\{\{.{0,80}\}\}"
    r"|\{[\w.]{0,40}\}|%[sdvrq]|%\([\w]{1,40}\)s|[*x•.…#_\-]{1,40}|null|nil|none|true|false|undefined|yes|no|redacted"
    r"|\[?(?:redacted|filtered|hidden|masked|secret|removed)\]?|[~!/(\[{|=]{1,3}|)"
)
_SAID = {
    "invalid", "expired", "missing", "required", "incorrect", "wrong", "denied", "failed",
    "failure", "not", "is", "was", "has", "the", "a", "an", "must", "cannot", "rejected",
    "unauthorized", "error", "empty", "malformed", "revoked", "ok", "valid", "disabled",
    "enabled", "unknown", "string", "changed", "reset", "updated", "login", "and", "or", "for",
    "of", "in", "to", "unexpected", "mismatch", "refresh", "refreshed", "rotated", "rotation",
    "created", "deleted", "issued", "accepted", "found", "authentication", "permission", "could",
    "can", "unable", "no", "got", "expected", "may", "should", "requires", "optional", "default",
    "int", "integer", "bool", "number", "object", "type", "unset", "absent", "bearer", "basic",
    "oauth2", "jwt", "file", "env", "vault",
}  # fmt: skip
# Of tokens, not a token.
_NUMBER = re.compile(r"[+\-]?\d(?:[.,_]?\d){0,7}(?:[eE][+\-]?\d{1,3})?%?[a-zA-Z]{0,2}")
_ELSEWHERE = (
    "//",
    '~"',
    "$(",
    "${",
    "{{",
    "file:",
    "/var/",
    "/etc/",
    "/run/",
    "/home/",
)  # it lies there
_WORD = re.compile(r"[a-z_.\-]+")
_NAME_LIKE = re.compile(r"[a-z][a-z0-9]{0,30}(?:[\-./][a-z][a-z0-9]{0,30}){1,8}")
_PARTS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+|[^\W\d_]+")
_JUDGED = 128  # characters of a value tell how it was made
_LONGEST_NAME = 100  # characters: the end of a name says what it is
_HEX = re.compile(r"[0-9a-fA-F]+")
_ALIKE = re.compile(r"[a-z]++|[A-Z]++|[0-9]++|[^a-zA-Z0-9]++")
_SMALL = re.compile("[a-z]++")
_BLANK = re.compile(r"\s")
_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_SEPARATORS = re.compile(r"[\-_.:/+=~,@]")


@lru_cache(maxsize=4096)
def naming(name: str) -> Naming:
    """Return what a name such as `spring.datasource.password` or `X-Api-Key` says of its value."""
    parts = [part.lower() for part in _PARTS.findall(name[-_LONGEST_NAME:])]
    joined, words = "".join(parts), set(parts)
    if joined in _WHOLE or joined.endswith(("authorization", "cookie", "cookies")):
        return Naming.WHOLE
    if not parts:
        return Naming.INNOCENT
    if parts[-1] in _ABOUT and joined not in _SURELY:
        secret = _SECRET.search(joined) or _COUNTED.search(joined) or words & _PERHAPS - {"state"}
        return Naming.ABOUT if secret else Naming.INNOCENT
    if _SECRET.search(joined) or words & _SECRET_PARTS:
        return Naming.SECRET
    if _COUNTED.search(joined) or words & _COUNTED_PARTS:
        return Naming.COUNTED
    if parts[-1] == "key" and words & _KEYS:
        return Naming.INNOCENT
    return Naming.PERHAPS if words & _PERHAPS or joined.endswith("key") else Naming.INNOCENT


def is_secret(kind: Naming, value: str, before: str) -> bool:
    """Return whether the value behind a name of that kind is to be taken out."""
    if kind is Naming.INNOCENT or len(value) < 3 or _PLACEHOLDER.fullmatch(value):
        return False
    if value.startswith(_ELSEWHERE):
        return False
    if kind is Naming.ABOUT:
        return drawn(value)
    if kind is Naming.PERHAPS:
        return random_looking(value) or drawn(value) or _UUID.fullmatch(value) is not None
    spoken = not before or before.rstrip("\"'\\").endswith((": ", " "))
    if spoken and value.lower().rstrip(".,") in _SAID:
        return False
    listed = before.rstrip("\"'\\ ").endswith(",") and _WORD.fullmatch(value)
    said = spoken and value.isalpha() and (value.islower() or value.istitle())
    if kind is Naming.COUNTED and (_NUMBER.fullmatch(value) or said or listed):
        return False
    # The name of a Secret, as Kubernetes' metrics tell it.
    return not (_NAME_LIKE.fullmatch(value) and before.startswith("secret="))


def random_looking(value: str, *, least: int = 16) -> bool:
    """Return whether a value that follows a doubtful name looks drawn at random."""
    if len(value) < least or _UUID.fullmatch(value) or _BLANK.search(value):
        return False
    if _HEX.fullmatch(value):
        return len(value) >= max(least, 20) and not value.isdigit()
    pieces = _SEPARATORS.split(value[:_JUDGED])
    longest = max(pieces, key=len)
    if len(longest) < min(least, 12):
        longest = "".join(pieces)
        return len(longest) >= least and turns(longest) >= 0.45
    digits = sum(map(str.isdigit, longest[:_JUDGED]))
    return turns(longest) >= (0.25 if digits >= 3 else 0.4) and not longest.isdigit()


def drawn(token: str) -> bool:
    """Return whether a word that stands alone is so random that only a machine can have drawn it.

    Identities stay: pod names and commits have no capitals, class names no such disorder.
    """
    body = token.strip("=-_")
    letters = body.replace("_", "").replace("-", "")
    digits = sum(map(str.isdigit, letters[:_JUDGED]))
    if digits < 2 or letters.islower() or letters.isupper() or not any(map(str.isalpha, body)):
        return _prefixed(body, digits)
    small = _SMALL.findall(letters[:_JUDGED])
    words = sum(map(len, small)) / max(len(small), 1)  # in words, small letters stand together
    return turns(letters) >= 0.42 and words < 2.5


def turns(text: str) -> float:
    """Return how often, per character, a text changes between small, capital, digit and sign."""
    if len(text) < 2:
        return 0.0
    judged = text[:_JUDGED]
    return (len(_ALIKE.findall(judged)) - 1) / (len(judged) - 1)


def _prefixed(body: str, digits: int) -> bool:
    """Return whether it is `acme_live_` and then a long run of small letters among digits."""
    head, _, tail = body.rpartition("_")
    if not head or len(tail) < 24 or digits < 4 or _HEX.fullmatch(tail):
        return False
    return turns(tail) >= 0.3 and len(set(tail)) >= 10
