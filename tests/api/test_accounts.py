"""Setting up, signing in and out, API keys, users."""

from __future__ import annotations

import pytest
from fastapi.testclient import TestClient

from app.context import Context
from app.services.accounts import Viewer

PASSWORD = "correct horse battery staple"
PROBLEM = "urn:albumen:problem:"


def login(client: TestClient, username: str, password: str = PASSWORD):
    return client.post("/api/v1/auth/login", json={"username": username, "password": password})


class TestSetup:
    def test_the_first_user_is_an_administrator(self, anonymous: TestClient) -> None:
        answer = anonymous.post("/api/v1/auth/setup", json={"username": "Anna", "password": PASSWORD})
        assert answer.status_code == 201
        assert answer.json()["user"]["is_admin"]
        token = answer.json()["token"]
        me = anonymous.get("/api/v1/auth/me", headers={"Authorization": f"Bearer {token}"})
        assert me.json()["username"] == "Anna"
        assert me.json()["scopes"] is None

    def test_is_refused_once_a_user_exists(self, anonymous: TestClient, anna: Viewer) -> None:
        answer = anonymous.post("/api/v1/auth/setup", json={"username": "mallory", "password": PASSWORD})
        assert answer.status_code == 409
        assert answer.json()["type"] == PROBLEM + "conflict"
        assert login(anonymous, "mallory").status_code == 401

    def test_a_short_password_is_refused_and_nothing_is_made(self, anonymous: TestClient) -> None:
        answer = anonymous.post("/api/v1/auth/setup", json={"username": "anna", "password": "short"})
        assert answer.status_code == 422
        assert answer.json()["field"] == "password"
        assert (
            anonymous.post("/api/v1/auth/setup", json={"username": "anna", "password": PASSWORD}).status_code
            == 201
        )


class TestSignIn:
    def test_names_are_equal_whatever_their_case(self, anonymous: TestClient, anna: Viewer) -> None:
        assert login(anonymous, "ANNA").status_code == 200

    def test_wrong_password_and_unknown_name_look_the_same(self, anonymous: TestClient, anna: Viewer) -> None:
        wrong, unknown = (
            login(anonymous, "anna", "wrong password"),
            login(anonymous, "nobody", "wrong password"),
        )
        assert wrong.status_code == unknown.status_code == 401
        assert wrong.json() == unknown.json()

    def test_too_many_failures_are_throttled_even_with_the_right_password(
        self, anonymous: TestClient, context: Context, anna: Viewer
    ) -> None:
        for _ in range(context.settings.login_attempts):
            assert login(anonymous, "anna", "wrong password").status_code == 401
        answer = login(anonymous, "anna")
        assert answer.status_code == 429
        assert int(answer.headers["retry-after"]) > 0

    def test_signing_out_ends_the_session(self, api: TestClient) -> None:
        assert api.post("/api/v1/auth/logout").status_code == 204
        assert api.get("/api/v1/auth/me").status_code == 401

    def test_no_token_and_a_wrong_token_are_refused(self, anonymous: TestClient) -> None:
        assert anonymous.get("/api/v1/photos").status_code == 401
        answer = anonymous.get("/api/v1/photos", headers={"Authorization": "Bearer als_wrong"})
        assert answer.status_code == 401
        assert answer.headers["content-type"] == "application/problem+json"

    def test_tokens_are_not_kept_in_the_database(
        self, anonymous: TestClient, context: Context, anna: Viewer
    ) -> None:
        token = login(anonymous, "anna").json()["token"]
        with context.database.engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        assert token.encode() not in (context.settings.data / "albumen.db").read_bytes()


class TestCookie:
    """The browser's session: unsafe requests need the token only our own pages know."""

    @pytest.fixture
    def browser(self, anonymous: TestClient, anna: Viewer) -> TestClient:
        token = login(anonymous, "anna").json()["token"]
        return TestClient(anonymous.app, cookies={"albumen_session": token})

    def test_reading_needs_only_the_cookie(self, browser: TestClient) -> None:
        assert browser.get("/api/v1/photos").status_code == 200

    def test_writing_without_the_csrf_token_is_refused(self, browser: TestClient) -> None:
        answer = browser.post("/api/v1/albums", json={"title": "Forged"})
        assert answer.status_code == 403
        assert browser.get("/api/v1/albums").json()["items"] == []

    def test_writing_with_the_csrf_token_works(self, browser: TestClient) -> None:
        from app.services.accounts import csrf_token

        header = {"X-CSRF-Token": csrf_token(browser.cookies["albumen_session"])}
        assert browser.post("/api/v1/albums", json={"title": "Mine"}, headers=header).status_code == 201


class TestKeys:
    def make(self, client: TestClient, *scopes: str):
        return client.post("/api/v1/auth/keys", json={"name": "phone", "scopes": list(scopes)})

    def with_key(self, client: TestClient, secret: str) -> TestClient:
        return TestClient(
            client.app, headers={"Authorization": f"Bearer {secret}"}, raise_server_exceptions=False
        )

    def test_a_key_does_what_its_scopes_say_and_no_more(self, api: TestClient) -> None:
        secret = self.make(api, "photos.read").json()["secret"]
        phone = self.with_key(api, secret)
        assert phone.get("/api/v1/photos").status_code == 200
        answer = phone.post("/api/v1/albums", json={"title": "No"})
        assert answer.status_code == 403
        assert answer.json()["scope"] == "albums.write"

    def test_a_key_can_never_make_or_revoke_keys(self, api: TestClient) -> None:
        made = self.make(api, *["photos.read", "photos.write", "albums.write", "admin"]).json()
        phone = self.with_key(api, made["secret"])
        assert self.make(phone, "photos.upload").status_code == 403
        assert phone.delete(f"/api/v1/auth/keys/{made['id']}").status_code == 403

    def test_the_secret_is_shown_once(self, api: TestClient) -> None:
        secret = self.make(api, "photos.read").json()["secret"]
        assert secret not in api.get("/api/v1/auth/keys").text

    def test_a_revoked_key_is_refused_at_once(self, api: TestClient) -> None:
        made = self.make(api, "photos.read").json()
        assert api.delete(f"/api/v1/auth/keys/{made['id']}").status_code == 204
        assert self.with_key(api, made["secret"]).get("/api/v1/photos").status_code == 401

    def test_unknown_scopes_are_refused(self, api: TestClient) -> None:
        assert self.make(api, "photos.everything").status_code == 422

    def test_only_administrators_get_the_admin_scope(self, bobs_api: TestClient) -> None:
        assert self.make(bobs_api, "admin").status_code == 403

    def test_anothers_key_does_not_exist_for_me(self, api: TestClient, bobs_api: TestClient) -> None:
        key_id = self.make(api, "photos.read").json()["id"]
        assert bobs_api.delete(f"/api/v1/auth/keys/{key_id}").status_code == 404


class TestUsers:
    def test_administrators_add_and_disable_users(self, api: TestClient, anonymous: TestClient) -> None:
        made = api.post("/api/v1/users", json={"username": "carl", "password": PASSWORD}).json()
        token = login(anonymous, "carl").json()["token"]
        assert api.patch(f"/api/v1/users/{made['id']}", json={"disabled": True}).json()["disabled"]
        assert login(anonymous, "carl").status_code == 401
        me = anonymous.get("/api/v1/auth/me", headers={"Authorization": f"Bearer {token}"})
        assert me.status_code == 401

    def test_others_may_not(self, bobs_api: TestClient) -> None:
        assert bobs_api.get("/api/v1/users").status_code == 403
        assert bobs_api.post("/api/v1/users", json={"username": "x", "password": PASSWORD}).status_code == 403

    def test_the_last_administrator_stays(self, api: TestClient, anna: Viewer) -> None:
        assert api.patch(f"/api/v1/users/{anna.user_id}", json={"disabled": True}).status_code == 409
        assert api.patch(f"/api/v1/users/{anna.user_id}", json={"is_admin": False}).status_code == 409

    def test_a_new_password_signs_out_everywhere(self, api: TestClient, anna: Viewer) -> None:
        changed = api.patch(f"/api/v1/users/{anna.user_id}", json={"password": "another good password"})
        assert changed.status_code == 200
        assert api.get("/api/v1/auth/me").status_code == 401

    def test_names_differing_in_case_only_are_one(self, api: TestClient, bob: Viewer) -> None:
        assert api.post("/api/v1/users", json={"username": "BOB", "password": PASSWORD}).status_code == 409
