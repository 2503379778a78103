"""proxy.py PORT=HOST:PORT...: forward TCP, each piece later by what the file /delays/PORT says.

The file holds seconds, is read for each piece, and may be missing.
"""

import asyncio
import sys
from functools import partial
from pathlib import Path


def delay(port: int) -> float:
    try:
        return float(Path(f"/delays/{port}").read_text() or 0)
    except OSError:
        return 0.0


async def pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter, port: int) -> None:
    """Forward what comes until the source ends."""
    while piece := await source.read(65536):
        await asyncio.sleep(delay(port))
        sink.write(piece)
        await sink.drain()


async def join(
    port: int, host: str, to: int, source: asyncio.StreamReader, back: asyncio.StreamWriter
) -> None:
    """Connect one that came; who cannot be reached, or ends, ends both sides."""
    try:
        async with asyncio.timeout(5):
            answers, sink = await asyncio.open_connection(host, to)
    except OSError:
        back.close()
        return
    ways = [asyncio.create_task(pump(source, sink, port))]
    ways += [asyncio.create_task(pump(answers, back, 0))]
    await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
    for way in ways:
        way.cancel()
    await asyncio.gather(*ways, return_exceptions=True)
    sink.close()
    back.close()


async def main(links: list[str]) -> None:
    for one in links:
        port, _, place = one.partition("=")
        host, _, to = place.partition(":")
        await asyncio.start_server(partial(join, int(port), host, int(to)), "", int(port))
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
