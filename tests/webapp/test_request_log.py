"""The log as JSON: every line is an object, and what belongs to one request has its id."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest
import requests

from tests.support.fake_worker import script
from tests.support.serving import FAKE, Server
from tests.support.waiting import wait_until

BYTES = {"Content-Type": "application/octet-stream"}
SECRET = "0123456789abcdef-for-this-test"


@pytest.mark.parametrize("mode", ["eventlet", "threading"])
def test_every_line_is_json_and_has_the_id_of_its_request(mode: str, tmp_path: Path) -> None:
    settings = {"EMOTION_LOG_FORMAT": "json", "EMOTION_ASYNC_MODE": mode, "EMOTION_PROXIES": "1"}

    def lines() -> list[dict]:
        return [json.loads(line) for line in server.log().splitlines()]

    with Server(FAKE, tmp_path / "log", EMOTION_WORKERS="1", **settings) as server:
        server.wait_until_ready()
        url = f"{server.url}/api/analyze"
        first = requests.post(url, data=script(), headers=BYTES, timeout=10)
        given = requests.post(url, data=script(do="fail"), headers=BYTES | {"X-Request-ID": "proxy-7"}, timeout=10)
        forged = requests.get(f"{server.url}/?secret={SECRET}", headers={"X-Request-ID": "a b\u00e9"}, timeout=10)
        crashed = requests.post(url, data=script(do="crash"), headers=BYTES, timeout=10)
        wait_until(lambda: any("lost" in line["message"] for line in lines()))
        server.signal(signal.SIGTERM)
        server.process.wait(20)
        ids = [reply.headers["X-Request-ID"] for reply in (first, given, forged)]
        assert ids[1] == "proxy-7"
        assert len({*ids}) == 3
        requested = {
            line["request_id"]: line for line in lines() if line["logger"] == "webapp.request_log" and "path" in line
        }
        assert [requested[identity]["status"] for identity in ids] == [200, 500, 200]
        assert requested[ids[0]] | {"path": "/api/analyze", "method": "POST", "level": "info"} == requested[ids[0]]
        assert requested[ids[0]]["duration_ms"] > 0
        bugs = [line for line in lines() if "exception" in line]
        (bug,) = [line for line in bugs if "RuntimeError: a bug" in line["exception"]]
        assert (bug["logger"], bug["request_id"]) == ("ml.inference.worker", "proxy-7")
        (ended,) = [line for line in lines() if "ended while it read" in line["message"]]
        assert ended["request_id"] == crashed.headers["X-Request-ID"]
        assert lines()[0]["message"].startswith("Open http")
        assert SECRET not in server.log()


def test_as_text_requests_are_not_logged_and_have_an_id_all_the_same(tmp_path: Path) -> None:
    with Server(FAKE, tmp_path / "log", EMOTION_WORKERS="1") as server:
        server.wait_until_ready()
        reply = requests.get(f"{server.url}/", headers={"X-Request-ID": "mine"}, timeout=10)
        assert len(reply.headers["X-Request-ID"]) == 16  # a client's own id is not believed
        assert server.log().count("\n") == 1
