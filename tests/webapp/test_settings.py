"""The environment is read strictly: a typing error stops the start instead of being ignored."""

from __future__ import annotations

import shutil
from dataclasses import fields
from pathlib import Path

import pytest

from webapp.settings import Settings, SettingsError, usable_cores

MODEL = Path(__file__).resolve().parents[2] / "ml" / "artifacts" / "emotion.tflite"


def test_an_empty_environment_gives_the_defaults() -> None:
    settings = Settings.from_env({})
    assert settings == Settings()
    assert (settings.port, settings.async_mode, settings.worker_count) == (5000, "eventlet", usable_cores())


def test_every_setting_says_what_it_means_and_reads_what_it_prints() -> None:
    for setting in fields(Settings):
        assert setting.metadata["key"] in {"PORT"} or setting.metadata["key"].startswith("EMOTION_")
        assert setting.metadata["meaning"]
        if isinstance(setting.default, int | float):
            assert setting.metadata["parse"](str(setting.default)) == setting.default


def test_values_are_read(tmp_path: Path) -> None:
    model = tmp_path / "other.tflite"
    for suffix in (".tflite", ".json"):
        shutil.copy(MODEL.with_suffix(suffix), model.with_suffix(suffix))
    environment = {"PORT": "8080", "EMOTION_WORKERS": "3", "EMOTION_MODEL": str(model), "EMOTION_SMOOTHING_S": "0.5"}
    environment |= {"EMOTION_ORIGINS": "https://a.example, https://b.example:8443", "HOME": "/nowhere"}
    settings = Settings.from_env(environment)
    assert (settings.port, settings.worker_count, settings.smoothing_s) == (8080, 3, 0.5)
    assert settings.model == str(model)
    assert settings.origins == ("https://a.example", "https://b.example:8443")


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("PORT", "http", "a whole number from 1 to 65535"),
        ("PORT", "70000", "a whole number from 1 to 65535"),
        ("PORT", "", "a whole number"),
        ("EMOTION_WORKERS", "-1", "a whole number from 0"),
        ("EMOTION_WORKERS", "1.5", "a whole number from 0"),
        ("EMOTION_SMOOTHING_S", "nan", "a number from 0 to 10"),
        ("EMOTION_SMOOTHING_S", "fast", "a number from 0 to 10"),
        ("EMOTION_ASYNC_MODE", "gevent", "one of eventlet, threading"),
        ("EMOTION_ORIGINS", "example.org", "origins like https://example.org"),
        ("EMOTION_ORIGINS", "https://example.org/", "origins like https://example.org"),
        ("EMOTION_LOG_LEVEL", "loud", "one of debug, info"),
        ("EMOTION_LOG_FORMAT", "xml", "one of text, json"),
    ],
)
def test_a_bad_value_is_refused_by_name(key: str, value: str, expected: str) -> None:
    with pytest.raises(SettingsError) as refused:
        Settings.from_env({key: value})
    message = str(refused.value)
    assert message.startswith(f"{key}: expected {expected}")
    assert message.endswith(f"received {value!r}")


def test_a_model_that_cannot_be_served_is_refused(tmp_path: Path) -> None:
    network, changed = MODEL.with_name("EmoDetector.h5"), tmp_path / "emotion.tflite"
    shutil.copy(MODEL.with_suffix(".json"), tmp_path)
    changed.write_bytes(MODEL.read_bytes() + b"\0")
    for model, words in (
        (tmp_path / "none.tflite", "there is no .*none.tflite"),
        (tmp_path, "that is a folder; name the file in it"),
        (network, "as ml.export writes them, .* there is no .*EmoDetector.json"),
        (changed, "expected the model with sha256"),
    ):
        with pytest.raises(SettingsError, match=f"^EMOTION_MODEL: .*{words}"):
            Settings.from_env({"EMOTION_MODEL": str(model)})


def test_a_mistyped_name_is_refused() -> None:
    with pytest.raises(
        SettingsError, match=r"^EMOTION_WORKER: expected EMOTION_WORKERS, perhaps, .* received an unknown one$"
    ):
        Settings.from_env({"EMOTION_WORKER": "2"})


@pytest.mark.parametrize("name", ["EMOTION_FOO", "EMOTION_", "EMOTION_COLOUR"])
def test_nothing_is_proposed_for_a_name_like_none(name: str) -> None:
    with pytest.raises(SettingsError) as refusal:
        Settings.from_env({name: "1"})
    assert str(refusal.value) == f"{name}: expected one of the settings in the README, received an unknown one"


def test_secrets_are_shown_nowhere() -> None:
    settings = Settings.from_env({"EMOTION_TOKEN": "0123456789abcdef", "EMOTION_LIMITS": "redis://:word@host:6379"})
    assert (settings.token, settings.limits) == ("0123456789abcdef", "redis://:word@host:6379")
    assert "0123456789abcdef" not in repr(settings)
    assert "word" not in repr(settings)
    for key, value in (("EMOTION_TOKEN", "too short"), ("EMOTION_TOKEN", "ä" * 20), ("EMOTION_LIMITS", "http://word")):
        with pytest.raises(SettingsError, match=f"^{key}: expected .*, received another value$"):
            Settings.from_env({key: value})
