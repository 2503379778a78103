"""A sample of stops under load; `make prove` pulls a thousand over four processes."""

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from aiops_agent.adapters.sql.store import SqlStore
from bench import stops
from tests import seams


def found(store: SqlStore, url: str, folder: Path, n: int) -> stops.Found:
    """Stop so often while two engines, each a thread, send and take back."""
    over = threading.Event()
    given = [(url, folder / "sent", number, over.is_set) for number in range(2)]
    workers = [threading.Thread(target=stops.worked, args=one) for one in given]
    for worker in workers:
        worker.start()
    try:
        held = stops.pulled(store, folder / "sent", 1, n)
    finally:
        over.set()
        for worker in workers:
            worker.join()
    return stops.judged(held, folder / "sent")


def test_no_send_begins_a_second_after_a_stop(
    store: SqlStore, store_url: str, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    seen = found(store, store_url, tmp_path, 8)
    assert (seen.late, seen.sends > 0) == (0, True)
    record_property(
        "count", f"stops: 8 among {seen.sends} sends, the latest {seen.latest:.2f} s after one"
    )


@pytest.mark.slow
def test_senders_that_do_not_ask_are_caught(
    store: SqlStore, store_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seams.STOPPED.plant(monkeypatch, lambda _view: "")
    assert found(store, store_url, tmp_path, 1).late > 0
