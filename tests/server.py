"""A real server for tests and measurements: `albumen serve` as a process of its own, with real models."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import httpx2 as httpx

REPOSITORY = Path(__file__).resolve().parents[1]
PASSWORD = "correct horse battery staple"


def default_models() -> Path:
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return Path(os.environ.get("ALBUMEN_MODELS") or cache / "albumen" / "models")


@dataclass
class Server:
    """Starts, kills and restarts `albumen serve` over one data folder."""

    data: Path
    port: int = field(default_factory=lambda: free_port())
    workers: int = 1
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        return {**os.environ, "ALBUMEN_DATA": str(self.data), "ALBUMEN_MODELS": str(default_models())}

    def command(self, *arguments: str, **options: object) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "app", *arguments], env=self.environment, cwd=REPOSITORY, text=True,
            capture_output=True, timeout=600, **options,
        )  # fmt: skip

    def start(self) -> None:
        log = (self.data.parent / "server.log").open("ab")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "app", "serve", "--port", str(self.port), "--workers", str(self.workers)],
            env=self.environment, cwd=REPOSITORY, stdout=log, stderr=log,
        )  # fmt: skip
        self.wait(lambda: httpx.get(f"{self.url}/readyz").status_code == 200, 300)

    def wait(self, condition: Callable[[], object], seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while True:
            try:
                if condition():
                    return
            except httpx.TransportError:
                pass
            assert time.monotonic() < deadline, (self.data.parent / "server.log").read_text()[-4000:]
            time.sleep(0.1)

    def kill(self) -> None:
        """As a power cut would: kill -9, the server and (through the kernel) its children."""
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(30)

    def is_idle(self, client: httpx.Client) -> bool:
        """Whether nothing waits and nothing runs."""
        counts = client.get("/jobs").json()["counts"]
        return counts["ready"] == counts["running"] == 0

    def client(self) -> httpx.Client:
        """Signed in as anna, the first administrator."""
        credentials = {"username": "anna", "password": PASSWORD}
        answer = httpx.post(f"{self.url}/api/v1/auth/setup", json=credentials)
        if answer.status_code == 409:
            answer = httpx.post(f"{self.url}/api/v1/auth/login", json=credentials)
        token = answer.json()["token"]
        return httpx.Client(
            base_url=f"{self.url}/api/v1", headers={"Authorization": f"Bearer {token}"}, timeout=60
        )


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
