"""Four complete languages, and the visitor's preferred one."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import requests

from tests.support.serving import Server
from webapp.catalogue import LANGUAGES, LOCALES, load_catalogue

OTHERS = [language for language in LANGUAGES if language != "en"]
FIRST_VIEW_BYTES = 8192
"""What the words of the first view may add to the page."""


def sentences(part: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Every name in a catalogue with its sentence; a list counts as one sentence per item."""
    for name, value in part.items():
        if isinstance(value, dict):
            yield from sentences(value, f"{prefix}{name}.")
        elif isinstance(value, list):
            yield from ((f"{prefix}{name}.{index}", item) for index, item in enumerate(value))
        else:
            yield prefix + name, value


@pytest.mark.parametrize("language", OTHERS)
def test_a_language_has_every_file_and_sentence_of_english(language: str) -> None:
    english_files = sorted(path.relative_to(LOCALES / "en") for path in (LOCALES / "en").iterdir())
    assert sorted(path.relative_to(LOCALES / language) for path in (LOCALES / language).iterdir()) == english_files
    for part in ("first", "all"):
        english, other = (dict(sentences(getattr(load_catalogue(code), part))) for code in ("en", language))
        assert other.keys() == english.keys()


@pytest.mark.parametrize("language", OTHERS)
def test_a_translated_sentence_has_the_placeholders_of_its_original(language: str) -> None:
    english, other = (dict(sentences(load_catalogue(code).all)) for code in ("en", language))
    for name, sentence in english.items():
        assert sorted(re.findall(r"\{\w+\}", other[name])) == sorted(re.findall(r"\{\w+\}", sentence)), name
        assert other[name].strip(), name


@pytest.mark.parametrize("language", OTHERS)
def test_most_sentences_are_translated(language: str) -> None:
    """A name, a unit or a word may be the same in two languages; a sentence is not."""
    english, other = (dict(sentences(load_catalogue(code).all)) for code in ("en", language))
    same = [name for name, sentence in english.items() if sentence == other[name] and sentence.count(" ") >= 3]
    assert same == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_first_view_carries_few_words(language: str) -> None:
    assert len((load_catalogue(language).config_json()).encode()) <= FIRST_VIEW_BYTES


def test_a_configuration_cannot_end_its_script_element() -> None:
    text = str(load_catalogue("en").config_json(model={"name": "</script><script>"}))
    assert "</script>" not in text
    assert json.loads(text)["model"]["name"] == "</script><script>"


@pytest.mark.parametrize(
    ("accepted", "cookie", "language"),
    [
        ("de-AT,de;q=0.9,en;q=0.5", None, "de"),
        ("zh-CN,zh;q=0.9", None, "zh"),
        ("fr-FR,es;q=0.7,en;q=0.3", None, "es"),
        ("fr", None, "en"),
        ("", None, "en"),
        ("de", "es", "es"),
        ("de", "klingon", "de"),
    ],
)
def test_a_page_comes_in_the_visitors_language(
    fake_server: Server, accepted: str, cookie: str | None, language: str
) -> None:
    cookies = {"language": cookie} if cookie else {}
    reply = requests.get(fake_server.url, headers={"Accept-Language": accepted}, cookies=cookies, timeout=10)
    assert f'<html lang="{language}">' in reply.text
    assert load_catalogue(language).all["state"]["first"] in reply.text
    assert {"Accept-Language", "Cookie"} <= {name.strip() for name in reply.headers["Vary"].split(",")}
