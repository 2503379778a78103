"""Secrets to plant: families as `{alphabet:length}` templates, in the redactor's table or not.

The templates are written from the vendors' formats, not from the table. What stands under UNNAMED
has no line there: it can be found by the name before it or by its looks only.
"""
# ruff: noqa: E501
# Its tables are read by line.

import random
import re
import string

ALPHABETS = {
    "hex": "0123456789abcdef",
    "HEX": "0123456789ABCDEF",
    "b36": string.ascii_lowercase + string.digits,
    "B36": string.ascii_uppercase + string.digits,
    "b62": string.ascii_letters + string.digits,
    "url": string.ascii_letters + string.digits + "-_",
    "b64": string.ascii_letters + string.digits + "+/",
    "b32": string.ascii_uppercase + "234567",
    "d": string.digits,
    "any": string.ascii_letters + string.digits + "!#$%^*()-_+~.?@/",
}

NAMED = """
AKIA{B36:16} | ASIA{B36:16} | LTAI{b62:20} | AKID{b62:32} | AIza{url:35} | ya29.{url:60} | GOCSPX-{url:28}
ghp_{b62:36} | gho_{b62:36} | ghs_{b62:36} | github_pat_{b62:22}_{b62:59} | glpat-{url:20} | glrt-{url:20}
xoxb-{d:11}-{d:12}-{b62:24} | xoxp-{d:11}-{d:11}-{d:12}-{hex:32} | xapp-1-A{B36:10}-{d:13}-{hex:64}
sk-{b62:48} | sk-proj-{url:48} | sk-ant-api03-{url:93}AA | sk_live_{b62:24} | rk_test_{b62:24} | whsec_{b62:32}
SG.{url:22}.{url:43} | key-{hex:32} | SK{hex:32} | npm_{b62:36} | pypi-AgEIcHlwaS5vcmc{url:70} | dckr_pat_{url:27}
dop_v1_{hex:64} | doo_v1_{hex:64} | hvs.{b62:24} | hvb.{url:140} | {b62:14}.atlasv1.{url:67} | dapi{hex:32}
shpat_{hex:32} | shpss_{hex:32} | sq0csp-{url:43} | {d:10}:AA{url:33} | ATATT3xFfGF0{url:60}={HEX:8}
lin_api_{b62:40} | ntn_{b62:46} | glsa_{b62:32}_{hex:8} | glc_{b62:60} | NRAK-{B36:27} | NRII-{url:32}
sntrys_{b62:120} | pscale_tkn_{url:43} | sbp_{hex:40} | HRKU-{url:60} | hf_{b62:34} | r8_{b62:37}
gsk_{b62:52} | xai-{b62:80} | pplx-{b62:48} | AGE-SECRET-KEY-1{B36:58} | dp.pt.{b62:43} | dt0c01.{B36:24}.{B36:64}
PMAK-{hex:24}-{hex:34} | rubygems_{hex:48} | oy2{b36:43} | figd_{url:40} | pat{b62:14}.{hex:64} | bkua_{hex:40}
CCIPAT_{b62:22}_{hex:40} | pul-{hex:40} | CFPAT-{url:43} | EZAK{b62:54} | FLWSECK-{hex:32}-X | duffel_live_{url:43}
tskey-auth-{b62:17}-{b62:32} | v1.0-{hex:24}-{hex:146} | EAACEdEose0cBA{b62:70} | {b62:3}8Q~{b62:34}
eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI{b62:24}.{url:43}
"""

UNNAMED = """
live_{b62:35} | dG9rO{b62:55} | {hex:32} | 1/{d:16}:{hex:32} | {hex:40} | access_token$production${b36:16}${hex:32}
CLOJARS_{hex:60} | {B36:16} | {b64:64} | {hex:80} | {b62:24}.{b62:6}.{url:27} | sl.{url:135} | {b36:24} | {url:32}
{hex:64} | pat-na1-{uuid} | ico-{b62:32} | AKC{b62:64} | {b64:86}== | {uuid} | sdk-{uuid} | {b36:26} | {b62:25}
nfp_{b62:36} | 00{url:40} | access-production-{uuid} | pnu_{b62:36} | {b62:50} | rdme_{b36:70} | xkeysib-{hex:64}-{b62:16}
shippo_live_{hex:40} | {hex:8}:{hex:8} | squ_{hex:40} | {b62:14} | {b62:22} | {b36:30} | AAAAAAAAAAAAAAAAAAAAA{b62:80}
tfp_{b62:44}_{b62:14} | AQVN{url:35} | t1.{url:86} | {b62:40} | {b62:24} | {b64:44} | p8e-{b36:32} | b_{b62:44}
u+{url:18} | {b32:32} | {b32:16} | {d:6}-{hex:24} | acme_live_{b36:32} | acme-{b62:30} | {any:12} | {any:20} | {any:32}
{d:12} | tok_{b62:24} | {b62:10}-{b62:10}-{b62:10} | {HEX:32} | key_{url:26} | {b64:40} | pk.{b62:60}.{b62:22}
wx{hex:16} | sess-{b62:40} | {word}{d:2}{sign} | {word}-{word}-{word} | {word}{word}{d:4} | rt_{url:43} | vck_{b62:40}
"""

_PIECE = re.compile(r"\{(\w+)(?::(\d+))?\}")
_WORDS = [
    "correct",
    "horse",
    "battery",
    "staple",
    "summer",
    "monkey",
    "dragon",
    "winter",
    "orange",
    "falcon",
    "secret",
    "shadow",
]


def families(text: str) -> tuple[str, ...]:
    """Return the templates of a table."""
    return tuple(one.strip() for line in text.strip().splitlines() for one in line.split(" | "))


def drawn(template: str, rng: random.Random) -> str:
    """Return one secret of that family."""

    def piece(match: re.Match[str]) -> str:
        kind, length = match[1], int(match[2] or 0)
        if kind == "uuid":
            return "-".join("".join(rng.choices(ALPHABETS["hex"], k=k)) for k in (8, 4, 4, 4, 12))
        if kind == "word":
            return rng.choice(_WORDS).capitalize() if rng.random() < 0.3 else rng.choice(_WORDS)
        if kind == "sign":
            return rng.choice("!?.$*")
        return "".join(rng.choices(ALPHABETS[kind], k=length))

    return _PIECE.sub(piece, template)
