"""The real nginx with the shipped configuration, in front of servers of this machine."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.support.serving import ROOT


@contextlib.contextmanager
def running(command: list[str], log: Path, **options: Any) -> Iterator[None]:
    """A child process for the length of the block, its output in a file that a failing test can be read with."""
    with log.open("wb") as output:
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, **options)
    try:
        yield
    finally:
        child.terminate()
        try:
            child.wait(20)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def wait_for(url: str, ca: str, seconds: float = 30) -> None:
    """Poll until the address answers 200."""
    deadline = time.monotonic() + seconds
    while True:
        with contextlib.suppress(requests.ConnectionError):
            if requests.get(url, timeout=2, verify=ca).status_code == 200:
                return
        assert time.monotonic() < deadline, f"expected 200 from {url} within {seconds} s"
        time.sleep(0.1)


def nginx_configuration(folder: Path, http: int, https: int, web: list[int]) -> Path:
    """The shipped file with this machine's ports and paths in the places of a server's."""
    text = (ROOT / "deploy" / "nginx.conf").read_text("utf-8")
    changes = {
        "worker_processes auto;": "worker_processes 1; daemon off;",
        # Run as root, nginx works as another user who may not write here: a photo put on disk would be an error.
        "pid /var/run/nginx.pid;": f"pid {folder}/nginx.pid;",
        "listen 80;": f"listen 127.0.0.1:{http};",
        "listen 443 ssl;": f"listen 127.0.0.1:{https} ssl;",
        "web-1:5000": f"127.0.0.1:{web[0]}",
        "web-2:5000": f"127.0.0.1:{web[1]}",
        "/etc/nginx/certs": str(folder),
        "http {\n": "http {\n"
        + "".join(
            f"    {kind}_temp_path {folder}/{kind};\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        ),
    }
    for shipped, here in changes.items():
        assert text.count(shipped) >= 1, f"expected {shipped!r} in deploy/nginx.conf"
        text = text.replace(shipped, here)
    path = folder / "nginx.conf"
    path.write_text(text, "utf-8")
    return path


def certificate(folder: Path) -> None:
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
        + ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
        + ["-keyout", str(folder / "privkey.pem"), "-out", str(folder / "fullchain.pem")],
        check=True,
        capture_output=True,
    )


def nginx() -> str:
    """The path of nginx; the test is skipped where there is none."""
    found = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if found is None or shutil.which("openssl") is None:
        pytest.skip("needs nginx and openssl: expected both on the PATH (apt-get install nginx openssl)")
    return found
