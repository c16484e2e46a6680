"""The token: shown in either way, compared whole, asked of API and socket alike."""

from __future__ import annotations

import pytest
import requests
import socketio

from tests.support.fake_worker import script
from tests.support.serving import FAKE, Server
from webapp.access import Access

TOKEN = "0123456789abcdef-for-this-test"


def test_without_a_token_everybody_is_granted() -> None:
    assert Access("").is_granted("anything")
    assert Access("").is_granted_to({}, None)


@pytest.mark.parametrize("shown", [None, "", TOKEN[:-1], TOKEN + "x", TOKEN.upper(), 7, {}, [TOKEN], "ä"])
def test_another_token_is_refused(shown: object) -> None:
    assert not Access(TOKEN).is_granted(shown)
    assert not Access(TOKEN).is_granted_to({}, {"token": shown})
    assert not Access(TOKEN).is_granted_to({}, shown)


def test_the_token_is_taken_from_the_handshake_or_its_header() -> None:
    assert Access(TOKEN).is_granted_to({}, {"token": TOKEN})
    assert Access(TOKEN).is_granted_to({"HTTP_AUTHORIZATION": f"Bearer {TOKEN}"}, None)
    assert not Access(TOKEN).is_granted_to({"HTTP_AUTHORIZATION": f"Basic {TOKEN}"}, None)


def test_api_and_socket_ask_for_the_token_and_the_pages_do_not() -> None:
    with Server(FAKE, EMOTION_WORKERS="1", EMOTION_TOKEN=TOKEN) as server:
        server.wait_until_ready()
        url = f"{server.url}/api/analyze"
        refused = requests.post(url, files={"image": script()}, timeout=10)
        assert (refused.status_code, refused.json()["code"]) == (401, "unauthorized")
        assert refused.headers["WWW-Authenticate"] == "Bearer"
        shown = {"Authorization": f"Bearer {TOKEN}"}
        assert requests.post(url, files={"image": script()}, headers=shown, timeout=10).json()["ok"] is True
        assert requests.get(f"{server.url}/api/openapi.json", headers=shown, timeout=10).json()["security"]
        for page in ("/", "/photo", "/healthz"):
            assert requests.get(server.url + page, timeout=10).status_code == 200
        client = socketio.Client(reconnection=False)
        with pytest.raises(socketio.exceptions.ConnectionError, match="failed to connect"):
            client.connect(server.url, transports=["websocket"], auth={"token": "another"})
        client.disconnect()
        client = socketio.Client(reconnection=False)
        client.connect(server.url, transports=["websocket"], auth={"token": TOKEN})
        assert client.call("frame", script(), timeout=10)["ok"] is True
        client.disconnect()
