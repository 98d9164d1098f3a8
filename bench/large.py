"""A file of 400 MB over a network that cuts every connection after five seconds, and who else is served meanwhile.

    python -m bench.large [--megabytes 400] [--rate 10]

The file is a bitmap picture, sent by tus through a proxy at ``--rate`` MB/s. Prints whether it arrived identical, how
often the network broke, the web process's memory before and at most during the upload, and how long others wait
meanwhile: the newest photos and a small upload, alone and beside one user's sixteen large uploads.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import io
import os
import random
import struct
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median
from typing import Any

import psutil
import requests
from PIL import Image

from tests.network import CuttingProxy
from tests.server import Server

_TUS = {"Tus-Resumable": "1.0.0"}
_STEP = 1024 * 1024


class Memory(threading.Thread):
    """The most resident memory of one process, without its children, in bytes."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self._process = psutil.Process(pid)
        self.peak = self.now = self._process.memory_info().rss
        self.start()

    def run(self) -> None:
        while self._process.is_running():
            try:
                self.now = self._process.memory_info().rss
            except psutil.Error:
                return
            self.peak = max(self.peak, self.now)
            time.sleep(0.05)


def bitmap(path: Path, size: int) -> None:
    """An uncompressed picture of about ``size`` bytes; its rows differ, so that a lost or doubled piece shows."""
    side = int((size / 3) ** 0.5) // 4 * 4
    row = random.Random(1).randbytes(side * 3)
    with path.open("wb") as file:
        length = 54 + side * side * 3
        file.write(b"BM" + struct.pack("<IHHI", length, 0, 0, 54))
        file.write(struct.pack("<IiiHHIIiiII", 40, side, side, 1, 24, 0, side * side * 3, 2835, 2835, 0, 0))
        for number in range(side):
            shift = number * 7 % len(row)
            file.write(row[shift:] + row[:shift])


def send(url: str, headers: dict[str, str], path: Path) -> tuple[str, int]:
    """Upload a file by tus, going on wherever the server stands after each break; the photo and the breaks."""
    name = base64.b64encode(path.name.encode()).decode()
    begin = {**headers, "Upload-Length": str(path.stat().st_size), "Upload-Metadata": f"filename {name}"}
    address, breaks = None, 0
    while True:
        try:
            if address is None:
                made = requests.post(f"{url}/api/v1/uploads", headers=begin, timeout=30)
                made.raise_for_status()
                address = url + made.headers["Location"]
            head = requests.head(address, headers=headers, timeout=120)
            head.raise_for_status()
            if photo := head.headers.get("Albumen-Photo"):
                return photo, breaks
            offset = int(head.headers["Upload-Offset"])
            with path.open("rb") as file:
                file.seek(offset)
                piece = {
                    **headers,
                    "Upload-Offset": str(offset),
                    "Content-Type": "application/offset+octet-stream",
                }
                requests.patch(address, data=file, headers=piece, timeout=120)
        except requests.ConnectionError:
            breaks += 1
        except requests.Timeout:
            breaks += 1


def waits(request: Callable[[], Any], seconds: float) -> str:
    """Median and 95th percentile of a request's time, in milliseconds, asked again and again."""
    times, end = [], time.monotonic() + seconds
    while time.monotonic() < end:
        start = time.perf_counter()
        request()
        times.append(1000 * (time.perf_counter() - start))
        time.sleep(0.02)
    return f"{median(times):.0f} / {sorted(times)[int(len(times) * 0.95)]:.0f} ms ({len(times)} requests)"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--megabytes", type=int, default=400)
    parser.add_argument("--rate", type=float, default=10, help="MB a second on each connection")
    arguments = parser.parse_args()
    os.environ["ALBUMEN_MAX_UPLOAD_BYTES"] = str(arguments.megabytes * 2_000_000)
    with tempfile.TemporaryDirectory() as folder:
        server = Server(Path(folder) / "data", workers=0)
        server.start()
        try:
            sys.exit(_measure(server, Path(folder), arguments))
        finally:
            server.stop()


def _measure(server: Server, folder: Path, arguments: argparse.Namespace) -> int:
    assert server.process is not None
    client = server.client()
    headers = {"Authorization": client.headers["authorization"], **_TUS}
    big = folder / "big.bmp"
    bitmap(big, arguments.megabytes * 1_000_000)
    seeing = lambda: client.get("/photos", params={"limit": 100})  # noqa: E731
    adding = lambda: client.post("/photos", files={"file": ("a.jpg", _small())})  # noqa: E731
    adding()
    memory = Memory(server.process.pid)
    before = memory.now
    alone = waits(seeing, 5), waits(adding, 5)
    proxy = CuttingProxy(server.port, seconds=5, rate=arguments.rate * 1e6)
    started = time.monotonic()
    photo, _ = send(f"http://127.0.0.1:{proxy.port}", headers, big)
    took = time.monotonic() - started
    digest = hashlib.sha256()
    with client.stream("GET", f"/photos/{photo}/original") as answer:
        for chunk in answer.iter_bytes(_STEP):
            digest.update(chunk)
    with big.open("rb") as file:
        same = digest.hexdigest() == hashlib.file_digest(file, "sha256").hexdigest()
    print(f"{big.stat().st_size / 1e6:.0f} MB arrived identical: {same}")
    print(f"connections cut: {proxy.cut}, in {took:.0f} s")
    print(f"web process: {before / 1e6:.0f} MB before, {memory.peak / 1e6:.0f} MB at most")
    with ThreadPoolExecutor(16) as pool:
        for number in range(16):
            other = folder / f"{number}.bmp"
            bitmap(other, 40_000_000 + number * 1000)
            slow = CuttingProxy(server.port, rate=1e6).port
            pool.submit(send, f"http://127.0.0.1:{slow}", headers, other)
        time.sleep(2)
        beside = waits(seeing, 10), waits(adding, 10)
    for name, first, second in zip(("newest photos", "a small upload"), alone, beside, strict=True):
        print(f"{name}, median / p95: alone {first}; beside 16 uploads {second}")
    print(f"web process: {memory.peak / 1e6:.0f} MB at most")
    return int(not same)


def _small() -> bytes:
    buffer = io.BytesIO()
    Image.frombytes("RGB", (64, 48), os.urandom(64 * 48 * 3)).save(buffer, "JPEG")
    return buffer.getvalue()


if __name__ == "__main__":
    main()
