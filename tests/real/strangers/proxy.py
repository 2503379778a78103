"""proxy.py PORT=HOST:PORT...: forward TCP, each piece later by what the file /delays/PORT says.

The file holds seconds, is read for each piece, and may be missing.
"""

import contextlib
import socket
import sys
import threading
import time
from pathlib import Path


def delay(port: int) -> float:
    try:
        return float(Path(f"/delays/{port}").read_text() or 0)
    except OSError:
        return 0.0


def pump(source: socket.socket, sink: socket.socket, port: int) -> None:
    """Forward what comes until either end closes."""
    try:
        while piece := source.recv(65536):
            time.sleep(delay(port))
            sink.sendall(piece)
    except OSError:
        pass
    finally:
        for end in (source, sink):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


def serve(port: int, host: str, to: int) -> None:
    """Accept for ever; who cannot be reached is closed at once."""
    with socket.create_server(("", port), backlog=64) as server:
        while True:
            taken, _ = server.accept()
            threading.Thread(target=join, args=(taken, port, host, to), daemon=True).start()


def join(taken: socket.socket, port: int, host: str, to: int) -> None:
    with taken:
        try:
            reached = socket.create_connection((host, to), timeout=5)
        except OSError:
            return
        with reached:
            reached.settimeout(None)
            back = threading.Thread(target=pump, args=(reached, taken, 0), daemon=True)
            back.start()
            pump(taken, reached, port)
            back.join()


if __name__ == "__main__":
    threading.stack_size(256 * 1024)
    for one in sys.argv[1:]:
        port, _, place = one.partition("=")
        host, _, to = place.partition(":")
        threading.Thread(target=serve, args=(int(port), host, int(to))).start()
