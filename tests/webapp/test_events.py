"""The live connection through a real gunicorn: answers, limits, several clients, and shutdown."""

from __future__ import annotations

import base64
import contextlib
import signal
import time
from collections.abc import Callable, Iterator
from functools import partial

import psutil
import pytest
import requests
import socketio

from ml.inference.contract import EMOTIONS
from tests.support.fake_worker import script
from tests.support.rawsocket import BINARY, CONTINUED, TEXT, RawSocket, masked
from tests.support.serving import FAKE, Server
from tests.support.waiting import wait_until

Connect = Callable[[Server], socketio.Client]


@pytest.fixture
def raw(fake_server: Server) -> Iterator[RawSocket]:
    connection = RawSocket(fake_server.port)
    yield connection
    connection.close()


def memory_mb(server: Server) -> float:
    return server.web().memory_info().rss / 1e6


def test_a_frame_is_acknowledged_with_its_result(real_server: Server, connect: Connect, portrait: bytes) -> None:
    client = connect(real_server)
    results = [client.call("frame", (portrait, {"seq": number}), timeout=10) for number in range(3)]
    for result in results:
        (face,) = result["faces"]
        assert face["id"] == 1
        assert list(face["emotions"]) == list(face["smoothed"]) == list(EMOTIONS)
        assert sum(face["smoothed"].values()) == pytest.approx(1)
        assert result["image"] == {"width": 512, "height": 512}
        assert result["timing_ms"]["queue"] >= 0


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("empty", "bad_image"),
        ("garbage", "not_an_image"),
        ("truncated", "bad_image"),
        ("bomb", "too_large"),
        ("gif", "not_an_image"),
        ("pdf", "not_an_image"),
    ],
)
def test_a_bad_frame_is_refused_and_the_next_good_one_works(
    real_server: Server, connect: Connect, bad_pictures: dict[str, bytes], portrait: bytes, name: str, code: str
) -> None:
    client = connect(real_server)
    refused = client.call("frame", bad_pictures[name], timeout=10)
    assert (refused["ok"], refused["code"]) == (False, code)
    assert len(client.call("frame", portrait, timeout=10)["faces"]) == 1


def test_what_is_not_bytes_is_refused(fake_server: Server, connect: Connect) -> None:
    client = connect(fake_server)
    for wrong in (base64.b64encode(script()).decode(), {"image": b"x"}, [1, 2], 7, None, (), ("a", "b", "c", "d")):
        refused = client.call("frame", wrong, timeout=10)
        assert (refused["ok"], refused["code"]) == (False, "bad_image")
        assert "expected the picture's bytes" in refused["message"]
    assert client.call("frame", script(), timeout=10)["ok"] is True


def test_the_greeting_says_what_the_page_needs(fake_server: Server) -> None:
    greetings: list[dict[str, object]] = []
    client = socketio.Client(reconnection=False)
    client.on("welcome", greetings.append)
    client.connect(fake_server.url, transports=["websocket"])
    wait_until(lambda: bool(greetings))
    client.disconnect()
    (greeting,) = greetings
    assert set(greeting) == {"page_version", "model", "limits"}
    assert greeting["model"]["name"] == "fake"  # type: ignore[index]
    assert greeting["limits"]["max_in_flight"] == 8  # type: ignore[index]
    assert greeting["limits"]["max_recording_in_flight"] == 8  # type: ignore[index]
    assert greeting["limits"]["max_frame_bytes"] == 64 * 1024  # type: ignore[index]


def test_nobody_sees_anothers_result(fake_server: Server, connect: Connect) -> None:
    """Two people at once, each with a face and a feeling of their own; ids count for each alone."""
    people = {"happy": [10, 10, 50, 50], "sad": [300, 200, 90, 90]}
    clients = {emotion: connect(fake_server) for emotion in people}
    answers: dict[str, list[dict]] = {emotion: [] for emotion in people}
    strangers: list[object] = []
    for client in clients.values():
        client.on("*", lambda *event: strangers.append(event))
    for _ in range(20):
        for emotion, box in people.items():
            image = script(faces=[box], emotion=emotion, sleep_ms=2)
            clients[emotion].emit("frame", image, callback=answers[emotion].append)
        time.sleep(0.03)
    wait_until(lambda: all(len(answers[emotion]) == 20 for emotion in people))
    for emotion, box in people.items():
        results = [answer for answer in answers[emotion] if answer["ok"]]
        assert len(results) >= 10
        for result in results:
            (face,) = result["faces"]
            assert (face["box"], face["dominant_emotion"], face["id"]) == (box, emotion, 1)
    assert [event for event in strangers if "welcome" not in str(event)] == []


def test_the_newest_of_many_frames_wins(raw: RawSocket) -> None:
    """Seven at once: the first is being read, the last waits, those between are busy."""
    for number in range(7):
        raw.send_picture(number, script(sleep_ms=1000, faces=[[number, 0, 50, 50]]))
    answers = {}
    for _ in range(7):
        head, _, answer = raw.wait_for(b"43").partition(b"[")
        answers[int(head[2:])] = answer
    assert [b'"ok":true' in answers[number] for number in range(7)] == [True, *[False] * 5, True]
    for number in range(1, 6):
        assert b'"code":"busy"' in answers[number]
        assert b'"retry_after_ms":' in answers[number]
    assert b'"box":[6,' in answers[6]


def test_an_unknown_event_changes_nothing(fake_server: Server, connect: Connect) -> None:
    client = connect(fake_server)
    client.emit("welcome", {"model": "mine"})
    client.emit("", [])
    client.emit("on_frame", script())
    assert client.call("frame", script(), timeout=10)["ok"] is True


# Recordings


def options(time_s: float, known: dict[str, object] | None = None) -> dict[str, object]:
    return {"lane": "recording", "time_s": time_s} | ({} if known is None else {"known": known})


def test_every_frame_of_a_recording_is_answered_once_and_faces_are_followed_on_media_time(
    fake_server: Server, connect: Connect
) -> None:
    """A window of frames at a time; the person leaves for a media minute and keeps the number."""
    client = connect(fake_server)
    answers: list[tuple[int, dict]] = []

    def note(number: int, answer: dict) -> None:
        answers.append((number, answer))

    def has(count: int) -> bool:
        return len(answers) == count

    first = client.call("frame", (script(faces=[[10, 10, 60, 60]]), options(0, {"faces": []})), timeout=10)
    assert first["faces"][0]["id"] == 1
    for start in range(1, 41, 8):
        for number in range(start, start + 8):
            box = [10 + number, 10, 60, 60] if number < 20 else [500, 300, 60, 60]
            time_s = number / 25 if number < 20 else 60 + number / 25
            send = script(faces=[box], emotion="happy" if number < 30 else "sad", sleep_ms=1)
            client.emit("frame", (send, options(time_s)), callback=partial(note, number))
        wait_until(partial(has, start + 7))
    assert sorted(number for number, _ in answers) == list(range(1, 41))
    assert all(answer["ok"] and [face["id"] for face in answer["faces"]] == [1] for _, answer in answers)
    smoothed = [answer["faces"][0]["smoothed"]["sad"] for number, answer in sorted(answers, key=str) if number >= 29]
    assert smoothed == sorted(smoothed)
    assert 0.1 < smoothed[5] < 0.5  # the time constant is 0.3 s of media time, not of the wall clock


def test_a_recording_and_the_camera_of_one_connection_have_ids_of_their_own(
    fake_server: Server, connect: Connect
) -> None:
    client = connect(fake_server)
    two = script(faces=[[10, 10, 60, 60], [300, 10, 60, 60]])
    assert [face["id"] for face in client.call("frame", two, timeout=10)["faces"]] == [1, 2]
    alone = script(faces=[[300, 10, 60, 60]])
    assert client.call("frame", (alone, options(0.0)), timeout=10)["faces"][0]["id"] == 1
    assert client.call("frame", alone, timeout=10)["faces"][0]["id"] == 2


def test_more_than_the_window_is_busy_and_the_rest_is_answered(raw: RawSocket) -> None:
    for number in range(12):
        raw.send_picture(number, script(sleep_ms=100), options(number))
    answers = {}
    for _ in range(12):
        head, _, answer = raw.wait_for(b"43").partition(b"[")
        answers[int(head[2:])] = b'"ok":true' in answer
    assert sorted(answers) == list(range(12))
    assert sum(answers.values()) == 8


@pytest.mark.parametrize("wrong", [{"lane": "photo"}, {"lane": "recording"}, "recording", {"known": []}])
def test_options_that_cannot_be_used_are_refused(fake_server: Server, connect: Connect, wrong: object) -> None:
    client = connect(fake_server)
    refused = client.call("frame", (script(), wrong), timeout=10)
    assert (refused["ok"], refused["code"]) == (False, "bad_image")
    assert refused["message"].startswith("expected ")
    assert client.call("frame", script(), timeout=10)["ok"] is True


def test_a_recording_continues_at_another_server_without_a_lost_frame_or_a_changed_id(connect: Connect) -> None:
    """The first server is killed with frames under way; the client sends again what was not answered."""

    def picture(number: int) -> bytes:
        people = [person for person in (0, 1) if person == 0 or number % 20 < 12]
        return script(faces=[[100 + 300 * person + 3 * number, 100, 80, 80] for person in people], sleep_ms=10)

    answered: dict[int, dict] = {}
    known: dict[int, dict] = {}

    def note(number: int, answer: dict) -> None:
        assert number not in answered
        answered[number] = answer
        known.update((face["id"], face | {"time_s": number / 25}) for face in answer["faces"])

    def has_room(sent: int) -> bool:
        return sent - len(answered) < 8

    def is_gone(client: socketio.Client) -> bool:
        return not client.connected

    with Server(FAKE, EMOTION_WORKERS="1") as first, Server(FAKE, EMOTION_WORKERS="1") as second:
        first.wait_until_ready()
        second.wait_until_ready()
        for server in (first, second):
            client = connect(server)
            start = len(answered)
            image = answered[start - 1]["image"] if start else {"width": 640, "height": 480}
            begin = options(start / 25, {"image": image, "faces": list(known.values())})
            note(start, client.call("frame", (picture(start), begin), timeout=10))
            for number in range(start + 1, 60):
                wait_until(partial(has_room, number))
                client.emit("frame", (picture(number), options(number / 25)), callback=partial(note, number))
                if server is first and number == 34:
                    transport = client.eio.ws
                    first.web().kill()
                    wait_until(partial(is_gone, client))
                    transport.close()  # the library leaves that to the garbage collector
                    assert len(answered) < 35
                    break
        wait_until(lambda: len(answered) == 60)
        client.disconnect()
    for number, answer in answered.items():
        assert [face["id"] for face in answer["faces"]] == ([1, 2] if number % 20 < 12 else [1]), number


def test_a_page_that_reconnects_keeps_its_numbers(fake_server: Server, connect: Connect) -> None:
    faces = [[100, 100, 80, 80], [400, 100, 80, 80]]
    answer = connect(fake_server).call("frame", script(faces=faces), timeout=10)
    known = {"image": answer["image"], "faces": answer["faces"]}
    again = connect(fake_server).call("frame", (script(faces=faces[::-1]), {"known": known}), timeout=10)
    assert [face["id"] for face in again["faces"]] == [2, 1]


# Breaking the protocol


def too_long(raw: RawSocket) -> None:
    raw.send(BINARY, bytes(70_000))


def fragments_without_end(raw: RawSocket) -> None:
    raw.send(TEXT, b'451-0["frame",{"_placeholder":true,"num":0}]')
    raw.send(BINARY, bytes(4000), final=False)
    for _ in range(500):
        raw.send(CONTINUED, bytes(4000), final=False)


def many_attachments(raw: RawSocket) -> None:
    raw.send(TEXT, b'4599-0["frame",{"_placeholder":true,"num":0}]')
    for _ in range(99):
        raw.send(BINARY, bytes(60_000))


def missing_attachment(raw: RawSocket) -> None:
    raw.send(TEXT, b'451-0["frame",{"_placeholder":true,"num":7}]')
    raw.send(BINARY, b"x")


def attachment_nobody_announced(raw: RawSocket) -> None:
    raw.send(BINARY, b"surprise")


def text_for_an_attachment(raw: RawSocket) -> None:
    raw.send(TEXT, b'451-0["frame",{"_placeholder":true,"num":0}]')
    raw.send(TEXT, b'42["frame"]')
    raw.send(TEXT, b"4")


def broken_json(raw: RawSocket) -> None:
    raw.send(TEXT, b'420["frame",')


def deep_json(raw: RawSocket) -> None:
    raw.send(TEXT, b"420" + b"[" * 30_000)


def no_event_name(raw: RawSocket) -> None:
    raw.send(TEXT, b"420[]")


def reserved_event(raw: RawSocket) -> None:
    raw.send(TEXT, b'420["disconnect","me"]')


def reserved_event_with_picture(raw: RawSocket) -> None:
    raw.send(TEXT, b'451-0["connect",{"_placeholder":true,"num":0}]')
    raw.send(BINARY, b"x")


def unknown_packet(raw: RawSocket) -> None:
    raw.send(TEXT, b"49")


def server_only_packet(raw: RawSocket) -> None:
    raw.send(TEXT, b'44{"message":"no"}')


@pytest.mark.parametrize(
    "offend",
    [
        too_long,
        fragments_without_end,
        reserved_event,
        reserved_event_with_picture,
        many_attachments,
        missing_attachment,
        attachment_nobody_announced,
        broken_json,
        deep_json,
        no_event_name,
        unknown_packet,
        server_only_packet,
    ],
)
def test_breaking_the_protocol_ends_the_connection_and_no_other(
    fake_server: Server, raw: RawSocket, connect: Connect, offend: Callable[[RawSocket], None]
) -> None:
    neighbour = connect(fake_server)
    before_mb = memory_mb(fake_server)
    with contextlib.suppress(OSError):  # the server may have enough before all is said
        offend(raw)
    began_s = time.monotonic()
    raw.wait_until_closed()
    assert time.monotonic() - began_s < 5
    assert neighbour.call("frame", script(), timeout=10)["ok"] is True
    assert memory_mb(fake_server) - before_mb < 12


def test_empty_fragments_without_end_take_no_memory(fake_server: Server, raw: RawSocket) -> None:
    before_mb = memory_mb(fake_server)
    with contextlib.suppress(OSError):
        raw.send(BINARY, b"", final=False)
        for _ in range(20_000):
            raw.send(CONTINUED, b"", final=False)
    time.sleep(0.5)
    assert memory_mb(fake_server) - before_mb < 5


def test_a_message_in_a_few_fragments_is_whole(raw: RawSocket) -> None:
    """Browsers may split a picture; a ping may come between the parts."""
    image = script(faces=[[5, 5, 50, 50]]) + b" " * 30_000
    raw.send(TEXT, b'451-0["frame",{"_placeholder":true,"num":0}]')
    raw.send(BINARY, image[:10_000], final=False)
    raw.send(9, b"ping")
    raw.send(CONTINUED, image[10_000:20_000], final=False)
    raw.send(CONTINUED, image[20_000:])
    assert b'"box":[5,5,50,50]' in raw.wait_for(b"430")


def test_compression_is_not_agreed_to(fake_server: Server) -> None:
    raw = RawSocket(fake_server.port, Sec_WebSocket_Extensions="permessage-deflate")
    assert b"deflate" not in raw.head
    raw.close()


def test_frames_before_joining_are_not_read(fake_server: Server) -> None:
    raw = RawSocket(fake_server.port, join=False)
    raw.send_picture(0, script())
    raw.wait_until_closed()
    raw.close()


def test_a_picture_is_read_whatever_its_mask(raw: RawSocket) -> None:
    image, mask = script(faces=[[5, 5, 50, 50]]) + b" " * 20_001, b"\x12\xab\x34\xff"
    raw.send(TEXT, b'451-0["frame",{"_placeholder":true,"num":0}]')
    frame = bytearray(masked(BINARY, bytes(byte ^ mask[place % 4] for place, byte in enumerate(image))))
    start = len(frame) - len(image)
    frame[start - 4 : start] = mask
    for part in (frame[:5001], frame[5001:5002], frame[5002:]):
        raw.socket.sendall(part)
        time.sleep(0.02)
    assert b'"box":[5,5,50,50]' in raw.wait_for(b"430")


# Company, and the end


def test_other_sites_may_connect_only_if_named() -> None:
    with Server(FAKE, EMOTION_WORKERS="1", EMOTION_ORIGINS="https://friend.example") as server:
        server.wait_until_ready()
        for origin in ("https://friend.example", f"http://127.0.0.1:{server.port}"):
            RawSocket(server.port, Origin=origin).close()
        with pytest.raises(ConnectionError, match="expected 101"):
            RawSocket(server.port, Origin="https://stranger.example")


def test_a_full_server_refuses_and_accepts_again_later() -> None:
    with Server(FAKE, EMOTION_WORKERS="1", EMOTION_MAX_CLIENTS="2") as server:
        server.wait_until_ready()
        guests = [RawSocket(server.port) for _ in range(2)]
        late = RawSocket(server.port, join=False)
        late.send(TEXT, b"40")
        refusal = late.wait_for(b"44")
        assert b'"code":"full"' in refusal
        assert b'"retry_after_s":' in refusal
        late.send_picture(0, script())
        late.wait_until_closed()
        late.close()
        guests[0].close()
        wait_until(lambda: server.metrics()["emotion_clients"] == 1)
        RawSocket(server.port).close()
        guests[1].close()
        assert server.metrics()['emotion_clients_refused_total{reason="full"}'] == 1


def test_one_client_cannot_send_faster_than_allowed() -> None:
    with Server(FAKE, EMOTION_WORKERS="1", EMOTION_FRAMES_PER_SECOND="10") as server:
        server.wait_until_ready()
        raw = RawSocket(server.port)
        time.sleep(1.0)
        for number in range(30):
            raw.send_picture(number, script())
            time.sleep(0.01)
        answers = [raw.wait_for(b"43") for _ in range(30)]
        assert sum(b'"ok":true' in answer for answer in answers) <= 10
        assert any(b"expected at most 10 frames a second" in answer for answer in answers)
        raw.close()


@pytest.mark.parametrize("mode", ["eventlet", "threading"])
def test_a_stop_is_announced_and_quick(mode: str) -> None:
    """Everybody hears `draining`, what is being read is answered, the close is clean, no process is left."""
    settings = {"EMOTION_ASYNC_MODE": mode, "EMOTION_DRAIN_S": "60", "EMOTION_FRAME_DEADLINE_MS": "10000"}
    with Server(FAKE, None, EMOTION_WORKERS="1", **settings) as server:
        server.wait_until_ready()
        raws = [RawSocket(server.port) for _ in range(3)]
        raws[0].send_picture(0, script(sleep_ms=1500))
        family = [psutil.Process(server.process.pid), *server.descendants()]
        server.signal(signal.SIGTERM)
        began_s = time.monotonic()
        for raw in raws:
            assert b"draining" in raw.wait_for(b"42[")
        assert b'"ok":true' in raws[0].wait_for(b"430")
        for raw in raws:
            raw.wait_until_closed()
            raw.close()
        server.process.wait(30)
        assert time.monotonic() - began_s < 20  # of the 60 seconds that were allowed
        wait_until(lambda: not any(member.is_running() for member in family))


def test_a_killed_web_process_leaves_no_worker_behind() -> None:
    with Server(FAKE, EMOTION_WORKERS="2") as server:
        server.wait_until_ready(workers=2)
        workers = server.workers()
        assert len(workers) == 2
        server.web().kill()
        wait_until(lambda: not any(worker.is_running() for worker in workers))
        server.wait_until_ready()


def test_those_who_leave_are_forgotten(fake_server: Server) -> None:
    before = fake_server.metrics()["emotion_clients"]
    for _ in range(30):
        raw = RawSocket(fake_server.port)
        raw.send_picture(0, script(sleep_ms=20))
        raw.close()
    wait_until(lambda: fake_server.metrics()["emotion_clients"] <= before)  # one of an earlier test may leave, too
    assert requests.get(f"{fake_server.url}/readyz", timeout=10).json()["workers"]["ready"] == 2


def test_start_and_memory_stay_within_their_bounds(portrait: bytes) -> None:
    """Three seconds of work until ready; after 200 frames at most 90 MB of web process and 170 MB of worker.

    Work is counted in processor time, so that a busy machine does not fail it.
    """
    with Server(EMOTION_WORKERS="1", EMOTION_FRAMES_PER_SECOND="1000", EMOTION_FRAME_DEADLINE_MS="10000") as server:
        server.wait_until_ready()
        (worker,) = server.workers()
        web = server.web()
        assert max(sum(process.cpu_times()[:2]) for process in (web, worker)) <= 3.0
        client = socketio.Client(reconnection=False)
        client.connect(server.url, transports=["websocket"])
        results = [client.call("frame", portrait, timeout=20) for _ in range(200)]
        client.disconnect()
        assert all(result["ok"] for result in results)
        assert web.memory_info().rss / 1e6 <= 90
        assert worker.memory_info().rss / 1e6 <= 170
