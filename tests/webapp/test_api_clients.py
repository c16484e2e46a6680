"""The Python client of docs/clients.md, run unchanged."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.serving import FAKE, Server

ROOT = Path(__file__).resolve().parent.parent.parent
TOKEN = "0123456789abcdef-for-this-test"


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The client as a file."""
    (program,) = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "clients.md").read_text("utf-8"), re.DOTALL)
    assert len([line for line in program.splitlines() if line.strip()]) <= 30
    path = tmp_path_factory.mktemp("client") / "client.py"
    path.write_text(program)
    return path


def run(client: Path, server: Server, picture: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(client), server.url, str(picture)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, env=environment)


def test_the_documented_client_works(client: Path, real_server: Server, portrait: bytes, tmp_path: Path) -> None:
    picture = tmp_path / "photo.jpg"
    picture.write_bytes(portrait)
    done = run(client, real_server, picture)
    assert done.returncode == 0, done.stderr
    over_http, over_socket = done.stdout.splitlines()
    assert re.fullmatch(r"\[\d+, \d+, \d+, \d+\] happy \d+%", over_http)
    assert over_socket == "[(1, 'happy')]"
    picture.write_bytes(b"none")
    done = run(client, real_server, picture)
    assert done.returncode == 1
    assert done.stderr.startswith("not_an_image: expected a JPEG, PNG or WebP")


def test_the_documented_client_shows_its_token(client: Path, tmp_path: Path) -> None:
    picture = tmp_path / "photo.jpg"
    picture.write_text('{"faces": [[1, 2, 30, 40]]}')
    log = tmp_path / "log"
    with Server(FAKE, log, EMOTION_WORKERS="1", EMOTION_TOKEN=TOKEN, EMOTION_LOG_LEVEL="debug") as server:
        server.wait_until_ready()
        for wrong in ("", "another"):
            refused = run(client, server, picture, TOKEN=wrong)
            assert refused.returncode == 1
            assert refused.stderr.startswith("unauthorized: expected the server's token")
        assert run(client, server, picture, TOKEN=TOKEN).stdout.splitlines()[1] == "[(1, 'happy')]"
        assert TOKEN not in log.read_text()
