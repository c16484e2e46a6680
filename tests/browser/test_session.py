"""The session of the camera: timeline, recording, recovery, summary and saved files."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import cv2
import pandas as pd
import pytest
from playwright.sync_api import Error, Page, expect

from ml.batch.rows import COLUMNS
from ml.inference.contract import EMOTIONS
from tests.browser.access import assert_accessible, assert_no_sideways_scroll
from tests.browser.conftest import stage_state, start_camera, until
from tests.browser.sessions import Answers, painted_colours, save
from tests.support.network import Network
from tests.support.serving import Server

OpenPage = Callable[..., Page]

RECORD_S = float(os.environ.get("EMOTION_SESSION_SECONDS", "0"))
"""Least length of the recorded session; 120 checks what the README promises of two minutes."""
ANSWERS = 25
"""Least number of answers in each part of the recorded session."""
VIEWS = [(360, 640, "light"), (1280, 720, "dark"), (1280, 720, "light"), (2560, 1440, "dark")]

NUMBERS = "localStorage.setItem('settings', JSON.stringify({record: 'numbers'}));"
BLOCKED = NUMBERS + "indexedDB.open = () => { throw new DOMException('no storage here', 'SecurityError'); };"
LASTING = NUMBERS + (
    "const start = setTimeout; window.setTimeout = (run, ms, ...more) => ms === 6000 ? 0 : start(run, ms, ...more);"
)
"""Short notes stay."""
FULL = NUMBERS + (
    "IDBObjectStore.prototype.put = () => { throw new DOMException('no room is left', 'QuotaExceededError'); };"
)


def open_session(open_page: OpenPage, script: str = NUMBERS, **options: Any) -> Page:
    """A page whose camera is read and whose timeline is loaded."""
    page = start_camera(open_page(script=script, **options))
    expect(page.locator("#record")).to_be_enabled()
    return page


def record(page: Page, seconds: float) -> None:
    """Press Record, and wait until so much was recorded."""
    page.click("#record")
    expect(page.locator("#record")).to_have_attribute("aria-pressed", "true")
    wait_until_recorded(page, seconds)


def wait_until_recorded(page: Page, seconds: float) -> None:
    page.wait_for_function(
        """s => { const [m, t] = document.querySelector('#record .tool__label').textContent.split(':');
           return +m * 60 + +t >= s; }""",
        arg=seconds,
        timeout=60_000 + seconds * 1000,
    )


def stop(page: Page) -> None:
    page.click("#stop")
    expect(page.locator("#summary")).to_be_visible()


def left_out(frames: list[Any], answered: list[Any]) -> tuple[int, int]:
    """How many answers from the first recorded frame on are not recorded: between frames, and after the last one.

    Raises AssertionError when a recorded frame was not answered, or not in this order.
    """
    at = next(at for at in range(len(answered)) if answered[at : at + 3] == frames[:3])
    missed = 0
    for frame in frames:
        while at < len(answered) and answered[at] != frame:
            at, missed = at + 1, missed + 1
        assert at < len(answered), "expected every recorded frame among the answered ones, in their order"
        at += 1
    return missed, len(answered) - at


def test_session_code_is_not_loaded_before_the_first_answer(open_page: OpenPage) -> None:
    page = open_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.reload()
    page.wait_for_load_state("networkidle")
    assert not [url for url in asked if "/session" in url or "idb" in url]


def test_a_lost_connection_counts_from_the_last_answer(open_page: OpenPage, server: Server, tmp_path: Path) -> None:
    with Network(server.port) as network:
        page = open_session(open_page, base=network.url, expect_errors=True)
        record(page, 1)
        network.freeze()
        stage_state(page, "lost", "reconnecting")  # which the page notices after seconds without an answer
        network.thaw()
        page.wait_for_selector(".face")
        stop(page)
        document = json.loads(save(page, "JSON", tmp_path).read_text("utf-8"))
    times = [frame["timestamp_s"] for frame in document["frames"]]
    gap = max(range(1, len(times)), key=lambda at: times[at] - times[at - 1])
    (offline,) = [event for event in document["events"] if event["kind"] == "offline"]
    assert offline["t_s"] == pytest.approx(times[gap - 1], abs=0.002), "the last answer before"
    assert offline["to_s"] <= times[gap]


def test_a_recording_holds_every_answered_frame(open_page: OpenPage, tmp_path: Path) -> None:
    page = open_page(script=NUMBERS, camera="people")
    answers = Answers(page)
    start_camera(page)
    expect(page.locator("#record")).to_be_enabled()

    def wait_for_answers(number: int) -> None:
        before = len(answers.faces)
        until(page, lambda: len(answers.faces) >= before + number, f"{number} more answers")

    record(page, RECORD_S / 2)
    wait_for_answers(ANSWERS)
    page.keyboard.press("x")
    page.keyboard.press("k")
    page.keyboard.type("Song")
    page.set_viewport_size({"width": 320, "height": 568})
    assert_no_sideways_scroll(page)
    page.set_viewport_size({"width": 1280, "height": 720})
    page.keyboard.press("Enter")
    wait_for_answers(ANSWERS // 2)
    page.keyboard.press("x")
    page.click("#pause")
    page.wait_for_timeout(500)
    page.click("#pause")
    wait_for_answers(ANSWERS)
    page.wait_for_timeout(RECORD_S * 500)
    stop(page)
    page.wait_for_timeout(200)

    saved = save(page, "JSON", tmp_path)
    document = json.loads(saved.read_text("utf-8"))
    frames = [[face["box"] for face in frame["faces"]] for frame in document["frames"]]
    between, after = left_out(frames, [[face["box"] for face in faces] for faces in answers.faces])
    # What is on its way at Pause, and at Stop, is not shown.
    assert between <= answers.most_on_the_way
    assert after <= answers.most_on_the_way
    kinds = [event["kind"] for event in document["events"] if event["kind"] != "nobody"]
    assert kinds == ["excluded", "marker", "paused"]
    assert document["model"]["version"]

    path = save(page, "CSV", tmp_path)
    assert re.fullmatch(r"emotions_\d{4}-\d\d-\d\d_\d\d-\d\d-\d\d\.csv", path.name)
    raw = path.read_bytes()
    assert not raw.startswith(b"\xef\xbb\xbf")
    assert raw.count(b"\r\n") == raw.count(b"\n")
    table = pd.read_csv(path)
    smoothed = [f"smoothed_{name}" for name in EMOTIONS]
    assert list(table) == [*COLUMNS, *EMOTIONS, "time_utc", "delay_ms", *smoothed, "marker", "excluded"]
    assert len(table) == sum(map(len, frames))
    kinds_of = {name: table[name].dtype.kind for name in table}
    assert {kinds_of[name] for name in ("frame", "face_id", "x", "y", "width", "height")} == {"i"}
    assert {kinds_of[name] for name in ("timestamp_s", "confidence", "delay_ms", *EMOTIONS, *smoothed)} == {"f"}
    assert {kinds_of[name] for name in ("uncertain", "excluded")} == {"b"}
    assert table["marker"].dropna().tolist() == ["Song"]
    assert table["excluded"].any()
    assert not table["excluded"].all()
    for _, face in table.groupby("face_id"):
        assert face["timestamp_s"].is_monotonic_increasing
        assert face["timestamp_s"].is_unique
    times = pd.to_datetime(table["time_utc"])
    assert (times.diff().dropna().dt.total_seconds() >= 0).all()
    assert set(table["source"]) == {"live"}

    printed = save(page, "Printable report", tmp_path)
    report = printed.read_text("utf-8")
    assert "<svg" in report
    assert document["model"]["version"] in report
    assert not re.search(r"""(src|href)=["']?(https?:)?//""", report), "a report holds all it needs"
    assert cv2.imread(str(save(page, "Picture", tmp_path))).shape[1] == 2560

    page.click("nav [data-panel=video]")
    page.wait_for_selector("#panel-video:not([hidden])")
    page.set_input_files("#video-file", saved)
    again = tmp_path / "again"
    for name, before in (("JSON", saved), ("CSV", path), ("Printable report", printed)):
        assert save(page, name, again).read_bytes() == before.read_bytes(), f"{name} of the session opened again"


def test_closing_the_page_asks_while_numbers_are_in_no_file(open_page: OpenPage, tmp_path: Path) -> None:
    page = open_session(open_page)
    asks = """(() => { const leaving = new Event('beforeunload', {cancelable: true});
      dispatchEvent(leaving); return leaving.defaultPrevented; })()"""
    assert not page.evaluate(asks)
    page.get_by_role("button", name="Take my neutral face").click()
    expect(page.get_by_text(re.compile(r"Change from the neutral face of 0:\d\d, in log-odds"))).to_be_visible()
    expect(page.locator("#timeline")).to_have_attribute("data-state", "shown")  # after five seconds, recorded or not
    assert_accessible(page)
    record(page, 1)
    assert page.evaluate(asks)
    page.click("#record")  # ends it, and the camera goes on
    toast = page.locator(".toast", has_text="The recording is kept in this browser.")
    expect(toast).to_be_visible()
    opens = page.locator("#timeline").get_by_role("button", name=re.compile(r"Recording 0:\d\d: summary"))
    opens.focus()
    page.keyboard.press("Enter")
    expect(page.locator("#summary")).to_be_visible()
    expect(toast).to_have_count(0)
    expect(opens).to_be_hidden()
    page.get_by_role("button", name="Back to the camera").click()
    expect(opens).to_be_visible()
    stop(page)
    save(page, "Picture", tmp_path)
    assert page.evaluate(asks)
    table = pd.read_csv(save(page, "CSV", tmp_path))
    assert {table[f"baseline_{name}"].dtype.kind for name in EMOTIONS} == {"f"}
    assert table["baseline_neutral"].abs().max() <= 13.9, "a change is finite"
    expect(page.locator(".toast", has_text="Saved emotions_").first).to_be_visible()
    assert not page.evaluate(asks)
    page.get_by_role("button", name="New session").click()
    expect(page.locator("#summary")).to_be_hidden()
    expect(page.locator("#record")).to_be_enabled()


def test_the_first_press_asks_once_and_a_video_is_saved_with_marks(open_page: OpenPage, tmp_path: Path) -> None:
    page = open_session(open_page, script="")
    page.click("#record")
    dialog = page.get_by_role("dialog", name="What should be recorded?")
    expect(dialog).to_be_visible()
    assert_accessible(page)
    dialog.get_by_role("button", name="Numbers and video").click()
    wait_until_recorded(page, 4)
    stop(page)
    clip = cv2.VideoCapture(str(save(page, "Video with marks", tmp_path)))
    frames = 0
    while clip.read()[0]:
        frames += 1
    assert frames >= 2, "a busy machine draws as few as one in two seconds"
    assert clip.get(cv2.CAP_PROP_FRAME_WIDTH) == 640, "the camera's own size"
    saved = page.locator(".toast", has_text="The numbers are in no file yet.")
    expect(saved.get_by_role("button", name="CSV")).to_be_visible()

    page.get_by_role("button", name="View").click()
    expect(page.locator(".viewer__video")).to_be_visible()
    page.get_by_role("button", name="Play").click()
    painted = """() => { const c = document.querySelector('.viewer__canvas');
      return c.getContext('2d').getImageData(0, 0, c.width, c.height).data.some((value) => value > 0); }"""
    page.wait_for_function(painted)
    assert_accessible(page)
    page.get_by_role("button", name="Back to the summary").click()
    page.get_by_role("button", name="New session").click()
    page.click("#record")
    expect(page.locator("#record")).to_have_attribute("aria-pressed", "true")
    expect(dialog).to_be_hidden()
    page.wait_for_timeout(500)
    stop(page)
    until(page, lambda: stored(page)[0] == 2, "both recordings, since neither's numbers are in a file")
    page.get_by_role("button", name="Delete").click()
    page.get_by_role("button", name="Delete for good?").click()
    expect(page.locator("#summary")).to_be_hidden()
    until(page, lambda: stored(page)[0] == 1, "the other recording alone")


def stored(page: Page) -> list[int]:
    """How many recordings, parts and pieces of video the browser keeps."""
    return page.evaluate(
        """async () => {
          const { openDB } = await import(document.querySelector('script[type=module]').src
            .replace(/js\\/main\\.js$/, 'vendor/idb-8.0.4.esm.js'));
          const database = await openDB('emotion-sessions');
          const counts = await Promise.all(['recordings', 'parts', 'video'].map((name) => database.count(name)));
          database.close();
          return counts; }"""
    )


def test_a_page_that_dies_leaves_a_recording_to_recover_or_delete(open_page: OpenPage, tmp_path: Path) -> None:
    page = open_session(open_page)
    answers = Answers(page)
    record(page, 2)
    before = len(answers.faces)
    wait_until_recorded(page, 4)
    recorded = sum(map(len, answers.faces[before:]))
    wait_until_recorded(page, 6)  # written at 0 and at 5 s
    url = page.url
    session = page.context.new_cdp_session(page)
    with suppress(Error):  # what is asked to die does not answer
        session.send("Page.navigate", {"url": "chrome://crash"})
    page.close()

    again = page.context.new_page()
    again.goto(url)
    from_four_seconds = r"(0:(0[4-9]|[1-5]\d)|[1-9]\d*:\d\d)"
    words = rf"Recover the recording of .*\({from_four_seconds}\)\? It was not saved as CSV or JSON\."
    question = again.get_by_role("group", name=re.compile(words))
    expect(question).to_be_visible()
    assert_accessible(again)
    question.get_by_role("button", name="Recover").click()
    expect(again.locator("#summary")).to_be_visible()
    table = pd.read_csv(save(again, "CSV", tmp_path))
    assert table["timestamp_s"].max() > 3
    assert len(table) >= recorded > 0

    again.reload()
    again.wait_for_load_state("networkidle")
    assert again.evaluate("localStorage.getItem('unsaved-recording')") is None, "what is in a file is not kept"

    again.evaluate(
        """async () => {
          const load = (name) => import(document.querySelector('script[type=module]').src
            .replace(/main\\.js$/, `session/${name}.js`));
          const [{ Journal }, { newRecording }, { ReadingLog }] = await Promise.all(
            ['journal', 'recording', 'log'].map(load));
          const journal = new Journal();
          await journal.hold('nothing');
          const log = new ReadingLog(['happy', 'sad']);
          await journal.write(newRecording({ id: 'nothing', log }), { frames: 0, video: 0 });
        }"""
    )
    assert stored(again)[0] == 1
    again.reload()
    until(again, lambda: stored(again)[0] == 0, "a recording of nothing is not offered")
    expect(again.locator(".toast")).to_have_count(0)


@pytest.mark.parametrize(("script", "says"), [(BLOCKED, "does not store recordings"), (FULL, "storage is full")])
def test_without_storage_a_recording_continues_in_memory(
    open_page: OpenPage, tmp_path: Path, script: str, says: str
) -> None:
    page = open_session(open_page, script=script)
    record(page, 1)
    expect(page.locator(".toast", has_text=says)).to_be_visible()
    page.wait_for_timeout(1000)
    stop(page)
    assert len(pd.read_csv(save(page, "CSV", tmp_path))) > 0


def test_notes_cover_no_control_and_nothing_moves_while_a_marker_is_named(open_page: OpenPage) -> None:
    page = open_session(open_page, script=LASTING)
    record(page, 0)
    for _ in range(3):
        page.keyboard.press("s")
    expect(page.locator(".toast")).to_have_text(["Snapshot saved."])
    page.evaluate(
        """async () => {
          const { toast } = await import(document.querySelector('script[type=module]').src
            .replace(/main\\.js$/, 'shared/toast.js'));
          toast('One more note.');
          toast('And a long one, as long as the sentence that says that the storage is full.');
        }"""
    )
    expect(page.locator(".toast")).to_have_count(2)
    places = """() => ['.toast', '.controls button, .timeline button, .timeline input, .corner'].map((selector) =>
      [...document.querySelectorAll(selector)].map((element) => element.getBoundingClientRect())
        .filter(({width}) => width).map(({left, top, right, bottom}) => [left, top, right, bottom]))"""
    for width, height in ((1280, 720), (820, 1100), (360, 640)):
        page.set_viewport_size({"width": width, "height": height})
        notes, controls = page.evaluate(places)
        assert len(notes) == 2
        for left, top, right, bottom in notes:
            assert not [c for c in controls if c[0] < right and c[2] > left and c[1] < bottom and c[3] > top]
    page.locator(".toast").first.click()
    expect(page.locator(".toast")).to_have_count(1)

    page.click("#pause")
    page.evaluate("new Promise((resolve) => setTimeout(resolve, 1500))")  # the last marks have gone: nothing else moves
    layout = """() => [scrollX, scrollY, ...['.stage', '.controls', '.timeline', '.timeline__view', '.foot']
      .map((selector) => JSON.stringify(document.querySelector(selector).getBoundingClientRect()))]"""
    for width, height in ((820, 1100), (360, 640), (740, 360), (1280, 720)):
        page.set_viewport_size({"width": width, "height": height})
        page.evaluate("new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))")
        before = page.evaluate(layout)
        page.keyboard.press("k")
        name = page.get_by_role("textbox", name="Name of the marker at")
        expect(name).to_be_focused()
        expect(name).to_be_in_viewport(ratio=1)
        assert page.evaluate(layout) == before
        page.keyboard.type(f"at {width}")
        page.keyboard.press("Enter")
        expect(name).to_be_hidden()
    stop(page)
    expect(page.locator(".summary__input").first).to_have_value("at 820")


def test_the_timeline_can_be_used_with_keys_and_mouse(open_page: OpenPage, screenshots: Path) -> None:
    page = open_session(open_page, camera="people")
    timeline = page.locator("#timeline")
    record(page, 2)  # whoever records has the timeline at once
    expect(timeline).to_have_attribute("data-state", "shown")
    slider = page.get_by_role("slider", name="Moment of the session")
    expect(page.get_by_role("button", name="Back to live")).to_be_hidden()

    slider.focus()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    expect(page.get_by_role("button", name="Back to live")).to_be_visible()
    expect(slider).to_have_attribute("aria-valuetext", re.compile(r"^0:\d\d, .+"))
    for _ in range(int(slider.input_value()) // 10 + 1):
        page.keyboard.press("Shift+ArrowLeft")
    expect(slider).to_have_attribute("aria-valuetext", re.compile(r"^0:00, "))
    page.get_by_role("button", name="Back to live").click()
    expect(page.get_by_role("button", name="Back to live")).to_be_hidden()

    page.get_by_role("button", name="Show as table").click()
    table = page.get_by_role("region", name="Timeline as a table").get_by_role("table")
    expect(table.get_by_role("row").nth(1)).to_contain_text("0:00")
    assert_accessible(page)
    page.keyboard.press("Escape")

    wait_until_recorded(page, 3)
    canvas = timeline.locator("canvas").first
    box = canvas.bounding_box()
    assert box
    page.get_by_role("radio", name="30 s").check()
    lived = page.evaluate("Number(document.querySelector('.timeline__range').max)")
    right = box["x"] + box["width"] * min(1, lived / 30) - 4
    page.keyboard.down("Shift")
    page.mouse.move(right - box["width"] * 1.5 / 30, box["y"] + 8)
    page.mouse.down()
    page.mouse.move(right, box["y"] + 8, steps=4)
    page.mouse.up()
    page.keyboard.up("Shift")
    for width, height, scheme in VIEWS:
        page.set_viewport_size({"width": width, "height": height})
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        drawn_again(page)
        page.screenshot(path=screenshots / f"session-{width}-{scheme}.png")
        assert_no_sideways_scroll(page)
        assert_accessible(page)
    page.set_viewport_size({"width": 1280, "height": 720})
    page.get_by_role("button", name="Show lines").click()
    drawn_again(page)
    page.screenshot(path=screenshots / "session-lines.png")
    assert len(painted_colours(page, ".timeline__canvas--lines")) >= 4, "lines in the colours of several emotions"

    stop(page)
    for width, height, scheme in VIEWS:
        page.set_viewport_size({"width": width, "height": height})
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        drawn_again(page)
        page.screenshot(path=screenshots / f"summary-{width}-{scheme}.png")
        assert_no_sideways_scroll(page)
        assert_accessible(page)
    expect(page.locator("#summary")).to_contain_text("Excluded: 0:")


def drawn_again(page: Page) -> None:
    """Wait until the page was drawn in its new size."""
    page.evaluate("new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))")


STOP_AT_THE_FIRST_FACE = """
new MutationObserver((changes, observer) => {
  if (!document.querySelector('#faces .face')) return;
  observer.disconnect();
  document.getElementById('stop').click();
  window.stopped = true;
}).observe(document, { childList: true, subtree: true });
"""
"""Pressed by the page itself: a machine that is slow would let five seconds pass."""


def test_a_short_session_has_no_summary(open_page: OpenPage) -> None:
    page = open_page(script=STOP_AT_THE_FIRST_FACE)
    page.click("[data-action=start]")
    page.wait_for_function("() => window.stopped")
    stage_state(page, "first")
    expect(page.locator("#record")).to_have_count(1)  # what sums up is loaded, and has been told
    page.wait_for_timeout(200)
    expect(page.locator("#summary")).to_be_hidden()


HALF_AN_HOUR = """async () => {
  const base = document.querySelector('script[type=module]').src.replace(/main\\.js$/, 'session/');
  const [{ ReadingLog }, { newRecording }, { csv, json, toBlob }, { historyOf }] = await Promise.all(
    ['log', 'recording', 'export', 'playback'].map((name) => import(`${base}${name}.js`)));
  const labels = ['angry', 'disgust', 'fear', 'happy', 'sad', 'surprise', 'neutral'];
  const emotions = Object.fromEntries(labels.map((name, i) => [name, i === 3 ? 0.4 : 0.1]));
  const read = { box: [1, 2, 3, 4], emotions, smoothed: emotions, dominant_emotion: 'happy', confidence: 0.4 };
  const log = new ReadingLog(labels), faces = [{ ...read, id: 1 }, { ...read, id: 2 }];
  for (let i = 0; i < 30 * 60 * 12; i++) log.add({ timestamp_s: i / 12, faces, time_utc: i, delay_ms: 1 });
  window.kept = newRecording({ log });
  window.seen = historyOf(window.kept);
  const started = performance.now();
  window.files = [await toBlob(csv(window.kept), 'text/csv'), await toBlob(json(window.kept), 'application/json')];
  return { ms: performance.now() - started, bytes: window.files.map(({ size }) => size), rows: 30 * 60 * 12 * 2 };
}"""


def test_half_an_hour_is_kept_and_saved_within_bounds(open_page: OpenPage) -> None:
    page = open_page()
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})  # the processor's time, not the clock's

    def task_s() -> float:
        metrics = session.send("Performance.getMetrics")["metrics"]
        return next(metric["value"] for metric in metrics if metric["name"] == "TaskDuration")

    def held_bytes() -> int:
        session.send("HeapProfiler.collectGarbage")
        usage = session.send("Runtime.getHeapUsage")
        return usage["usedSize"] + usage["backingStorageSize"]

    before_bytes, before_s = held_bytes(), task_s()
    made = page.evaluate(HALF_AN_HOUR)
    spent_s, added_bytes = task_s() - before_s, held_bytes() - before_bytes
    assert made["bytes"][0] > made["rows"] * 100
    assert made["rows"] * 100 < added_bytes < 150e6, "log and timeline of the recording"
    assert 0.05 < spent_s < 10, "making the recording, its timeline, CSV and JSON"
    until(page, lambda: page.evaluate("files.length") == 2, "both files")
