"""The panel of photographs: the example, and files that people choose, drop or paste."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Download, FilePayload, Page, Route, expect

from ml.inference.contract import DISPLAY_NAMES
from tests.browser.access import assert_no_sideways_scroll, photograph
from tests.browser.conftest import until

OpenPage = Callable[..., Page]

MARKS = """() => { const c = document.getElementById('photo-marks');
  const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data; let x = 0, y = 0, n = 0;
  for (let i = 3; i < d.length; i += 4) if (d[i]) { n++; x += (i >> 2) % c.width; y += ((i >> 2) / c.width) | 0; }
  return [x / n / c.width, y / n / c.height, n]; }"""
"""Where the middle of the painted pixels is, as parts of the canvas, and how many there are."""


@pytest.fixture(scope="session")
def portrait(root: Path) -> Path:
    return root / "static" / "examples" / "portrait.jpg"


@pytest.fixture
def photo_page(open_page: OpenPage) -> Page:
    """The panel with its example read."""
    page = open_page("/photo")
    page.wait_for_selector(".tile[data-state=done]")
    return page


def jpeg(path: Path, name: str) -> FilePayload:
    return FilePayload(name=name, mimeType="image/jpeg", buffer=path.read_bytes())


def choose(page: Page, *files: FilePayload | Path) -> None:
    page.set_input_files("#file", list(files))  # type: ignore[arg-type]


def open_tile(page: Page, name: str) -> None:
    page.locator(f".tile__open[title='{name}']").click()


def status(page: Page, text: str | re.Pattern[str]) -> None:
    expect(page.locator("#photo-status")).to_have_text(text)


def test_an_example_is_read_at_once(photo_page: Page, screenshots: Path) -> None:
    face = photo_page.locator("#photo-faces .face")
    expect(face).to_have_count(1)
    expect(face).to_have_attribute("data-word", "happy")
    expect(face.locator(".bars__name")).to_have_text(list(DISPLAY_NAMES.values()))
    expect(face.locator(".face__label")).to_be_empty()  # one face needs no number
    photograph(photo_page, "photo", screenshots)


def test_an_example_without_a_face_says_so(photo_page: Page, screenshots: Path) -> None:
    photo_page.click("[data-example*='cat.jpg']")
    status(photo_page, re.compile("No face found"))
    photograph(photo_page, "photo-nobody", screenshots)


def test_problems_hide_nothing_and_can_be_listed(photo_page: Page, portrait: Path, screenshots: Path) -> None:
    words = FilePayload(name="words.jpg", mimeType="image/jpeg", buffer=b"\xff\xd8\xff not a picture at all")
    note = FilePayload(name="note.txt", mimeType="text/plain", buffer=b"words")
    void = FilePayload(name="void.jpg", mimeType="image/jpeg", buffer=b"")
    cut = FilePayload(name="cut.jpg", mimeType="image/jpeg", buffer=portrait.read_bytes()[:5000])
    choose(photo_page, jpeg(portrait, "me.jpg"), words, note, void, cut)
    status(photo_page, "1 face")
    expect(photo_page.locator("#photo-problems .badge")).to_have_text("4")
    photo_page.click("#photo-problems")
    expect(photo_page.locator(".tile--problem:visible")).to_have_count(4)
    expect(photo_page.locator("#photo-strip .tile:visible")).to_have_count(5)  # and the one that adds more
    names = photo_page.locator(".tile--problem:visible .tile__name")
    expect(names).to_have_text(["words.jpg", "note.txt", "void.jpg", "cut.jpg"])
    for tile_name in names.all():
        expect(tile_name).to_be_visible()
    photograph(photo_page, "photo-problems", screenshots)
    for tile in photo_page.locator(".tile__status:visible").all():
        assert tile.evaluate("(text) => text.scrollWidth <= text.clientWidth"), f"cut: {tile.inner_text()}"
    for name, text in {
        "words.jpg": "Not a picture|Damaged",
        "note.txt": "Not a picture; found: text.",
        "void.jpg": "The file is empty.",
        "cut.jpg": "Damaged: the file ends too early",
    }.items():
        open_tile(photo_page, name)
        status(photo_page, re.compile(text))
        if name != "cut.jpg":  # half of which is shown
            expect(photo_page.locator("#photo-void")).to_contain_text(re.compile(text))
            expect(photo_page.locator("#photo-image")).to_be_hidden()
    photograph(photo_page, "photo-problem", screenshots)
    photo_page.click("#photo-problems")
    open_tile(photo_page, "me.jpg")
    status(photo_page, "1 face")
    expect(photo_page.locator("#photo-void")).to_be_hidden()


def test_a_file_that_was_taken_away_can_be_tried_again(open_page: OpenPage, tmp_path: Path, portrait: Path) -> None:
    photo_page = open_page("/photo", expect_errors=True)
    photo_page.wait_for_selector(".tile[data-state=done]")
    path = tmp_path / "gone.jpg"
    path.write_bytes(b"changed after it was chosen")
    photo_page.route("**/api/analyze", lambda route: None)  # the first two hold up the queue
    choose(photo_page, jpeg(portrait, "a.jpg"), jpeg(portrait, "b.jpg"))
    choose(photo_page, path)
    path.unlink()
    photo_page.get_by_role("button", name="Remove a.jpg").click()
    open_tile(photo_page, "gone.jpg")
    status(photo_page, "The file could not be read.")
    expect(photo_page.locator("#photo-retry")).to_be_visible()


def test_save_all_saves_each_photo_that_was_read(photo_page: Page, portrait: Path) -> None:
    void = FilePayload(name="void.jpg", mimeType="image/jpeg", buffer=b"")
    save_all = photo_page.locator("#photo-save-all")
    expect(save_all).to_be_hidden()  # of one photo there is nothing more to save
    saved: list[Download] = []
    photo_page.on("download", lambda file: saved.append(file))
    choose(photo_page, jpeg(portrait, "me.jpg"), void, jpeg(portrait, "you.jpg"))
    expect(save_all).to_be_visible()
    until(photo_page, lambda: photo_page.locator(".tile[data-state=done]").count() == 2, "two photos that were read")
    save_all.click()
    until(photo_page, lambda: len(saved) == 2, "two files")
    assert sorted(file.suggested_filename.partition("_")[0] for file in saved) == ["me", "you"]
    for file in saved:
        assert Path(file.path()).read_bytes().startswith(b"\x89PNG")


def test_long_names_leave_the_page_as_wide_as_its_window(photo_page: Page, portrait: Path) -> None:
    photo_page.set_viewport_size({"width": 360, "height": 640})
    choose(photo_page, jpeg(portrait, "IMG_20261125_045312_portrait_of_someone_edited_final_version_2.jpg"))
    status(photo_page, "1 face")
    assert_no_sideways_scroll(photo_page)


def test_what_was_just_given_is_shown(photo_page: Page, portrait: Path) -> None:
    photo_page.set_viewport_size({"width": 360, "height": 640})
    choose(photo_page, jpeg(portrait, "one.jpg"))
    status(photo_page, "1 face")
    photo_page.evaluate("scrollTo(0, document.body.scrollHeight)")
    choose(photo_page, jpeg(portrait, "two.jpg"))
    expect(photo_page.locator("#photo-name")).to_have_text("two.jpg")
    expect(photo_page.locator("#photo-status")).to_be_in_viewport()


def test_a_photo_is_saved_with_its_marks(photo_page: Page, portrait: Path, tmp_path: Path) -> None:
    with photo_page.expect_download() as download:
        photo_page.click("#photo-save")
    path = tmp_path / "saved.png"
    download.value.save_as(path)
    assert re.fullmatch(r"Portrait_emotions_[\d_-]+\.png", download.value.suggested_filename)
    expect(photo_page.locator(".toast")).to_have_text("Picture saved with its marks.")
    saved, plain = cv2.imread(str(path)), cv2.imread(str(portrait))
    assert saved.shape[0] / saved.shape[1] == pytest.approx(plain.shape[0] / plain.shape[1], rel=0.01)
    difference = cv2.absdiff(saved, cv2.resize(plain, saved.shape[1::-1], interpolation=cv2.INTER_CUBIC)).max(axis=2)
    assert 0.002 < (difference > 80).mean() < 0.15, "marks and a plate, and nothing else"


def test_several_faces_in_one_photo(photo_page: Page, portrait: Path, tmp_path: Path, screenshots: Path) -> None:
    face = cv2.imread(str(portrait))[:300, 150:350]
    path = tmp_path / "four.png"
    cv2.imwrite(str(path), np.hstack([face, face[:, ::-1], face, face[:, ::-1]]))
    choose(photo_page, path)
    status(photo_page, "4 faces")
    expect(photo_page.locator("#photo-faces .face__label")).to_have_text(["Face 1", "Face 2", "Face 3", "Face 4"])
    photograph(photo_page, "photo-four", screenshots)
    photo_page.set_viewport_size({"width": 1280, "height": 720})
    box = photo_page.locator("#photo-marks").bounding_box()
    assert box
    shown_width = box["height"] * 800 / 300 if box["width"] / box["height"] > 800 / 300 else box["width"]
    left = box["x"] + (box["width"] - shown_width) / 2
    middle = box["y"] + box["height"] / 2 - 0.1 * shown_width * 300 / 800  # of the faces
    selected = photo_page.locator(".face--selected .face__label")
    photo_page.mouse.click(left + shown_width * 0.065, middle)
    first = selected.inner_text()
    photo_page.mouse.click(left + shown_width * 0.935, middle)
    expect(selected).not_to_have_text(first)


def test_a_face_can_be_called_by_a_name(photo_page: Page) -> None:
    photo_page.fill(".face__name:visible", "Eileen")
    photo_page.keyboard.press("Enter")
    expect(photo_page.locator("#photo-faces .face__label")).to_have_text("Eileen")


def test_a_face_is_explained_by_a_heat_map(photo_page: Page, screenshots: Path) -> None:
    *_, marks = photo_page.evaluate(MARKS)
    why = photo_page.get_by_role("button", name="Why?")
    why.click()
    expect(photo_page.locator(".toast")).to_have_text("Red parts support happiness, blue parts oppose it.")
    *_, with_heat = photo_page.evaluate(MARKS)
    assert with_heat > marks + 1000
    photo_page.screenshot(path=screenshots / "photo-why.png")
    why.click()
    *_, without = photo_page.evaluate(MARKS)
    assert without == marks


def test_kinds_of_pictures(photo_page: Page, portrait: Path, tmp_path: Path) -> None:
    """What the server does not read, the browser turns into a JPEG."""
    paths = [tmp_path / f"picture.{kind}" for kind in ("png", "webp", "gif", "bmp", "avif")]
    for path in paths:
        Image.open(portrait).save(path)
    choose(photo_page, *paths)
    for path in paths:
        open_tile(photo_page, path.name)
        expect(photo_page.locator("#photo-name")).to_have_text(path.name)
        status(photo_page, "1 face")


def test_a_photo_that_lies_on_its_side_is_turned_upright(photo_page: Page, portrait: Path, tmp_path: Path) -> None:
    path = tmp_path / "turned.jpg"
    picture = Image.open(portrait).rotate(90, expand=True)
    exif = picture.getexif()
    exif[0x0112] = 6  # "turn clockwise to see it upright"
    picture.save(path, exif=exif)
    choose(photo_page, path)
    expect(photo_page.locator("#photo-name")).to_have_text("turned.jpg")
    status(photo_page, "1 face")
    x, y, _ = photo_page.evaluate(MARKS)
    assert 0.3 < x < 0.7  # the face is in the middle,
    assert y < 0.5  # and in the upper half


def test_a_file_over_the_limit_is_not_sent(photo_page: Page, tmp_path: Path) -> None:
    sent: list[str] = []
    photo_page.on("request", lambda request: sent.append(request.url))
    path = tmp_path / "huge.jpg"
    path.write_bytes(b"\xff\xd8\xff" + bytes(17 * 1024 * 1024))
    choose(photo_page, path)
    status(photo_page, re.compile("at most 16 MB"))
    assert not [url for url in sent if "/api/" in url]


def test_no_connection_offers_another_try(photo_page: Page, portrait: Path, screenshots: Path) -> None:
    photo_page.route("**/api/analyze", lambda route: route.abort())
    choose(photo_page, portrait)
    status(photo_page, re.compile("No connection"))
    photograph(photo_page, "photo-offline", screenshots)
    photo_page.unroute("**/api/analyze")
    photo_page.click("#photo-retry")
    status(photo_page, "1 face")


def test_a_busy_server_is_asked_again_by_itself(photo_page: Page, portrait: Path) -> None:
    refusals = iter(range(2))

    def sometimes(route: Route) -> None:
        if next(refusals, None) is None:
            return route.continue_()
        body = '{"ok": false, "code": "busy", "message": "expected a place, received none"}'
        return route.fulfill(status=429, content_type="application/json", body=body)

    photo_page.route("**/api/analyze", sometimes)
    choose(photo_page, portrait)
    status(photo_page, "1 face")
    assert next(refusals, None) is None


def test_forty_photos_are_all_read_two_at_a_time_the_first_first(photo_page: Page, portrait: Path) -> None:
    asked: list[str] = []
    under_way, most = 0, 0

    def count(route: Route) -> None:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        name = re.search(rb'filename="([^"]+)"', route.request.post_data_buffer or b"")
        asked.append(name[1].decode() if name else "")
        route.continue_()

    def finished(url: str) -> None:
        nonlocal under_way
        if "/api/analyze" in url:
            under_way -= 1

    small = cv2.resize(cv2.imread(str(portrait.with_name("close.jpg"))), (160, 160), interpolation=cv2.INTER_AREA)
    buffer = cv2.imencode(".jpg", small)[1].tobytes()
    photo_page.route("**/api/analyze", count)
    photo_page.on("requestfinished", lambda request: finished(request.url))
    names = [f"{n:02}.jpg" for n in range(40)]
    choose(photo_page, *[FilePayload(name=name, mimeType="image/jpeg", buffer=buffer) for name in names])
    expect(photo_page.locator("#photo-name")).to_have_text("00.jpg")
    expect(photo_page.locator("#photo-progress-text")).to_have_text(re.compile(r"^\d+ of 40$"))
    photo_page.wait_for_selector(".tile[data-state=done]")
    first_two = photo_page.locator(".tile[data-state]").evaluate_all(
        "tiles => tiles.slice(0, 2).map((t) => t.dataset.state)"
    )
    assert "done" in first_two
    expect(photo_page.locator(".tile[data-state=done]")).to_have_count(40, timeout=180_000)
    expect(photo_page.locator("#photo-progress")).to_be_hidden()
    assert asked == names
    assert most == 2


def test_two_photos_are_compared_in_one_table(photo_page: Page, portrait: Path, screenshots: Path) -> None:
    face = FilePayload(name="b.jpg", mimeType="image/jpeg", buffer=portrait.with_name("close.jpg").read_bytes())
    choose(photo_page, jpeg(portrait, "a.jpg"), face)
    expect(photo_page.locator(".tile[data-state=done]")).to_have_count(2)
    photo_page.click("#photo-compare")
    expect(photo_page.locator(".toast")).to_have_text("Tick two photos.")
    for tick in photo_page.locator(".tile__tick").all():
        tick.check()
    photo_page.click("#photo-compare")
    table = photo_page.locator(".compare__table")
    expect(table.locator("thead th")).to_have_text(["a.jpg", "b.jpg"])
    expect(table.locator("tbody tr")).to_have_count(8)
    photograph(photo_page, "photo-compare", screenshots)
    open_tile(photo_page, "b.jpg")
    expect(table).to_be_hidden()


def test_pictures_can_be_dropped_and_pasted(photo_page: Page, portrait: Path, screenshots: Path) -> None:
    numbers = list(portrait.read_bytes())
    transfer = photo_page.evaluate_handle(
        """numbers => { const transfer = new DataTransfer();
           transfer.items.add(new File([new Uint8Array(numbers)], 'dropped.jpg', {type: 'image/jpeg'}));
           return transfer; }""",
        numbers,
    )
    photo_page.dispatch_event(".foot", "dragenter", {"dataTransfer": transfer})
    expect(photo_page.locator("#photo")).to_have_attribute("data-state", "over")
    photo_page.screenshot(path=screenshots / "photo-over.png")
    photo_page.dispatch_event(".foot", "drop", {"dataTransfer": transfer})
    expect(photo_page.locator("#photo-name")).to_have_text("dropped.jpg")
    photo_page.evaluate("transfer => dispatchEvent(new ClipboardEvent('paste', {clipboardData: transfer}))", transfer)
    expect(photo_page.locator(".tile[data-state=done]")).to_have_count(2)


def test_a_photo_can_be_taken_away(photo_page: Page) -> None:
    photo_page.get_by_role("button", name="Remove Portrait").click()
    expect(photo_page.locator(".tile[data-state]")).to_have_count(0)
    expect(photo_page.locator("#file")).to_be_focused()
    expect(photo_page.locator("#photo-drop")).to_be_visible()
