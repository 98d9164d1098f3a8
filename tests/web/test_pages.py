"""The pages as a person without scripts uses them: links and forms over the real application."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape
from io import BytesIO
from typing import Any
from uuid import UUID

import pytest
from fastapi.testclient import TestClient
from PIL import Image

from app.context import Context
from app.models import PhotoTag
from app.services import photos
from app.services.accounts import Viewer
from app.services.tagging.vocabulary import get_tag, sync_vocabulary

HTML = {"accept": "text/html"}


def text_of(html: str) -> str:
    body = re.sub(r"<(script|svg)\b.*?</\1>", " ", html, flags=re.S)
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", body)).split())


def tag(context: Context, viewer: Viewer, photo_id: str, name: str) -> None:
    """Give a photo a tag with a model's confidence, as the worker would."""
    with context.database.write() as session:
        sync_vocabulary(session)
        found = get_tag(session, viewer, name)
        session.add(
            PhotoTag(
                tag_id=found.id, photo_id=UUID(photo_id), source="scene", confidence=0.87, model="scene/x@y"
            )
        )


# --- the way in ---------------------------------------------------------------------------------------------------


def test_a_new_album_is_set_up_in_the_browser(fresh: Any) -> None:
    start = fresh.get("/")
    assert start.url.path == "/setup"
    assert "Welcome to Albumen" in text_of(start.text)
    inside = fresh.client.post(
        "/setup", data={"username": "anna", "password": "a long password"}, headers=HTML
    )
    assert inside.url.path == "/"
    assert "Your album is empty" in text_of(inside.text)
    assert fresh.client.get("/setup", headers=HTML).url.path == "/"


def test_a_refused_set_up_says_why_and_keeps_the_name(fresh: Any) -> None:
    answer = fresh.client.post("/setup", data={"username": "anna", "password": "short"}, headers=HTML)
    assert answer.status_code == 422
    assert 'value="anna"' in answer.text
    assert "at least 8 characters" in text_of(answer.text)


def test_a_wrong_password_is_told_in_the_readers_language(fresh: Any, anna: Viewer) -> None:
    form = {"username": "anna", "password": "wrong"}
    answer = fresh.client.post("/sign-in", data=form, headers={**HTML, "accept-language": "zh-CN"})
    assert answer.status_code == 401
    assert "用户名或密码不正确" in answer.text


def test_signing_in_leads_where_one_wanted_to_go(fresh: Any, anna: Viewer) -> None:
    gate = fresh.get("/albums?query=dog")
    assert gate.url.path == "/sign-in"
    back = unescape(re.search(r'name="next" value="([^"]*)"', gate.text)[1])  # type: ignore[index]
    form = {"username": "anna", "password": "correct horse battery staple", "next": back}
    inside = fresh.client.post("/sign-in", data=form, headers=HTML)
    assert (inside.url.path, inside.url.query) == ("/albums", b"query=dog")


@pytest.mark.parametrize(
    "address", ["https://elsewhere.example/", "//elsewhere.example", "/\\elsewhere.example", "elsewhere"]
)
def test_signing_in_never_leads_to_another_host(fresh: Any, anna: Viewer, address: str) -> None:
    form = {"username": "anna", "password": "correct horse battery staple", "next": address}
    answer = fresh.client.post("/sign-in", data=form, headers=HTML, follow_redirects=False)
    assert answer.headers["location"] == "/"


@pytest.mark.parametrize(
    ("told", "status"),
    [
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"origin": "http://other.example"}, 403),  # over plain HTTP browsers say no more than this
        ({"origin": "null"}, 403),
        ({"origin": "http://testserver"}, 303),
        (
            {"sec-fetch-site": "same-origin", "origin": "https://album.example"},
            303,
        ),  # a proxy that renames the host
    ],
)
def test_another_sites_form_cannot_sign_in(
    fresh: Any, anna: Viewer, told: dict[str, str], status: int
) -> None:
    form = {"username": "anna", "password": "correct horse battery staple"}
    answer = fresh.client.post("/sign-in", data=form, headers={**HTML, **told}, follow_redirects=False)
    assert answer.status_code == status


def test_signing_out(browser: Any) -> None:
    assert browser.post("/sign-out").url.path == "/sign-in"
    assert browser.get("/albums").url.path == "/sign-in"


@pytest.mark.parametrize(
    "address", ["/albums", "/settings/look", "/trash/empty", "/sign-out", "/upload", "/admin/users"]
)
def test_a_form_without_the_token_is_refused(browser: Any, address: str) -> None:
    answer = browser.client.post(address, data={"title": "x"}, headers=HTML)
    assert answer.status_code == 403
    assert "out of date" in text_of(answer.text)


def test_pages_are_not_kept_and_carry_the_policy(browser: Any) -> None:
    answer = browser.get("/")
    assert answer.headers["cache-control"] == "no-store"
    assert "script-src" not in answer.headers["content-security-policy"]  # default-src 'self' covers it
    assert "unsafe" not in answer.headers["content-security-policy"]
    assert answer.headers["x-content-type-options"] == "nosniff"


# --- looking ------------------------------------------------------------------------------------------------------


def test_the_timeline_has_months_and_pages(browser: Any, draw: Any) -> None:
    for month in ("2024-05", "2024-06", "2024-06"):
        browser.upload(draw(), taken_at=f"{month}-10T12:00:00+02:00")
    page = browser.get("/")
    assert re.findall(r'<h2 id="m-[\d-]+">([^<]+)', page.text) == ["June 2024", "May 2024"]
    assert page.text.count('class="tile"') == 3
    assert '[["2024-06", 2], ["2024-05", 1]]' in page.text


def test_a_long_list_goes_on_by_links(browser: Any, draw: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from app.web import browse

    monkeypatch.setattr(browse, "PAGE_SIZE", 2)
    ids = {browser.upload(draw()) for _ in range(5)}
    seen: list[str] = []
    address = "/"
    while address:
        page = browser.get(address).text
        seen += re.findall(r'data-id="([\w-]+)"', page)
        link = re.search(r'rel="next" href="([^"]+)"', page)
        address = unescape(link[1]) if link else ""
    assert sorted(seen) == sorted(ids)


def test_a_photo_page_tells_what_is_known(browser: Any, context: Context, anna: Viewer, draw: Any) -> None:
    photo = browser.upload(draw((640, 480)), taken_at="2024-06-10T12:30:00+02:00", filename="beach day.jpg")
    tag(context, anna, photo, "beach")
    page = browser.get(f"/photo/{photo}")
    said = text_of(page.text)
    assert "10 June 2024" in said
    assert "Monday 12:30" in said
    assert "640 × 480" in said
    assert "beach day.jpg · JPEG" in said
    assert "87%" in said
    assert "海滩" in text_of(browser.get(f"/photo/{photo}?language=zh").text)


def test_the_exif_of_a_real_photo_is_shown(browser: Any, shared_data: Any) -> None:
    source = shared_data / "photos" / "large" / "nikon_d3100.jpg"
    said = text_of(browser.get(f"/photo/{browser.upload(source.read_bytes())}").text)
    assert "NIKON D3100" in said
    assert re.search(r"f/[\d.]+ · 1/\d+ s", said)


def test_other_peoples_photos_do_not_exist(
    browser: Any, open_browser: Callable[[str], Any], bob: Viewer, draw: Any
) -> None:
    photo = browser.upload(draw())
    stranger = open_browser("bob")
    assert stranger.get(f"/photo/{photo}").status_code == 404
    assert stranger.post(f"/photo/{photo}/delete").status_code == 404
    assert browser.get(f"/photo/{photo}").status_code == 200


def test_an_unknown_address_is_a_friendly_page(browser: Any) -> None:
    answer = browser.get("/photo/not-an-id")
    assert answer.status_code in (404, 422)
    assert "Back to the photos" in text_of(answer.text)


# --- changing -----------------------------------------------------------------------------------------------------


def test_title_description_and_rating(browser: Any, draw: Any) -> None:
    photo = browser.upload(draw())
    page = browser.post(f"/photo/{photo}", {"title": "Harbour <3", "description": "At dusk", "rating": "4"})
    assert '<h1 id="photo-heading">Harbour &lt;3</h1>' in page.text
    assert "Saved." in text_of(page.text)
    assert re.search(r'value="4"[^>]*checked', page.text)
    assert "Saved." not in text_of(browser.get(f"/photo/{photo}").text), "a message is shown once"
    again = browser.post(f"/photo/{photo}", {"title": "", "description": ""})
    assert "Harbour" not in again.text


def test_favourites(browser: Any, draw: Any) -> None:
    photo = browser.upload(draw())
    browser.upload(draw())
    page = browser.post(f"/photo/{photo}/favorite", {"value": "1"})
    assert 'aria-pressed="true"' in page.text
    listed = browser.get("/favorites").text
    assert re.findall(r'data-id="([\w-]+)"', listed) == [photo]


def test_archive_leaves_the_timeline(browser: Any, draw: Any) -> None:
    photo = browser.upload(draw())
    browser.post(f"/photo/{photo}/archive", {"value": "1"})
    assert photo not in browser.get("/").text
    assert photo in browser.get("/archive").text
    browser.post(f"/photo/{photo}/archive", {"value": "0"})
    assert photo in browser.get("/").text


def test_delete_undo_and_empty_trash(browser: Any, draw: Any) -> None:
    photo = browser.upload(draw())
    after = browser.post(f"/photo/{photo}/delete")
    assert "Moved to the trash." in text_of(after.text)
    undo = re.search(r'action="(/photo/[\w-]+/restore)"', after.text)
    assert undo is not None
    assert photo in browser.get("/trash").text
    browser.post(undo[1])
    assert photo in browser.get("/").text
    browser.post(f"/photo/{photo}/delete")
    browser.post("/trash/empty")
    assert browser.get(f"/photo/{photo}").status_code == 404


def test_without_scripts_the_next_photo_comes_and_says_what_happened(browser: Any, draw: Any) -> None:
    older, newer = (browser.upload(draw(), taken_at=f"2024-06-0{day}T12:00:00Z") for day in (1, 2))
    after = browser.post(f"/photo/{newer}/delete")
    assert after.url.path == f"/photo/{older}"
    assert "Moved to the trash." in text_of(after.text.partition('class="picture"')[0])
    browser.post(f"/photo/{newer}/restore")
    after = browser.post(f"/photo/{older}/archive", {"value": "1"})
    assert after.url.path == f"/photo/{newer}"
    undo = re.search(
        r'action="(/photo/[\w-]+/archive)"><input', after.text.partition('class="stage-flash"')[2]
    )
    assert undo is not None
    browser.post(undo[1])
    assert older in browser.get("/").text
    back = browser.post(f"/photo/{older}/delete", {"back": "https://elsewhere.example/"})
    assert back.url.path == "/"


def test_one_photo_of_the_trash_is_deleted_for_good(browser: Any, draw: Any) -> None:
    gone, kept = browser.upload(draw()), browser.upload(draw())
    assert browser.post(f"/photo/{gone}/purge").status_code == 404  # not in the trash
    for photo in (gone, kept):
        browser.post(f"/photo/{photo}/delete")
    assert "29 days left" in text_of(browser.get(f"/photo/{gone}").text)
    assert "Deleted for good." in text_of(browser.post(f"/photo/{gone}/purge").text)
    assert browser.get(f"/photo/{gone}").status_code == 404
    page = text_of(browser.get("/trash").text)
    assert "stay here for 30 days" in page
    assert "1 photo" in page


def test_the_archive_is_searched(browser: Any, draw: Any) -> None:
    kept, away = (browser.upload(draw(), filename=f"{name}.jpg") for name in ("kept", "away"))
    browser.post(f"/photo/{away}/archive", {"value": "1"})
    assert 'name="within" value="is:archived"' in browser.get("/archive").text
    found = browser.get("/search", params={"within": "is:archived", "q": "name:kept* or name:away*"}).text
    assert re.findall(r'data-id="([\w-]+)"', found) == [away]
    assert kept not in found


def test_tags_are_confirmed_rejected_and_added(
    browser: Any, context: Context, anna: Viewer, draw: Any
) -> None:
    photo = browser.upload(draw())
    for name in ("beach", "dog"):
        tag(context, anna, photo, name)
    browser.post(f"/photo/{photo}/tags/beach", {"verdict": "confirm"})
    browser.post(f"/photo/{photo}/tags/dog", {"verdict": "reject"})
    page = browser.post(f"/photo/{photo}/tags", {"name": "Grandma's garden"})
    states = {
        slug: state for state, slug in re.findall(r'class="tag-line (\w+)" data-slug="([\w-]+)"', page.text)
    }
    assert states.get("beach") == "confirmed"
    assert "dog" not in states
    assert "Grandma&#39;s garden" in page.text
    with context.database.read() as session:
        detail = photos.tags_of(session, photos.get_photo(session, anna, UUID(photo)))
    assert {t.tag.slug: t.state for t in detail}["dog"] == "rejected"
    for slug in ("beach", "dog"):
        page = browser.post(f"/photo/{photo}/tags/{slug}", {"verdict": "none"})
    states = {
        slug: state for state, slug in re.findall(r'class="tag-line (\w+)" data-slug="([\w-]+)"', page.text)
    }
    assert states == {"grandma-s-garden": "confirmed", "beach": "suggested", "dog": "suggested"}


def test_an_empty_tag_is_refused_politely(browser: Any, draw: Any) -> None:
    photo = browser.upload(draw())
    assert "1 to 100 characters" in text_of(browser.post(f"/photo/{photo}/tags", {"name": " "}).text)


# --- search and albums --------------------------------------------------------------------------------------------


def test_search_finds_and_says_why(browser: Any, context: Context, anna: Viewer, draw: Any) -> None:
    photo, other = browser.upload(draw()), browser.upload(draw())
    tag(context, anna, photo, "beach")
    page = browser.get("/search?q=beach")
    assert re.findall(r'data-id="([\w-]+)"', page.text) == [photo]
    assert "Tag: beach 87%" in text_of(page.text)
    assert other not in page.text
    assert re.findall(r'data-id="([\w-]+)"', browser.get("/search?q=海滩").text) == [photo]


def test_a_search_is_called_by_its_plain_name(
    browser: Any, context: Context, anna: Viewer, draw: Any
) -> None:
    tag(context, anna, browser.upload(draw(), taken_at="2024-06-01T12:00:00Z"), "beach")

    def head(query: str) -> tuple[str, str, str]:
        page = browser.get("/search", params={"q": query}).text
        mark = re.search(r'<a href="([^"]+)" aria-current="page"', page)
        title = re.search(r"<h1>(.*?)</h1>", page)
        kind = re.search(r'<p class="crumb">(.*?)</p>', page)
        assert title is not None
        return unescape(title[1]), text_of(kind[1]).strip() if kind else "", mark[1] if mark else ""

    assert head("tag:beach") == ("Beach", "Explore Tag", "/explore")
    assert head("tag:beach date:2024-06") == ("Beach · June 2024", "", "")
    assert head("near:43.5,11.9,5")[2] == "/places"
    assert head("beach")[0] == "beach"
    assert head("tag:beach or year:2020")[0] == "tag:beach or year:2020"
    assert "<h1>海滩</h1>" in browser.get("/search?q=tag:beach&language=zh").text


def test_a_bad_search_shows_where_and_offers_better(browser: Any) -> None:
    page = browser.get("/search", params={"q": "dog tga:beach"})
    assert page.status_code == 422
    assert "dog <mark>tga:beach</mark>" in page.text
    better = re.search(r'<a class="chip" href="([^"]+)">tag:?</a>', page.text)
    assert better is not None
    assert browser.get(unescape(better[1])).status_code == 200


def test_the_search_page_teaches_its_fields(browser: Any) -> None:
    from app.search.fields import FIELDS

    page = browser.get("/search").text
    assert all(unescape(page).count(field.examples[0]) for field in FIELDS)
    words = browser.client.get("/search/words").json()
    assert [word["name"] for word in words] == [field.name for field in FIELDS]


def test_a_manual_album(browser: Any, draw: Any) -> None:
    album = browser.post("/albums", {"title": "Summer & sea", "query": ""})
    assert album.url.path.startswith("/album/")
    photo = browser.upload(draw())
    said = browser.post(f"/photo/{photo}/albums", {"album": album.url.path.rpartition("/")[2]})
    assert "Added to Summer & sea." in text_of(said.text)
    assert photo in browser.get(album.url.path).text
    assert "1 photo" in text_of(browser.get("/albums").text)


def test_a_dynamic_album_fills_itself(browser: Any, context: Context, anna: Viewer, draw: Any) -> None:
    album = browser.post("/albums", {"title": "Beaches", "query": "tag:beach"})
    assert "No photo fits the rule" in text_of(album.text)
    photo = browser.upload(draw())
    tag(context, anna, photo, "beach")
    assert photo in browser.get(album.url.path).text


def test_an_album_that_fills_itself_needs_a_rule_and_a_list_takes_none(browser: Any) -> None:
    assert "needs a rule" in text_of(browser.post("/albums", {"title": "A", "kind": "dynamic"}).text)
    made = browser.post("/albums", {"title": "B", "kind": "manual", "query": "tag:beach"})
    assert "Fill it with photos you have" in text_of(made.text)
    assert "/?into=" in made.text


def test_a_bad_rule_is_shown_with_its_fault(browser: Any) -> None:
    page = browser.post("/albums", {"title": "Broken", "query": "tag:beach ("})
    assert page.status_code == 422
    assert 'value="Broken"' in page.text
    assert 'value="tag:beach ("' in page.text
    assert "<mark>" in page.text
    good = browser.post("/albums", {"title": "Good", "query": "tag:beach"})
    worse = browser.post(good.url.path, {"title": "Good", "description": "", "query": "colour:red"})
    assert worse.status_code == 422
    assert "<mark>colour:red</mark>" in worse.text


def test_deleting_an_album_can_be_undone(browser: Any) -> None:
    address = browser.post("/albums", {"title": "Short-lived"}).url.path
    gone = browser.post(f"{address}/delete")
    assert browser.get(address).status_code == 404
    undo = re.search(rf'action="({address}/restore)"', gone.text)
    assert undo is not None
    assert "Short-lived" in browser.post(undo[1]).text


def test_explore_gathers_tags(browser: Any, context: Context, anna: Viewer, draw: Any) -> None:
    assert "Nothing to explore yet" in text_of(browser.get("/explore").text)
    photo = browser.upload(draw())
    tag(context, anna, photo, "beach")
    page = browser.get("/explore").text
    assert 'href="/search?q=tag%3Abeach"' in page
    assert f"/api/v1/photos/{photo}/rendition/grid" in page


# --- uploads, jobs ------------------------------------------------------------------------------------------------


def test_uploading_without_scripts_says_what_became_of_each_file(browser: Any, draw: Any) -> None:
    good = draw()
    files = [
        ("file", ("good.jpg", good)), ("file", ("again.jpg", good)), ("file", ("broken.jpg", good[:200])),
        ("file", ("notes.txt", b"hello")),
    ]  # fmt: skip
    page = browser.client.post("/upload", data={"csrf_token": browser.token()}, files=files, headers=HTML)
    said = text_of(page.text)
    assert page.status_code == 200
    assert re.search(
        r"good.jpg Kept again.jpg Already here broken.jpg .* Not kept notes.txt .* Not kept", said
    )
    assert browser.get("/").text.count('class="tile"') == 1


def test_searching_by_a_picture_says_what_is_missing(browser: Any) -> None:
    assert 'action="/search/picture"' in browser.get("/search").text
    assert 'action="/search/picture"' not in browser.get("/search?q=dog").text
    page = browser.client.post("/search/picture", data={"csrf_token": browser.token()}, headers=HTML)
    assert page.status_code == 422
    assert "Choose the picture to search with." in text_of(page.text)
    assert browser.client.post("/search/picture", headers=HTML).status_code == 403


def test_activity_shows_what_waits_and_what_failed(
    browser: Any, context: Context, fake_analyzer: Any, draw: Any
) -> None:
    photo = browser.upload(draw(), filename="waiting.jpg")
    page = browser.get("/activity")
    assert "waiting.jpg" in page.text
    job = re.search(r'data-job="([\w-]+)" data-state="ready"', page.text)
    assert job is not None
    after = browser.post(f"/activity/{job[1]}/cancel")
    assert re.search(rf'data-job="{job[1]}" data-state="cancelled"', after.text)
    retried = browser.post(f"/activity/{job[1]}/retry")
    assert re.search(rf'data-job="{job[1]}" data-state="ready"', retried.text)
    again = browser.post(f"/activity/{job[1]}/retry")
    assert "notice problem" in again.text
    assert photo in page.text


# --- settings and users -------------------------------------------------------------------------------------------


def test_theme_and_language_stay(browser: Any) -> None:
    page = browser.post("/settings/look", {"theme": "dark", "language": "zh"})
    assert '<html lang="zh-Hans" data-theme="dark"' in page.text
    assert "设置" in text_of(browser.get("/").text)
    assert browser.client.get("/api/v1/auth/me").json()["language"] == "zh"


def test_an_api_key_is_shown_once_and_can_be_revoked(browser: Any) -> None:
    page = browser.post("/settings/keys", {"name": "Phone", "scope": ["photos.read"]})
    secret = re.search(r'id="secret" value="(alk_[\w-]+)"', page.text)
    assert secret is not None
    bearer = {"authorization": f"Bearer {secret[1]}"}
    phone = TestClient(browser.client.app, headers=bearer)
    assert phone.get("/api/v1/photos").status_code == 200
    later = browser.get("/settings").text
    assert secret[1] not in later
    revoke = re.search(r'action="(/settings/keys/[\w-]+/revoke)"', later)
    assert revoke is not None
    browser.post(revoke[1])
    assert phone.get("/api/v1/photos").status_code == 401


def test_a_key_that_may_do_nothing_is_not_made(browser: Any) -> None:
    page = browser.post("/settings/keys", {"name": "Phone"})
    assert page.status_code == 422
    assert "Choose at least one thing" in text_of(page.text)


def test_changing_the_password_signs_other_browsers_out(
    browser: Any, open_browser: Callable[[str], Any]
) -> None:
    other = open_browser("anna")
    wrong = browser.post("/settings/password", {"old_password": "nonsense", "new_password": "a new long one"})
    assert "The current password is wrong." in text_of(wrong.text)
    form = {"old_password": "correct horse battery staple", "new_password": "a new long one"}
    assert "Password changed." in text_of(browser.post("/settings/password", form).text)
    assert other.get("/").url.path == "/sign-in"


def test_only_administrators_see_users(browser: Any, open_browser: Callable[[str], Any], bob: Viewer) -> None:
    guest = open_browser("bob")
    assert guest.get("/admin/users").status_code == 403
    assert "/admin/users" not in guest.get("/").text
    assert guest.post("/admin/users", {"username": "eve", "password": "long enough"}).status_code == 403
    added = browser.post("/admin/users", {"username": "eve", "password": "long enough"})
    assert "eve can sign in now." in text_of(added.text)
    assert browser.post("/admin/users", {"username": "EVE", "password": "long enough"}).status_code == 409


def test_a_disabled_user_is_out_at_once(
    browser: Any, open_browser: Callable[[str], Any], bob: Viewer, anna: Viewer
) -> None:
    guest = open_browser("bob")
    browser.post(f"/admin/users/{bob.user_id}", {"disabled": "1"})
    assert guest.get("/").url.path == "/sign-in"
    last = browser.post(f"/admin/users/{anna.user_id}", {"disabled": "1"})
    assert "only active administrator" in text_of(last.text)


@pytest.mark.parametrize(
    "cookie",
    ["%7Bnot json", "%5B%5D", '{"kind":"done"}', '{"said":"no.key","values":{},"kind":"x","undo":""}'],
)
def test_a_spoilt_message_cookie_is_ignored(browser: Any, cookie: str) -> None:
    browser.client.cookies.set("albumen_flash", cookie)
    assert browser.get("/").status_code == 200


class TestErrorsInChinese:
    """What a service refuses is said in the reader's language, on pages and by the API."""

    def test_a_page_and_its_notes(self, browser: Any) -> None:
        browser.client.cookies.set("albumen_language", "zh")
        missing = browser.get("/album/0190a0f0-0000-7000-8000-000000000000")
        assert missing.status_code == 404
        assert "没有这个相册。" in missing.text
        refused = browser.post("/albums", {"title": "", "query": ""})
        assert "相册标题为 1 到 200 个字符。" in refused.text
        unclear = browser.get("/search?q=tga:dog").text
        assert "没有字段“tga”。您是不是想找 tag:？" in unclear
        assert "There is no" not in unclear

    def test_the_api_listens_to_accept_language(self, browser: Any) -> None:
        for wanted, language, title, detail in (
            ("zh-CN,zh;q=0.9", "zh-Hans", "未找到", "没有这张照片。"),
            ("fr", "en", "Not found", "There is no such photo."),
        ):
            answer = browser.client.get(
                "/api/v1/photos/0190a0f0-0000-7000-8000-000000000000", headers={"accept-language": wanted}
            )
            problem = answer.json()
            assert (problem["title"], problem["detail"]) == (title, detail)
            assert problem["type"] == "urn:albumen:problem:not-found"
            assert answer.headers["content-language"] == language


class TestSharing:
    """Making a link, giving it to a guest, taking it back: all without scripts."""

    @pytest.fixture
    def album(self, browser: Any, draw: Any) -> str:
        made = browser.post("/albums", {"title": "Trip to the sea"})
        album_id = str(made.url).rpartition("/")[2]
        browser.upload(draw(), album_id=album_id)
        return album_id

    @staticmethod
    def link_on(page: str) -> str:
        found = re.search(r'data-path="(/s/[^"]+)"', page)
        assert found is not None, page
        return found[1]

    def test_an_album_from_link_to_revocation(self, browser: Any, anonymous: Any, album: str) -> None:
        assert f"/shares/new?album={album}" in browser.get(f"/album/{album}").text
        form = browser.get(f"/shares/new?album={album}").text
        assert "Trip to the sea" in form
        link = self.link_on(browser.post("/shares", {"album": album, "days": "7", "download": "1"}).text)
        shown = anonymous.get(link, headers={"accept": "text/html"})
        assert "Trip to the sea" in shown.text
        assert "noindex" in shown.headers["x-robots-tag"]
        assert 'enctype="multipart/form-data"' not in shown.text
        mine = browser.get("/shares").text
        assert "Trip to the sea" in mine
        assert "Downloads" in mine
        assert link not in mine, "a link is shown once"
        revoke = re.search(r'action="(/shares/[0-9a-f-]+/revoke)"', mine)
        assert revoke is not None
        assert "leads nowhere" in browser.post(revoke[1]).text
        dead = anonymous.get(link, headers={"accept": "text/html"})
        assert dead.status_code == 404
        assert "This link has ended" in dead.text
        assert "Ask whoever sent it for a new one" in dead.text
        assert 'href="/"' not in dead.text, "that leads a guest to a sign-in they have no use for"
        assert 'class="rail"' in browser.get(link).text, "who is signed in keeps the frame"

    def test_safe_unless_said_otherwise(self, browser: Any, album: str) -> None:
        browser.post("/shares", {"album": album, "days": "30"})
        share = browser.client.get("/api/v1/shares").json()["items"][0]
        assert [share[name] for name in ("download", "location", "upload")] == [False, False, False]
        assert share["expires_at"] is not None

    def test_a_guest_adds_photos(self, browser: Any, anonymous: Any, album: str, draw: Any) -> None:
        link = self.link_on(browser.post("/shares", {"album": album, "days": "7", "upload": "1"}).text)
        assert 'enctype="multipart/form-data"' in anonymous.get(link, headers={"accept": "text/html"}).text
        files = [("file", ("one.jpg", draw())), ("file", ("two.txt", b"no picture"))]
        page = anonymous.post(f"{link}/photos", files=files, headers={"accept": "text/html"}).text
        assert "Received" in page
        assert "Not accepted" in page
        assert "2 photos" in page
        foreign = {"accept": "text/html", "sec-fetch-site": "cross-site"}
        assert anonymous.post(f"{link}/photos", files=files[:1], headers=foreign).status_code == 403
        assert "2 photos" in browser.get(f"/album/{album}").text

    def test_a_bad_password_is_explained(self, browser: Any, album: str) -> None:
        refused = browser.post("/shares", {"album": album, "days": "7", "password": "abc"})
        assert refused.status_code == 422
        assert "at least 4 characters" in refused.text

    def test_nobody_shares_what_is_not_theirs(
        self, browser: Any, open_browser: Any, bob: Any, album: str
    ) -> None:
        other = open_browser("bob")
        assert other.get(f"/shares/new?album={album}").status_code == 404
        assert other.post("/shares", {"album": album, "days": "7"}).status_code == 404
        assert other.post("/shares", {"album": "no id", "days": "7"}).status_code == 404


class TestInstalled:
    """Albumen as an app of the phone: what it is made of, and what other apps share with it."""

    def test_the_manifest_leads_to_files_that_are_there(self, anonymous: Any) -> None:
        manifest = anonymous.get("/manifest.webmanifest", headers={"accept-language": "zh-CN"}).json()
        assert manifest["lang"] == "zh-Hans"
        assert {icon["purpose"] for icon in manifest["icons"]} == {"any", "maskable"}
        for icon in manifest["icons"]:
            picture = Image.open(BytesIO(anonymous.get(icon["src"]).content))
            assert f"{picture.width}x{picture.height}" == icon["sizes"]
        assert manifest["share_target"]["action"] == "/share-target"

    def test_the_offline_page_holds_nothing_of_anybody(self, browser: Any) -> None:
        page = browser.get("/offline").text
        assert "No connection" in page
        assert "anna" not in page
        assert browser.token() not in page

    def test_a_phone_shares_photos(self, browser: Any, draw: Any) -> None:
        files = [("file", ("one.jpg", draw())), ("file", ("two.txt", b"no picture"))]
        here = {"accept": "text/html", "sec-fetch-site": "none"}
        page = browser.client.post("/share-target", files=files, headers=here)
        assert page.status_code == 200
        assert browser.client.get("/api/v1/photos").json()["items"][0]["status"] == "pending"
        assert "whatever its name says" in page.text

    @pytest.mark.parametrize("site", ["cross-site", "same-site", None])
    def test_another_site_shares_nothing(self, browser: Any, draw: Any, site: str | None) -> None:
        headers = {"accept": "text/html"} | ({"sec-fetch-site": site} if site else {})
        refused = browser.client.post("/share-target", files={"file": ("a.jpg", draw())}, headers=headers)
        assert refused.status_code == 403
        assert browser.client.get("/api/v1/photos").json()["items"] == []

    def test_signing_out_clears_the_browser(self, browser: Any) -> None:
        answer = browser.post("/sign-out", follow_redirects=False)
        assert answer.headers["clear-site-data"] == '"cache", "storage"'


def test_a_large_branch_shows_its_most_used_tags_and_folds_the_rest() -> None:
    from app.search.tags import TagInfo
    from app.services.tagging.vocabulary import TagNode
    from app.web.i18n import Translator
    from app.web.present import branches

    def node(number: int, slug: str, above: int | None, count: int) -> TagNode:
        return TagNode(TagInfo(number, slug, above, slug, slug, ()), count)

    nodes = [
        node(1, "animal", None, 30),
        node(2, "bird", 1, 20),
        node(3, "finch", 2, 12),
        node(4, "unused", 1, 0),
    ]
    nodes += [node(10 + i, f"animal-{i}", 1, i) for i in range(1, 10)]
    (animal,) = branches(nodes, Translator("en"))
    assert (animal.below, len(animal.most)) == (11, 8)
    assert [leaf.name for leaf in animal.most[:3]] == ["bird", "finch", "animal-9"]
    assert [twig.name for twig in animal.children[0].children] == ["finch"]
    assert "unused" not in [twig.name for twig in animal.children]
