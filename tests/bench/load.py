"""A light load generator: many cameras over raw WebSockets in one thread.

Open loop: each camera sends a frame every 1/rate seconds whether or not the last was answered, and never adapts, as
the worst page would.
"""

from __future__ import annotations

import heapq
import json
import random
import selectors
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from tests.support.rawsocket import BINARY, CLOSE, TEXT, RawSocket, masked, take_frames


@dataclass
class Outcome:
    """What happened to the frames of one run. Latencies are seconds from send to acknowledgement, with their time."""

    seconds: float
    sent: int = 0
    unsent: int = 0
    answered: list[tuple[float, float]] = field(default_factory=list)
    refused: Counter[str] = field(default_factory=Counter)
    lost_connections: int = 0
    cpu_s: float = 0.0

    def latencies_ms(self) -> np.ndarray:
        return np.array([latency for _, latency in self.answered]) * 1000

    def percentiles_ms(self) -> dict[str, float]:
        latencies = self.latencies_ms()
        if not len(latencies):
            return {}
        return {f"p{share}": round(float(np.percentile(latencies, share)), 1) for share in (50, 95, 99)}

    def p99_by_part_ms(self, parts: int = 5) -> list[float]:
        """The 99th percentile in each part of the run's time: rising numbers are a lag that grows."""
        times, latencies = np.array([moment for moment, _ in self.answered]), self.latencies_ms()
        if not len(times):
            return []
        part = np.minimum((times - times.min()) / (np.ptp(times) + 1e-9) * parts, parts - 1).astype(int)
        return [round(float(np.percentile(latencies[part == index], 99)), 1) for index in np.unique(part)]


def clip_frames(clip: Path, quality: int = 80, limit: int = 200) -> list[bytes]:
    """The frames of a recording as 640×480 JPEGs, as a page would send them."""
    import cv2

    capture = cv2.VideoCapture(str(clip))
    frames: list[bytes] = []
    while len(frames) < limit:
        is_read, frame = capture.read()
        if not is_read:
            break
        frame = cv2.resize(frame, (640, 480), interpolation=cv2.INTER_AREA)
        frames.append(cv2.imencode(".jpg", frame, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes())
    if not frames:
        raise ValueError(f"expected a readable video, received {clip}")
    return frames


class Camera(RawSocket):
    """One connection that sends pictures and notes when each is answered.

    Args:
        frames: WebSocket frames ready to send, one picture each.
        offset: which comes first.
    """

    def __init__(self, port: int, frames: Sequence[bytes], offset: int) -> None:
        super().__init__(port)
        self.socket.setblocking(False)
        self._pictures = frames
        self._position = offset
        self._next_id = 0
        self._unsent = b""
        self.waiting: dict[int, float] = {}

    def send_frame(self, now_s: float) -> bool:
        """Send the next picture; False when the last one is not even out of the door."""
        if self._unsent:
            self._flush()
            if self._unsent:
                return False
        event = f'451-{self._next_id}["frame",{{"_placeholder":true,"num":0}}]'.encode()
        data = masked(TEXT, event) + self._pictures[self._position % len(self._pictures)]
        self.waiting[self._next_id] = now_s
        self._next_id += 1
        self._position += 1
        self._unsent = data
        self._flush()
        return True

    def _flush(self) -> None:
        try:
            sent = self.socket.send(self._unsent)
        except BlockingIOError:
            return
        self._unsent = self._unsent[sent:]

    def receive(self, now_s: float, outcome: Outcome) -> bool:
        """Read what has come; False when the server closed."""
        try:
            data = self.socket.recv(1 << 16)
        except BlockingIOError:
            return True
        except ConnectionError:
            return False
        if not data:
            return False
        self.inbox += data
        for opcode, message in take_frames(self.inbox):
            if opcode == CLOSE:
                return False
            if opcode == TEXT and message == b"2":
                self.socket.send(masked(TEXT, b"3"))
            elif opcode == TEXT and message.startswith(b"43"):
                number, _, answer = message[2:].partition(b"[")
                sent_s = self.waiting.pop(int(number))
                if answer.startswith(b'{"ok":true'):
                    outcome.answered.append((now_s, now_s - sent_s))
                else:
                    outcome.refused[json.loads(b"[" + answer)[0]["code"]] += 1
        return True


def run_load(
    port: int, clients: int, rate: float, seconds: float, frames: Sequence[bytes], warm_up_s: float = 2.0
) -> Outcome:
    """Let `clients` cameras send `rate` frames a second each; the warm-up is not counted."""
    chance = random.Random(1)
    ready = [masked(BINARY, frame) for frame in frames]
    cameras = [Camera(port, ready, chance.randrange(len(frames))) for _ in range(clients)]
    selector = selectors.DefaultSelector()
    for camera in cameras:
        selector.register(camera.socket, selectors.EVENT_READ, camera)
    begin_s = time.perf_counter()
    due = [(begin_s + chance.random() / rate, index) for index in range(clients)]
    heapq.heapify(due)
    outcome, counts_from_s, end_s = Outcome(seconds), begin_s + warm_up_s, begin_s + warm_up_s + seconds
    is_warm, cpu_s = False, 0.0
    gone: set[int] = set()
    while (now_s := time.perf_counter()) < end_s:
        if not is_warm and now_s >= counts_from_s:
            is_warm, outcome, cpu_s = True, Outcome(seconds), time.process_time()
        while due and due[0][0] <= now_s:
            moment, index = heapq.heappop(due)
            if index in gone:
                continue
            if cameras[index].send_frame(time.perf_counter()):
                outcome.sent += 1
            else:
                outcome.unsent += 1
            heapq.heappush(due, (moment + 1 / rate, index))
        timeout_s = max(0.0, min(due[0][0] if due else end_s, end_s) - time.perf_counter())
        for key, _ in selector.select(timeout_s):
            if not key.data.receive(time.perf_counter(), outcome):
                selector.unregister(key.fileobj)
                outcome.lost_connections += 1
                gone.add(cameras.index(key.data))
    outcome.cpu_s = time.process_time() - cpu_s
    for camera in cameras:
        camera.socket.close()
    return outcome
