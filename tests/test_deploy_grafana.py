"""The dashboard asks for numbers that a running server exports."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.support.fake_worker import script
from tests.support.rawsocket import RawSocket
from tests.support.serving import FAKE, Server
from tests.support.waiting import wait_until

FILE = Path(__file__).resolve().parent.parent / "deploy" / "grafana.json"
DASHBOARD: dict[str, Any] = json.loads(FILE.read_text("utf-8"))
EXPRESSIONS = [target["expr"] for panel in DASHBOARD["panels"] for target in panel["targets"]]
NAME = re.compile(r"\b(?:emotion|process)_[a-z_]+")
LABELS = re.compile(r"by \(([^)]*)\)|[{,]\s*(\w+)=~?\"")
ADDED_BY_PROMETHEUS = {"instance", "job"}
SUFFIXES = {"histogram": ("_bucket", "_sum", "_count"), "counter": ("",), "gauge": ("",)}


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What `/metrics` of a server says after one answered, one unreadable and one refused picture."""
    log = tmp_path_factory.mktemp("server") / "log"
    with Server(FAKE, log, EMOTION_WORKERS="1", EMOTION_FRAME_DEADLINE_MS="20000") as server:
        server.wait_until_ready()
        viewer = RawSocket(server.port)
        for number, picture in enumerate((script(), b"no picture")):
            viewer.send_picture(number, picture)
            viewer.wait_for(b"43%d" % number)
        viewer.close()
        wait_until(lambda: any("worker=" in name for name in server.metrics()))  # measured now and then
        return requests.get(f"{server.url}/metrics", timeout=5).text


def names_in(text: str) -> set[str]:
    kinds = re.findall(r"^# TYPE (\S+) (\w+)$", text, re.MULTILINE)
    return {name + suffix for name, kind in kinds for suffix in SUFFIXES[kind]}


def test_every_metric_asked_for_is_exported(exported: str) -> None:
    asked = {name for expression in EXPRESSIONS for name in NAME.findall(expression)}
    assert asked, "expected expressions with names of this server"
    assert asked <= names_in(exported)


def test_every_metric_of_the_server_is_shown(exported: str) -> None:
    """Where a metric is added, the dashboard gets it; those of the process itself need not all be there."""
    asked = {re.sub(r"_(bucket|sum|count)$", "", name) for text in EXPRESSIONS for name in NAME.findall(text)}
    there = {name for name in re.findall(r"^# TYPE (\S+)", exported, re.MULTILINE) if name.startswith("emotion_")}
    assert there <= asked


def test_every_label_is_exported(exported: str) -> None:
    there = set(re.findall(r"[{,](\w+)=\"", exported)) | ADDED_BY_PROMETHEUS | {"reason"}  # none was refused
    asked = {
        label.strip()
        for expression in EXPRESSIONS
        for group, one in LABELS.findall(expression)
        for label in (group or one).split(",")
        if label.strip()
    }
    assert asked <= there


def test_grafana_can_place_the_panels() -> None:
    places = [panel["gridPos"] for panel in DASHBOARD["panels"]]
    cells = [(x, y) for p in places for x in range(p["x"], p["x"] + p["w"]) for y in range(p["y"], p["y"] + p["h"])]
    assert len(cells) == len(set(cells)), "expected panels beside each other, received some that overlap"
    assert max(x for x, _ in cells) < 24
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(places)
    assert all(panel["title"] for panel in DASHBOARD["panels"])
