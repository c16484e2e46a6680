"""The description of the HTTP interface: valid, true to the real server, and complete."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, given, settings
from openapi_spec_validator import OpenAPIV31SpecValidator
from schemathesis import GenerationMode
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import negative_data_rejection, positive_data_acceptance

from tests.support.serving import Server
from webapp.catalogue import LANGUAGES, load_catalogue
from webapp.errors import ERRORS
from webapp.openapi import description
from webapp.settings import Settings

CASES = int(os.environ.get("SCHEMATHESIS_CASES", "40"))
"""Requests made up for each operation; `make contract` asks for many more."""


def test_the_document_is_valid_openapi() -> None:
    OpenAPIV31SpecValidator(description(Settings())).validate()  # type: ignore[arg-type]
    OpenAPIV31SpecValidator(description(Settings(token="0123456789abcdef"))).validate()  # type: ignore[arg-type]


def test_every_error_is_described_in_every_language() -> None:
    codes = [code for code, _ in ERRORS]
    for language in LANGUAGES:
        assert list(load_catalogue(language).all["api"]["errors"]) == codes
    responses = description(Settings(token="0123456789abcdef"))["paths"]["/api/analyze"]["post"]["responses"]
    told = {
        (code, status)
        for code, status in ERRORS
        if f"{code}: " in responses.get(str(int(status)), {}).get("description", "")
    }
    assert {code for code, _ in set(ERRORS) - told} == {"not_found", "method_not_allowed"}, "answers to other requests"


def test_the_server_gives_the_document(real_server: Server) -> None:
    assert requests.get(f"{real_server.url}/api/openapi.json", timeout=10).json() == description(
        Settings(api_per_minute=100_000)
    )


@pytest.fixture(scope="module")
def described(tmp_path_factory: pytest.TempPathFactory) -> Iterator[schemathesis.BaseSchema]:
    """The description as a server gives it that takes as many pictures as are made up here."""
    log = tmp_path_factory.mktemp("server") / "log"
    with Server(log=log, EMOTION_WORKERS="1", EMOTION_API_PER_MINUTE="1000000") as server:
        server.wait_until_ready()
        yield schemathesis.openapi.from_url(f"{server.url}/api/openapi.json")


@pytest.mark.timeout(600)
@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
def test_the_server_does_what_the_document_says(described: schemathesis.BaseSchema, mode: GenerationMode) -> None:
    """Requests made up from the description, right ones or wrong ones; each answer must be one that is described."""
    paths = []
    for operation in (result.ok() for result in described.get_all_operations() if isinstance(result, Ok)):
        if mode is GenerationMode.NEGATIVE and operation.method == "get":
            continue  # takes nothing that could be wrong
        paths.append(operation.path)

        @given(case=operation.as_strategy(generation_mode=mode))
        @settings(
            max_examples=CASES, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck)
        )
        def check(case: schemathesis.Case) -> None:
            reply = case.call(timeout=30)
            # Bytes that a schema allows may be no picture, and a list holds an error in the place of what is none.
            is_list = reply.status_code == 200 and isinstance(reply.json(), list)
            excluded: list[Any] = [positive_data_acceptance, *([negative_data_rejection] if is_list else [])]
            case.validate_response(reply, excluded_checks=excluded)

        check()
    assert "/api/analyze" in paths
