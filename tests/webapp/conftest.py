"""Real servers for the tests of the web process: one with workers that need no model, one as it ships."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import pytest
import socketio
from skimage import data as pictures

from tests.support.serving import FAKE, Server


@pytest.fixture(scope="module", params=["eventlet", "threading"])
def fake_server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The server over fake workers, in either async mode."""
    log = tmp_path_factory.mktemp("server") / "log"
    settings = {"EMOTION_ASYNC_MODE": request.param, "EMOTION_WORKERS": "2", "EMOTION_MAX_FRAME_KB": "64"}
    settings |= {
        "EMOTION_MAX_UPLOAD_MB": "1",
        "EMOTION_FRAMES_PER_SECOND": "1000",
        "EMOTION_API_PER_MINUTE": "100000",
        "EMOTION_FRAME_DEADLINE_MS": "10000",
    }
    with Server(FAKE, log, **settings) as server:
        server.wait_until_ready(workers=2)
        yield server


@pytest.fixture(scope="session")
def real_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The server as it ships, with one worker."""
    log = tmp_path_factory.mktemp("server") / "log"
    with Server(
        log=log, EMOTION_WORKERS="1", EMOTION_FRAME_DEADLINE_MS="10000", EMOTION_API_PER_MINUTE="100000"
    ) as server:
        server.wait_until_ready()
        yield server


@pytest.fixture
def connect() -> Iterator[Callable[[Server], socketio.Client]]:
    """Opens Socket.IO clients and closes them after the test."""
    clients: list[socketio.Client] = []

    def open_client(server: Server) -> socketio.Client:
        client = socketio.Client(reconnection=False)
        clients.append(client)
        client.connect(server.url, transports=["websocket"])
        return client

    yield open_client
    for client in clients:
        client.disconnect()


@pytest.fixture(scope="session")
def portrait() -> bytes:
    """A 512×512 JPEG with one face: scikit-image's astronaut."""
    picture = cv2.cvtColor(pictures.astronaut(), cv2.COLOR_RGB2BGR)
    return cv2.imencode(".jpg", picture)[1].tobytes()


@pytest.fixture(scope="session")
def bad_pictures(portrait: bytes, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Everything that is sent as a picture and is none, by name."""
    import numpy as np

    bomb: Path = tmp_path_factory.mktemp("bomb") / "bomb.png"
    cv2.imwrite(str(bomb), np.zeros((12000, 12000), np.uint8))
    return {
        "empty": b"",
        "garbage": b"\x00\x01garbage" * 100,
        "truncated": portrait[: len(portrait) // 8],
        "bomb": bomb.read_bytes(),
        "gif": base64.b64decode("R0lGODlhAQABAIAAAP///wAAACwAAAAAAQABAAACAkQBADs="),
        "pdf": b"%PDF-1.7\n" + b"0" * 200,
    }
