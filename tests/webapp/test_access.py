"""The token: both ways to send it, its comparison, and that API and socket require it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
import socketio

from tests.support.fake_worker import script
from tests.support.rawsocket import TEXT, RawSocket
from tests.support.serving import FAKE, Server
from webapp.access import COOKIE, Access
from webapp.guesses import WINDOW_S, WRONG_TOKENS, Guesses

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


def test_api_and_socket_ask_for_the_token_and_health_does_not() -> None:
    with Server(FAKE, EMOTION_WORKERS="1", EMOTION_TOKEN=TOKEN) as server:
        server.wait_until_ready()
        url = f"{server.url}/api/analyze"
        refused = requests.post(url, files={"image": script()}, timeout=10)
        assert (refused.status_code, refused.json()["code"]) == (401, "unauthorized")
        assert refused.headers["WWW-Authenticate"] == "Bearer"
        shown = {"Authorization": f"Bearer {TOKEN}"}
        assert requests.post(url, files={"image": script()}, headers=shown, timeout=10).json()["ok"] is True
        assert requests.get(f"{server.url}/api/openapi.json", headers=shown, timeout=10).json()["security"]
        for path in ("/healthz", "/readyz", "/metrics"):
            assert requests.get(server.url + path, timeout=10).status_code == 200
        client = socketio.Client(reconnection=False)
        with pytest.raises(socketio.exceptions.ConnectionError, match="failed to connect"):
            client.connect(server.url, transports=["websocket"], auth={"token": "another"})
        client.disconnect()
        client = socketio.Client(reconnection=False)
        client.connect(server.url, transports=["websocket"], auth={"token": TOKEN})
        assert client.call("frame", script(), timeout=10)["ok"] is True
        client.disconnect()


def test_wrong_tokens_are_counted_by_address_and_minute() -> None:
    now_s = 0.0
    guesses = Guesses(lambda: now_s)
    for _ in range(WRONG_TOKENS):
        assert not guesses.are_spent("192.0.2.1")
        guesses.add("192.0.2.1")
    assert guesses.are_spent("192.0.2.1")
    assert not guesses.are_spent("192.0.2.2")
    now_s = WINDOW_S
    assert not guesses.are_spent("192.0.2.1")
    guesses.add("192.0.2.1")
    assert not guesses.are_spent("192.0.2.1")


def test_the_addresses_that_are_counted_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("webapp.guesses.GUESSING_ADDRESSES", 3)
    guesses = Guesses()
    for number in range(100):
        guesses.add(str(number))
    assert len(guesses._counts) == 3


def join_refused(port: int, token: str) -> int:
    """401 if the live connection refuses the token, 0 if it accepts it."""
    with RawSocket(port, join=False, Authorization=f"Bearer {token}", timeout_s=60) as raw:
        raw.send(TEXT, b"40")
        return 401 if b"unauthorized" in raw.wait_for(b"4") else 0


def test_after_many_wrong_tokens_the_right_one_has_to_wait_and_the_cookie_has_not(tmp_path: Path) -> None:
    with Server(FAKE, tmp_path / "log", EMOTION_WORKERS="1", EMOTION_TOKEN=TOKEN) as server:
        server.wait_until_ready()
        cookies = requests.get(f"{server.url}/?token={TOKEN}", allow_redirects=False, timeout=60).cookies.get_dict()
        url, wrong = f"{server.url}/api/analyze", {"Authorization": "Bearer wrong"}
        ways = (
            lambda: requests.post(f"{server.url}/token", data={"token": "wrong"}, timeout=60).status_code,
            lambda: requests.get(f"{server.url}/photo?token=wrong", timeout=60).status_code,
            lambda: requests.post(url, headers=wrong, timeout=60).status_code,
            lambda: join_refused(server.port, "wrong"),
        )
        assert [ways[number % 4]() for number in range(WRONG_TOKENS)] == [401] * WRONG_TOKENS
        for reply in (
            requests.post(f"{server.url}/token", data={"token": TOKEN}, timeout=60),
            requests.get(f"{server.url}/?token={TOKEN}", timeout=60),
            requests.post(url, headers={"Authorization": f"Bearer {TOKEN}"}, timeout=60),
        ):
            assert (reply.status_code, reply.headers["Retry-After"]) == (429, "60")
            assert "oo many wrong tokens" in reply.text or f"at most {WRONG_TOKENS} wrong tokens" in reply.text
        assert join_refused(server.port, TOKEN) == 401
        assert can_use_everything(server, cookies) == [True] * 3
        assert requests.get(server.url, timeout=60).status_code == 401, "who sends no token is asked for it"
        assert TOKEN not in server.log()


@pytest.fixture(scope="module", params=["eventlet", "threading"])
def guarded(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    log = tmp_path_factory.mktemp("guarded") / "log"
    settings = {"EMOTION_ASYNC_MODE": request.param, "EMOTION_TOKEN": TOKEN, "EMOTION_LOG_LEVEL": "debug"}
    with Server(FAKE, log, EMOTION_WORKERS="1", **settings) as server:
        server.wait_until_ready()
        yield server


def can_use_everything(server: Server, cookies: dict[str, str]) -> list[bool]:
    """Page, API and socket."""
    page = requests.get(server.url, cookies=cookies, timeout=10)
    api = requests.post(f"{server.url}/api/analyze", files={"image": script()}, cookies=cookies, timeout=10)
    header = "; ".join(f"{name}={value}" for name, value in cookies.items())
    client = socketio.Client(reconnection=False)
    try:
        client.connect(server.url, transports=["websocket"], headers={"Cookie": header} if header else {})
        socket = client.call("frame", script(), timeout=10)["ok"]
    except socketio.exceptions.ConnectionError:
        socket = False
    finally:
        client.disconnect()
    return [page.status_code == 200, api.status_code == 200, socket]


@pytest.mark.parametrize("path", ["/", "/photo", "/api"])
def test_a_page_without_the_token_asks_for_it(guarded: Server, path: str) -> None:
    reply = requests.get(guarded.url + path, timeout=10)
    assert reply.status_code == 401
    assert "This server asks for a token." in reply.text
    assert '<input name="token" type="password"' in reply.text
    assert "main.js" not in reply.text
    assert "default-src 'none'" in reply.headers["Content-Security-Policy"]
    assert can_use_everything(guarded, {}) == [False] * 3


def test_a_person_enters_by_a_link_once(guarded: Server) -> None:
    reply = requests.get(f"{guarded.url}/photo?token={TOKEN}", allow_redirects=False, timeout=10)
    assert (reply.status_code, reply.headers["Location"]) == (303, "/photo")
    cookie = reply.headers["Set-Cookie"]
    assert all(part in cookie for part in ("HttpOnly", "SameSite=Strict", "Path=/"))
    assert TOKEN not in cookie
    assert can_use_everything(guarded, reply.cookies.get_dict()) == [True] * 3
    examples = requests.get(f"{guarded.url}/api", cookies=reply.cookies.get_dict(), timeout=10).text
    assert "put yours in the place of TOKEN" in examples
    for shown in ('-H "Authorization: Bearer TOKEN" -F', '{"Authorization": "Bearer TOKEN"}', '{"token": "TOKEN"}'):
        assert shown in examples
    assert '{ Authorization: "Bearer TOKEN" }' in examples


def test_a_person_enters_by_the_field(guarded: Server) -> None:
    wrong = requests.post(f"{guarded.url}/token", data={"token": "another"}, timeout=10)
    assert wrong.status_code == 401
    assert "not this server&#39;s token" in wrong.text
    assert "Set-Cookie" not in wrong.headers
    right = requests.post(f"{guarded.url}/token", data={"token": TOKEN}, allow_redirects=False, timeout=10)
    assert (right.status_code, right.headers["Location"]) == (303, "/")
    assert can_use_everything(guarded, right.cookies.get_dict()) == [True] * 3
    assert TOKEN not in guarded.log()


@pytest.mark.parametrize("value", ["", TOKEN, "0" * 64, "\u00e9"])
def test_another_cookie_is_refused(guarded: Server, value: str) -> None:
    reply = requests.get(guarded.url, headers={"Cookie": f"{COOKIE}={value}".encode()}, timeout=10)
    assert reply.status_code == 401
    assert not Access(TOKEN).is_granted_to({"HTTP_COOKIE": f"{COOKIE}={value}"}, None)


def test_a_form_without_end_is_refused(guarded: Server) -> None:
    reply = requests.post(f"{guarded.url}/token", data={"token": "x" * 100_000}, timeout=10)
    assert reply.status_code == 413


def test_without_a_token_the_address_has_no_meaning(tmp_path: Path) -> None:
    with Server(FAKE, tmp_path / "log", EMOTION_WORKERS="1") as server:
        server.wait_until_ready()
        reply = requests.get(f"{server.url}/?token=any", allow_redirects=False, timeout=10)
        assert (reply.status_code, "Set-Cookie" in reply.headers) == (200, False)
