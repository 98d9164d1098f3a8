"""What each template is given: one frozen dataclass a template, made of ``app.web.parts``.

Values arrive ready to be shown: localised, with their links, in the order of the page. A template
decides nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from app.web.parts import (
    AccountRow,
    AlbumCard,
    AlbumChoice,
    BoxView,
    BytesRow,
    CampaignView,
    ChangedTag,
    CheckView,
    CountryView,
    DuplicateSet,
    EditView,
    FaceView,
    Fact,
    FieldHelp,
    Headline,
    HoldingAlbum,
    IdeaCard,
    JobGroup,
    JobView,
    KeyView,
    MapPin,
    MemoryView,
    ModelRow,
    Month,
    PairingView,
    PersonCard,
    PersonPair,
    PlaceView,
    QueryProblem,
    QueueRow,
    RetagForm,
    ScopeChoice,
    SeenFace,
    SeenThing,
    SharedTile,
    ShareRow,
    Shell,
    StageView,
    TagBranch,
    TagRow,
    TagView,
    TermCard,
    Tile,
    Tried,
    WorkerRow,
)


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
    memories: tuple[MemoryView, ...] = ()  # of this day in earlier years


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
    example: bool = False  # searched with a picture
    accept: str = ""  # media types and suffixes of pictures
    failure: str | None = None  # why that picture cannot be searched with
    headline: Headline | None = None  # what the search is called, if it has a plain name


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
    month: str  # of the timeline, as 2024-06
    taken_day: str
    taken_time: str
    facts: tuple[Fact, ...]
    place: PlaceView | None
    tags: tuple[TagView, ...]
    rejected: tuple[TagView, ...]
    also: tuple[TagView, ...]  # tags that others of the photo say more exactly
    boxes: tuple[BoxView, ...]
    things: tuple[SeenThing, ...]  # what is in them, each kind once
    faces: tuple[SeenFace, ...]
    qualities: tuple[str, ...]  # the cues in words
    cues: tuple[Fact, ...]
    text_lines: tuple[str, ...]
    stages: tuple[StageView, ...]
    edits: tuple[EditView, ...]
    in_albums: tuple[HoldingAlbum, ...]
    albums: tuple[AlbumChoice, ...]  # those it could be put into
    exif: tuple[tuple[str, str], ...]
    similar: str = ""  # address of the photos that look like this one, once it can be compared
    stage_problem: str = ""  # what could not be done while understanding it
    previous: str = ""
    next: str = ""
    back: str = "/"
    days_left: int = 0  # in the trash


@dataclass(frozen=True)
class EditorPage(Page):
    """``declarations`` is what the script builds its controls from; ``choices`` (section, (value, label)) and
    ``formats`` are for the form without scripts; ``version`` changes with the photo's pixels.
    """

    template: ClassVar[str] = "editor.html"
    id: str
    heading: str
    alt: str
    src: str
    width: int
    height: int
    version: str
    declarations: Mapping[str, Any]
    choices: tuple[tuple[str, tuple[tuple[str, str], ...]], ...]
    formats: tuple[str, ...]


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
    next_href: str = ""


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
    sorts: tuple[tuple[str, str, bool], ...] = ()  # (order, label, chosen)
    always: tuple[Tile, ...] = ()  # pinned in and out, of a dynamic album
    never: tuple[Tile, ...] = ()


@dataclass(frozen=True)
class ExplorePage(Page):
    template: ClassVar[str] = "explore.html"
    tags: tuple[TermCard, ...]
    tree: tuple[TagBranch, ...]


@dataclass(frozen=True)
class ReviewPage(Page):
    """What a taught tag has found, to confirm or reject; ``tiles`` with how sure, in 0..1."""

    template: ClassVar[str] = "review.html"
    slug: str
    name: str
    href: str
    examples: int
    counter_examples: int
    waiting: int
    learning: bool
    tiles: tuple[tuple[Tile, float], ...]
    next_href: str = ""


@dataclass(frozen=True)
class TagsPage(Page):
    """``names`` are those of the tags in use, offered where a tag is to be typed."""

    template: ClassVar[str] = "tags.html"
    query: str
    rows: tuple[TagRow, ...]
    changed: tuple[ChangedTag, ...] = ()
    names: tuple[str, ...] = ()
    next_href: str = ""


@dataclass(frozen=True)
class PeoplePage(Page):
    """``show`` is what is listed: nothing for the usual, ``all`` with passers-by, ``hidden``."""

    template: ClassVar[str] = "people.html"
    show: str
    views: tuple[tuple[str, str, str], ...]  # (show, label, href)
    named: tuple[PersonCard, ...]
    unnamed: tuple[PersonCard, ...]
    pairs: tuple[PersonPair, ...]
    names: tuple[str, ...]  # known ones, offered while typing
    ask: int = 0  # which of the pairs is asked about; the script goes on to the next
    next_href: str = ""


@dataclass(frozen=True)
class PersonPage(Page):
    """``view`` is ``photos`` or ``faces``; ``others`` are whom they may turn out to be, ``same`` the likeliest."""

    template: ClassVar[str] = "person.html"
    person: PersonCard
    hidden: bool
    view: str
    face_count: int
    tiles: tuple[Tile, ...]
    faces: tuple[FaceView, ...]
    others: tuple[PersonCard, ...]
    same: str = ""
    next_href: str = ""
    more_from: str = ""


@dataclass(frozen=True)
class PlacesPage(Page):
    """``view`` is the part of the map that is shown, as an SVG ``viewBox``, whose pixels are about ``scale`` wide;
    ``out`` leads back to all of it.
    """

    template: ClassVar[str] = "places.html"
    countries: tuple[CountryView, ...]
    pins: tuple[MapPin, ...]
    view: str
    total: int
    scale: float = 18.0
    out: str = ""


@dataclass(frozen=True)
class MemoriesPage(Page):
    template: ClassVar[str] = "memories.html"
    today: str
    memories: tuple[MemoryView, ...]


@dataclass(frozen=True)
class IdeasPage(Page):
    """Albums that could be made."""

    template: ClassVar[str] = "ideas.html"
    ideas: tuple[IdeaCard, ...]


@dataclass(frozen=True)
class DuplicatesPage(Page):
    """``kind`` is ``copy`` or ``similar``; ``views`` are both, as (kind, label, href, number of groups)."""

    template: ClassVar[str] = "duplicates.html"
    kind: str
    views: tuple[tuple[str, str, str, int], ...]
    sets: tuple[DuplicateSet, ...]
    searching: bool
    next_href: str = ""


@dataclass(frozen=True)
class ActivityPage(Page):
    """``waiting`` counts what waits or runs; campaigns and their form are for administrators."""

    template: ClassVar[str] = "activity.html"
    running: tuple[JobView, ...]
    failed: tuple[JobView, ...]
    recent: tuple[JobGroup, ...]
    waiting: int
    ready: int = 0
    paused: int = 0
    failures: int = 0
    pace: str = ""
    campaigns: tuple[CampaignView, ...] = ()
    form: RetagForm | None = None
    tried: Tried | None = None


@dataclass(frozen=True)
class ModelsPage(Page):
    """``groups`` are the networks by task: (task, networks)."""

    template: ClassVar[str] = "models.html"
    groups: tuple[tuple[str, tuple[ModelRow, ...]], ...]
    working: bool = False


@dataclass(frozen=True)
class StoragePage(Page):
    template: ClassVar[str] = "storage.html"
    kinds: tuple[BytesRow, ...]
    people: tuple[BytesRow, ...]
    free: str
    free_note: str
    used_share: float
    trash: str
    swept: str
    check: CheckView | None = None


@dataclass(frozen=True)
class HealthPage(Page):
    """``problems`` are sentences; empty when all is well."""

    template: ClassVar[str] = "health.html"
    problems: tuple[str, ...]
    workers: tuple[WorkerRow, ...]
    queues: tuple[QueueRow, ...]
    failures: tuple[JobView, ...]
    versions: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class SettingsPage(Page):
    template: ClassVar[str] = "settings.html"
    keys: tuple[KeyView, ...]
    scopes: tuple[ScopeChoice, ...]
    new_key: KeyView | None = None
    secret: str = ""
    pairing: PairingView | None = None
    problem: str = ""


@dataclass(frozen=True)
class UsersPage(Page):
    template: ClassVar[str] = "users.html"
    users: tuple[AccountRow, ...]
    problem: str = ""
    username: str = ""


@dataclass(frozen=True)
class SharePage(Page):
    """A share as its visitor sees it, or (``locked``) the question for its password."""

    template: ClassVar[str] = "share.html"
    locked: bool = False
    problem: str = ""
    title: str = ""
    description: str = ""
    total: int = 0
    expires: str = ""
    tiles: tuple[SharedTile, ...] = ()
    next_href: str = ""
    more_from: str = ""  # the script's next address
    accept: str = ""  # media types guests may add, where they may
    results: tuple[tuple[str, bool, str], ...] = ()  # what a guest's form sent: (file name, kept, why not)


@dataclass(frozen=True)
class SharesPage(Page):
    """The viewer's links."""

    template: ClassVar[str] = "shares.html"
    shares: tuple[ShareRow, ...]
    next_href: str = ""


@dataclass(frozen=True)
class ShareFormPage(Page):
    """Making a link to an album or photo; ``path`` is the link once it is made, shown in this one answer."""

    template: ClassVar[str] = "share_form.html"
    kind: str  # album photo
    id: str
    title: str
    cover: str
    back: str
    days: tuple[tuple[str, str], ...]  # how long a link lasts: (value, label)
    guests: bool = False  # whether guests could add photos
    url: str = ""
    path: str = ""
    problem: str = ""


@dataclass(frozen=True)
class OfflinePage(Page):
    """Kept by the service worker and shown to whoever has no connection: nobody's data is on it."""

    template: ClassVar[str] = "offline.html"


@dataclass(frozen=True)
class ErrorPage(Page):
    template: ClassVar[str] = "error.html"
    title: str
    detail: str
    request_id: str
    home: bool = True  # there is a way back to the photos


PAGES: tuple[type[Page], ...] = (
    SetupPage, SignInPage, TimelinePage, GridPage, SearchPage, PhotoPage, EditorPage, UploadPage, AlbumsPage,
    AlbumPage, IdeasPage, DuplicatesPage, MemoriesPage, ExplorePage, TagsPage, ReviewPage, PeoplePage, PersonPage,
    PlacesPage, ActivityPage, SettingsPage, UsersPage, SharePage, SharesPage, ShareFormPage, ModelsPage, StoragePage,
    HealthPage, OfflinePage, ErrorPage,
)  # fmt: skip
