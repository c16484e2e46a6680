"""Tables that are whole after every flush, in every format and with any names."""

from __future__ import annotations

import contextlib
import resource
from collections.abc import Iterator
from pathlib import Path

import pytest

from ml.batch.record import Record, RecordError
from ml.batch.rows import COLUMNS, columns_for
from ml.batch.sources import Failure
from ml.batch.table import errors_path
from ml.batch.writers import open_table
from ml.inference.contract import EMOTIONS
from tests.support.fake_reading import row
from tests.support.tables import read, read_failures

FORMATS = [".csv", ".json", ".jsonl", ".parquet"]
FAILURE = Failure("b.jpg", "bad_image", "expected a picture, received “none”")


@pytest.mark.parametrize("suffix", FORMATS)
def test_an_empty_table_is_whole(tmp_path: Path, suffix: str) -> None:
    out = tmp_path / "folder" / f"r{suffix}"
    open_table(out, columns_for(EMOTIONS)).close()
    assert (read(out), read_failures(out)) == ([], [])
    assert [path.name for path in out.parent.iterdir()] == [out.name]


@pytest.mark.parametrize("suffix", FORMATS)
def test_rows_and_failures_come_back_in_order(tmp_path: Path, suffix: str) -> None:
    out = tmp_path / f"r{suffix}"
    table = open_table(out, columns_for(EMOTIONS))
    names = ["a.jpg", 'with, comma "quoted"\nand lines.jpg', "Café.jpg", "表.jpg"]
    for name in names:
        table.add([row(name, 3)], [FAILURE] if name == names[-1] else [])
        table.flush()
    table.close()
    rows = read(out)
    assert [found["source"] for found in rows] == names
    assert tuple(rows[0]) == (*COLUMNS, *EMOTIONS)
    assert (int(rows[0]["frame"]), float(rows[0]["happy"]), rows[0]["dominant_emotion"]) == (3, 1.0, "happy")
    assert rows[0]["face_id"] in {None, ""}
    assert read_failures(out) == [{"source": "b.jpg", "code": "bad_image", "message": FAILURE.message}]


@pytest.mark.parametrize("suffix", FORMATS)
def test_a_table_is_replaced_and_a_foreign_file_is_kept(tmp_path: Path, suffix: str) -> None:
    out = tmp_path / f"r{suffix}"
    out.touch()
    for classes in (EMOTIONS, ("one", "two")):  # an empty file, then a table of another model
        table = open_table(out, columns_for(classes))
        table.add([(*row("a.jpg")[: len(COLUMNS)], *(0.5 for _ in classes))], [FAILURE])
        table.close()
        assert tuple(read(out)[0]) == (*COLUMNS, *classes)
    open_table(out, columns_for(EMOTIONS)).close()
    for place in {out, errors_path(out)}:
        for content in (b"source,name\r\n", b'{"source": "a.jpg"}\n', b"[1]\n", b"\xff" * 40):
            place.write_bytes(content)
            with pytest.raises(FileExistsError, match="another program's file"):
                open_table(out, columns_for(EMOTIONS))
            assert place.read_bytes() == content
        place.unlink()
        assert list(tmp_path.glob(".*")) == []


@pytest.mark.parametrize("suffix", [".csv", ".json", ".jsonl"])
def test_what_was_flushed_can_be_read_at_any_moment(tmp_path: Path, suffix: str) -> None:
    out = tmp_path / f"r{suffix}"
    table = open_table(out, columns_for(EMOTIONS))
    table.publish()
    for number in range(5):
        table.add([row(f"{number}.jpg")] * 2, [FAILURE])
        table.flush()
        assert len(read(out)) <= 2 * number + 2
        assert len(read(out)) == 2 * number + 2 or suffix == ".json"
    table.close()
    assert len(read(out)) == 10
    assert len(read_failures(out)) == 5


@contextlib.contextmanager
def full_disk(most_bytes: int) -> Iterator[None]:
    """As on a full disk, no file can grow beyond a size."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("suffix", [".csv", ".json", ".jsonl"])
def test_a_full_disk_leaves_what_was_written_readable(tmp_path: Path, suffix: str) -> None:
    out = tmp_path / f"r{suffix}"
    table = open_table(out, columns_for(EMOTIONS))
    table.add([row("a.jpg")] * 50, [FAILURE])
    table.publish()
    table.add([row("b.jpg")] * 500, [FAILURE])
    with full_disk(out.stat().st_size + 1000), pytest.raises(OSError, match="File too large"):
        table.publish() if suffix == ".json" else table.flush()  # JSON is not written by every flush
    assert len(read(out)) == 50
    assert len(read_failures(out)) == 1
    table.close()
    assert len(read(out)) == 550, "once there is room, nothing is missing"
    assert len(read_failures(out)) == 2


@pytest.mark.parametrize("suffix", [".csv", ".json", ".parquet"])
def test_a_table_that_has_no_room_at_all_leaves_nothing_behind(tmp_path: Path, suffix: str) -> None:
    with full_disk(0), pytest.raises(OSError, match="File too large"):
        open_table(tmp_path / f"r{suffix}", columns_for(EMOTIONS))
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_leaves_no_parquet_file_behind(tmp_path: Path) -> None:
    table = open_table(tmp_path / "r.parquet", columns_for(EMOTIONS))
    table.add([row(f"{number}.jpg") for number in range(5000)], [])
    with full_disk(1000):
        with pytest.raises(OSError, match="File too large"):
            table.close()
        table.discard()
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_one_sentence_of_the_record(tmp_path: Path) -> None:
    def record_much() -> None:
        for number in range(5000):
            record.add(f"{number}", 0, [row("a.jpg")] * 20, [])
        record.commit()

    expected = pytest.raises(RecordError, match=r"expected to write .*r\.progress, received")
    with Record(tmp_path / "r.progress", resume=False) as record, full_disk(20_000), expected:
        record_much()


@pytest.mark.parametrize("suffix", FORMATS)
def test_an_older_table_stays_until_the_new_one_has_as_much(tmp_path: Path, suffix: str) -> None:
    out = tmp_path / f"r{suffix}"
    older = open_table(out, columns_for(EMOTIONS))
    older.add([row("old.jpg")], [FAILURE])
    older.close()
    abandoned = open_table(out, columns_for(EMOTIONS))
    abandoned.add([row("new.jpg")], [])
    abandoned.flush()
    assert [found["source"] for found in read(out)] == ["old.jpg"]
    abandoned.discard()
    assert [found["source"] for found in read(out)] == ["old.jpg"]
    assert len(read_failures(out)) == 1
    newer = open_table(out, columns_for(EMOTIONS))
    newer.add([row("new.jpg")], [])
    newer.close()
    assert [found["source"] for found in read(out)] == ["new.jpg"]
    assert read_failures(out) == [], "an older list of failures does not stay"
    assert {path.name for path in tmp_path.iterdir()} == {out.name}


@pytest.mark.parametrize("suffix", FORMATS)
def test_a_name_that_is_no_text_does_not_end_the_run(tmp_path: Path, suffix: str) -> None:
    out = tmp_path / f"r{suffix}"
    table = open_table(out, columns_for(EMOTIONS))
    table.add([row("a\\xe9.jpg")], [Failure("\\xff.jpg", "unreadable", "expected …")])
    table.close()
    assert read(out)[0]["source"] == "a\\xe9.jpg"


@pytest.mark.parametrize("suffix", FORMATS)
def test_a_place_that_cannot_be_written_is_refused(tmp_path: Path, suffix: str) -> None:
    (tmp_path / f"folder{suffix}").mkdir()
    (tmp_path / "file").write_text("")
    for out in (tmp_path / f"folder{suffix}", tmp_path / "file" / f"r{suffix}", Path("/proc/none") / f"r{suffix}"):
        with pytest.raises(OSError, match=r".") as caught:
            open_table(out, columns_for(EMOTIONS)).close()
        assert not caught.value.filename or ".new" not in caught.value.filename
