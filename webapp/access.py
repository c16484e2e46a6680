"""Who may use the interface for programs and the live connection: whoever shows the token, if one is set."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from http import HTTPStatus

from flask import Response, jsonify, request

SCHEME = "bearer "


class Access:
    """Compares tokens in constant time; keeps and shows none.

    Args:
        token: what clients must show; empty means that none is asked for.
    """

    def __init__(self, token: str) -> None:
        self._token = token.encode()

    def is_granted(self, shown: object) -> bool:
        """Whether what a client shows is the token."""
        return not self._token or hmac.compare_digest(str(shown or "").encode("utf-8", "replace"), self._token)

    def is_granted_to(self, environ: Mapping[str, object], auth: object) -> bool:
        """The same for a live connection: the token is in its `auth`, as `token`, or in the header `Authorization`."""
        shown = auth.get("token") if isinstance(auth, dict) else None
        return self.is_granted(shown or _bearer(str(environ.get("HTTP_AUTHORIZATION", ""))))

    def refuse(self) -> Response | None:
        """The answer to a request without the token, None to one with it; run before each request of the API."""
        if self.is_granted(_bearer(request.headers.get("Authorization", ""))):
            return None
        message = "expected the server's token as Authorization: Bearer …, received none or another"
        response = jsonify({"ok": False, "code": "unauthorized", "message": message})
        response.status_code = HTTPStatus.UNAUTHORIZED
        response.headers["WWW-Authenticate"] = "Bearer"
        return response


def _bearer(header: str) -> str:
    return header[len(SCHEME) :].strip() if header[: len(SCHEME)].lower() == SCHEME else ""
