"""What each template is given: one frozen dataclass a template, and the small parts they share.

Values arrive ready to be shown: localised, with their links, in the order of the page. A template
decides nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

# --- parts ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Person:
    """The one who is signed in."""

    name: str
    is_admin: bool


@dataclass(frozen=True)
class Flash:
    """A message about what the last form did; ``kind`` is ``done`` or ``problem``."""

    kind: str
    text: str
    undo: str = ""  # address that takes it back, by POST


@dataclass(frozen=True)
class Shell:
    """What every page carries; ``theme`` is system, light or dark, ``nav`` the open section."""

    language: str
    theme: str
    csrf_token: str
    path: str
    nav: str = ""
    query: str = ""
    person: Person | None = None
    flash: Flash | None = None


@dataclass(frozen=True)
class Reason:
    """Why a search found a photo: words to show and, where one exists, how strong it is in 0..1."""

    text: str
    strength: float | None = None


@dataclass(frozen=True)
class Tile:
    """One photo in a grid. ``width`` and ``height`` are the upright picture's, for its shape."""

    id: str
    href: str
    src: str
    width: int
    height: int
    alt: str
    thumbhash: str = ""
    favorite: bool = False
    status: str = "ready"
    month: str = ""
    reasons: tuple[Reason, ...] = ()


@dataclass(frozen=True)
class Month:
    """A section of the timeline; ``key`` is ``2024-06``, ``count`` counts all its photos."""

    key: str
    title: str
    count: int
    tiles: tuple[Tile, ...]


@dataclass(frozen=True)
class Fact:
    """A labelled value; ``href`` searches for photos that share it."""

    label: str
    value: str
    href: str = ""


@dataclass(frozen=True)
class TagView:
    """A tag on a photo. ``state`` is suggested or confirmed; ``confidence`` in 0..1."""

    slug: str
    name: str
    confidence: float
    source: str
    state: str
    model: str
    href: str


@dataclass(frozen=True)
class BoxView:
    """Something found at a place: x, y, width, height in 0..1 of the upright picture."""

    kind: str  # object face
    label: str
    confidence: float
    x: float
    y: float
    width: float
    height: float
    href: str = ""


@dataclass(frozen=True)
class PlaceView:
    """Where a photo was taken; ``x, y`` are hundredths of a degree on the map, y southwards."""

    label: str
    coordinates: str
    x: int
    y: int
    href: str = ""


@dataclass(frozen=True)
class StageView:
    """How one stage of understanding went."""

    name: str
    model: str
    at: str
    seconds: str
    error: str = ""


@dataclass(frozen=True)
class EditView:
    """A rendered recipe of a photo."""

    title: str
    status: str
    href: str
    detail: str


@dataclass(frozen=True)
class AlbumChoice:
    id: str
    title: str
    chosen: bool = False


@dataclass(frozen=True)
class AlbumCard:
    """One album in a list. ``query`` is the rule of a dynamic album, empty for a manual one."""

    id: str
    title: str
    href: str
    count: int
    query: str = ""
    cover: str = ""


@dataclass(frozen=True)
class TermCard:
    """A tag with its number of photos and the address of a picture that shows it."""

    name: str
    href: str
    count: int
    cover: str = ""


@dataclass(frozen=True)
class TagBranch:
    """A tag with those below it."""

    name: str
    href: str
    count: int
    children: tuple[TagBranch, ...] = ()


@dataclass(frozen=True)
class JobView:
    """One unit of background work. ``state``: ready running done failed cancelled; ``progress`` in 0..1."""

    id: str
    title: str
    state: str
    progress: float
    at: str
    error: str = ""
    photo_href: str = ""
    photo_name: str = ""


@dataclass(frozen=True)
class KeyView:
    id: str
    name: str
    scopes: tuple[str, ...]
    created: str
    used: str


@dataclass(frozen=True)
class ScopeChoice:
    scope: str
    label: str


@dataclass(frozen=True)
class AccountRow:
    id: str
    name: str
    is_admin: bool
    disabled: bool
    created: str
    is_self: bool = False


@dataclass(frozen=True)
class FieldHelp:
    """One field of the query language: what it means and an example that can be tried."""

    name: str
    text: str
    example: str
    href: str


@dataclass(frozen=True)
class QueryProblem:
    """A search that does not parse: the text around the fault, and better words as (text, href)."""

    detail: str
    before: str
    at: str
    after: str
    suggestions: tuple[tuple[str, str], ...] = ()


# --- pages ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Page:
    """Base: every page has a shell and names its template."""

    template: ClassVar[str]
    shell: Shell


@dataclass(frozen=True)
class SetupPage(Page):
    template: ClassVar[str] = "setup.html"
    username: str = ""
    problem: str = ""


@dataclass(frozen=True)
class SignInPage(Page):
    template: ClassVar[str] = "sign_in.html"
    username: str = ""
    problem: str = ""
    next: str = "/"


@dataclass(frozen=True)
class TimelinePage(Page):
    """``buckets`` are all months, newest first, as (key, count): the script lays out the page from them."""

    template: ClassVar[str] = "timeline.html"
    months: tuple[Month, ...]
    buckets: tuple[tuple[str, int], ...]
    total: int
    next_href: str = ""


@dataclass(frozen=True)
class GridPage(Page):
    """A flat list of photos: favourites, archive, trash. ``more_from`` is the script's next address."""

    template: ClassVar[str] = "grid.html"
    title: str
    intro: str
    empty_icon: str
    empty_title: str
    empty_text: str
    tiles: tuple[Tile, ...]
    total: int
    actions: str = ""  # "trash" offers emptying it
    next_href: str = ""
    more_from: str = ""


@dataclass(frozen=True)
class SearchPage(Page):
    template: ClassVar[str] = "search.html"
    query: str
    order: str
    orders: tuple[tuple[str, str, str], ...]  # (value, label, href)
    tiles: tuple[Tile, ...]
    total: int | None
    problem: QueryProblem | None = None
    fields: tuple[FieldHelp, ...] = ()  # shown while nothing is searched
    next_href: str = ""
    more_from: str = ""


@dataclass(frozen=True)
class PhotoPage(Page):
    template: ClassVar[str] = "photo.html"
    id: str
    heading: str
    title: str
    description: str
    filename: str
    favorite: bool
    archived: bool
    deleted: bool
    rating: int
    status: str
    problem: str
    src: str
    original: str
    shown_original: bool  # a browser can show the original itself
    width: int
    height: int
    thumbhash: str
    alt: str
    taken_day: str
    taken_time: str
    facts: tuple[Fact, ...]
    place: PlaceView | None
    tags: tuple[TagView, ...]
    boxes: tuple[BoxView, ...]
    cues: tuple[Fact, ...]
    text_lines: tuple[str, ...]
    stages: tuple[StageView, ...]
    edits: tuple[EditView, ...]
    albums: tuple[AlbumChoice, ...]
    exif: tuple[tuple[str, str], ...]
    similar: str = ""  # address of the photos that look like this one, once it can be compared
    previous: str = ""
    next: str = ""
    back: str = "/"


@dataclass(frozen=True)
class UploadPage(Page):
    """``results`` are what a plain form sent: (file name, state, detail, href)."""

    template: ClassVar[str] = "upload.html"
    accept: str
    largest: str
    albums: tuple[AlbumChoice, ...]
    results: tuple[tuple[str, str, str, str], ...] = ()


@dataclass(frozen=True)
class AlbumsPage(Page):
    template: ClassVar[str] = "albums.html"
    albums: tuple[AlbumCard, ...]
    form_title: str = ""
    form_query: str = ""
    problem: QueryProblem | None = None


@dataclass(frozen=True)
class AlbumPage(Page):
    template: ClassVar[str] = "album.html"
    id: str
    title: str
    description: str
    kind: str
    query: str
    tiles: tuple[Tile, ...]
    total: int
    problem: QueryProblem | None = None
    next_href: str = ""
    more_from: str = ""


@dataclass(frozen=True)
class ExplorePage(Page):
    template: ClassVar[str] = "explore.html"
    tags: tuple[TermCard, ...]
    tree: tuple[TagBranch, ...]


@dataclass(frozen=True)
class ActivityPage(Page):
    template: ClassVar[str] = "activity.html"
    running: tuple[JobView, ...]
    failed: tuple[JobView, ...]
    recent: tuple[JobView, ...]
    waiting: int


@dataclass(frozen=True)
class SettingsPage(Page):
    template: ClassVar[str] = "settings.html"
    keys: tuple[KeyView, ...]
    scopes: tuple[ScopeChoice, ...]
    new_key: KeyView | None = None
    secret: str = ""
    problem: str = ""


@dataclass(frozen=True)
class UsersPage(Page):
    template: ClassVar[str] = "users.html"
    users: tuple[AccountRow, ...]
    problem: str = ""
    username: str = ""


@dataclass(frozen=True)
class ErrorPage(Page):
    template: ClassVar[str] = "error.html"
    title: str
    detail: str
    request_id: str


PAGES: tuple[type[Page], ...] = (
    SetupPage, SignInPage, TimelinePage, GridPage, SearchPage, PhotoPage, UploadPage, AlbumsPage, AlbumPage,
    ExplorePage, ActivityPage, SettingsPage, UsersPage, ErrorPage,
)  # fmt: skip
