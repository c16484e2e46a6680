"""The order of waiting pictures. Plain data without threads and clock; the pool uses it under its lock.

Live lane: each client has at most one picture waiting and one in work. A newer frame replaces the waiting one, and
clients take turns. Photo lane: first come, first served, bounded. Live frames and photos share the workers in
proportion to the time that they use. Recording lane: every frame is analysed, a client's frames one at a time in the
order of their media time, and only while no live frame waits.
"""

from __future__ import annotations

import itertools
from bisect import insort
from collections import OrderedDict, deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field

from ml.inference.contract import Analysis, Request

LIVE, PHOTO, RECORDING = "live", "photo", "recording"

_ids = itertools.count(1)


def unchanged_request(request: Request, hurried: bool) -> Request:
    return request


def unchanged_analysis(analysis: Analysis) -> Analysis:
    return analysis


@dataclass(eq=False, slots=True)
class Job:
    """One picture on its way to a worker. Times are of `time.monotonic`.

    Attributes:
        client: the sender; only one of a client's live frames is in work at a time.
        prepare: creates the request, just before the worker gets it; its argument tells whether other pictures wait.
        complete: creates the answer from the worker's analysis, before the client's next picture is prepared.
        order: position among the client's frames of a recording: the media time in seconds.
        outcome: the result or error, for which the sender waits.
    """

    lane: str
    client: str
    request: Request
    created_s: float
    expires_s: float
    prepare: Callable[[Request, bool], Request] = unchanged_request
    complete: Callable[[Analysis], Analysis] = unchanged_analysis
    order: float = 0.0
    is_second_try: bool = False
    id: int = field(default_factory=lambda: next(_ids))
    outcome: Future[Analysis] = field(default_factory=Future)


class Schedule:
    """The waiting pictures.

    A job that will never be read is kept with its reason (`superseded`, `expired`, `queue_full`, `disconnected`, or
    what `clear` was given) until `take_dropped` fetches it.

    Args:
        photo_queue: how many photos may wait.
    """

    def __init__(self, photo_queue: int) -> None:
        self._photo_queue = photo_queue
        self._live: OrderedDict[str, Job] = OrderedDict()
        self._photos: deque[Job] = deque()
        self._recordings: OrderedDict[str, list[Job]] = OrderedDict()
        self._is_recordings_turn = False
        self._running: set[tuple[str, str]] = set()
        self._used_s = {LIVE: 0.0, PHOTO: 0.0}
        self._dropped: list[tuple[Job, str]] = []

    def __len__(self) -> int:
        return len(self._live) + len(self._photos) + sum(map(len, self._recordings.values()))

    @property
    def urgent(self) -> int:
        """Number of waiting live frames and photos. Recordings, which have no deadline, are not counted."""
        return len(self._live) + len(self._photos)

    def put(self, job: Job) -> None:
        """Add a job. A live job replaces the same client's older one and takes over its turn."""
        if job.lane == RECORDING:
            insort(self._recordings.setdefault(job.client, []), job, key=lambda waiting: waiting.order)
            return
        if job.lane == PHOTO:
            if len(self._photos) >= self._photo_queue:
                self._dropped.append((job, "queue_full"))
            else:
                self._photos.append(job)
            return
        older = self._live.get(job.client)
        self._live[job.client] = job
        if older is not None:
            self._dropped.append((older, "superseded"))

    def put_back(self, job: Job) -> None:
        """Put a job of a lost worker back, before all others. A live job is dropped if its client has a newer one."""
        if job.lane == RECORDING:
            self._recordings.setdefault(job.client, []).insert(0, job)
            self._recordings.move_to_end(job.client, last=False)
            return
        if job.lane == PHOTO:
            self._photos.appendleft(job)
        elif job.client in self._live:
            self._dropped.append((job, "superseded"))
        else:
            self._live[job.client] = job
            self._live.move_to_end(job.client, last=False)

    def take(self, now_s: float, photos: bool, recordings: bool) -> Job | None:
        """Remove and return the next job, or None.

        Args:
            photos, recordings: whether it may be one of these.
        """
        self._drop_expired(now_s)
        client = next((client for client in self._live if (LIVE, client) not in self._running), None)
        photo = bool(self._photos) and photos
        if client is None:  # an idle lane earns no credit
            self._used_s[LIVE] = max(self._used_s.values())
        elif not self._photos:
            self._used_s[PHOTO] = max(self._used_s.values())
        if client is not None and not (photo and self._used_s[PHOTO] < self._used_s[LIVE]):
            self._running.add((LIVE, client))
            return self._live.pop(client)
        if client is None and recordings and (self._is_recordings_turn or not photo):
            job = self._take_recording()
            if job is not None:
                self._is_recordings_turn = False
                return job
        if not photo:
            return None
        self._is_recordings_turn = True
        return self._photos.popleft()

    def _take_recording(self) -> Job | None:
        client = next((client for client in self._recordings if (RECORDING, client) not in self._running), None)
        if client is None:
            return None
        waiting = self._recordings[client]
        job = waiting.pop(0)
        if waiting:
            self._recordings.move_to_end(client)
        else:
            del self._recordings[client]
        self._running.add((RECORDING, client))
        return job

    def finished(self, job: Job, used_s: float = 0.0) -> None:
        """Record that a job has ended and kept a worker busy for `used_s`."""
        if job.lane in self._used_s:
            self._used_s[job.lane] += used_s
        self._running.discard((job.lane, job.client))

    def forget(self, client: str) -> None:
        """Drop the waiting jobs of a client that has disconnected."""
        job = self._live.pop(client, None)
        waiting = ([job] if job is not None else []) + self._recordings.pop(client, [])
        self._dropped += [(job, "disconnected") for job in waiting]

    def clear(self, reason: str) -> None:
        """Drop everything that waits."""
        recorded = itertools.chain.from_iterable(self._recordings.values())
        self._dropped += [(job, reason) for job in (*self._live.values(), *self._photos, *recorded)]
        self._live.clear()
        self._photos.clear()
        self._recordings.clear()

    def take_dropped(self) -> list[tuple[Job, str]]:
        """Remove and return the jobs that were dropped since the last call, each with its reason."""
        dropped, self._dropped = self._dropped, []
        return dropped

    def _drop_expired(self, now_s: float) -> None:
        for job in [job for job in self._live.values() if job.expires_s <= now_s]:
            del self._live[job.client]
            self._dropped.append((job, "expired"))
        while self._photos and self._photos[0].expires_s <= now_s:
            self._dropped.append((self._photos.popleft(), "expired"))
