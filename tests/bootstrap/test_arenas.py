"""Few heaps for many threads."""

from __future__ import annotations

import platform

from aiops_agent.bootstrap.arenas import few_arenas


def test_glibc_keeps_few_heaps() -> None:
    assert few_arenas() is (platform.libc_ver()[0] == "glibc")
