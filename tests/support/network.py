"""A network between a client and a server on one machine: delay, a bottleneck, stalls, and lost connections.

One `Network` is one shared line: every connection through it waits in the same uplink queue, as two people behind one
router do. The model is a fluid bottleneck: a chunk leaves when the chunks before it have left and its own bits have
been sent, and arrives half a round trip later. The queue before the bottleneck is bounded; a sender that fills it is
held back by TCP, as by a real router with a bounded buffer.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
import time
from collections.abc import Coroutine
from types import TracebackType
from typing import Any

CHUNK_BYTES = 1460
"""What one Ethernet packet carries; several connections take turns by it."""
QUEUE_BYTES = 64 * 1024
"""Bytes that wait before the bottleneck at most, all connections together."""
SOCKET_BUFFER_BYTES = 8 * 1024
"""Receive buffer of an accepted socket: what it holds has not met the bottleneck yet, so it is kept small."""


class _Line:
    """One direction: a bottleneck and a delay, shared by every connection."""

    def __init__(self, kbit_s: float | None, delay_s: float) -> None:
        self.bytes_per_s = kbit_s * 125 if kbit_s else None
        self.delay_s = delay_s
        self.stalled_until_s = 0.0
        self.carried_bytes = 0
        self.waits_s: list[float] = []
        self.flowing = asyncio.Event()
        self.flowing.set()
        self._free_s = 0.0

    def reserve(self, size: int) -> float:
        """Put `size` bytes at the end of the queue; return the time at which they have left the bottleneck."""
        now_s = time.monotonic()
        begin_s = max(now_s, self._free_s, self.stalled_until_s)
        self.waits_s.append(begin_s - now_s)
        self._free_s = begin_s + (size / self.bytes_per_s if self.bytes_per_s else 0.0)
        self.carried_bytes += size
        return self._free_s

    @property
    def room_s(self) -> float:
        """How long the bottleneck takes to empty a full queue."""
        return QUEUE_BYTES / self.bytes_per_s if self.bytes_per_s else 1.0


class Network:
    """A proxy on the loopback that behaves like a network; a context manager.

    Args:
        target_port: where the server listens on 127.0.0.1.
        rtt_ms: round-trip time, half of it in each direction.
        uplink_kbit_s: capacity from client to server; None is unlimited.
        downlink_kbit_s: capacity from server to client; None is unlimited.
    """

    def __init__(
        self,
        target_port: int,
        rtt_ms: float = 0.0,
        uplink_kbit_s: float | None = None,
        downlink_kbit_s: float | None = None,
    ) -> None:
        self._target_port = target_port
        self._up = _Line(uplink_kbit_s, rtt_ms / 2000)
        self._down = _Line(downlink_kbit_s, rtt_ms / 2000)
        self._connections: set[asyncio.Task[None]] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="network", daemon=True)
        self._server: asyncio.Server | None = None
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def uplink_bytes(self) -> int:
        """Bytes that clients have sent through the bottleneck so far."""
        return self._up.carried_bytes

    @property
    def uplink_waits_ms(self) -> list[float]:
        """How long each packet so far has waited in the uplink's queue, behind its own picture's packets too."""
        return [1000 * wait_s for wait_s in self._up.waits_s]

    def __enter__(self) -> Network:
        self._thread.start()
        self._call(self._listen())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._call(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()

    def stall(self, seconds: float) -> None:
        """Nothing arrives for a while, then everything that waited does: a lost packet, a lost Wi-Fi signal."""
        until_s = time.monotonic() + seconds
        self._loop.call_soon_threadsafe(self._stall, until_s)

    def freeze(self) -> None:
        """Nothing arrives until `thaw`: a stall whose end the caller decides."""
        for line in (self._up, self._down):
            self._loop.call_soon_threadsafe(line.flowing.clear)

    def thaw(self) -> None:
        """End a `freeze`: everything that waited arrives."""
        for line in (self._up, self._down):
            self._loop.call_soon_threadsafe(line.flowing.set)

    def drop_connections(self) -> None:
        """Break every open connection, as a change of address does. New ones are accepted."""
        self._call(self._drop())

    def set(self, *, rtt_ms: float | None = None, uplink_kbit_s: float | None = None) -> None:
        """Change the network from now on."""
        if rtt_ms is not None:
            self._up.delay_s = self._down.delay_s = rtt_ms / 2000
        if uplink_kbit_s is not None:
            self._up.bytes_per_s = uplink_kbit_s * 125

    def _stall(self, until_s: float) -> None:
        for line in (self._up, self._down):
            line.stalled_until_s = max(line.stalled_until_s, until_s)

    def _call(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    async def _listen(self) -> None:
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SOCKET_BUFFER_BYTES)  # inherited by what it accepts
        listener.bind(("127.0.0.1", 0))
        self.port = listener.getsockname()[1]
        self._server = await asyncio.start_server(self._accept, sock=listener, limit=CHUNK_BYTES)

    async def _drop(self) -> None:
        tasks = list(self._connections)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _close(self) -> None:
        assert self._server is not None
        self._server.close()
        await self._drop()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        writers = [writer]
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._target_port, limit=CHUNK_BYTES)
            writers.append(far_writer)
            async with asyncio.TaskGroup() as group:
                group.create_task(self._carry(self._up, reader, far_writer))
                group.create_task(self._carry(self._down, far_reader, writer))
        except (OSError, ExceptionGroup, asyncio.CancelledError):
            for one in writers:
                one.transport.abort()
        finally:
            self._connections.discard(task)
            for one in writers:
                with contextlib.suppress(OSError):
                    one.close()

    async def _carry(self, line: _Line, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Move bytes along one direction: read while the queue has room, deliver when they would have arrived."""
        on_the_way: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()

        async def deliver() -> None:
            while True:
                arrives_s, data = await on_the_way.get()
                while (wait_s := max(arrives_s, line.stalled_until_s) - time.monotonic()) > 0:
                    await asyncio.sleep(wait_s)
                await line.flowing.wait()
                if not data:
                    with contextlib.suppress(OSError):
                        writer.write_eof()
                    return
                writer.write(data)
                await writer.drain()

        async with asyncio.TaskGroup() as group:
            group.create_task(deliver())
            while True:
                data = await reader.read(CHUNK_BYTES)
                leaves_s = line.reserve(len(data))
                on_the_way.put_nowait((leaves_s + line.delay_s, data))
                if not data:
                    break
                if (ahead_s := leaves_s - time.monotonic() - line.room_s) > 0:
                    await asyncio.sleep(ahead_s)
