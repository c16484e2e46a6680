"""The photo page: an example at once, then whatever people drop on it."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import FilePayload, Page, expect

from ml.inference.contract import DISPLAY_NAMES
from tests.browser.access import assert_no_sideways_scroll, photograph

OpenPage = Callable[..., Page]


@pytest.fixture(scope="session")
def portrait(root: Path) -> Path:
    return root / "static" / "examples" / "portrait.jpg"


@pytest.fixture
def photo_page(open_page: OpenPage) -> Page:
    """The photo page with its example read."""
    page = open_page("/photo")
    page.wait_for_selector(".shot[data-state=done]")
    return page


def test_an_example_is_read_at_once(photo_page: Page, screenshots: Path) -> None:
    card = photo_page.locator(".card")
    expect(card).to_have_count(1)
    expect(card.locator(".bars__name")).to_have_text(list(DISPLAY_NAMES.values()))
    expect(card.locator(".bars__number")).to_have_count(7)
    photograph(photo_page, "photo", screenshots)


def test_an_example_without_a_face_says_so(photo_page: Page, screenshots: Path) -> None:
    photo_page.click("[data-example='cat.jpg']")
    expect(photo_page.locator(".shot__status")).to_contain_text("No face found")
    photograph(photo_page, "photo-nobody", screenshots)


def test_several_photos_and_one_failure_that_hides_nothing(photo_page: Page, portrait: Path, screenshots: Path) -> None:
    picture = {"name": "me.jpg", "mimeType": "image/jpeg", "buffer": portrait.read_bytes()}
    words = {"name": "words.jpg", "mimeType": "image/jpeg", "buffer": b"not a picture at all"}
    note = {"name": "note.txt", "mimeType": "text/plain", "buffer": b"words"}
    photo_page.set_input_files("#file", [FilePayload(**file) for file in (picture, words, note)])  # type: ignore[typeddict-item]
    expect(photo_page.locator(".shot")).to_have_count(3)
    expect(photo_page.locator(".shot__status")).to_have_text(
        [
            "1 face",
            "words.jpg is not a picture we can read (JPEG, PNG, WebP).",
            "note.txt is not a picture we can read (JPEG, PNG, WebP).",
        ]
    )
    photograph(photo_page, "photo-several", screenshots)


def test_an_empty_file_is_called_empty(photo_page: Page) -> None:
    photo_page.set_input_files("#file", FilePayload(name="void.jpg", mimeType="image/jpeg", buffer=b""))
    expect(photo_page.locator(".shot__status")).to_have_text("void.jpg is empty: it holds no bytes.")


def test_long_names_leave_the_page_as_wide_as_its_window(photo_page: Page, portrait: Path) -> None:
    photo_page.set_viewport_size({"width": 360, "height": 640})
    name = "IMG_20261125_045312_portrait_of_someone_edited_final.jpg"
    whole = FilePayload(name=name, mimeType="image/jpeg", buffer=portrait.read_bytes())
    cut = FilePayload(name=f"cut_{name}", mimeType="image/jpeg", buffer=portrait.read_bytes()[:5000])
    photo_page.set_input_files("#file", [whole, cut])
    expect(photo_page.locator(".shot__status")).to_have_text(
        ["1 face", f"cut_{name} is damaged: it does not open to its end."]
    )
    assert_no_sideways_scroll(photo_page)
    for shot in photo_page.locator(".shot").all():
        inside = shot.locator("button:visible").last.bounding_box()
        assert inside
        assert inside["x"] + inside["width"] <= 360


def test_what_was_just_given_is_in_view(photo_page: Page, portrait: Path) -> None:
    photo_page.set_viewport_size({"width": 360, "height": 640})
    words = FilePayload(name="words.jpg", mimeType="image/jpeg", buffer=b"not a picture at all")
    for _ in range(2):
        photo_page.set_input_files("#file", portrait)
        expect(photo_page.locator(".shot__status").first).to_have_text("1 face")
        photo_page.evaluate("scrollTo(0, document.body.scrollHeight)")
    photo_page.set_input_files("#file", words)
    expect(photo_page.locator(".shot__status").first).to_contain_text("words.jpg is not a picture")
    expect(photo_page.locator(".shot__head").first).to_be_in_viewport()
    expect(photo_page.locator(".shot__status").first).to_be_in_viewport()


def test_a_photo_is_saved_with_its_marks(photo_page: Page, portrait: Path, tmp_path: Path) -> None:
    with photo_page.expect_download() as download:
        photo_page.get_by_role("button", name="Save Portrait with its marks").click()
    path = tmp_path / "saved.png"
    download.value.save_as(path)
    assert re.fullmatch(r"Portrait_emotions_[\d_-]+\.png", download.value.suggested_filename)
    saved, plain = cv2.imread(str(path)), cv2.imread(str(portrait))
    assert saved.shape[0] / saved.shape[1] == pytest.approx(plain.shape[0] / plain.shape[1], rel=0.01)
    difference = cv2.absdiff(saved, cv2.resize(plain, saved.shape[1::-1], interpolation=cv2.INTER_CUBIC)).max(axis=2)
    assert 0.002 < (difference > 80).mean() < 0.15, "marks and a plate, and nothing else"


def test_four_faces_in_a_narrow_picture_are_found_and_photographed(
    photo_page: Page, portrait: Path, tmp_path: Path, screenshots: Path
) -> None:
    face = cv2.imread(str(portrait))[:300, 150:350]
    path = tmp_path / "four.png"
    cv2.imwrite(str(path), np.hstack([face, face[:, ::-1], face, face[:, ::-1]]))
    photo_page.set_viewport_size({"width": 360, "height": 640})
    photo_page.set_input_files("#file", path)
    expect(photo_page.locator(".shot__status")).to_have_text("4 faces")
    photo_page.screenshot(path=screenshots / "photo-crowd-360.png")


def test_several_faces_in_one_photo(photo_page: Page, portrait: Path, tmp_path: Path) -> None:
    face = cv2.imread(str(portrait))
    path = tmp_path / "two.png"
    cv2.imwrite(str(path), np.hstack([face, face[:, ::-1]]))
    photo_page.set_input_files("#file", path)
    expect(photo_page.locator(".shot__status")).to_have_text("2 faces")
    box = photo_page.locator(".shot__picture canvas").bounding_box()
    assert box
    photo_page.mouse.click(box["x"] + box["width"] * 0.25, box["y"] + box["height"] * 0.32)
    expect(photo_page.locator(".card--selected")).to_have_count(1)


@pytest.mark.parametrize("kind", ["jpg", "png", "webp"])
def test_kinds_of_pictures(photo_page: Page, portrait: Path, tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"picture.{kind}"
    Image.open(portrait).save(path)
    photo_page.set_input_files("#file", path)
    expect(photo_page.locator(".shot__name")).to_have_text(path.name)
    expect(photo_page.locator(".shot__status")).to_have_text("1 face")


def test_a_photo_that_lies_on_its_side_is_turned_upright(photo_page: Page, portrait: Path, tmp_path: Path) -> None:
    path = tmp_path / "turned.jpg"
    picture = Image.open(portrait).rotate(90, expand=True)
    exif = picture.getexif()
    exif[0x0112] = 6  # "turn clockwise to see it upright"
    picture.save(path, exif=exif)
    photo_page.set_input_files("#file", path)
    expect(photo_page.locator(".shot__name")).to_have_text("turned.jpg")
    expect(photo_page.locator(".shot__status")).to_have_text("1 face")
    painted = photo_page.evaluate(
        """() => { const c = document.querySelector('.shot__picture canvas');
           const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data; let x = 0, y = 0, n = 0;
           for (let i = 3; i < d.length; i += 4) if (d[i]) {
             n++; x += (i >> 2) % c.width; y += ((i >> 2) / c.width) | 0; }
           return [x / n / c.width, y / n / c.height]; }"""
    )
    assert 0.3 < painted[0] < 0.7  # the face is in the middle,
    assert painted[1] < 0.5  # and in the upper half


def test_a_file_over_the_limit_is_not_sent(photo_page: Page, tmp_path: Path) -> None:
    sent: list[str] = []
    photo_page.on("request", lambda request: sent.append(request.url))
    path = tmp_path / "huge.jpg"
    path.write_bytes(b"\xff\xd8" + bytes(17 * 1024 * 1024))
    photo_page.set_input_files("#file", path)
    expect(photo_page.locator(".shot__status")).to_contain_text("at most 16.")
    assert not [url for url in sent if "/api/" in url]


def test_no_connection_offers_another_try(photo_page: Page, portrait: Path, screenshots: Path) -> None:
    photo_page.route("**/api/analyze", lambda route: route.abort())
    photo_page.set_input_files("#file", portrait)
    expect(photo_page.locator(".shot__status")).to_contain_text("No connection")
    photograph(photo_page, "photo-offline", screenshots)
    photo_page.unroute("**/api/analyze")
    photo_page.get_by_role("button", name="Try again").click()
    expect(photo_page.locator(".shot__status")).to_have_text("1 face")


def test_a_busy_server_offers_another_try(photo_page: Page, portrait: Path) -> None:
    body = '{"ok": false, "code": "busy", "message": "expected a place, received none"}'
    photo_page.route(
        "**/api/analyze", lambda route: route.fulfill(status=429, content_type="application/json", body=body)
    )
    photo_page.set_input_files("#file", portrait)
    expect(photo_page.locator(".shot__status")).to_contain_text("The server is busy")
    expect(photo_page.get_by_role("button", name="Try again")).to_be_visible()


def test_pictures_can_be_dropped_and_pasted(photo_page: Page, portrait: Path, screenshots: Path) -> None:
    numbers = list(portrait.read_bytes())
    transfer = photo_page.evaluate_handle(
        """numbers => { const transfer = new DataTransfer();
           transfer.items.add(new File([new Uint8Array(numbers)], 'dropped.jpg', {type: 'image/jpeg'}));
           return transfer; }""",
        numbers,
    )
    photo_page.dispatch_event("#drop", "dragenter", {"dataTransfer": transfer})
    expect(photo_page.locator("#photo")).to_have_attribute("data-state", "over")
    photo_page.screenshot(path=screenshots / "photo-over.png")
    photo_page.dispatch_event("#drop", "drop", {"dataTransfer": transfer})
    expect(photo_page.locator(".shot__name")).to_have_text("dropped.jpg")
    photo_page.evaluate("transfer => dispatchEvent(new ClipboardEvent('paste', {clipboardData: transfer}))", transfer)
    expect(photo_page.locator(".shot__status")).to_have_text(["1 face", "1 face"])


def test_a_photo_can_be_taken_away(photo_page: Page) -> None:
    photo_page.get_by_role("button", name="Remove Portrait").click()
    expect(photo_page.locator(".shot")).to_have_count(0)
    expect(photo_page.locator("#file")).to_be_focused()
