"""Access to the API and the live connection: clients need the token, if one is set."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from http import HTTPStatus

from flask import Response, jsonify, request

SCHEME = "bearer "


class Access:
    """Compares tokens in constant time.

    Args:
        token: what clients must send; empty means that no token is needed.
    """

    def __init__(self, token: str) -> None:
        self._token = token.encode()

    def is_granted(self, shown: object) -> bool:
        """Whether the client sent the right token."""
        return not self._token or hmac.compare_digest(str(shown or "").encode("utf-8", "replace"), self._token)

    def is_granted_to(self, environ: Mapping[str, object], auth: object) -> bool:
        """Like `is_granted`, for a live connection: the token is `auth["token"]` or in the header `Authorization`."""
        shown = auth.get("token") if isinstance(auth, dict) else None
        return self.is_granted(shown or _bearer(str(environ.get("HTTP_AUTHORIZATION", ""))))

    def refuse(self) -> Response | None:
        """An error response if the request lacks the token, else None; runs before each request of the API."""
        if self.is_granted(_bearer(request.headers.get("Authorization", ""))):
            return None
        message = "expected the server's token as Authorization: Bearer …, received none or another"
        response = jsonify({"ok": False, "code": "unauthorized", "message": message})
        response.status_code = HTTPStatus.UNAUTHORIZED
        response.headers["WWW-Authenticate"] = "Bearer"
        return response


def _bearer(header: str) -> str:
    return header[len(SCHEME) :].strip() if header[: len(SCHEME)].lower() == SCHEME else ""
