"""A bad network: a proxy that passes bytes on, slowly if told to, and cuts connections after some bytes or seconds."""

from __future__ import annotations

import socket
import struct
import threading
import time
from collections.abc import Iterable
from contextlib import suppress

_PIECE = 65_536


class CuttingProxy:
    """Listens on ``port`` and passes to the server; ``close`` stops it.

    Args:
        cuts: bytes from the client after which each next connection is cut; None or the end: it is not.
        seconds: the longest a connection lives.
        rate: bytes a second from the client, on each connection.
    """

    def __init__(
        self,
        port: int,
        cuts: Iterable[int | None] = (),
        *,
        seconds: float | None = None,
        rate: float | None = None,
    ) -> None:
        self._server, self._cuts, self._seconds, self._rate = port, iter(cuts), seconds, rate
        self._lock = threading.Lock()
        self.cut = self.connections = self.sent = 0
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
                server = socket.create_connection(("127.0.0.1", self._server))
            except OSError:
                return
            self.connections += 1
            if self._seconds is not None:
                threading.Timer(self._seconds, self._end, (client, server)).start()
            allowed = next(self._cuts, None)
            threading.Thread(target=self._pass, args=(client, server, allowed, True), daemon=True).start()
            threading.Thread(target=self._pass, args=(server, client, None, False), daemon=True).start()

    def _end(self, *sockets: socket.socket) -> None:
        self.cut += self._break(*sockets)

    def _pass(self, source: socket.socket, target: socket.socket, allowed: int | None, up: bool) -> None:
        passed = 0
        try:
            while data := source.recv(_PIECE):
                target.sendall(data)
                passed += len(data)
                if up:
                    self._count(len(data))
                if allowed is not None and passed >= allowed:
                    self.cut += self._break(source, target)
                    return
            target.shutdown(socket.SHUT_WR)
        except OSError:
            self._break(source, target)

    def _count(self, sent: int) -> None:
        with self._lock:
            self.sent += sent
        if self._rate is not None:
            time.sleep(sent / self._rate)

    def _break(self, *sockets: socket.socket) -> bool:
        """Reset a connection at once: only shut down, it would swallow what the other side still sends."""
        broken = False
        for end in sockets:
            with suppress(OSError):
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                end.shutdown(socket.SHUT_RDWR)
                broken = True
        for end in sockets:
            end.close()
        return broken

    def close(self) -> None:
        self._listener.close()
