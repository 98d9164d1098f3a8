"""One installation with an owner, another user and an administrator, and the owner's things as paths speak of them."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from fastapi.testclient import TestClient

from app.context import Context
from app.db import new_id
from app.main import create_app
from app.models import ApiKey, Face, PeopleSuggestion, Person, User
from app.services import accounts
from app.services.accounts import Viewer
from app.settings import Settings
from tests.conftest import Drawn, make_user

V1 = "/api/v1"


@dataclass
class World:
    """One installation with an administrator, an owner and another user."""

    context: Context
    app: Any
    people: dict[str, Viewer]
    draw: Drawn

    def client(self, **headers: str) -> TestClient:
        return TestClient(self.app, headers=headers, raise_server_exceptions=False, follow_redirects=False)

    def session(self, name: str) -> str:
        with self.context.database.write() as session:
            user = accounts.get_user_by_id(session, self.people[name].user_id)
            return accounts.start_session(session, self.context.settings, user)

    def key(self, name: str, scopes: list[str]) -> str:
        with self.context.database.write() as session:
            return accounts.create_key(session, self.people[name], "k", scopes)[1]

    def state(self) -> str:
        """Everything the owner has, and who may do what, as one hash."""
        owner = self.people["owner"].user_id.bytes
        digest = hashlib.sha256()
        mine = "select id from photos where owner_id = ?"
        with self.context.database.engine.connect() as connection:
            for statement in (
                "select * from photos where owner_id = ? order by id",
                "select * from albums where owner_id = ? order by id",
                "select * from album_files where album_id in (select id from albums where owner_id = ?) order by 1, 2",
                "select * from uploads where owner_id = ? order by id",
                "select * from shares where owner_id = ? order by id",
                "select id, undone_at from photo_merges where owner_id = ? order by id",
                f"select * from photos_apart where first_id in ({mine}) order by 1, 2",
                "select * from album_photos where album_id in (select id from albums where owner_id = ?) order by 1, 2",
                f"select * from photo_tags where photo_id in ({mine}) order by 1, 2, 3",
                "select * from people where owner_id = ? order by id",
                "select * from people_suggestions where owner_id = ? order by 1, 2",
                f"select id, person_id, person_source from faces where photo_id in ({mine}) order by id",
                "select * from tags where owner_id = ? order by id",
                f"select * from edits where photo_id in ({mine}) order by id",
                "select id, state, cancel_requested from jobs where owner_id = ? order by id",
                "select id, scopes from api_keys where user_id = ? and name = 'thing' order by id",
                "select id from pairings where user_id = ?",
                "select id, is_admin, disabled_at, password_hash from users where id = ?",
            ):
                for row in connection.exec_driver_sql(statement, (owner,)):
                    digest.update(repr(tuple(row)).encode())
        return digest.hexdigest()


class Objects(dict[str, str]):
    """The owner's things a path or body speaks of, each made when it is first asked for."""

    def __init__(self, world: World) -> None:
        super().__init__(
            slug="beach", action="pause", kind="grid", project_id="p", preset="scream", month="2024-06"
        )
        self.world = world

    def __missing__(self, name: str) -> str:
        self[name] = str(getattr(self, f"_{name}")())
        return self[name]

    def _api(self) -> TestClient:
        return self.world.client(Authorization=f"Bearer {self.world.session('owner')}")

    def _photo_id(self) -> str:
        return (
            self._api()
            .post(f"{V1}/photos", files={"file": ("a.jpg", self.world.draw((64, 48)))})
            .json()["id"]
        )

    def _path(self) -> str:
        """A file in a folder, and no other one there."""
        key = {"Authorization": f"Bearer {self.world.key('owner', list(accounts.SCOPES)[:-1])}"}
        dav = self.world.client(**key)
        dav.request("DELETE", "/dav/Folder")
        dav.request("MKCOL", "/dav/Folder")
        dav.put("/dav/Folder/a.jpg", content=self.world.draw())
        return "Folder/a.jpg"

    def _second_photo(self) -> str:
        return self._photo_id()

    def _photo_merge_id(self) -> str:
        pair = {"keeper": self["photo_id"], "others": [self["second_photo"]]}
        return self._api().post(f"{V1}/duplicates/merge", json=pair).json()["id"]

    def _rule_id(self) -> str:
        body = {"title": "Rule", "kind": "dynamic", "query": "year:2024"}
        return self._api().post(f"{V1}/albums", json=body).json()["id"]

    def _album_id(self) -> str:
        return self._api().post(f"{V1}/albums", json={"title": "Album"}).json()["id"]

    def _edit_id(self) -> str:
        made = (
            self._api()
            .post(f"{V1}/photos/{self['photo_id']}/edits", json={"recipe": [{"op": "invert"}]})
            .json()
        )
        self["job_id"] = made["job"]
        return made["edit"]["id"]

    def _job_id(self) -> str:
        self._edit_id()
        return self["job_id"]

    def _key_id(self) -> UUID:
        with self.world.context.database.write() as session:
            owner = self.world.people["owner"].user_id
            key = ApiKey(user_id=owner, name="thing", secret_hash=new_id().hex, scopes=["images"])
            session.add(key)
        return key.id

    def _user_id(self) -> UUID:
        with self.world.context.database.write() as session:
            user = User(username="x", username_key=new_id().hex, password_hash="none")
            session.add(user)
        return user.id

    def _person_id(self) -> UUID:
        person_id, photo_id = new_id(), UUID(self["photo_id"])
        with self.world.context.database.write() as session:
            session.add(Person(id=person_id, owner_id=self.world.people["owner"].user_id))
            session.flush()
            for x in (0.1, 0.6):
                face = Face(photo_id=photo_id, score=0.9, x=x, y=0.2, width=0.3, height=0.3, model="m")
                face.person_id, face.person_source = person_id, "model"
                session.add(face)
            session.flush()
            self["face_id"] = str(face.id)
        return person_id

    def _other_person(self) -> UUID:
        return self._person_id()

    def _face_id(self) -> str:
        _ = self["person_id"]
        return self["face_id"]

    def _first(self) -> str:
        pair = [self._person_id(), self._person_id()]
        with self.world.context.database.write() as session:
            owner = self.world.people["owner"].user_id
            session.add(PeopleSuggestion(first_id=pair[0], second_id=pair[1], owner_id=owner, distance=0.55))
        self["second"] = str(pair[1])
        return str(pair[0])

    def _second(self) -> str:
        self["first"] = self._first()
        return self["second"]

    def _merge_id(self) -> str:
        pair = {"into": self["first"], "people": [self["second"]]}
        return self._api().post(f"{V1}/people/merge", json=pair).json()["id"]

    def _upload_id(self) -> str:
        headers = {"Tus-Resumable": "1.0.0", "Upload-Length": "10"}
        return self._api().post(f"{V1}/uploads", headers=headers).headers["location"].rpartition("/")[2]

    def _token(self) -> str:
        made = self._api().post(f"{V1}/photos/{self['photo_id']}/shares", json={}).json()
        self["share_id"] = made["id"]
        return made["token"]

    def _share_id(self) -> str:
        self._token()
        return self["share_id"]

    def _campaign_id(self) -> str:
        _ = self["photo_id"]
        admin = self.world.client(Authorization=f"Bearer {self.world.session('admin')}")
        return admin.post(f"{V1}/admin/retag", json={"query": "", "stages": ["tags"]}).json()["id"]


@contextmanager
def installed(data: Path, empty_album: Path, draw: Drawn) -> Iterator[World]:
    """A world in a new data folder; ``empty_album`` is a migrated database."""
    data.mkdir()
    shutil.copy(empty_album, data / "albumen.db")
    context = Context.open(Settings(data=data, login_attempts=10_000))
    names = ("owner", "other", "admin")
    people = {name: make_user(context, name, is_admin=name == "admin") for name in names}
    yield World(context, create_app(context.settings, context), people, draw)
    context.close()
