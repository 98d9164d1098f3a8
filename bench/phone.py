"""A week in the life of two phones of one person, on a network that keeps breaking.

    python -m bench.phone [--photos 2000] [--seed 1]

Each phone has its camera roll, partly the same pictures, a wrong clock, and an app that does what docs/mobile.md says:
it asks what is there, sends the rest (small pictures by multipart with an Idempotency-Key, large ones by tus), edits
titles, favourites, tags and albums while the other phone does the same, and keeps a copy in step by /changes. What it
knows it writes to its disk, because the app is killed in the middle of things. Connections are cut after a random
number of bytes. Half-way one phone goes into airplane mode for a week, with uploads begun; what the server keeps for
days only is then a week older.

At the end every picture must be there once and byte for byte, and both copies must equal what the server lists.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import io
import json
import random
import sqlite3
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import requests
from PIL import Image

from tests.network import CuttingProxy
from tests.server import Server

LARGE = 200_000  # bytes from which the app uses tus
_TUS = {"Tus-Resumable": "1.0.0"}


class Killed(Exception):
    """The app was killed: all that it held in memory is gone."""


@dataclass
class Disk:
    """What survives the app: which pictures are known to be safe, uploads begun, the copy and its cursor."""

    path: Path
    safe: dict[str, str] = field(default_factory=dict)  # checksum -> photo
    begun: dict[str, str] = field(default_factory=dict)  # checksum -> address of the upload
    cursor: str | None = None
    copy: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path) -> Disk:
        return cls(path, **json.loads(path.read_text())) if path.exists() else cls(path)

    def write(self) -> None:
        values = {name: getattr(self, name) for name in ("safe", "begun", "cursor", "copy")}
        new = self.path.with_suffix(".new")
        new.write_text(json.dumps(values))
        new.replace(self.path)


@dataclass
class Tally:
    requests: int = 0
    broken: int = 0
    kills: int = 0
    expired: int = 0
    edits: int = 0


class Phone:
    """The app, from one start to the next kill; ``disk`` is what it finds when it starts."""

    def __init__(self, name: str, url: str, secret: str, folder: Path, skew: timedelta, seed: int) -> None:
        self.name, self.url, self.folder, self.skew = name, url, folder, skew
        self.random, self.tally = random.Random(seed), Tally()
        self.secret = secret
        self.start()

    def start(self) -> None:
        self.disk = Disk.read(self.folder / "disk.json")
        self.session = requests.Session()
        self.session.headers["Authorization"] = f"Bearer {self.secret}"

    def ask(self, method: str, path: str, **options: Any) -> requests.Response:
        """One request, again and again until the network lets it through. The app may be killed before or after."""
        while True:
            self._perhaps_killed()
            self.tally.requests += 1
            try:
                answer = self.session.request(method, self.url + path, timeout=30, **options)
            except requests.RequestException:
                self.tally.broken += 1
                time.sleep(0.01)
                continue
            if answer.status_code in (429, 503):
                time.sleep(0.2)
                continue
            self._perhaps_killed()
            return answer

    def _perhaps_killed(self) -> None:
        if self.random.random() < 0.008:
            raise Killed

    # --- sending ----------------------------------------------------------------------------------------------

    def send_all(self, files: list[Path]) -> None:
        roll = {hashlib.sha256(path.read_bytes()).hexdigest(): path for path in files}
        left = [checksum for checksum in roll if checksum not in self.disk.safe]
        for start in range(0, len(left), 500):
            part = left[start : start + 500]
            known = self.ask("POST", "/photos/exists", json={"checksums": part}).json()["existing"]
            self.disk.safe.update(known)
            self.disk.write()
            for number, checksum in enumerate(c for c in part if c not in known):
                data = roll[checksum].read_bytes()
                send = self._send_large if len(data) >= LARGE else self._send_small
                self.disk.safe[checksum] = send(checksum, roll[checksum], data)
                if number % 20 == 0:
                    self.disk.write()
        self.disk.write()

    def _send_small(self, checksum: str, path: Path, data: bytes) -> str:
        wrong_now = (datetime.now(UTC) + self.skew).isoformat()
        answer = self.ask(
            "POST",
            "/photos",
            files={"file": (path.name, data)},
            data={"device_id": self.name, "device_asset_id": path.stem, "taken_at": wrong_now},
            headers={"X-Checksum-SHA256": checksum, "Idempotency-Key": f"{self.name}/{path.stem}"},
        )
        answer.raise_for_status()
        return str(answer.json()["id"])

    def _send_large(self, checksum: str, path: Path, data: bytes) -> str:
        while True:
            address = self.disk.begun.get(checksum) or self._begin(checksum, path, len(data))
            offset = 0
            while True:
                head = self.ask("HEAD", address, headers=_TUS)
                if head.status_code in (404, 410):  # it expired, or was ended: begin again
                    self.tally.expired += 1
                    del self.disk.begun[checksum]
                    break
                if photo := head.headers.get("Albumen-Photo"):
                    return photo
                offset = int(head.headers["Upload-Offset"])
                headers = {
                    **_TUS,
                    "Upload-Offset": str(offset),
                    "Content-Type": "application/offset+octet-stream",
                }
                self.ask("PATCH", address, data=data[offset : offset + 150_000], headers=headers)

    def _begin(self, checksum: str, path: Path, length: int) -> str:
        coded = ",".join(
            f"{name} {base64.b64encode(value.encode()).decode()}"
            for name, value in (("filename", path.name), ("checksum", checksum), ("device_id", self.name))
        )
        headers = {**_TUS, "Upload-Length": str(length), "Upload-Metadata": coded}
        answer = self.ask("POST", "/uploads", headers=headers)
        answer.raise_for_status()
        address = answer.headers["Location"].removeprefix("/api/v1")
        self.disk.begun[checksum] = address
        self.disk.write()
        return address

    # --- editing and keeping in step --------------------------------------------------------------------------

    def edit(self, times: int) -> None:
        photos = [thing["id"] for thing in self.disk.copy.values() if thing["type"] == "photo"]
        for _ in range(times if photos else 0):
            photo, word = self.random.choice(photos), f"{self.name} {self.random.randrange(1000)}"
            kind = self.random.randrange(5)
            if kind == 0:
                self.ask("PATCH", f"/photos/{photo}", json={"title": word})
            elif kind == 1:
                self.ask("PATCH", f"/photos/{photo}", json={"favorite": self.random.random() < 0.5})
            elif kind == 2:
                self.ask("PUT", f"/photos/{photo}/tags/{self.random.choice(['beach', 'dog', 'our boat'])}")
            elif kind == 3:
                albums = [thing["id"] for thing in self.disk.copy.values() if thing["type"] == "album"]
                if len(albums) < 4:
                    self.ask("POST", "/albums", json={"title": word})
                else:
                    self.ask("PUT", f"/albums/{self.random.choice(albums)}/photos/{photo}")
            else:
                self.ask("DELETE", f"/photos/{photo}")
                self.ask("POST", f"/photos/{photo}/restore")
            self.tally.edits += 1

    def catch_up(self) -> None:
        while True:
            since = {"since": self.disk.cursor} if self.disk.cursor else {}
            answer = self.ask("GET", "/changes", params={"limit": 300, **since})
            if answer.status_code == 410:
                self.disk.copy, self.disk.cursor = {}, None
                continue
            answer.raise_for_status()
            page = answer.json()
            for thing in page["changed"]:
                self.disk.copy[f"{thing['type']} {thing['id']}"] = thing
            for gone in page["deleted"]:
                self.disk.copy.pop(f"{gone['type']} {gone['id']}", None)
            self.disk.cursor = page["cursor"]
            self.disk.write()
            if not page["has_more"]:
                return

    def live(self, files: list[Path], edits: int) -> None:
        """Send everything, edit and catch up, started again after each kill, until it is done."""
        done = 0
        while True:
            try:
                self.send_all(files)
                self.catch_up()
                while done < edits:
                    self.edit(10)
                    done += 10
                    self.catch_up()
                self.catch_up()
            except Killed:
                self.tally.kills += 1
                self.start()
            else:
                return


# --- the week -------------------------------------------------------------------------------------------------


def pictures(count: int, seed: int) -> Iterator[bytes]:
    chance = random.Random(seed)
    for number in range(count):
        size = (
            (480, 360) if number % 25 == 3 else (48, 36)
        )  # the large ones as noise, so that they stay large
        image = Image.frombytes("RGB", size, chance.randbytes(size[0] * size[1] * 3))
        buffer = io.BytesIO()
        image.save(buffer, "PNG" if number % 25 == 3 else "JPEG")
        yield buffer.getvalue()


def camera_rolls(folder: Path, count: int, seed: int) -> dict[str, list[Path]]:
    """Two folders of pictures; every fifth picture is in both, under another name."""
    rolls: dict[str, list[Path]] = {"phone": [], "tablet": []}
    for name in rolls:
        (folder / name).mkdir()
    for number, data in enumerate(pictures(count, seed)):
        owners = list(rolls) if number % 5 == 0 else [list(rolls)[number % 2]]
        for name in owners:
            path = folder / name / f"{name}_{number:05}.jpg"
            path.write_bytes(data)
            rolls[name].append(path)
    return rolls


def a_week_passes(database: Path) -> None:
    """Make what the server keeps for days only a week older."""
    with sqlite3.connect(database, timeout=30) as connection:
        for table, column in (("uploads", "expires_at"), ("kept_answers", "created_at")):
            connection.execute(
                f"UPDATE {table} SET {column} = strftime('%Y-%m-%d %H:%M:%f', {column}, '-7 days') || '000'"
            )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--photos", type=int, default=2000)
    parser.add_argument("--edits", type=int, default=300, help="by each phone")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        rolls = camera_rolls(folder, arguments.photos, arguments.seed)
        server = Server(folder / "data", workers=0)
        server.start()
        try:
            sys.exit(_live(server, folder, rolls, arguments))
        finally:
            server.stop()


def _live(server: Server, folder: Path, rolls: dict[str, list[Path]], arguments: argparse.Namespace) -> int:
    chance = random.Random(arguments.seed)
    cuts = (chance.choice((400, 3_000, 20_000, 120_000, 400_000)) for _ in iter(int, 1))
    proxy = CuttingProxy(server.port, cuts)
    owner = server.client()
    scopes = ["photos.read", "photos.upload", "photos.write", "albums.read", "albums.write"]
    phones = []
    for number, (name, skew) in enumerate((("phone", timedelta(days=-900)), ("tablet", timedelta(days=400)))):
        secret = owner.post("/auth/keys", json={"name": name, "scopes": scopes}).json()["secret"]
        url = f"http://127.0.0.1:{proxy.port}/api/v1"
        phones.append(Phone(name, url, secret, folder / name, skew, arguments.seed + number))
    started = time.monotonic()
    half = {name: files[: len(files) // 2] for name, files in rolls.items()}
    _together(phones, half, arguments.edits // 2)
    _begin_one(phones[0], rolls["phone"])  # then airplane mode
    _together(phones[1:], rolls, arguments.edits // 4)
    a_week_passes(server.data / "albumen.db")
    _together(phones, rolls, arguments.edits // 4)
    for phone in phones:  # what the other one did last
        phone.live(rolls[phone.name], 0)
    seconds = time.monotonic() - started
    proxy.close()
    return _verdict(owner, rolls, phones, proxy, seconds)


def _together(phones: list[Phone], rolls: dict[str, list[Path]], edits: int) -> None:
    threads = [threading.Thread(target=phone.live, args=(rolls[phone.name], edits)) for phone in phones]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _begin_one(phone: Phone, files: list[Path]) -> None:
    """The last large picture is on its way when the plane takes off."""
    path = next(path for path in reversed(files) if path.stat().st_size >= LARGE)
    checksum = hashlib.sha256(path.read_bytes()).hexdigest()
    while checksum not in phone.disk.begun:
        try:
            phone._begin(checksum, path, path.stat().st_size)
        except Killed:
            phone.tally.kills += 1
            phone.start()


def _verdict(
    owner: Any, rolls: dict[str, list[Path]], phones: list[Phone], proxy: CuttingProxy, seconds: float
) -> int:
    wanted = {
        hashlib.sha256(path.read_bytes()).hexdigest(): path for files in rolls.values() for path in files
    }
    there, trashed = _listed(owner, trashed=False), _listed(owner, trashed=True)
    checksums = [item["checksum"] for item in (there | trashed).values()]
    lost = wanted.keys() - set(checksums)
    doubled = len(checksums) - len(set(checksums))
    changed = sum(
        hashlib.sha256(owner.get(f"/photos/{photo}/original").content).hexdigest() != item["checksum"]
        for photo, item in (there | trashed).items()
    )
    counts = owner.get("/changes/counts").json()
    differing = sum(_differs(phone, there, counts) for phone in phones)
    tallies = [phone.tally for phone in phones]
    needed = sum(path.stat().st_size for path in wanted.values())
    figures = {
        "pictures on both phones / distinct": f"{sum(map(len, rolls.values()))} / {len(wanted)}",
        "lost, doubled, with other bytes": f"{len(lost)}, {doubled}, {changed}",
        "in the trash (killed before restoring)": len(trashed),
        "copies that differ from the server": differing,
        "connections cut": proxy.cut,
        "requests / broken off": f"{sum(t.requests for t in tallies)} / {sum(t.broken for t in tallies)}",
        "apps killed": sum(t.kills for t in tallies),
        "edits": sum(t.edits for t in tallies),
        "uploads begun anew after a week": sum(t.expired for t in tallies),
        "bytes sent for each needed, headers too": f"{proxy.sent / needed:.2f}",
        "seconds": f"{seconds:.0f} ({len(wanted) / seconds:.0f} photos/s, edits included)",
    }
    print("\n".join(f"{name:42} {value}" for name, value in figures.items()))
    return int(bool(lost or doubled or changed or differing))


def _listed(owner: Any, *, trashed: bool) -> dict[str, Any]:
    found: dict[str, Any] = {}
    parameters: dict[str, Any] = {"limit": 500, "trashed": trashed}
    while True:
        page = owner.get("/photos", params=parameters).json()
        found.update((item["id"], item) for item in page["items"])
        if page["next_cursor"] is None:
            return found
        parameters["cursor"] = page["next_cursor"]


def _differs(phone: Phone, there: dict[str, Any], counts: dict[str, int]) -> bool:
    """Whether a phone's copy is not what the server lists, field for field."""
    things = list(phone.disk.copy.values())
    copy = {t["id"]: t for t in things if t["type"] == "photo" and t["deleted_at"] is None}
    kinds = {"albums": "album", "members": "member", "people": "person", "tags": "tag"}
    if copy.keys() != there.keys() or any(
        counts[name] != sum(thing["type"] == kind for thing in things) for name, kind in kinds.items()
    ):
        return True
    listed = ((item, copy[photo]) for photo, item in there.items())
    return any(item[k] != thing[k] for item, thing in listed for k in item if k not in ("score", "reasons"))


if __name__ == "__main__":
    main()
