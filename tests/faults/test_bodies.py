"""Bodies of requests that are small for their sender and costly for the process that carries the connections."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest
import requests

from tests.faults.conftest import Start
from tests.support.fake_worker import script

PROCESSOR_S = 0.8
"""Of the web process, in which nobody else is served meanwhile. Each body takes less than 0.1 s."""
MILLIONS = 2_000_000
FORM = b'--b\r\nContent-Disposition: form-data; name="image"; filename="a"'
MULTIPART = "multipart/form-data; boundary=b"

BODIES: dict[str, tuple[str, Callable[[], bytes]]] = {
    "list of numbers": ("application/json", lambda: b'{"img":[' + b"0," * MILLIONS + b"0]}"),
    "list of objects": ("application/json", lambda: b'{"img":[' + b"{}," * MILLIONS + b"{}]}"),
    "many keys": ("application/json", lambda: b"{" + b",".join(b'"%d":1' % n for n in range(MILLIONS // 4)) + b"}"),
    "deep": ("application/json", lambda: b"[" * 4000 + b" " * MILLIONS),
    "number of many digits": ("application/json", lambda: b'{"img":' + b"1" * MILLIONS + b"}"),
    "base64 with spaces": ("application/json", lambda: b'{"img":"' + b"a " * MILLIONS + b'"}'),
    "letters that are no base64": ("application/json", lambda: b'{"img":"' + "\u00e9".encode() * MILLIONS + b'"}'),
    "before the first part": (MULTIPART, lambda: b"x" * MILLIONS + b"--b--"),
    "beginnings of boundaries": (MULTIPART, lambda: FORM + b"\r\n\r\n" + b"\r\n--" * MILLIONS + b"\r\n--b--\r\n"),
    "many parts": (MULTIPART, lambda: (FORM + b"\r\n\r\nx\r\n") * (MILLIONS // 50) + b"--b--\r\n"),
    "parameters of a part": (MULTIPART, lambda: FORM + b";a=b" * MILLIONS + b"\r\n\r\nx\r\n--b--\r\n"),
    "headers of a part": (MULTIPART, lambda: FORM + b"\r\nX: y" * MILLIONS + b"\r\n\r\nx\r\n--b--\r\n"),
}


def test_no_body_holds_the_others_up(start: Start) -> None:
    server = start(EMOTION_API_PER_MINUTE="1000")
    web = server.web()
    for name, (kind, make) in BODIES.items():
        body, before_s = make(), sum(web.cpu_times()[:2])
        reply = requests.post(f"{server.url}/api/analyze", data=body, headers={"Content-Type": kind}, timeout=60)
        used_s = sum(web.cpu_times()[:2]) - before_s
        print(f"{name}: {len(body) / 1e6:.1f} MB, {reply.status_code}, {used_s:.2f} s of processor time")
        assert 400 <= reply.status_code < 500, name
        assert "expected" in reply.json()["message"], name
        assert used_s < PROCESSOR_S, name
    picture = {"Content-Type": "application/octet-stream"}
    assert requests.post(f"{server.url}/api/analyze", data=script(), headers=picture, timeout=60).ok
    assert "Traceback" not in server.log()


@pytest.mark.parametrize("mode", ["eventlet"], indirect=True)
def test_decoders_print_nothing_about_a_picture(start: Start) -> None:
    """Lines of the decoders would fill the log, and are no JSON where that was asked for."""
    server = start("wsgi:app")
    jpeg = cv2.imencode(".jpg", np.zeros((64, 64), np.uint8))[1].tobytes()
    said = server.log()
    for picture in (jpeg[:20] + b"stray bytes" + jpeg[20:], jpeg[: len(jpeg) // 2], jpeg[:-30] + bytes(30)):
        requests.post(f"{server.url}/api/analyze", data=picture, headers={"Content-Type": "image/jpeg"}, timeout=60)
    assert server.log() == said
