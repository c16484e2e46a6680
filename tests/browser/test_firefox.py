"""The same page in another engine: a real Firefox, a session recorded and saved."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from tests.support.firefox import Firefox, find_firefox
from tests.support.serving import Server

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(find_firefox() is None, reason="needs Firefox: none on the PATH"),
]


def test_a_session_is_recorded_and_saved_in_firefox(server: Server, tmp_path: Path) -> None:
    with Firefox(tmp_path) as firefox:
        firefox.open(server.url, camera=True)
        firefox.press("Turn on camera")
        firefox.wait("document.getElementById('record')?.disabled === false")
        firefox.press("Record")
        firefox.press("Numbers")
        firefox.wait("document.querySelector('#record .tool__label').textContent >= '0:02'")
        firefox.press("Stop")
        firefox.press("CSV")
        table = pd.read_csv(firefox.saved(".csv"))
        assert firefox.value("(window.wrappedJSObject || window).problems") == []
    assert len(table) > 0
    assert table["uncertain"].dtype == bool
    assert table["timestamp_s"].is_monotonic_increasing
    assert (table["dominant_emotion"] == "happy").mean() > 0.5, "the portrait smiles"
