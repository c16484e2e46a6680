"""The live connection, as its client sees it (Socket.IO, namespace `/`, WebSocket only).

    connect     → `welcome` {page_version, model, limits}; or refused with {code, message, retry_after_s}
    `frame`     JPEG, PNG or WebP bytes, optionally an object → acknowledged with the result, or an error with its code
    `echo`      acknowledged at once with nothing: the page measures the round trip by it
    (connect with `auth` {"token": …} where the server asks for a token)
    `draining`  the server is about to stop: reconnect

The acknowledgement of a frame goes to its sender only. One frame of a client is analysed and one waits. A newer frame
replaces the waiting one, which is acknowledged with `busy`.

The object beside a frame may hold
    `lane`      "live" (the default) or "recording"
    `time_s`    media time of a recording's frame, in seconds
    `known`     {"image": {"width", "height"}, "faces": [{"id", "box", "time_s", "smoothed"}, …], "next_id"}: resets the
                tracker to these faces. `faces` may be empty; `time_s`, `smoothed` and `next_id` may be missing

A recording is a video whose frames the client decodes. Every frame is analysed in the order of its media time and
answered once; no frame replaces another. Ids, motion and smoothing follow media time. Live frames have priority, so an
answer may take long. At most `limits.max_recording_in_flight` frames may be unanswered; the next one is answered
`busy`.

    begin       send the first frame with `known` {"faces": []}, wait for its answer, then keep the window filled
    cut         the result of the first frame after a cut has `is_cut` true: its faces and all later ones have new ids
    resume      after a reconnection, to this server or another: send the last answered frame again, with `known`. It
                lists for each id since the last cut the last box, time and `smoothed`, `image` of the last result, and
                as `next_id` one more than the highest id so far. Wait for the answer and drop it, then send the
                unanswered frames. No frame is lost, and ids continue; without the repeated frame, a cut just before
                the first unanswered one is missed
    busy        send the frame again; for `not_ready`, do so after one second

`known` also works for live frames: a page that reconnects keeps its ids (`time_s` is ignored there).
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from typing import Any

import socketio
from flask_socketio import ConnectionRefusedError

from ml.inference.contract import EMOTIONS, AnalysisError, BadImage, Busy, InternalError, TooLarge
from ml.inference.log_lines import request_id
from webapp.access import Access
from webapp.connection import Connection
from webapp.frame_options import parse_frame_options
from webapp.metrics import Metrics
from webapp.open_sockets import hang_up
from webapp.pool.pool import AnalyzerPool
from webapp.settings import Settings

FULL_RETRY_S = 10
NO_RETRY_S = 3600
GOODBYE_S = 0.3
LAST_ANSWERS_S = 1.6
"""At a shutdown, the answers to pictures in work may take this long."""

log = logging.getLogger(__name__)


class Live(socketio.Namespace):
    """Live analysis. A plain Socket.IO namespace, because a Flask request context would double the cost of a frame."""

    def __init__(
        self, pool: AnalyzerPool, settings: Settings, metrics: Metrics, welcome: Mapping[str, Any], access: Access
    ) -> None:
        super().__init__("/")
        self._pool = pool
        self._settings = settings
        self._metrics = metrics
        self._welcome = welcome
        self._access = access
        self._connections: dict[str, Connection] = {}
        self._draining = False

    def on_connect(self, sid: str, environ: dict[str, Any], auth: object = None) -> None:
        if self._draining:
            self._refuse("draining", "The server is restarting. Try again in a moment.", 1)
        if not self._access.is_granted_to(environ, auth):
            self._refuse("unauthorized", "expected the server's token, received none or another", NO_RETRY_S)
        if len(self._connections) >= self._settings.max_clients:
            self._refuse("full", "The server is full: expected a free connection, received none.", FULL_RETRY_S)
        self._connections[sid] = Connection(sid, self._pool, self._settings, self._metrics)
        self._metrics.clients.set(len(self._connections))
        self.emit("welcome", {**self._welcome, "model": dict(self._pool.model)}, to=sid)

    def on_disconnect(self, sid: str, reason: str = "") -> None:
        connection = self._connections.pop(sid, None)
        if connection is not None:
            connection.close()
            self._metrics.clients.set(len(self._connections))

    def on_echo(self, sid: str, *arguments: object) -> None:
        """Nothing to do: the acknowledgement is the answer."""

    def on_frame(self, sid: str, *arguments: object) -> dict[str, Any]:
        request_id.set(sid)
        try:
            return self._analyse(sid, *arguments)
        except Busy as error:
            return error.to_dict() | {"retry_after_ms": self._pool.retry_after_ms}
        except AnalysisError as error:
            return error.to_dict()
        except Exception:
            log.exception("a frame could not be answered")
            return InternalError("The frame could not be answered because of a fault in the server.").to_dict()

    def _analyse(self, sid: str, *arguments: object) -> dict[str, Any]:
        connection = self._connections.get(sid)
        if connection is None:
            raise Busy("The connection is closing.")
        image = self._picture(arguments)
        options = parse_frame_options(arguments[1] if len(arguments) > 1 else None, self._labels)
        return connection.analyse(image, options).to_dict()

    @property
    def _labels(self) -> Sequence[str]:
        return self._pool.model.get("labels", EMOTIONS)

    def _picture(self, arguments: tuple[object, ...]) -> bytes:
        image = arguments[0] if arguments else None
        if not isinstance(image, bytes):
            raise BadImage(f"expected the picture's bytes as first argument, received {type(image).__name__}")
        if not image:
            raise BadImage("expected a picture, received no bytes")
        if len(image) > self._settings.max_frame_bytes:
            raise TooLarge(f"expected at most {self._settings.max_frame_bytes} bytes, received {len(image)}")
        return image

    def _refuse(self, code: str, message: str, retry_after_s: int) -> None:
        """Refuse the connection with a reason; a socket without a session is closed after `JOIN_S`."""
        self._metrics.refused.labels(code).inc()
        raise ConnectionRefusedError(message, {"code": code, "message": message, "retry_after_s": retry_after_s})

    def drain(self) -> None:
        """Tell all clients that the server stops, wait for answers in work, then end connections and workers."""
        self._draining = True
        self.emit("draining", {"message": "The server is restarting. Try again in a moment."})
        give_up_s = time.monotonic() + LAST_ANSWERS_S
        self.server.sleep(GOODBYE_S)
        while self._pool.unanswered and time.monotonic() < give_up_s:
            self.server.sleep(0.05)
        for environ in list(self.server.environ.values()):
            hang_up(environ)
        self._pool.stop()
