"""Real nginx, with the shipped configuration, in front of two real web processes."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import pytest
import requests
import socketio
from skimage import data as pictures

from tests.support.proxy import certificate, nginx, nginx_configuration, running, wait_for
from tests.support.serving import Server, free_port

ROOT = Path(__file__).resolve().parent.parent
SHAPE = {"ok", "code", "message"}


@dataclass(frozen=True)
class Site:
    """Addresses of a running nginx and of the web processes behind it; `ca` is the file to check its certificate by."""

    http: str
    https: str
    ca: str
    web: list[Server]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    program = nginx()
    folder = tmp_path_factory.mktemp("nginx")
    http, https = free_port(), free_port()
    ca = str(folder / "fullchain.pem")
    certificate(folder)
    settings = {"EMOTION_PROXIES": "1", "EMOTION_WORKERS": "1"}
    with contextlib.ExitStack() as stack:
        web = [stack.enter_context(Server(log=folder / f"web-{number}.log", **settings)) for number in (1, 2)]
        configuration = nginx_configuration(folder, http, https, [server.port for server in web])
        stack.enter_context(running([program, "-c", str(configuration)], folder / "nginx.log"))
        for server in web:
            server.wait_until_ready()
        wait_for(f"https://127.0.0.1:{https}/readyz", ca)
        yield Site(f"http://127.0.0.1:{http}", f"https://127.0.0.1:{https}", ca, web)


@pytest.fixture(scope="module")
def portrait() -> bytes:
    """A JPEG with one face, larger than nginx keeps in memory by itself."""
    encoded = cv2.imencode(".jpg", cv2.resize(pictures.astronaut()[..., ::-1], (640, 640)))[1].tobytes()
    assert len(encoded) > 16 * 1024
    return encoded


def test_plain_http_leads_to_https(site: Site) -> None:
    answer = requests.get(f"{site.http}/photo?x=1", allow_redirects=False, timeout=5)
    assert answer.status_code == 301
    assert answer.headers["Location"] == "https://127.0.0.1/photo?x=1"


def test_no_redirect_leads_to_another_name(site: Site) -> None:
    answer = requests.get(site.http, headers={"Host": "evil.example"}, allow_redirects=False, timeout=5)
    assert answer.status_code == 421
    assert "Location" not in answer.headers


def test_pages_arrive_over_tls(site: Site) -> None:
    answer = requests.get(site.https, timeout=5, verify=site.ca)
    assert answer.status_code == 200
    assert answer.headers["Strict-Transport-Security"].startswith("max-age=")
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


def test_scripts_are_compressed(site: Site) -> None:
    page = requests.get(site.https, timeout=5, verify=site.ca).text
    script = re.findall(r'src="(/static/[^"]+\.js)"', page)[0]
    answer = requests.get(site.https + script, timeout=5, verify=site.ca)
    assert answer.status_code == 200
    assert answer.headers["Content-Encoding"] == "gzip"


def test_metrics_stay_inside(site: Site) -> None:
    assert requests.get(f"{site.https}/metrics", timeout=5, verify=site.ca).status_code == 404
    assert requests.get(f"{site.web[0].url}/metrics", timeout=5).status_code == 200


def test_a_photo_is_analysed(site: Site, portrait: bytes) -> None:
    answer = requests.post(f"{site.https}/api/analyze", files={"image": portrait}, timeout=20, verify=site.ca).json()
    assert answer["ok"] is True
    assert len(answer["faces"]) == 1


def test_what_nginx_refuses_has_the_error_shape(site: Site) -> None:
    answer = requests.post(f"{site.https}/api/analyze", data=b"\xff\xd8\xff" * 6_000_000, timeout=20, verify=site.ca)
    assert answer.status_code == 413
    assert answer.json().keys() == SHAPE
    assert answer.json()["code"] == "too_large"


def test_every_socket_is_answered_whichever_process_it_meets(site: Site, portrait: bytes) -> None:
    """Eight viewers over two processes, without sticky sessions; each gets an answer to each of its frames."""
    with contextlib.ExitStack() as stack:
        clients = [socketio.Client(ssl_verify=False) for _ in range(8)]
        for client in clients:
            client.connect(site.https, transports=["websocket"], wait_timeout=10)
            stack.callback(client.disconnect)
        answers = [client.call("frame", portrait, timeout=20) for _ in range(2) for client in clients]
        shared = [server.metrics()["emotion_clients"] for server in site.web]
    assert [answer["ok"] for answer in answers] == [True] * 16
    assert [len(answer["faces"]) for answer in answers] == [1] * 16
    assert shared == [4, 4]


def test_a_flood_of_photos_is_slowed_with_the_error_shape(site: Site) -> None:
    with requests.Session() as session:
        url = f"{site.https}/api/analyze"
        answers = [session.post(url, data=b"no picture", timeout=20, verify=site.ca) for _ in range(30)]
    refused = [answer for answer in answers if answer.status_code == 429]
    assert refused
    assert all(answer.json().keys() == SHAPE and answer.json()["code"] == "busy" for answer in refused)


def test_the_files_of_the_image_are_enough_to_serve(tmp_path: Path) -> None:
    """The files that the Dockerfile copies, and no others, are a healthy server by the image's own check."""
    dockerfile = (ROOT / "deploy" / "Dockerfile").read_text("utf-8")
    admitted = (ROOT / "deploy" / "Dockerfile.dockerignore").read_text("utf-8").splitlines()
    for line in re.findall(r"^COPY (.+)$", dockerfile, re.MULTILINE):
        *sources, _ = line.split()
        for source in sources:
            assert f"!{source.partition('/')[0]}" in admitted, f"expected {source} among what travels to the builder"
            if (ROOT / source).is_dir():
                shutil.copytree(
                    ROOT / source, tmp_path / source, ignore=shutil.ignore_patterns("*.h5"), dirs_exist_ok=True
                )
            else:
                (tmp_path / source).parent.mkdir(exist_ok=True)
                shutil.copy(ROOT / source, tmp_path / source)
    port = str(free_port())
    settings = {name: value for name, value in os.environ.items() if not name.startswith(("EMOTION_", "PYTHONPATH"))}
    settings |= dict(re.findall(r"(EMOTION_\w+|PYTHON\w+)=(\S+)", dockerfile)) | {"PORT": port, "EMOTION_WORKERS": "1"}
    check = [sys.executable, *json.loads(re.findall(r"CMD (\[\"python\".+\])", dockerfile)[0])[1:]]
    command = [sys.executable, "-m", *json.loads(re.findall(r"^CMD (\[.+\])", dockerfile, re.MULTILINE)[0])]
    with running(command, tmp_path / "log", cwd=tmp_path, env=settings):
        deadline = time.monotonic() + 60
        while subprocess.run(check, env=settings, capture_output=True).returncode != 0:
            assert time.monotonic() < deadline, (tmp_path / "log").read_text()
            time.sleep(0.2)
        assert requests.get(f"http://127.0.0.1:{port}/photo", timeout=5).status_code == 200
