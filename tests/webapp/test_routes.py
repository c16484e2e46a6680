"""Pages, health, metrics, and the headers on everything, through a real gunicorn."""

from __future__ import annotations

import re

import pytest
import requests

from tests.support.fake_worker import script
from tests.support.serving import Server
from tests.support.waiting import wait_until
from webapp.assets import page_version

OCTETS = {"Content-Type": "application/octet-stream"}


@pytest.mark.parametrize("path", ["/", "/photo"])
def test_pages_are_whole_and_guarded(fake_server: Server, path: str) -> None:
    reply = requests.get(fake_server.url + path, timeout=10)
    assert reply.status_code == 200
    assert reply.headers["Content-Type"] == "text/html; charset=utf-8"
    assert reply.headers["Cache-Control"] == "no-cache"
    assert "default-src 'none'" in reply.headers["Content-Security-Policy"]
    assert "unsafe" not in reply.headers["Content-Security-Policy"]
    assert reply.headers["Permissions-Policy"].startswith("camera=(self)")
    assert reply.headers["X-Content-Type-Options"] == "nosniff"
    assert '"max_in_flight":8' in reply.text


def test_static_files_are_kept_for_ever_under_an_address_that_changes_with_them(fake_server: Server) -> None:
    page = requests.get(fake_server.url, timeout=10).text
    addresses = re.findall(r'(?:src|href)="(/static/[^"]+)"', page)
    assert addresses
    for address in addresses:
        assert address.startswith(f"/static/{page_version()}/")
        reply = requests.get(fake_server.url + address, timeout=10)
        assert reply.status_code == 200
        assert "max-age=31536000" in reply.headers["Cache-Control"]
        assert "immutable" in reply.headers["Cache-Control"]
    assert requests.get(f"{fake_server.url}/static/another/js/main.js", timeout=10).status_code == 404


def test_only_the_icon_may_be_loaded_by_the_page_of_the_other_scheme(fake_server: Server) -> None:
    page = requests.get(fake_server.url, timeout=10)
    addresses = re.findall(r'(?:src|href)="(/static/[^"#]+)"', page.text)
    policies = {
        address: requests.get(fake_server.url + address, timeout=10).headers["Cross-Origin-Resource-Policy"]
        for address in addresses
    }
    assert len(policies) > 3
    assert page.headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert [address for address, policy in policies.items() if policy != "same-origin"] == [
        address for address in policies if address.endswith("favicon.svg")
    ]


def test_health_and_readiness(fake_server: Server) -> None:
    assert requests.get(f"{fake_server.url}/healthz", timeout=10).json() == {"ok": True}
    ready = requests.get(f"{fake_server.url}/readyz", timeout=10)
    assert ready.json()["workers"] == {"ready": 2, "all": 2}
    assert ready.headers["Cache-Control"] == "no-store"


def test_metrics_have_names_with_units(fake_server: Server) -> None:
    metrics = fake_server.metrics()
    assert metrics["emotion_workers_ready"] == 2
    assert metrics["process_resident_memory_bytes"] > 1e7
    assert any(name.startswith("emotion_loop_lag_seconds_bucket") for name in metrics)


def test_metrics_tell_results_stages_and_the_memory_of_workers(fake_server: Server) -> None:
    def measured() -> dict[str, float]:
        names = [
            'emotion_pictures_total{lane="photo",result="ok"}',
            'emotion_pictures_total{lane="photo",result="bad_image"}',
            'emotion_stage_seconds_count{lane="photo",stage="detect"}',
        ]
        metrics = fake_server.metrics()
        return {name: metrics.get(name, 0) for name in names}

    before = measured()
    for image in (script(), b"no script"):
        requests.post(f"{fake_server.url}/api/analyze", data=image, headers=OCTETS, timeout=10)
    after = measured()
    assert [after[name] - before[name] for name in before] == [1, 1, 1]
    wait_until(lambda: fake_server.metrics().get('emotion_worker_memory_bytes{worker="1"}', 0) > 5e6)


def test_polling_and_foreign_pages_are_turned_away(fake_server: Server) -> None:
    polling = requests.get(f"{fake_server.url}/socket.io/?EIO=4&transport=polling", timeout=10)
    assert polling.status_code == 400
    foreign = requests.get(
        f"{fake_server.url}/socket.io/?EIO=4&transport=websocket",
        headers={"Origin": "https://elsewhere.example", "Upgrade": "websocket", "Connection": "Upgrade"},
        timeout=10,
    )
    assert foreign.status_code == 400
    assert "origin" in foreign.text


def test_an_unknown_page_is_not_found(fake_server: Server) -> None:
    reply = requests.get(f"{fake_server.url}/nowhere", timeout=10)
    assert reply.status_code == 404
    assert reply.headers["Content-Type"].startswith("text/html")
    assert "There is nothing at this address." in reply.text
    assert "default-src 'none'" in reply.headers["Content-Security-Policy"]
