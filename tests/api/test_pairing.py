"""A device gets its key by a code from the settings page."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

from fastapi.testclient import TestClient
from sqlalchemy import update

from app.context import Context
from app.db import utcnow
from app.models import Pairing
from app.services import accounts
from app.services.accounts import Viewer

PAIRINGS, PAIR = "/api/v1/auth/pairings", "/api/v1/auth/pair"
PHONE = {"name": "Anna's phone", "scopes": ["photos.upload"]}


def redeem(client: TestClient, code: str) -> int:
    return client.post(PAIR, json={"code": code}).status_code


def test_a_code_becomes_a_key_once(api: TestClient, anonymous: TestClient) -> None:
    offered = api.post(PAIRINGS, json=PHONE).json()
    query = parse_qs(urlsplit(offered["uri"]).query)
    assert query == {"server": ["http://testserver"], "code": [offered["code"]]}
    typed = offered["code"].lower().replace("-", " ")
    paired = anonymous.post(PAIR, json={"code": typed}).json()
    assert (paired["username"], paired["scopes"]) == ("anna", ["photos.upload"])
    phone = TestClient(api.app, headers={"Authorization": f"Bearer {paired['secret']}"})
    assert phone.post("/api/v1/photos/exists", json={"checksums": []}).status_code == 200
    assert phone.get("/api/v1/photos").status_code == 403
    (listed,) = api.get("/api/v1/auth/keys").json()["items"]
    assert (listed["name"], listed["last_used_at"] is not None) == ("Anna's phone", True)
    assert redeem(anonymous, offered["code"]) == 404
    assert api.delete(f"/api/v1/auth/keys/{listed['id']}").status_code == 204
    assert phone.post("/api/v1/photos/exists", json={"checksums": []}).status_code == 401


def test_of_many_with_one_code_one_gets_a_key(api: TestClient, anonymous: TestClient) -> None:
    code = api.post(PAIRINGS, json=PHONE).json()["code"]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _n: redeem(anonymous, code), range(8)))
    assert sorted(answers) == [201] + [404] * 7
    assert len(api.get("/api/v1/auth/keys").json()["items"]) == 1


def test_an_old_code_is_worth_nothing(api: TestClient, anonymous: TestClient, context: Context) -> None:
    code = api.post(PAIRINGS, json=PHONE).json()["code"]
    with context.database.write() as session:
        session.execute(update(Pairing).values(expires_at=utcnow() - timedelta(seconds=1)))
    assert redeem(anonymous, code) == 404
    assert redeem(anonymous, "nonsense") == 404


def test_a_disabled_users_code_is_worth_nothing(
    bobs_api: TestClient, anonymous: TestClient, context: Context, bob: Viewer
) -> None:
    code = bobs_api.post(PAIRINGS, json=PHONE).json()["code"]
    with context.database.write() as session:
        accounts.set_disabled(session, accounts.get_user_by_id(session, bob.user_id), True)
    assert redeem(anonymous, code) == 404


def test_what_is_not_given_away(api: TestClient) -> None:
    for wrong in ({"name": " ", "scopes": ["images"]}, {"name": "x", "scopes": ["admin"]}):
        assert api.post(PAIRINGS, json=wrong).status_code == 422
    key = api.post("/api/v1/auth/keys", json=PHONE).json()["secret"]
    held = TestClient(api.app, headers={"Authorization": f"Bearer {key}"})
    assert held.post(PAIRINGS, json=PHONE).status_code == 403


def test_the_settings_page_shows_the_code_and_never_the_secret(
    api: TestClient, anonymous: TestClient
) -> None:
    token = api.headers["authorization"].split()[1]
    browser = TestClient(api.app, cookies={"albumen_session": token})
    page = browser.post(
        "/settings/pair",
        data={"name": "Phone", "scope": "photos.upload", "csrf_token": accounts.csrf_token(token)},
    )
    assert page.status_code == 200
    assert page.headers["refresh"] == "600; url=/settings"
    assert 'src="data:image/svg+xml' in page.text
    assert "alk_" not in page.text
    (code,) = re.findall(r"\b(?:[2-9A-Z]{4}-){3}[2-9A-Z]{4}\b", page.text)
    assert redeem(anonymous, code) == 201
    assert "Phone" in browser.get("/settings").text
