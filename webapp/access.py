"""Access to pages, API and live connection: clients need the token, if one is set.

Programs send it as `Authorization: Bearer …`, or in the `auth` of a live connection. People open `/?token=…` once, or
enter it on the page that asks for it; their browser then has a cookie, which API and socket accept as well. The cookie
contains a code derived from the token, not the token. With `SameSite=Strict` other sites cannot use it.

Whoever sends many wrong tokens is refused for a minute, whichever way they came; the cookie is accepted all the same.
"""

from __future__ import annotations

import contextlib
import hmac
from collections.abc import Mapping
from http import HTTPStatus
from http.cookies import CookieError, SimpleCookie
from typing import cast

from flask import Response, jsonify, redirect, request

from ml.inference.contract import Busy
from webapp.errors import CODES
from webapp.gate import address_key
from webapp.guesses import WINDOW_S, WRONG_TOKENS, Guesses

SCHEME = "bearer "
COOKIE = "emotion_token"
COOKIE_S = 30 * 24 * 3600
MAX_FORM_BYTES = 4096


class Access:
    """Compares tokens in constant time.

    Args:
        token: what clients must send; empty means that no token is needed.
        guesses: counts the wrong ones.
    """

    def __init__(self, token: str, guesses: Guesses | None = None) -> None:
        self._token = token.encode()
        self._guesses = guesses or Guesses()
        self._code = hmac.digest(self._token, COOKIE.encode(), "sha256").hex() if token else ""

    @property
    def asks(self) -> bool:
        """Whether clients need a token."""
        return bool(self._token)

    def is_granted(self, shown: object, address: str = "") -> bool:
        """Whether the client sent the right token, and not too many wrong ones before."""
        if not self._token:
            return True
        if not shown or self._guesses.are_spent(address):
            return False
        if hmac.compare_digest(str(shown).encode("utf-8", "replace"), self._token):
            return True
        self._guesses.add(address)
        return False

    def must_wait(self) -> bool:
        """Whether the address of this request has sent so many wrong tokens that no other is looked at."""
        return bool(self._token) and self._guesses.are_spent(_address(request.environ))

    def is_granted_to(self, environ: Mapping[str, object], auth: object) -> bool:
        """Like `is_granted`, for a live connection: `auth["token"]`, the header `Authorization` or the cookie."""
        shown = auth.get("token") if isinstance(auth, dict) else None
        shown = shown or _bearer(str(environ.get("HTTP_AUTHORIZATION", "")))
        if self.is_granted(shown, _address(environ)):
            return True
        cookies: SimpleCookie = SimpleCookie()
        with contextlib.suppress(CookieError):
            cookies.load(str(environ.get("HTTP_COOKIE", "")))
        return COOKIE in cookies and self._is_code(cookies[COOKIE].value)

    @property
    def is_granted_to_person(self) -> bool:
        """Whether the browser of this request has the cookie, or no token is asked for."""
        return not self._token or self._is_code(request.cookies.get(COOKIE, ""))

    def entered(self, shown: str, path: str) -> Response | None:
        """A redirect to `path` that sets the cookie if the person sent the right token, else None."""
        if not self._token or not self.is_granted(shown, _address(request.environ)):
            return None
        response = cast(Response, redirect(path, HTTPStatus.SEE_OTHER))
        response.set_cookie(
            COOKIE, self._code, max_age=COOKIE_S, httponly=True, samesite="Strict", secure=request.is_secure
        )
        return response

    def _is_code(self, shown: str) -> bool:
        return hmac.compare_digest(shown.encode("utf-8", "replace"), self._code.encode())

    def refuse(self) -> Response | None:
        """An error response if the request lacks the token, else None; runs before each request of the API."""
        shown = _bearer(request.headers.get("Authorization", ""))
        if self.is_granted(shown, _address(request.environ)) or self.is_granted_to_person:
            return None
        if shown and self.must_wait():
            code, status = Busy.code, HTTPStatus.TOO_MANY_REQUESTS
            message = f"expected at most {WRONG_TOKENS} wrong tokens a minute from one address, received more"
        else:
            code, status = CODES[HTTPStatus.UNAUTHORIZED], HTTPStatus.UNAUTHORIZED
            message = "expected the server's token as Authorization: Bearer …, received none or another"
        response = jsonify({"ok": False, "code": code, "message": message})
        response.status_code = status
        if status == HTTPStatus.UNAUTHORIZED:
            response.headers["WWW-Authenticate"] = "Bearer"
        else:
            response.headers["Retry-After"] = str(round(WINDOW_S))
        return response


def _address(environ: Mapping[str, object]) -> str:
    return address_key(str(environ.get("REMOTE_ADDR", "")))


def _bearer(header: str) -> str:
    return header[len(SCHEME) :].strip() if header[: len(SCHEME)].lower() == SCHEME else ""
