"""How long a browser may keep what pages are made of."""

from __future__ import annotations

from fastapi.testclient import TestClient

from app.web.rendering import static_url


def test_an_address_that_names_its_content_is_asked_for_once(api: TestClient) -> None:
    named = api.get(static_url("icons.svg"))
    assert "immutable" in named.headers["cache-control"]


def test_other_files_are_asked_for_every_time_and_not_sent_twice(api: TestClient) -> None:
    first = api.get("/static/icons.svg")
    assert first.headers["cache-control"] == "no-cache"
    again = api.get("/static/icons.svg", headers={"if-none-match": first.headers["etag"]})
    assert again.status_code == 304
    assert again.content == b""
