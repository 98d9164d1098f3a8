"""A sample of every page's context, and a browser-like client with a signed-in cookie session."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from fastapi.testclient import TestClient

from app.web import contexts as c
from app.web import parts as p

TILE = p.Tile(
    "p1", "/photo/p1", "/api/v1/photos/p1/rendition/grid", 400, 300, "A <dog> & a cat", "3OcRJYB4d3h/iIeHeEh3eIhw+j2w",
    True, "ready", "2024-06", (p.Reason("Tag: dog", 0.93), p.Reason("Meaning")),
)  # fmt: skip
PENDING = p.Tile("p2", "/photo/p2", "/api/v1/photos/p2/rendition/grid", 300, 400, "Second", status="pending")
PROBLEM = p.QueryProblem("There is no field colour.", "dog ", "colour:red", "", (("color:", "/search?q=x"),))
CARD = p.AlbumCard("a1", "Summer", "/album/a1", 1, "tag:beach", "/api/v1/photos/p1/rendition/grid")
TAGS = (
    p.TagView("dog", "Dog", 0.9312, "scene", "suggested", "scene/one@x", "/search?q=tag%3Adog"),
    p.TagView("own", "Ours", 1.0, "user", "confirmed", "", "/search?q=tag%3Aown"),
)
BEACH = p.TagView("beach", "Beach", 0.6, "scene", "rejected", "", "/search?q=tag%3Abeach")
BOXES = (
    p.BoxView("object", "dog", 0.8, 0.1, 0.2, 0.3, 0.4, ("dog", "animal")),
    p.BoxView("face", "", 0.99, 0.5, 0.1, 0.1, 0.2),
)
THINGS = (
    p.SeenThing("dog × 1", "dog", 0.8, "/search?q=object%3Adog", ("0",), ("dog", "animal")),
    p.SeenThing("cat", "cat", 0.3, "/x", ("0",), (), True),
)
SEEN_FACES = (
    p.SeenFace("Anna", "/api/v1/faces/a/crop", "1", "/person/f1", True),
    p.SeenFace("Who?", "/x", "1"),
)
ANIMAL = p.TagView("animal", "Animal", 0.9, "scene", "suggested", "", "/x", True)

ANNA = p.PersonCard("f1", "Anna", "/person/f1", 3, "/api/v1/faces/a/crop")
SOMEBODY = p.PersonCard("f2", "", "/person/f2", 1)
FACES = (
    p.FaceView("a", "/api/v1/faces/a/crop", "/photo/p1", False, True),
    p.FaceView("b", "/api/v1/faces/b/crop", "/photo/p2", True, False),
)


def samples(shell: p.Shell) -> list[c.Page]:
    """Every template at least once, with as much on it as there can be, and its empty or failed form."""
    photo = c.PhotoPage(
        shell, id="p1", heading="Lisbon, Portugal", title="A title", description="Words", filename="IMG_1.jpg",
        favorite=True, archived=False, deleted=False, rating=3, status="ready", problem="",
        src="/api/v1/photos/p1/rendition/preview", original="/api/v1/photos/p1/original", shown_original=True,
        width=400, height=300, thumbhash="3OcRJYB4d3h/iIeHeEh3eIhw+j2w", alt="A title",
        month="2024-06", taken_day="Sunday, 2 June 2024", taken_time="14:02",
        facts=(p.Fact("Camera", "X100", "/search?q=camera"), p.Fact("Size", "4 x 3")),
        place=p.PlaceView("Lisbon", "38.7 N, 9.1 W", -914, -3872, "/search?q=near"), tags=TAGS,
        rejected=(BEACH,), also=(ANIMAL,), boxes=BOXES, things=THINGS, faces=SEEN_FACES,
        qualities=("Blurred",), cues=(p.Fact("Sharpness", "0.7"),), text_lines=("NO LITTER", "港区"),
        stages=(p.StageView("Tags", "scene/one@x (1)", "today", "0.1 s", "it failed"),),
        edits=(p.EditView("Brighter", "ready", "/api/v1/edits/e1/file", "exposure", "/photo/p1/edits/e1"),
               p.EditView("B", "failed", "", "no", "/photo/p1/edits/e2")),
        in_albums=(p.HoldingAlbum("Trip", "/album/a2", "/photo/p1/albums/a2"), p.HoldingAlbum("Rule", "/album/a3")),
        stage_problem="Tags could not be told.", albums=(p.AlbumChoice("a1", "Summer"),),
        exif=(("Make", "Fuji"),), similar="/search?q=similar",
        previous="/photo/p0",
        next="/photo/p2", back="/",
    )  # fmt: skip
    bare: dict[str, Any] = {
        "favorite": False, "deleted": True, "rating": 0, "status": "failed", "problem": "", "thumbhash": "",
        "description": "", "place": None, "tags": (), "also": (), "rejected": (), "boxes": (), "things": (),
        "faces": (), "qualities": (), "cues": (),
        "in_albums": (), "stage_problem": "", "text_lines": (), "stages": (),
        "edits": (), "albums": (), "exif": (), "similar": "", "previous": "", "next": "", "shown_original": False,
    }  # fmt: skip
    job = p.JobView("j1", "Understanding a photo", "running", 0.4, "today", "", "/photo/p1", "IMG_1.jpg")
    failed = p.JobView("j2", "Rendering an edit", "failed", 0.0, "today", "out of memory")
    key = p.KeyView("k1", "Phone", ("See photos",), "today", "")
    return [
        c.SetupPage(shell, "anna", "A password has at least 8 characters."),
        c.SignInPage(shell, "anna", "Wrong.", "/albums"),
        c.TimelinePage(shell, (p.Month("2024-06", "June 2024", 2, (TILE, PENDING)),), (("2024-06", 2),), 2, "/?c=x",
                       (p.MemoryView("1 year ago", "1 June", "/search?q=x", 3, (PENDING,)),)),
        c.TimelinePage(shell, (), (), 0),
        c.GridPage(shell, "Trash", "intro", "trash", "Empty", "No", (TILE,), 1, "trash", "/trash?c=x", "/api/v1/x"),
        c.GridPage(shell, "Favourites", "intro", "heart", "Empty", "Nothing", (), 0, "favorites"),
        c.SearchPage(shell, "dog", "newest", (("newest", "Newest", "/search?q=dog"),), (TILE,), 1),
        c.SearchPage(shell, "dog colour:red", "", (), (), None, PROBLEM),
        c.SearchPage(shell, "nothing", "newest", (), (), 0),
        c.SearchPage(shell, "", "", (), (), 0, fields=(p.FieldHelp("tag", "A tag.", "tag:dog", "/search?q=tag"),)),
        photo,
        c.PhotoPage(**{**vars(photo), **bare}),
        c.PhotoPage(**{**vars(photo), **bare, "deleted": False, "status": "pending"}),
        c.EditorPage(
            shell, id="p1", heading="Lisbon, Portugal", alt="A <dog> & a cat", width=400, height=300, version="abc",
            src="/api/v1/photos/p1/rendition/preview", declarations={"sections": [], "text": "</script><b>"},
            choices=(("Light", (("clahe", "Local contrast"),)),), formats=("jpeg", "png"),
        ),
        c.UploadPage(shell, "image/jpeg,.jpg", "200 MB", (p.AlbumChoice("a1", "Summer", True),),
                     (("a.jpg", "kept", "", "/photo/p1"), ("b.jpg", "failed", "Damaged.", ""))),
        c.AlbumsPage(shell, (CARD, p.AlbumCard("a2", "Empty", "/album/a2", 0)), "T", "tag:x", PROBLEM),
        c.AlbumsPage(shell, ()),
        c.AlbumPage(shell, "a1", "Summer", "Words", "dynamic", "tag:beach", (TILE,), 1, PROBLEM, "/album/a1?cursor=x",
                    sorts=(("newest", "Newest", True),), always=(PENDING,), never=(PENDING,)),
        c.AlbumPage(shell, "a1", "Summer", "", "manual", "", (), 0),
        c.ExplorePage(shell, (p.TermCard("Dog", "/search?q=tag", 3, TILE.src), p.TermCard("Cat", "/x", 1)),
                      (p.TagBranch("Animal", "/x", 4, (p.TagBranch("Dog", "/x", 3),)),)),
        c.ExplorePage(shell, (), ()),
        c.ReviewPage(shell, "our-boat", "Our boat", "/search?q=tag", 5, 1, 2, True,
                     ((TILE, 0.93), (PENDING, 0.6)), "/tag/our-boat/review?cursor=x"),
        c.ReviewPage(shell, "our-boat", "Our boat", "/search?q=tag", 5, 0, 0, False, ()),
        c.TagsPage(shell, "", (p.TagRow("dog", "Dog", "Dog", "狗", "Mammal", "/search?q=tag", 3, False),
                               p.TagRow("ours", "Ours", "Ours", "Ours", "", "/x", 0, True)),
                   (p.ChangedTag("cat", "Cat", ("hidden", "called Mimi")),), ("Dog",), "/explore/tags?after=x"),
        c.TagsPage(shell, "nothing", ()),
        c.PeoplePage(shell, "", (("", "Usual", "/people"), ("all", "All", "/people?show=all")), (ANNA,), (SOMEBODY,),
                     (p.PersonPair(ANNA, SOMEBODY),), ("Anna",), 0, "/people?cursor=x"),
        c.PeoplePage(shell, "hidden", (), (), (), (), ()),
        c.PersonPage(shell, ANNA, False, "photos", 3, (TILE,), (), (SOMEBODY,), "f2", "/person/f1?c=x", "/api/v1/x"),
        c.PersonPage(shell, SOMEBODY, True, "faces", 2, (), FACES, (ANNA,)),
        c.PersonPage(shell, SOMEBODY, False, "photos", 0, (), (), ()),
        c.PlacesPage(shell, (p.CountryView("Portugal", "/search?q=x", 3, (p.TermCard("Lisbon", "/x", 2, TILE.src),)),),
                     (p.MapPin(-914, -3872, 60, "Lisbon", "/places?box=x"),), "-2000 -5000 5000 2000", 3, 5.0,
                     "/places"),
        c.MemoriesPage(shell, "Today", (p.MemoryView("1 year ago", "1 June", "/search?q=x", 3, (TILE,)),)),
        c.MemoriesPage(shell, "Today", ()),
        c.IdeasPage(shell, (p.IdeaCard("Lisbon <3", "date:2024", "/search?q=x", 3, TILE.src),
                            p.IdeaCard("B", "x", "/x", 1))),
        c.IdeasPage(shell, ()),
        c.PlacesPage(shell, (), (), "0 0 1 1", 0),
        c.DuplicatesPage(
            shell, "copy", (("copy", "Copies", "/duplicates", 1), ("similar", "Similar", "/duplicates?k=s", 0)),
            (p.DuplicateSet("p1", "2 photos", "Suggested.", (
                p.DuplicatePhoto(TILE, "a.jpg", "4 x 3", "today", ("Favourite",), True, False),
                p.DuplicatePhoto(PENDING, "b.jpg", "4 x 3", "today", (), False, True),
            )),), True, "/duplicates?cursor=x",
        ),
        c.DuplicatesPage(shell, "similar", (), (), False),
        c.ActivityPage(shell, (job,), (failed,), (
            p.JobGroup("X", "done", 1, "now", (p.JobView("j3", "X", "done", 1.0, "now"),)),
            p.JobGroup("Y", "done", 2, "now", (p.JobView("j5", "Y", "done", 1.0, "now"),)),
        ), 1),
        c.ActivityPage(shell, (), (), (), 0),
        c.ActivityPage(
            shell, (), (p.JobView("j4", "X", "failed", 0.0, "now", "Damaged.", help="Upload again."),), (),
            2, 1, 3, 5, "About 12 a minute",
            (p.CampaignView("c1", "year:2024", "running", "Running", "Tags", "now", "1 of 2", "1 failed", 0.5, "fast",
                            (("pause", "Pause"), ("cancel", "Cancel"))),
             p.CampaignView("c2", "", "done", "Done", "Tags", "now", "2 of 2", "", 1.0, "", (("undo", "Undo"),))),
            p.RetagForm("x", (("tags", "Tags", True),), (("m", "Model", True),), True, "No."),
            p.Tried("done", 1.0, "", "Looked at", (p.TriedTag("Dog", 2, 0, "/x"), p.TriedTag("Cat", 0, 1, "/x"))),
        ),
        c.ActivityPage(shell, (), (), (), 0, form=p.RetagForm("", (), (), False),
                       tried=p.Tried("running", 0.2, "", "", ())),
        c.ModelsPage(shell, (("Objects", (
            p.ModelRow("o/a@b", "A", "1", "ready", "Installed", (p.Fact("Size", "1 MB"),), (p.Fact("mAP", "0.2"),),
                       ("Small things",), True, False, False, True, None, "objects", "Not yet: 3"),
            p.ModelRow("o/c@d", "C", "1", "missing", "Not installed", (), (), (), False, False, True, False),
            p.ModelRow("o/e@f", "E", "1", "damaged", "Damaged", (), (), (), False, True, True, False, 0.4))),), True),
        c.StoragePage(shell, (p.BytesRow("Originals", "1 GB", 1.0, "as of now"),), (p.BytesRow("anna", "1 GB", 1.0),),
                      "9 GB", "free of 10 GB", 0.1, "1 photo", "Never",
                      p.CheckView("done", 1.0, "now", "2 findings.", False, (("Damaged", "IMG_1 changed", True),))),
        c.StoragePage(shell, (), (), "9 GB", "free", 0.95, "0 photos", "Never",
                      p.CheckView("running", 0.3, "now", "", False)),
        c.StoragePage(shell, (), (), "9 GB", "free", 0.1, "0", "No",
                      p.CheckView("failed", 0, "now", "", False, (), "No.")),
        c.HealthPage(shell, ("No worker is alive.",), (p.WorkerRow("host · 1", "today", "now", True, "Resting"),
                                                        p.WorkerRow("host · 2", "today", "then", False, "")),
                     (p.QueueRow("Understanding", 3, 1, 0, 2, "today"),), (failed,), (("Python", "3.11"),)),
        c.HealthPage(shell, (), (), (), (), ()),
        c.SettingsPage(shell, (key,), (p.ScopeChoice("photos.read", "See photos"),), key, "alk_secret",
                       p.PairingView("data:image/svg+xml,", "7KQ4-9PXT-2MHV-CW3R"), "No."),
        c.UsersPage(shell, (p.AccountRow("u1", "anna", True, False, "today", True),
                            p.AccountRow("u2", "bob", False, True, "today")), "Taken.", "bob"),
        c.SharePage(shell, title="Trip", description="By the sea", total=1, expires="1 May 2030", tiles=(
            p.SharedTile("/s/x/preview", "/s/x/grid", 320, 240, "A photo", "hash", "/s/x/original"),),
            next_href="/s/x?2", more_from="/api/v1/shares/x/photos?cursor=2"),
        c.SharePage(shell, title="Party", accept="image/jpeg", results=(("a.jpg", True, ""), ("b.jpg", False, "No."))),
        c.SharesPage(shell, (p.ShareRow("s1", "Trip", "/album/a1", TILE.src, "Today", "no end", False, ("Password",)),
                             p.ShareRow("s2", "A photo", "/photo/p1", "", "Made", "ended", True, ())), "/shares?c=x"),
        c.SharesPage(shell, ()),
        c.ShareFormPage(shell, "album", "a1", "Trip", TILE.src, "/album/a1", (("30", "A month"),), True, problem="No."),
        c.ShareFormPage(shell, "photo", "p1", "A photo", "", "/photo/p1", (), url="http://x/s/t", path="/s/t"),
        c.SharePage(shell, locked=True, problem="Wrong."),
        c.OfflinePage(shell),
        c.ErrorPage(shell, "Not found", "There is no such photo.", "abc123"),
    ]  # fmt: skip


def shell(language: str = "en", theme: str = "system") -> p.Shell:
    return p.Shell(
        language, theme, "token-of-the-session", "/here", "photos", "dog", p.Person("anna", True),
        p.Flash("done", "Moved to the trash.", "/photo/p1/restore"),
    )  # fmt: skip


@pytest.fixture(params=["en", "zh"])
def pages(request: pytest.FixtureRequest) -> list[c.Page]:
    return samples(shell(request.param, "dark" if request.param == "zh" else "system"))


# --- a browser without scripts ----------------------------------------------------------------------------------


@dataclass
class Browser:
    """Follows links and sends the forms of the pages it was given, as a person without scripts would."""

    client: TestClient

    def get(self, address: str, **options: Any) -> Any:
        return self.client.get(
            address, headers={"accept": "text/html", **options.pop("headers", {})}, **options
        )

    def token(self) -> str:
        found = re.search(r'name="csrf-token" content="([^"]*)"', self.get("/settings").text)
        assert found is not None
        return found[1]

    def post(self, address: str, data: dict[str, Any] | None = None, **options: Any) -> Any:
        body = {"csrf_token": self.token(), **(data or {})}
        return self.client.post(address, data=body, headers={"accept": "text/html"}, **options)

    def upload(self, picture: bytes, **fields: str) -> str:
        """Upload by the API with the cookie and the token, as the scripts do; the photo's id."""
        answer = self.client.post(
            "/api/v1/photos", files={"file": (fields.pop("filename", "a.jpg"), picture)}, data=fields,
            headers={"x-csrf-token": self.token()},
        )  # fmt: skip
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])


@pytest.fixture
def open_browser(anonymous: TestClient) -> Callable[[str], Browser]:
    """Open another browser of the same server and sign in there."""

    def start(username: str) -> Browser:
        client = TestClient(anonymous.app, raise_server_exceptions=False)
        form = {"username": username, "password": "correct horse battery staple"}
        answer = client.post("/sign-in", data=form, headers={"accept": "text/html"})
        assert answer.status_code == 200, answer.text
        return Browser(client)

    return start


@pytest.fixture
def browser(open_browser: Callable[[str], Browser], anna: Any) -> Browser:
    return open_browser("anna")


@pytest.fixture
def fresh(anonymous: TestClient) -> Browser:
    """A browser on a server without users."""
    return Browser(anonymous)


def eventually(page: Any, expression: str, seconds: float = 60) -> None:
    """Wait until an expression or function holds in the page.

    Playwright's own waiting evaluates text inside the page, which our content security policy rightly forbids.
    """
    deadline = time.monotonic() + seconds
    while not page.evaluate(expression):
        assert time.monotonic() < deadline, f"never came true: {expression}"
        page.wait_for_timeout(50)
