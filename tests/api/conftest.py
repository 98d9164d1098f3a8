"""A real server on a real port, for the tests whose clients bring their own sockets."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
import uvicorn

from app.context import Context
from app.main import create_app


@dataclass(frozen=True)
class Live:
    """Where the server listens."""

    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@pytest.fixture
def live(context: Context) -> Iterator[Live]:
    """The application over ``context`` behind uvicorn, in a thread of this process."""
    app = create_app(context.settings, context)
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error", lifespan="off"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    deadline = time.monotonic() + 30
    while not server.started:
        assert time.monotonic() < deadline
        assert thread.is_alive()
        time.sleep(0.02)
    yield Live(server.servers[0].sockets[0].getsockname()[1])
    server.should_exit = True
    thread.join(30)
