"""The worker's side of the wire: messages in, messages out, over a socket pair and with an analyzer made for it."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from ml.inference.card import ModelCard
from ml.inference.contract import Analysis, BadImage, Box, Face, NotAnImage, Region, Request
from ml.inference.protocol import MessageReader, analysis_from_head, request_head, write_message
from ml.inference.worker import connect, model_facts, serve

FACE = Face(Box(1, 2, 3, 4), (0.1, 0.0, 0.0, 0.6, 0.1, 0.1, 0.1), uncertain=False)
ANALYSIS = Analysis(640, 480, (FACE,), {"total": 1.5}, {"name": "n", "version": "v"}, full_search=False)


class Scripted:
    """Notes the requests; what it answers is written in the picture."""

    def __init__(self) -> None:
        self.requests: list[Request] = []

    def analyze(self, request: Request) -> Analysis:
        self.requests.append(request)
        if request.image == b"bad":
            raise BadImage("expected a picture, received bad")
        if request.image == b"bug":
            raise ZeroDivisionError
        return ANALYSIS


@pytest.fixture
def analyzer() -> Scripted:
    return Scripted()


@pytest.fixture
def web(analyzer: Scripted) -> Iterator[socket.socket]:
    """The web process's end of the socket to a serving worker."""
    ours, theirs = socket.socketpair()
    worker = threading.Thread(target=serve, args=(theirs, analyzer, {"name": "n"}))
    worker.start()
    with ours:
        ours.settimeout(10)
        yield ours
    worker.join(10)
    theirs.close()
    assert not worker.is_alive()


def ask(web: socket.socket, number: int, request: Request) -> dict:
    write_message(web, request_head(request, number), request.image)
    head, body = MessageReader(web).read()
    assert body == b""
    assert head["id"] == number
    return head


def test_the_first_message_says_that_it_is_ready(web: socket.socket) -> None:
    head, body = MessageReader(web).read()
    assert (head["ready"], head["model"], body) == (True, {"name": "n"}, b"")


def test_requests_and_answers_travel_whole(web: socket.socket, analyzer: Scripted) -> None:
    MessageReader(web).read()
    request = Request(bytes(300_000), near=(Region(0.1, 0.2, 0.3, 0.4),), full_search=False, budget_ms=500)
    assert analysis_from_head(ask(web, 7, request)) == ANALYSIS
    assert analyzer.requests == [request]


def test_errors_are_answers_and_a_bug_is_shown_without_details(
    web: socket.socket, caplog: pytest.LogCaptureFixture
) -> None:
    MessageReader(web).read()
    with pytest.raises(BadImage, match="received bad"):
        analysis_from_head(ask(web, 1, Request(b"bad")))
    bug = ask(web, 2, Request(b"bug"))
    assert bug["code"] == "internal"
    assert "ZeroDivision" not in json.dumps(bug)
    assert "ZeroDivisionError" in caplog.text
    assert analysis_from_head(ask(web, 3, Request(b"good"))) == ANALYSIS


def test_a_request_without_time_left_is_not_begun(web: socket.socket, analyzer: Scripted) -> None:
    MessageReader(web).read()
    assert ask(web, 1, Request(b"good", budget_ms=0))["code"] == "busy"
    assert analyzer.requests == []


@pytest.mark.parametrize("address", ["", "unix:", "tcp:", "tcp:host", "tcp::80", "http://x", "tcp:host:port"])
def test_other_addresses_are_refused(address: str) -> None:
    with pytest.raises(ValueError, match="expected unix:PATH or tcp:HOST:PORT"):
        connect(address)


def test_both_kinds_of_address_connect(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        connect("tcp:{}:{}".format(*server.getsockname())).close()
    with socket.socket(socket.AF_UNIX) as local:
        local.bind(str(tmp_path / "s"))
        local.listen()
        connect(f"unix:{tmp_path / 's'}").close()


def test_a_model_that_cannot_be_used_is_one_sentence(tmp_path: Path) -> None:
    model = tmp_path / "mine.tflite"
    model.write_bytes(b"no model")
    command = [sys.executable, "-m", "ml.inference.worker", "--socket", "unix:/nowhere", "--model", str(model)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert "expected a model (.tflite) with its card (.json) beside it" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_calibration_error_shown_is_that_of_what_is_served() -> None:
    card = ModelCard(
        name="emotion",
        sha256="0123456789abcdef",
        labels=("a", "b"),
        outputs=("original", "served"),
        input={"shape": [48, 48, 1], "type": "float32"},
        uncertain_below=0.4,
    )
    assert model_facts(card) == {
        "name": "emotion",
        "version": "01234567",
        "labels": ["a", "b"],
        "uncertain_below": 0.4,
        "ece": None,
        "n": None,
        "judged_by": "labels",
    }
    outputs: dict[str, dict] = {
        "served": {"folder": {"ece": 0.2, "n": 10}},
        "original": {"folder": {"ece": 0.3, "n": 10}},
    }
    measured = replace(card, metrics={"outputs": outputs})
    assert model_facts(measured) == model_facts(card) | {"ece": 0.2, "n": 10}
    outputs["served"]["people"] = {"ece": 0.1, "n": 9}
    assert model_facts(measured) == model_facts(card) | {"ece": 0.1, "n": 9, "judged_by": "people"}


def test_an_error_with_an_unknown_code_is_internal() -> None:
    with pytest.raises(NotAnImage):
        analysis_from_head({"ok": False, "code": "not_an_image", "message": "m"})
    with pytest.raises(Exception, match="m") as unknown:
        analysis_from_head({"ok": False, "code": "new", "message": "m"})
    assert type(unknown.value).__name__ == "InternalError"
