"""How to bring the live page into each of its states: what to open, what to do, what the stage then says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from playwright.sync_api import Page

from tests.browser.conftest import stage_state, start_camera

INSTAGRAM = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148 Instagram 350.0"

KEEP_TRACK = """
const get = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
navigator.mediaDevices.getUserMedia = async (wanted) => {
  const stream = await get(wanted);
  window.track = stream.getVideoTracks()[0];
  return stream;
};
"""
NO_ANSWER = "navigator.mediaDevices.getUserMedia = () => new Promise(() => {});"
NO_FRAME = """
navigator.mediaDevices.getUserMedia = async () => document.createElement('canvas').captureStream(0);
HTMLMediaElement.prototype.play = () => new Promise(() => {});
"""
NO_AUTOPLAY = """
const play = HTMLMediaElement.prototype.play;
let tapped = false;
addEventListener('click', () => { tapped = document.getElementById('stage').dataset.state === 'tap'; }, true);
HTMLMediaElement.prototype.play = function () {
  return tapped ? play.call(this) : Promise.reject(new DOMException('a tap is needed', 'NotAllowedError'));
};
"""
OLDER_PAGE = """
const parse = JSON.parse;
JSON.parse = (text) => {
  const value = parse(text);
  return value?.strings ? {...value, page_version: 'older'} : value;
};
"""
OTHER_CLASSES = """
const parse = JSON.parse;
JSON.parse = (text) => {
  const value = parse(text);
  return value?.strings ? {...value, model: {...value.model, labels: ['awake', 'tired']}} : value;
};
"""
HIDE = """() => {
  Object.defineProperty(document, 'hidden', {value: true, configurable: true});
  Object.defineProperty(document, 'visibilityState', {value: 'hidden', configurable: true});
  document.dispatchEvent(new Event('visibilitychange'));
}"""
SHOW = """() => {
  delete document.hidden; delete document.visibilityState;
  document.dispatchEvent(new Event('visibilitychange'));
}"""


def refusal(name: str, message: str = "refused", permission: str = "prompt") -> str:
    """A script after which the camera is refused in this way."""
    return f"""
    navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('{message}', '{name}'));
    const query = navigator.permissions.query.bind(navigator.permissions);
    navigator.permissions.query = async (what) => {{
      const status = await query(what);
      Object.defineProperty(status, 'state', {{value: '{permission}'}});
      return status;
    }};
    """


@dataclass(frozen=True)
class State:
    """`opened` is what `open_page` is called with, `reach` what is done then, `says` a part of the sentence."""

    says: str
    actions: tuple[str, ...] = ()
    opened: dict[str, Any] = field(default_factory=dict)
    reach: Callable[[Page], object] = lambda page: page.click("[data-action=start]")


def _then(script: str) -> Callable[[Page], object]:
    def reach(page: Page) -> None:
        start_camera(page)
        page.wait_for_selector(".face")
        page.evaluate(script)

    return reach


def _come_back(page: Page) -> None:
    _then(HIDE)(page)
    stage_state(page, "hidden")
    page.wait_for_timeout(1100)
    page.evaluate(SHOW)


def _never_welcomed(page: Page) -> None:
    page.route_web_socket("**/socket.io/**", lambda socket: None)
    page.reload()
    page.click("[data-action=start]")


PHOTO = "Use a photo"

STATES: dict[str, State] = {
    "first": State("See your expression read live", ("Turn on camera", "Try a sample"), reach=lambda page: None),
    "asking": State("asking for the camera", ("Cancel", PHOTO), {"camera": None, "script": NO_ANSWER}),
    "dismissed": State("closed the camera request", ("Ask again", PHOTO), {"script": refusal("NotAllowedError")}),
    "denied": State(
        "blocked for this site", ("Try again", PHOTO), {"script": refusal("NotAllowedError", permission="denied")}
    ),
    "denied-system": State(
        "system blocks the camera",
        ("Try again", PHOTO),
        {"script": refusal("NotAllowedError", "Permission denied by system", "denied")},
    ),
    "none": State("No camera found", ("Try again", PHOTO), {"script": refusal("NotFoundError")}),
    "busy": State("Another app", ("Try again", PHOTO), {"script": refusal("NotReadableError")}),
    "insecure": State(
        "only to https pages",
        (PHOTO,),
        {"base": "http://cam.test", "expect_errors": True},
        reach=lambda page: None,
    ),
    "in-app": State(
        "no camera",
        ("Copy link", PHOTO),
        {"user_agent": INSTAGRAM, "script": "Object.defineProperty(navigator, 'mediaDevices', {value: undefined});"},
        reach=lambda page: None,
    ),
    "unsupported": State(
        "gives web pages no camera",
        ("Copy link", PHOTO),
        {"script": "Object.defineProperty(navigator, 'mediaDevices', {value: undefined});"},
        reach=lambda page: None,
    ),
    "starting": State("Starting the camera", (PHOTO,), {"script": NO_FRAME}),
    "tap": State("Tap to start", ("Start", PHOTO), {"script": NO_AUTOPLAY}),
    "connecting": State("Connecting", reach=_never_welcomed),
    "live": State("", reach=_then("() => 0")),
    "nobody": State("No face in view", opened={"camera": "empty"}),
    "dark": State("quite dark", opened={"camera": "dark"}),
    "small": State("Come closer", opened={"camera": "small"}),
    "paused": State(
        "Nothing is being sent", ("Resume", "Turn off camera"), reach=_then("document.getElementById('pause').click()")
    ),
    "hidden": State("Paused while this page is hidden", reach=_then(HIDE)),
    "returned": State("Paused while hidden (0:0", reach=_come_back),
    "unplugged": State(
        "The camera stopped",
        ("Try again", PHOTO),
        {"script": KEEP_TRACK},
        _then("track.dispatchEvent(new Event('ended'))"),
    ),
    "muted": State(
        "Another app is using the camera",
        (PHOTO,),
        {"script": KEEP_TRACK},
        _then("track.dispatchEvent(new Event('mute'))"),
    ),
    "outdated": State("This page was updated", ("Reload",), {"script": OLDER_PAGE}),
    "error": State(
        "The camera could not start (WeirdError)",
        ("Try again", PHOTO),
        {"script": refusal("WeirdError"), "expect_errors": True},
    ),
}
