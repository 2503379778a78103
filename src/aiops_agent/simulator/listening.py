"""Serves HTTP in a thread of its own until a stack closes."""

import threading
from contextlib import ExitStack
from http.server import ThreadingHTTPServer


def listen(server: ThreadingHTTPServer, until: ExitStack, poll: float) -> int:
    """Serve until the stack closes, which is looked for every `poll` seconds; return the port."""
    thread = threading.Thread(target=server.serve_forever, args=(poll,), daemon=True)
    thread.start()
    until.callback(thread.join)
    until.callback(server.server_close)
    until.callback(server.shutdown)
    return int(server.server_address[1])
