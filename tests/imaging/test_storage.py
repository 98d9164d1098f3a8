"""Originals survive, are kept once, and leave nothing behind when they are refused."""

from __future__ import annotations

import errno
import hashlib
import io
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from app.errors import StorageFull, TooLarge
from app.settings import Settings
from app.storage import Storage, media_type

REPOSITORY = Path(__file__).resolve().parents[2]
DATA = b"the bytes of a photo" * 1000
SHA256 = hashlib.sha256(DATA).hexdigest()


@pytest.fixture
def storage(tmp_path: Path) -> Storage:
    return Storage(Settings(data=tmp_path))


def arriving(tmp_path: Path) -> list[Path]:
    return [path for path in (tmp_path / "incoming").iterdir() if path.suffix == ".part"]


def keep(storage: Storage, data: bytes = DATA) -> Path:
    with storage.receive(io.BytesIO(data)) as writer:
        return storage.keep(writer)


def test_kept_bytes_lie_under_their_checksum(storage: Storage, tmp_path: Path) -> None:
    with storage.incoming() as writer:
        writer.write(DATA[:77])
        writer.write(DATA[77:])
        path = storage.keep(writer)
    assert (writer.sha256, writer.size) == (SHA256, len(DATA))
    assert writer.sha1 == hashlib.sha1(DATA).hexdigest()
    assert path == tmp_path / "blobs" / SHA256[:2] / SHA256[2:4] / SHA256 == storage.original(SHA256)
    assert path.read_bytes() == DATA
    assert not path.stat().st_mode & 0o222
    assert storage.checksum(path) == SHA256
    assert arriving(tmp_path) == []


def test_what_is_not_kept_is_gone(storage: Storage, tmp_path: Path) -> None:
    with storage.incoming() as writer:
        writer.write(DATA)
        writer.flush()
        assert writer.path.read_bytes() == DATA
    assert arriving(tmp_path) == []
    assert list(storage.originals()) == []
    storage.discard(writer)  # twice is harmless


def test_the_limit_is_exact_and_leaves_nothing(tmp_path: Path) -> None:
    storage = Storage(Settings(data=tmp_path, max_upload_bytes=100))
    with storage.incoming() as writer:
        writer.write(b"x" * 100)
        with pytest.raises(TooLarge):
            writer.write(b"x")
        assert writer.size == 100
    with pytest.raises(TooLarge):
        storage.receive(io.BytesIO(b"x" * 101))
    storage.receive(io.BytesIO(b"x" * 101), limit=101).discard()
    assert arriving(tmp_path) == []


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_is_said_so(
    storage: Storage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(number, os.strerror(number))

    with storage.incoming() as writer:
        writer.write(DATA)
        monkeypatch.setattr(os, "fsync", full)
        with pytest.raises(StorageFull):
            storage.keep(writer)
    assert arriving(tmp_path) == []
    assert list(storage.originals()) == []


def test_same_content_from_many_threads_is_kept_once(storage: Storage, tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        paths = set(pool.map(lambda _: keep(storage), range(40)))
    assert paths == {storage.original(SHA256)}
    assert [checksum for checksum, _ in storage.originals()] == [SHA256]
    assert arriving(tmp_path) == []


def test_keeping_again_repairs_a_blob_that_lost_bytes(storage: Storage) -> None:
    path = keep(storage)
    path.chmod(0o644)
    path.write_bytes(DATA[:-5])
    keep(storage)
    assert path.read_bytes() == DATA


def test_a_crash_before_keep_leaves_only_what_the_sweep_removes(storage: Storage, tmp_path: Path) -> None:
    program = (
        "import os, sys; from pathlib import Path; from app.settings import Settings; from app.storage import Storage\n"
        "writer = Storage(Settings(data=Path(sys.argv[1]))).incoming()\n"
        "writer.write(b'half a photo'); writer.flush(); os.kill(os.getpid(), 9)"
    )
    killed = subprocess.run([sys.executable, "-c", program, str(tmp_path)], cwd=REPOSITORY, check=False)
    assert killed.returncode == -9
    (leftover,) = arriving(tmp_path)
    assert list(storage.originals()) == []
    assert storage.sweep_incoming(hours=1) == 0, "it may still be arriving"
    old = time.time() - 2 * 3600
    os.utime(leftover, (old, old))
    assert storage.sweep_incoming(hours=1) == 1
    assert arriving(tmp_path) == []
    keep(storage)  # the folder still works


def test_a_folder_left_by_a_crash_is_removed_when_it_is_old(storage: Storage) -> None:
    with storage.scratch() as folder:
        (folder / "picture").write_bytes(b"half a preview")
        assert storage.sweep_incoming(hours=1) == 0, "somebody may still be at it"
        os.utime(folder, (1, 1))
        assert storage.sweep_incoming(hours=1) == 1
        assert not folder.exists()


def test_a_blob_without_a_row_goes_unless_it_was_just_kept(storage: Storage) -> None:
    path = keep(storage)
    old = time.time() - 48 * 3600
    os.utime(path, (old, old))
    keep(storage)  # an upload of the same bytes, whose row is about to be written
    assert not storage.remove_original(SHA256)
    assert path.exists()
    os.utime(path, (old, old))
    assert storage.remove_original(SHA256)
    assert not path.exists()
    assert not storage.remove_original(SHA256)


def test_iteration_yields_what_is_there_and_skips_strangers(storage: Storage, tmp_path: Path) -> None:
    kept = {keep(storage, bytes([number]) * 10).name for number in range(5)}
    (tmp_path / "blobs" / "README").write_text("not a blob")
    misplaced = tmp_path / "blobs" / "zz"
    misplaced.mkdir()
    (misplaced / SHA256).write_bytes(DATA)
    found = [checksum for checksum, _ in storage.originals()]
    assert set(found) == kept
    assert found == sorted(found)


def test_renditions_take_the_format_they_were_made_in(storage: Storage, tmp_path: Path) -> None:
    assert not storage.rendition(SHA256, "preview").exists()
    first = storage.write_rendition(SHA256, "face-0123", ".webp", b"one")
    assert first == tmp_path / "renditions" / SHA256[:2] / SHA256[2:4] / f"{SHA256}.face-0123.webp"
    assert storage.rendition(SHA256, "face-0123") == first
    assert media_type(first) == "image/webp"
    storage.write_rendition(SHA256, "face-0123", ".webp", b"two")
    storage.write_rendition(SHA256, "grid", ".jpg", b"three")
    assert first.read_bytes() == b"two"
    assert {(checksum, kind) for checksum, kind, _ in storage.renditions()} == {
        (SHA256, "face-0123"),
        (SHA256, "grid"),
    }
    png = storage.write_rendition(SHA256, "grid", ".png", b"four")
    assert storage.rendition(SHA256, "grid") == png, "the older format is gone"
    assert storage.remove_renditions(SHA256) == 2
    assert list(storage.renditions()) == []


@pytest.mark.parametrize(
    "checksum", ["../../etc/passwd", "", SHA256.upper(), SHA256 + "0", SHA256[:-1] + "/"]
)
def test_no_path_is_made_from_anything_but_a_checksum(storage: Storage, checksum: str) -> None:
    for place in (storage.original, storage.remove_original, storage.remove_renditions):
        with pytest.raises(ValueError, match="checksum"):
            place(checksum)
    with pytest.raises(ValueError, match="kind"):
        storage.rendition(SHA256, "../grid")


def test_usage_counts_bytes(storage: Storage) -> None:
    keep(storage)
    storage.write_rendition(SHA256, "grid", ".jpg", b"12345")
    with storage.receive(io.BytesIO(b"123")) as writer:
        writer.flush()
        usage = storage.usage()
    assert (usage.originals, usage.renditions, usage.incoming) == (len(DATA), 5, 3)
    assert 0 < usage.free <= usage.total
