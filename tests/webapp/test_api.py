"""Photographs over HTTP, through a real gunicorn."""

from __future__ import annotations

import base64
import os
import socket
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from ml.inference.contract import EMOTIONS
from tests.support.fake_worker import script
from tests.support.serving import FAKE, Server


def analyze(server: Server, **request: object) -> requests.Response:
    return requests.post(f"{server.url}/api/analyze", timeout=60, **request)  # type: ignore[arg-type]


def failed(reply: requests.Response) -> tuple[int, str]:
    """Status and code of an error, which has the shape of every error."""
    body = reply.json()
    assert set(body) == {"ok", "code", "message"}
    assert body["ok"] is False
    assert len(body["message"]) > 10
    return reply.status_code, body["code"]


def test_a_real_photo_is_answered_whole(real_server: Server, portrait: bytes) -> None:
    body = analyze(real_server, files={"image": portrait}).json()
    assert body["ok"] is True
    assert body["image"] == {"width": 512, "height": 512}
    (face,) = body["faces"]
    assert list(face["emotions"]) == list(EMOTIONS)
    assert sum(face["emotions"].values()) == pytest.approx(1)
    assert face["emotions"][face["dominant_emotion"]] == face["confidence"]
    x, y, w, h = face["box"]
    assert 150 < x < x + w < 320
    assert 30 < y < y + h < 250
    assert {"queue", "decode", "detect", "classify", "total"} <= set(body["timing_ms"])
    assert set(body["model"]) == {"name", "version"}


@pytest.mark.parametrize("field", ["image", "img", "file"])
def test_forms_and_raw_bodies_are_the_same(fake_server: Server, field: str) -> None:
    image = script(faces=[[10, 20, 30, 40]])
    by_form = analyze(fake_server, files={field: image}).json()
    raw = analyze(fake_server, data=image, headers={"Content-Type": "image/jpeg"}).json()
    assert by_form["faces"] == raw["faces"]
    assert raw["faces"][0]["box"] == [10, 20, 30, 40]
    assert raw["model"]["thorough"] is True


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("empty", (400, "bad_image")),
        ("garbage", (415, "not_an_image")),
        ("truncated", (400, "bad_image")),
        ("bomb", (413, "too_large")),
        ("gif", (415, "not_an_image")),
        ("pdf", (415, "not_an_image")),
    ],
)
def test_what_is_no_picture_is_refused_and_the_next_good_one_works(
    real_server: Server, bad_pictures: dict[str, bytes], portrait: bytes, name: str, expected: tuple[int, str]
) -> None:
    assert failed(analyze(real_server, files={"image": bad_pictures[name]})) == expected
    raw = analyze(real_server, data=bad_pictures[name], headers={"Content-Type": "image/png"})
    assert failed(raw) == expected
    assert len(analyze(real_server, files={"image": portrait}).json()["faces"]) == 1


def test_fifty_megabytes_are_refused_with_an_answer(fake_server: Server) -> None:
    huge = os.urandom(50_000_000)
    assert failed(analyze(fake_server, files={"image": huge})) == (413, "too_large")
    assert failed(analyze(fake_server, data=huge, headers={"Content-Type": "image/jpeg"})) == (413, "too_large")
    chunks = (huge[start : start + 1_000_000] for start in range(0, 5_000_000, 1_000_000))
    assert failed(analyze(fake_server, data=chunks, headers={"Content-Type": "image/jpeg"})) == (413, "too_large")
    assert analyze(fake_server, files={"image": script()}).json()["ok"] is True


def test_just_above_the_limit_is_too_large_too(fake_server: Server) -> None:
    picture = script() + b" " * (1024 * 1024)
    assert failed(analyze(fake_server, files={"image": picture})) == (413, "too_large")


def test_other_bodies_are_told_what_is_expected(fake_server: Server) -> None:
    encoded = base64.b64encode(script()).decode()
    assert failed(analyze(fake_server, json={"image": encoded})) == (415, "not_an_image")
    assert failed(analyze(fake_server, data=encoded, headers={"Content-Type": "text/plain"})) == (415, "not_an_image")
    assert failed(analyze(fake_server, data=f"data:image/jpeg;base64,{encoded}")) == (415, "not_an_image")
    assert failed(analyze(fake_server, files={"picture": script()})) == (400, "bad_image")
    assert failed(analyze(fake_server, data={"image": "text"}, files={"other": b""})) == (400, "bad_image")
    assert failed(analyze(fake_server)) == (415, "not_an_image")
    wrong_form = analyze(fake_server, data=b"--x", headers={"Content-Type": "multipart/form-data"})
    assert failed(wrong_form) == (400, "bad_image")


def test_a_raw_body_needs_no_type_of_its_own(fake_server: Server) -> None:
    """What `curl --data-binary @portrait.jpg` sends."""
    as_form = {"Content-Type": "application/x-www-form-urlencoded"}
    assert analyze(fake_server, data=script(), headers=as_form).json()["ok"] is True
    assert failed(analyze(fake_server, data=b"", headers=as_form)) == (400, "bad_image")


def test_errors_of_the_protocol_have_the_same_shape(fake_server: Server) -> None:
    assert failed(requests.get(f"{fake_server.url}/api/analyze", timeout=10)) == (405, "method_not_allowed")
    assert failed(requests.post(f"{fake_server.url}/api/nothing", timeout=10)) == (404, "not_found")


def test_a_bug_is_internal_and_shows_nothing_of_itself(fake_server: Server) -> None:
    reply = analyze(fake_server, files={"image": script(do="fail")})
    assert failed(reply) == (500, "internal")
    assert "RuntimeError" not in reply.text
    assert "RuntimeError: a bug" in fake_server.log()


def test_a_worker_that_dies_is_an_error_and_is_replaced(fake_server: Server) -> None:
    assert failed(analyze(fake_server, files={"image": script(do="crash")})) == (500, "internal")
    fake_server.wait_until_ready(workers=2)
    assert analyze(fake_server, files={"image": script()}).json()["ok"] is True


def test_half_a_request_holds_nobody_up(fake_server: Server) -> None:
    with socket.create_connection(("127.0.0.1", fake_server.port)) as slow:
        slow.sendall(
            b"POST /api/analyze HTTP/1.1\r\nHost: x\r\nContent-Type: image/jpeg\r\nContent-Length: 900\r\n\r\nabc"
        )
        began_s = time.monotonic()
        assert analyze(fake_server, files={"image": script()}).json()["ok"] is True
        assert time.monotonic() - began_s < 5


def test_too_many_from_one_address_are_slowed_down() -> None:
    with Server(FAKE, EMOTION_WORKERS="1", EMOTION_API_PER_MINUTE="3") as server:
        server.wait_until_ready()
        replies = [analyze(server, files={"image": script()}) for _ in range(4)]
        assert [reply.status_code for reply in replies] == [200, 200, 200, 429]
        assert failed(replies[3]) == (429, "busy")
        assert int(replies[3].headers["Retry-After"]) >= 1


def test_a_full_queue_says_busy_and_recovers() -> None:
    with Server(FAKE, EMOTION_WORKERS="1", EMOTION_PHOTO_QUEUE="2") as server, ThreadPoolExecutor(6) as threads:
        server.wait_until_ready()
        replies = list(threads.map(lambda _: analyze(server, files={"image": script(sleep_ms=1500)}), range(6)))
        codes = sorted(reply.status_code for reply in replies)
        assert codes[:3] == [200, 200, 200]
        assert set(codes[3:]) <= {200, 429}
        assert 429 in codes
        assert analyze(server, files={"image": script()}).status_code == 200


def test_before_a_worker_is_ready_the_answer_is_not_yet() -> None:
    with Server(FAKE, EMOTION_WORKERS="1") as server:
        while True:
            try:
                ready = requests.get(f"{server.url}/readyz", timeout=10)
                break
            except requests.ConnectionError:
                time.sleep(0.005)
        if ready.status_code == 503:
            assert failed(ready) == (503, "not_ready")
            assert ready.headers["Retry-After"] == "1"
        server.wait_until_ready()
