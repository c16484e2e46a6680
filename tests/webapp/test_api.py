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
from webapp.errors import ERRORS


def analyze(server: Server, **request: object) -> requests.Response:
    return requests.post(f"{server.url}/api/analyze", timeout=60, **request)  # type: ignore[arg-type]


def failed(reply: requests.Response) -> tuple[int, str]:
    """Status and code of an error, which has the shape of every error."""
    body = reply.json()
    assert set(body) == {"ok", "code", "message"}
    assert body["ok"] is False
    assert len(body["message"]) > 10
    assert (body["code"], reply.status_code) in ERRORS
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
    "disposition", ["form-data", 'form-data; filename="a.jpg"', 'form-data; name=""; filename="a"']
)
def test_a_part_of_a_form_without_a_name_is_refused_with_a_sentence(fake_server: Server, disposition: str) -> None:
    body = f"--b\r\nContent-Disposition: {disposition}\r\n\r\nx\r\n--b--\r\n"
    reply = analyze(fake_server, data=body, headers={"Content-Type": "multipart/form-data; boundary=b"})
    assert failed(reply) == (400, "bad_image")
    assert "expected a file in the field" in reply.json()["message"]


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
    assert failed(analyze(fake_server, data=encoded, headers={"Content-Type": "text/plain"})) == (415, "not_an_image")
    assert failed(analyze(fake_server, files={"picture": script()})) == (400, "bad_image")
    assert failed(analyze(fake_server, data={"image": "text"}, files={"other": b""})) == (400, "bad_image")
    assert failed(analyze(fake_server)) == (400, "bad_image")
    wrong_form = analyze(fake_server, data=b"--x", headers={"Content-Type": "multipart/form-data"})
    assert failed(wrong_form) == (400, "bad_image")
    too_long = {"Content-Type": f"multipart/form-data; boundary={'x' * 71}"}
    assert "boundary of at most 70 characters, received 71" in analyze(fake_server, data=b"--x", headers=too_long).text
    no_boundary_ends = {"Content-Type": "multipart/form-data; boundary=x"}
    assert failed(analyze(fake_server, data=b"--x\r\n", headers=no_boundary_ends)) == (400, "bad_image")


@pytest.mark.parametrize("kind", ["", "application/x-www-form-urlencoded", "application/octet-stream", "image/gif"])
def test_the_bytes_of_a_raw_body_decide_whatever_its_type(real_server: Server, portrait: bytes, kind: str) -> None:
    """What `curl --data-binary`, `requests.post(data=bytes)` and JavaScript's `fetch` with a buffer send."""
    headers = {"Content-Type": kind or None}
    assert len(analyze(real_server, data=portrait, headers=headers).json()["faces"]) == 1
    assert failed(analyze(real_server, data=b"no picture", headers=headers)) == (415, "not_an_image")
    assert failed(analyze(real_server, data=b"", headers=headers)) == (400, "bad_image")


def data_url(picture: bytes, head: str = "data:image/jpeg;base64,") -> str:
    return head + base64.b64encode(picture).decode()


@pytest.mark.parametrize("name", ["img", "image", "file"])
@pytest.mark.parametrize("head", ["data:image/jpeg;base64,", "data:image/png;charset=x;base64,", "data:;base64,", ""])
def test_json_holds_a_data_url(fake_server: Server, name: str, head: str) -> None:
    image = script(faces=[[10, 20, 30, 40]])
    answer = analyze(fake_server, json={name: data_url(image, head), "actions": ["emotion"]}).json()
    assert answer["faces"][0]["box"] == [10, 20, 30, 40]
    several = analyze(fake_server, json={name: [data_url(image, head)]}).json()
    assert [one["faces"] for one in several] == [answer["faces"]]

    mixed = analyze(fake_server, json={"file" if name != "file" else "img": "@", name: data_url(image, head)}).json()
    assert [one["ok"] for one in mixed] == [False, True]


@pytest.mark.parametrize(
    "given",
    [
        {},
        [],
        7,
        None,
        {"img": None},
        {"img": 7},
        {"img": {"a": 1}},
        {"img": ""},
        {"img": []},
        {"img": "data:image/jpeg;base64,"},
        {"img": "data:image/jpeg;base64,@@@@"},
        {"img": "data:image/jpeg,abc"},
        {"img": "https://example.org/face.jpg"},
        {"img": "file:///etc/passwd"},
        {"img": "/etc/passwd"},
        {"img_path": "face.jpg"},
    ],
)
def test_json_without_a_picture_is_told_what_is_expected(fake_server: Server, given: object) -> None:
    assert failed(analyze(fake_server, json=given)) == (400, "bad_image")


@pytest.mark.parametrize("body", [b"", b"{", b"{'img': 1}", b"[" * 100_000, b"\xff\xfe", b'{"img": NaN}'])
def test_what_is_no_json_is_refused(fake_server: Server, body: bytes) -> None:
    headers = {"Content-Type": "application/json"}
    assert failed(analyze(fake_server, data=body, headers=headers)) == (400, "bad_image")


def test_several_files_are_answered_in_their_order_and_no_failure_hides_the_others(fake_server: Server) -> None:
    """Several fields, one of them twice and one unknown; a picture that is none, one that is empty, one too large."""
    files = [
        ("image", script(faces=[[1, 0, 50, 50]], sleep_ms=80)),
        ("img", b"no picture"),
        ("image", script(faces=[[3, 0, 50, 50]])),
        ("other", script()),
        ("file", b""),
        ("file", script() + b" " * (1024 * 1024)),
        ("img", script(do="fail")),
        ("image", script(faces=[[8, 0, 50, 50]], sleep_ms=20)),
    ]
    reply = analyze(fake_server, files=[(name, ("x.jpg", content)) for name, content in files])
    assert reply.status_code == 200
    answers = reply.json()
    assert [answer.get("code", "ok") for answer in answers] == [
        "ok",
        "bad_image",
        "ok",
        "bad_image",
        "bad_image",
        "too_large",
        "internal",
        "ok",
    ]
    assert [answer["faces"][0]["box"][0] for answer in answers if answer["ok"]] == [1, 3, 8]
    assert "field other" in answers[3]["message"]


def test_a_request_holds_a_bounded_number_of_pictures(fake_server: Server) -> None:
    files = [("image", (f"{number}.jpg", script())) for number in range(65)]
    assert failed(analyze(fake_server, files=files)) == (400, "bad_image")
    assert len(analyze(fake_server, files=files[:64]).json()) == 64


def test_forty_photos_at_once_are_all_answered(fake_server: Server) -> None:
    with ThreadPoolExecutor(40) as threads:
        send = [threads.submit(analyze, fake_server, files={"image": script(sleep_ms=50)}) for _ in range(40)]
        assert [reply.result().status_code for reply in send] == [200] * 40


def test_answers_have_the_shape_that_code_for_fer_reads(real_server: Server, portrait: bytes) -> None:
    result = analyze(real_server, files={"image": portrait}, params={"format": "fer"}).json()
    x, y, w, h = result[0]["box"]
    emotions = result[0]["emotions"]
    assert list(emotions) == ["angry", "disgust", "fear", "happy", "sad", "surprise", "neutral"]
    assert max(emotions, key=emotions.get) == "happy"
    assert all(value == round(value, 2) and 0 <= value <= 1 for value in emotions.values())
    assert 0 <= x < x + w <= 512
    assert 0 <= y < y + h <= 512
    plain = analyze(real_server, files={"image": portrait}).json()
    assert result[0]["box"] == plain["faces"][0]["box"]


def test_answers_have_the_shape_that_code_for_deepface_reads(real_server: Server, portrait: bytes) -> None:
    result = analyze(real_server, json={"img": data_url(portrait)}, params={"format": "deepface"}).json()
    assert result[0]["dominant_emotion"] == "happy"
    assert max(result[0]["emotion"], key=result[0]["emotion"].get) == result[0]["dominant_emotion"]
    assert sum(result[0]["emotion"].values()) == pytest.approx(100, abs=0.1)
    region = result[0]["region"]
    assert region["x"] + region["w"] <= 512
    assert set(region) == {"x", "y", "w", "h", "left_eye", "right_eye"}
    assert region["left_eye"] is region["right_eye"] is None
    assert 0 <= result[0]["face_confidence"] <= 1


def test_formats_of_nobody_and_of_several_are_lists(fake_server: Server) -> None:
    for shape in ("fer", "deepface"):
        assert analyze(fake_server, files={"image": script()}, params={"format": shape}).json() == []
        files = [("image", ("a.jpg", script(faces=[[1, 2, 3, 4]]))), ("image", ("b.jpg", b"none"))]
        answers = analyze(fake_server, files=files, params={"format": shape}).json()
        assert len(answers[0]) == 1
        assert answers[1]["code"] == "bad_image"


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"format": "xml"}, "format emotion, fer, deepface, received 'xml'"),
        ({"format": ""}, "received ''"),
        ({"explain": "yes"}, "explain=0 or explain=1, received 'yes'"),
        ({"search": "deep"}, "search auto or thorough, received 'deep'"),
        (
            {"serach": "thorough"},
            "options format, explain, search in the query, received 'serach'; did you mean search?",
        ),
        ({"Format": "fer"}, "received 'Format'; did you mean format?"),
        ({"search": "thorough", "x" * 50: "1"}, f"received '{'x' * 40}'"),
        ({"search": ["auto", "thorough"]}, "expected the option search once, received it 2 times"),
    ],
)
def test_an_unknown_option_is_refused(fake_server: Server, wrong: dict[str, str], says: str) -> None:
    reply = analyze(fake_server, files={"image": script()}, params=wrong)
    assert failed(reply) == (400, "bad_image")
    assert says in reply.json()["message"]


def test_a_form_that_is_too_large_is_told_apart_from_a_picture_that_is(fake_server: Server) -> None:
    many = [("image", ("a.jpg", b"x"))] * 1001
    for form in ({"data": {"image": "x" * 600_000}, "files": {"image": script()}}, {"files": many}):
        reply = analyze(fake_server, **form)
        assert failed(reply) == (413, "too_large")
        expected = "expected a form of at most 1000 parts, with at most 500000 bytes of text in each"
        assert reply.json()["message"].startswith(expected)
    huge = analyze(fake_server, files={"image": bytes(9_000_000)})
    assert "expected a request of at most 4" in huge.json()["message"]


def test_a_heat_map_says_what_the_answer_rests_on(real_server: Server, portrait: bytes) -> None:
    plain, explained = (
        analyze(real_server, files={"image": portrait}, params={"explain": value}).json()["faces"][0] for value in "01"
    )
    heat = explained.pop("heat")
    assert plain == explained
    assert [len(row) for row in heat] == [12] * 12
    values = [value for row in heat for value in row]
    assert max(map(abs, values)) > 0.0005  # a face this certain hardly depends on any one part
    assert all(-1 <= value <= 1 for value in values)


def test_errors_of_the_protocol_have_the_same_shape(fake_server: Server) -> None:
    reply = requests.get(f"{fake_server.url}/api/analyze", timeout=10)
    assert failed(reply) == (405, "method_not_allowed")
    assert "POST" in reply.headers["Allow"]
    assert reply.json()["message"].endswith("for /api/analyze, received GET")
    reply = requests.post(f"{fake_server.url}/api/nothing%C3%A9", timeout=10)
    assert failed(reply) == (404, "not_found")
    assert reply.json()["message"].endswith("/api/openapi.json lists, received /api/nothing\\xe9")


def test_a_bug_is_answered_as_internal_without_details(fake_server: Server) -> None:
    reply = analyze(fake_server, files={"image": script(do="fail")})
    assert failed(reply) == (500, "internal")
    assert "RuntimeError" not in reply.text
    assert "RuntimeError: a bug" in fake_server.log()


def test_a_worker_that_dies_is_an_error_and_is_replaced(fake_server: Server) -> None:
    assert failed(analyze(fake_server, files={"image": script(do="crash")})) == (500, "internal")
    fake_server.wait_until_ready(workers=2)
    assert analyze(fake_server, files={"image": script()}).json()["ok"] is True


def test_half_a_request_delays_nobody(fake_server: Server) -> None:
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


def test_before_a_worker_is_ready_the_answer_is_not_ready() -> None:
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


@pytest.mark.parametrize(("query", "exhaustive"), [("", False), ("?search=auto", False), ("?search=thorough", True)])
def test_the_chosen_search_reaches_the_analyzer(fake_server: Server, query: str, exhaustive: bool) -> None:
    reply = requests.post(f"{fake_server.url}/api/analyze{query}", files={"image": script()}, timeout=10)
    assert reply.json()["model"] | {"thorough": True, "exhaustive": exhaustive} == reply.json()["model"]
