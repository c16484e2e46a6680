"""Processes that are killed, stopped or out of descriptors: nothing is left behind, and the service comes back."""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest
import requests

from tests.faults.conftest import Start
from tests.support.fake_worker import script
from tests.support.rawsocket import RawSocket
from tests.support.serving import FAKE, ROOT, Server, free_port
from tests.support.waiting import wait_until
from webapp.events import LAST_ANSWERS_S
from webapp.pool.supervisor import STOPPED_FOR_S, WATCH_EVERY_S

LONG_PICTURE = script(sleep_ms=20_000)


def family_of(server: Server) -> list[psutil.Process]:
    return [psutil.Process(server.process.pid), *server.descendants()]


def ended(process: psutil.Process) -> bool:
    """Whether nothing of the process runs; where nobody collects orphans, a dead one stays as a zombie."""
    try:
        return process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def begin_long_picture(server: Server) -> RawSocket:
    raw = RawSocket(server.port)
    raw.send_picture(0, LONG_PICTURE)
    wait_until(lambda: any(worker.cpu_percent() >= 0 for worker in server.workers()))
    time.sleep(0.2)  # so that a worker has it
    return raw


@pytest.mark.parametrize("victim", ["master", "web"])
def test_nothing_outlives_its_killed_parent(start: Start, victim: str) -> None:
    """Not even a worker that is busy with a long picture and would look at its socket much later."""
    server = start(workers=2, EMOTION_FRAME_DEADLINE_MS="60000")
    viewer = begin_long_picture(server)
    family = family_of(server)
    web = server.web()
    orphans = family if victim == "master" else [web, *web.children(recursive=True)]
    (family[0] if victim == "master" else web).kill()
    server.process.poll()
    wait_until(lambda: server.process.poll() is not None or victim == "web")
    wait_until(lambda: all(map(ended, orphans)), seconds=6)  # about 2 s on an idle machine
    viewer.close()
    if victim == "web":
        server.wait_until_ready(workers=2)
    else:
        with socket.create_server(("127.0.0.1", server.port)):
            pass  # the port is free again


def test_the_server_of_a_soak_ends_when_the_soak_is_killed() -> None:
    """It is in another process group than the soak, so no signal to the group reaches it."""
    code = f"""
import time
from tests.soak.__main__ import UnpausedServer
with UnpausedServer({FAKE!r}, EMOTION_WORKERS="1") as server:
    server.wait_until_ready()
    print("ready", flush=True)
    time.sleep(60)
"""
    with subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE) as soak:
        assert soak.stdout
        assert b"ready\n" in iter(soak.stdout.readline, b"")
        family = psutil.Process(soak.pid).children(recursive=True)
        soak.kill()
        assert len(family) == 3, "gunicorn's two processes and a worker"
        wait_until(lambda: all(map(ended, family)), seconds=60)


@pytest.mark.parametrize("stopped", [1, 2])
def test_stopped_workers_are_replaced_and_the_server_says_so_meanwhile(start: Start, stopped: int) -> None:
    server = start(workers=2)
    victims = server.workers()[:stopped]
    began_s = time.monotonic()
    for victim in victims:
        victim.suspend()
    if stopped == 2:
        wait_until(lambda: requests.get(f"{server.url}/readyz", timeout=5).status_code == 503)
    wait_until(lambda: all(map(ended, victims)))
    server.wait_until_ready(workers=2)
    assert STOPPED_FOR_S + 2 * WATCH_EVERY_S <= 2.0, "the rest of three seconds is for the start of a worker"
    assert time.monotonic() - began_s <= 9  # about 2 s on an idle machine
    viewer = RawSocket(server.port)
    viewer.send_picture(0, script())
    assert b'"ok":true' in viewer.wait_for(b"430")
    viewer.close()


def test_a_stop_takes_at_most_three_seconds(start: Start) -> None:
    """A live frame and a photograph are in work that would take 20 s; the drain time of 30 s is not used up."""
    long_s = "60000"
    server = start(workers=2, EMOTION_FRAME_DEADLINE_MS=long_s, EMOTION_PHOTO_DEADLINE_MS=long_s, EMOTION_DRAIN_S="30")
    viewers = [RawSocket(server.port) for _ in range(20)]
    viewers.append(begin_long_picture(server))
    family = family_of(server)
    with ThreadPoolExecutor() as threads:
        photo = threads.submit(requests.post, f"{server.url}/api/analyze", files={"image": LONG_PICTURE}, timeout=60)
        wait_until(lambda: server.metrics()["emotion_pictures_in_flight"] == 2)
        began_s = time.monotonic()
        server.signal(signal.SIGTERM)
        for viewer in viewers:
            assert b"draining" in viewer.wait_for(b"42[")
        assert photo.result().json()["code"] == "not_ready", "the sender of the photograph is told as well"
        server.process.wait(10)
    assert LAST_ANSWERS_S <= 2, "the longest wait of a stop; processes need the rest of the three seconds"
    assert time.monotonic() - began_s <= 6  # 1.9 s on a nearly idle machine
    assert all(map(ended, family))
    assert server.process.returncode == 0
    for viewer in viewers:
        viewer.close()


def test_the_server_accepts_again_after_descriptors_ran_out(start: Start) -> None:
    server = start()
    web = server.web()
    viewer = RawSocket(server.port)
    usual = web.rlimit(resource.RLIMIT_NOFILE)
    web.rlimit(resource.RLIMIT_NOFILE, (web.num_fds(), usual[1]))
    waiting = [socket.create_connection(("127.0.0.1", server.port), timeout=5) for _ in range(20)]
    wait_until(lambda: "cannot accept connections" in server.log())
    viewer.send_picture(0, script())
    assert b'"ok":true' in viewer.wait_for(b"430")  # those who are in are served meanwhile
    web.rlimit(resource.RLIMIT_NOFILE, usual)
    assert requests.get(f"{server.url}/healthz", timeout=10).ok
    assert server.web().pid == web.pid, "the process went on: it was not replaced by another"
    for connection in waiting:
        connection.close()
    viewer.close()


def test_the_limit_of_descriptors_is_raised_as_far_as_allowed(start: Start) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
        server = start(EMOTION_MAX_CLIENTS="500")
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert server.web().rlimit(resource.RLIMIT_NOFILE)[0] >= 700


def test_a_start_says_what_a_person_needs_and_nothing_else(start: Start) -> None:
    server = start("wsgi:app")
    assert server.log() == f"Open http://localhost:{server.port} (Ctrl-C stops it)\n"


@pytest.mark.parametrize("host", ["::1", "[::1]"])
def test_an_ipv6_address_is_served(start: Start, host: str) -> None:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("needs IPv6: expected to listen on ::1")
    server = start(EMOTION_HOST=host, host="[::1]")
    assert requests.get(f"{server.url}/healthz", timeout=5).ok
    assert f"Open {server.url} " in server.log()


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_python_alone_serves_and_says_nothing_else(mode: str, tmp_path: Path, host: str) -> None:
    """`python wsgi.py`: the way without gunicorn."""
    port = free_port()
    variables = {key: value for key, value in os.environ.items() if not key.startswith("EMOTION_")}
    variables |= {"EMOTION_ASYNC_MODE": mode, "EMOTION_WORKERS": "1", "EMOTION_HOST": host, "PORT": str(port)}
    address = f"[{host}]:{port}" if ":" in host else f"localhost:{port}"
    with (tmp_path / "log").open("w") as log:
        process = subprocess.Popen([sys.executable, "wsgi.py"], cwd=ROOT, env=variables, stdout=log, stderr=log)

    def is_ready() -> bool:
        with contextlib.suppress(requests.ConnectionError):
            return requests.get(f"http://{address}/readyz", timeout=5).ok
        return False

    try:
        wait_until(is_ready, 60)
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 0
    finally:
        process.kill()
        process.wait()
    said = (tmp_path / "log").read_text().splitlines()
    assert said[0] == f"Open http://{address} (Ctrl-C stops it)"
    assert mode == "threading" or len(said) == 1
