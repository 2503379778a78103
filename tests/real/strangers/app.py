"""A FastAPI service as its tutorial has it, measured by the usual instrumentator, and breakable.

BACKEND is an address that /orders posts to; it answers 502 when that does not answer within a
second. POST /break makes /checkout fail at once and for ever. Each /orders holds one of POOL
connections for WORK seconds and, with LEAK, keeps so many KiB.
"""

import os
import threading
import time
import urllib.request
from collections.abc import Mapping

from fastapi import FastAPI, HTTPException
from prometheus_fastapi_instrumentator import (  # type: ignore[import-not-found] # there it is
    Instrumentator,
)

BACKEND = os.environ.get("BACKEND", "")
LEAK = int(os.environ.get("LEAK", "0"))
WORK = float(os.environ.get("WORK", "0"))
CLIENT_TIMEOUT = 1.0

app = FastAPI()
Instrumentator().instrument(app).expose(app)
broken = threading.Event()
kept: list[bytes] = []
pool = threading.Semaphore(int(os.environ.get("POOL", "40")))


def orders() -> Mapping[str, int]:
    if LEAK:
        kept.append(b"x" * (LEAK * 1024))
    with pool:
        time.sleep(WORK)
        ask()
    return {"orders": 3}


def ask() -> None:
    if BACKEND:
        try:
            urllib.request.urlopen(BACKEND, b"order", CLIENT_TIMEOUT).close()
        except OSError as error:
            raise HTTPException(502, f"the backend does not answer: {error}") from error


def checkout() -> Mapping[str, bool]:
    if broken.is_set():
        raise RuntimeError("no tax rate for this country")
    return {"paid": True}


def break_it() -> None:
    broken.set()


app.get("/orders")(orders)
app.get("/checkout")(checkout)
app.post("/break")(break_it)
