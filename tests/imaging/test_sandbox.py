"""Whatever a photo does to its decoder, the next photo is decoded."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from app.errors import BrokenImage, TooLarge, UnsupportedImage
from app.imaging.sandbox import Sandbox
from app.settings import Settings

REPOSITORY = Path(__file__).resolve().parents[2]


def wait_until(condition: Callable[[], object], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.005)


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().split(")")[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.fixture(scope="module")
def slow_photo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Noise that takes a good part of a second to decode."""
    path = tmp_path_factory.mktemp("slow") / "noise.png"
    noise = np.random.default_rng(1).integers(0, 256, (3000, 4000, 3), dtype=np.uint8)
    Image.fromarray(noise).save(path, compress_level=1)
    return path


def test_inspection_tells_format_and_size(sandbox: Sandbox, photo: Path) -> None:
    inspection = sandbox.inspect(photo)
    assert (inspection.format, inspection.media_type) == ("png", "image/png")
    assert (inspection.width, inspection.height) == (640, 480)
    assert (inspection.orientation, inspection.frames, inspection.color_profile) == (1, 1, None)


def test_a_process_killed_in_the_middle_costs_nothing(tmp_path: Path, photo: Path) -> None:
    with Sandbox(Settings(data=tmp_path), processes=1) as sandbox, ThreadPoolExecutor(1) as pool:
        before = sandbox.inspect(photo)
        (pid,) = sandbox.pids
        os.kill(pid, signal.SIGSTOP)  # so that the next photo cannot be finished before the kill
        task = pool.submit(sandbox.inspect, photo)
        time.sleep(0.1)
        assert not task.done()
        os.kill(pid, signal.SIGKILL)
        assert task.result(60) == before
        assert sandbox.pids != [pid]


def test_a_photo_that_kills_every_process_is_broken_and_the_next_is_fine(
    tmp_path: Path, photo: Path, slow_photo: Path
) -> None:
    with Sandbox(Settings(data=tmp_path), processes=1) as sandbox:
        over = threading.Event()

        def kill_all() -> None:
            while not over.wait(0.005):
                for pid in sandbox.pids:
                    with suppress(ProcessLookupError):  # it is being replaced this very moment
                        os.kill(pid, signal.SIGKILL)

        killer = threading.Thread(target=kill_all)
        killer.start()
        try:
            with pytest.raises(BrokenImage, match="decoder"):
                sandbox.inspect(slow_photo)
        finally:
            over.set()
            killer.join()
        assert sandbox.inspect(photo).width == 640


def test_too_slow_is_ended(tmp_path: Path, photo: Path) -> None:
    with Sandbox(Settings(data=tmp_path, decode_seconds=1), processes=1) as sandbox:
        sandbox.inspect(photo)
        (pid,) = sandbox.pids
        os.kill(pid, signal.SIGSTOP)
        with pytest.raises(BrokenImage, match="within 1 seconds"):
            sandbox.inspect(photo)
        wait_until(lambda: not is_alive(pid))
        assert sandbox.inspect(photo).width == 640


def test_memory_is_limited(tmp_path: Path, photo: Path) -> None:
    bomb = tmp_path / "bomb.png"
    Image.new("RGB", (9000, 9000)).save(bomb)
    with Sandbox(Settings(data=tmp_path, decode_memory_bytes=100 * 1024**2), processes=1) as sandbox:
        with pytest.raises(TooLarge, match="memory"):
            sandbox.inspect(bomb)
        assert sandbox.peak_memory < 250 * 1024**2
        assert sandbox.inspect(photo).width == 640


def test_pixels_are_limited_before_they_are_decoded(tmp_path: Path, photo: Path) -> None:
    def inspect(max_pixels: int) -> int:
        with Sandbox(Settings(data=tmp_path, max_pixels=max_pixels), processes=1) as sandbox:
            return sandbox.inspect(photo).width

    assert inspect(640 * 480) == 640
    with pytest.raises(TooLarge):
        inspect(640 * 480 - 1)


@pytest.mark.parametrize("format", ["GIF", "TIFF", "WEBP", "PNG"])
def test_frames_are_counted_and_limited(tmp_path: Path, corners: Image.Image, format: str) -> None:
    path = tmp_path / "many"
    others = [corners.rotate(angle) for angle in range(10, 50, 10)]
    corners.save(path, format, save_all=True, append_images=others)
    with Sandbox(Settings(data=tmp_path, max_frames=5), processes=1) as sandbox:
        assert sandbox.inspect(path).frames == 5
        first = sandbox.decode(path)
        assert np.abs(first[5, 5].astype(int) - (255, 0, 0)).max() < 40, "the first frame is shown"
    with Sandbox(Settings(data=tmp_path, max_frames=4), processes=1) as sandbox, pytest.raises(TooLarge):
        sandbox.inspect(path)


def test_a_million_frames_are_refused_at_once(tmp_path: Path, corners: Image.Image) -> None:
    corners.resize((1, 1)).save(tmp_path / "one.gif")
    one = (tmp_path / "one.gif").read_bytes()
    frame = b"\x2c\0\0\0\0\1\0\1\0\0\2\2\x4c\1\0"
    bomb = tmp_path / "bomb.gif"
    bomb.write_bytes(one[:-1] + frame * 1_000_000 + b";")
    with Sandbox(Settings(data=tmp_path, decode_seconds=10), processes=1) as sandbox, pytest.raises(TooLarge):
        sandbox.inspect(bomb)


def test_many_threads_share_few_processes(tmp_path: Path) -> None:
    colors = ["red", "lime", "blue", "yellow", "cyan", "magenta", "black", "white"]
    for color in colors:
        Image.new("RGB", (300, 200), color).save(tmp_path / f"{color}.png")
    with Sandbox(Settings(data=tmp_path), processes=2) as sandbox, ThreadPoolExecutor(4) as pool:
        expected = {color: Image.new("RGB", (1, 1), color).getpixel((0, 0)) for color in colors}
        tasks = [(color, pool.submit(sandbox.decode, tmp_path / f"{color}.png")) for color in colors * 5]
        for color, task in tasks:
            assert (task.result(120) == expected[color]).all(), color
        assert 1 <= len(sandbox.pids) <= 2


def test_a_process_outlives_the_thread_that_needed_it_first(tmp_path: Path, photo: Path) -> None:
    with Sandbox(Settings(data=tmp_path), processes=1) as sandbox:
        thread = threading.Thread(target=sandbox.inspect, args=(photo,))
        thread.start()
        thread.join()
        pids = sandbox.pids
        sandbox.inspect(photo)
        assert sandbox.pids == pids


def test_processes_die_with_their_parent(tmp_path: Path, photo: Path) -> None:
    program = (
        "import sys, time; from pathlib import Path\n"
        "from app.settings import Settings; from app.imaging.sandbox import Sandbox\n"
        "sandbox = Sandbox(Settings(data=Path(sys.argv[1])), processes=1); sandbox.inspect(Path(sys.argv[2]))\n"
        "print(sandbox.pids[0], flush=True); time.sleep(600)"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path), str(photo)], cwd=REPOSITORY, stdout=subprocess.PIPE
    )
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    assert is_alive(pid)
    os.kill(pid, signal.SIGSTOP)  # even a process that cannot notice
    parent.kill()
    parent.wait()
    parent.stdout.close()
    wait_until(lambda: not is_alive(pid))


def test_a_closed_sandbox_leaves_no_process_and_refuses_work(tmp_path: Path, photo: Path) -> None:
    sandbox = Sandbox(Settings(data=tmp_path), processes=2)
    sandbox.inspect(photo)
    pids = sandbox.pids
    assert pids
    sandbox.close()
    assert not any(is_alive(pid) for pid in pids)
    with pytest.raises(RuntimeError, match="closed"):
        sandbox.inspect(photo)


def test_closing_releases_those_who_wait(tmp_path: Path, photo: Path) -> None:
    sandbox = Sandbox(Settings(data=tmp_path), processes=1)
    sandbox.inspect(photo)
    os.kill(sandbox.pids[0], signal.SIGSTOP)
    with ThreadPoolExecutor(3) as pool:
        tasks = [pool.submit(sandbox.inspect, photo) for _ in range(3)]
        time.sleep(0.1)
        sandbox.close()
        for task in tasks:
            with pytest.raises(RuntimeError, match="closed"):
                task.result(30)


def test_processes_know_no_secrets(tmp_path: Path, photo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALBUMEN_DATABASE_URL", "postgresql://user:secret@host/db")
    with Sandbox(Settings(data=tmp_path), processes=1) as sandbox:
        sandbox.inspect(photo)
        environment = Path(f"/proc/{sandbox.pids[0]}/environ").read_bytes()
    assert b"PYTHONPATH" in environment
    assert b"secret" not in environment


def confined(program: str) -> str:
    """Output of a program that has confined itself as the decoding process does."""
    prelude = (
        "import os, socket; from app.imaging import confine\n"
        "inherited = os.memfd_create('inherited')\n"
        "confine.limit_resources(100 * 1024**2)\n"
        "landlock = confine.forbid_files_and_network()\n"
    )
    run = [sys.executable, "-c", prelude + program]
    return subprocess.run(run, cwd=REPOSITORY, capture_output=True, text=True, check=True).stdout.strip()


def test_a_confined_process_cannot_write(tmp_path: Path) -> None:
    program = "try:\n os.write(inherited, b'x')\nexcept OSError as error:\n print(error.strerror)"
    assert confined(program) == "File too large"


def test_a_confined_process_cannot_take_more_memory() -> None:
    program = "try:\n bytearray(200 * 1024**2)\nexcept MemoryError:\n print('refused')"
    assert confined(program) == "refused"


@pytest.mark.parametrize(
    "attempt",
    [
        "open('/etc/hostname')",
        "os.listdir('/')",
        "open('/tmp/albumen-confined', 'w')",
        "socket.create_connection(('127.0.0.1', 9), timeout=1)",
        "os.kill(os.getppid(), 0)",
    ],
)
def test_a_confined_process_reaches_nothing(attempt: str) -> None:
    program = f"print(landlock)\ntry:\n {attempt}\nexcept PermissionError:\n print('refused')"
    available, _, outcome = confined(program).partition("\n")
    if available == "False":
        pytest.skip("this kernel has no Landlock")
    assert outcome == "refused"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"%PDF-1.7",
        b"PK\3\4",
        b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom",
    ],
)
def test_what_is_no_picture_is_unsupported(sandbox: Sandbox, tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "photo.jpg"
    path.write_bytes(content)
    with pytest.raises(UnsupportedImage):
        sandbox.inspect(path)


def test_a_missing_file_is_the_callers_mistake(sandbox: Sandbox, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        sandbox.inspect(tmp_path / "nothing")
