"""A server in either transport over workers that need no model, for attacks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.support.serving import FAKE, Server

Start = Callable[..., Server]


@pytest.fixture(params=["eventlet", "threading"])
def mode(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def start(mode: str, tmp_path: Path) -> Iterator[Start]:
    """Starts a server with the given settings and waits for its workers."""
    with ExitStack() as stack:

        def start_server(app: str = FAKE, workers: int = 1, **settings: str) -> Server:
            settings = {"EMOTION_ASYNC_MODE": mode, "EMOTION_WORKERS": str(workers)} | settings
            server = stack.enter_context(Server(app, tmp_path / "log", **settings))
            server.wait_until_ready(workers=workers)
            return server

        yield start_server
