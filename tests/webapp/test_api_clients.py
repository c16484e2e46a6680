"""The programs of docs/clients.md, run unchanged, and its table of errors."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.serving import FAKE, Server
from webapp.errors import ERRORS

DOCS = Path(__file__).resolve().parent.parent.parent / "docs" / "clients.md"
TOKEN = "0123456789abcdef-for-this-test"


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", DOCS.read_text("utf-8"), re.DOTALL)


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The client as a file."""
    (program,) = blocks("python")
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
    alone = subprocess.run([sys.executable, str(client)], capture_output=True, text=True, timeout=60)
    assert alone.returncode == 1
    assert alone.stderr.startswith("expected a server and a picture, for instance: python client.py http")


def test_the_documented_lines_of_curl_and_javascript_run(real_server: Server, portrait: bytes, tmp_path: Path) -> None:
    (tmp_path / "photo.jpg").write_bytes(portrait)
    _, lines = blocks("sh")
    curl = lines.replace("http://localhost:5000", real_server.url)
    single, several = curl.strip().splitlines()
    answers = [
        json.loads(subprocess.run(["sh", "-c", line], capture_output=True, cwd=tmp_path, timeout=60).stdout)
        for line in (single, several)
    ]
    assert answers[0]["faces"][0]["dominant_emotion"] == "happy"
    assert [faces[0]["dominant_emotion"] for faces in answers[1]] == ["happy", "happy"]

    if node := shutil.which("node"):
        (tmp_path / "client.mjs").write_text(*blocks("js"))
        command = [node, "client.mjs", "photo.jpg", real_server.url]
        done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=60)
        assert " happy 0." in done.stdout, done.stderr


def test_the_documented_errors_are_those_of_the_server() -> None:
    documented = re.findall(r"^\| (\d{3}) \| `(\w+)` \|", DOCS.read_text("utf-8"), re.MULTILINE)
    assert [(code, int(status)) for status, code in documented] == list(ERRORS)


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
