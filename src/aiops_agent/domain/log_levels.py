"""How serious a line of a log says that it is, in the formats that are common."""

import re

_WORDS = "trace|debug|info|notice|warn|warning|error|err|fatal|critical|crit|alert|emerg|panic"
_LEVEL = re.compile(rf"\b({_WORDS})\b", re.IGNORECASE)
# What a line says of itself goes before any word in it: level=info, "severity":"ERROR".
_KEYED = re.compile(
    rf"\b(?:level|lvl|severity|log\.level)[\"']?\s?[=:]\s?[\"']?({_WORDS})\b",
    re.IGNORECASE,
)
_SYSLOG = re.compile(r"<(\d{1,3})>")  # RFC 5424: facility * 8 + severity
_SAME = {"warning": "warn", "err": "error", "notice": "info", "trace": "debug"}
_SAME |= dict.fromkeys(("crit", "alert", "emerg"), "critical")
_COUNTED = re.compile(r"[\"']?\blevel[\"']?\s?[=:]\s?(\d\d?)\b")
_GLOG = re.compile(r"([IWEF])\d{4} \d\d:\d\d:\d\d")  # Kubernetes' and Google's own
_OF_GLOG = {"I": "info", "W": "warn", "E": "error", "F": "fatal"}
_REDIS = re.compile(r"\d{1,7}:[MSCX] \d\d \w{3} \d{4} [\d:.]{8,12} ([.\-*#]) ")
_OF_REDIS = {".": "debug", "-": "debug", "*": "info", "#": "warn"}
# Severities of syslog and GELF (which has a short_message), 0 the worst.
_OF_SYSLOG = ("critical", "critical", "critical", "error", "warn", "info", "info", "debug")
# Bunyan and pino count by tens, 10 the least.
_OF_PINO = {10: "debug", 20: "debug", 30: "info", 40: "warn", 50: "error", 60: "fatal"}


def level_of(said: str) -> str:
    """Return how serious a line says that it is; "info" when it does not say."""
    start = said[:200]
    if syslog := _SYSLOG.match(start):
        return _OF_SYSLOG[int(syslog.group(1)) % 8]
    if glog := _GLOG.match(start):
        return _OF_GLOG[glog.group(1)]
    if redis := _REDIS.match(start):
        return _OF_REDIS[redis.group(1)]
    if counted := _COUNTED.search(start):
        number = int(counted.group(1))
        if number in _OF_PINO:
            return _OF_PINO[number]
        if number < len(_OF_SYSLOG) and '"short_message"' in said:
            return _OF_SYSLOG[number]
    found = _KEYED.search(start) or _LEVEL.search(start)
    word = found.group(1).lower() if found else "info"
    return _SAME.get(word, word)
