"""All tables. Rules live in services; queries that lists share live in ``app.search`` and the services.

Conventions: ``*_at`` are instants (UTC); boxes are x, y, width, height in 0..1 of the upright picture; ``model`` is
the registry id that produced a value; ids seen from outside are UUIDv7.
"""

from app.models.accounts import ApiKey, LoginFailure, Pairing, SignIn, User
from app.models.albums import Album, AlbumFile, AlbumPhoto, Share
from app.models.base import Base
from app.models.clients import Change, ChangeCounter, KeptAnswer, ResumableUpload
from app.models.duplicates import DuplicatePair, PhotoMerge, PhotosApart
from app.models.people import Face, FaceRejection, PeopleApart, PeopleMerge, PeopleSuggestion, Person
from app.models.photos import Edit, Photo, PhotoTerm
from app.models.understanding import (
    Cue,
    DetectedObject,
    Embedding,
    PhotoTag,
    Stage,
    Tag,
    TagChoice,
    TagCount,
    TaughtTag,
    TextLine,
    VectorCounter,
)
from app.models.work import Campaign, CampaignBefore, Job, KeyValue

__all__ = [
    "Album",
    "AlbumFile",
    "AlbumPhoto",
    "ApiKey",
    "Base",
    "Campaign",
    "CampaignBefore",
    "Change",
    "ChangeCounter",
    "Cue",
    "DetectedObject",
    "DuplicatePair",
    "Edit",
    "Embedding",
    "Face",
    "FaceRejection",
    "Job",
    "KeptAnswer",
    "KeyValue",
    "LoginFailure",
    "Pairing",
    "PeopleApart",
    "PeopleMerge",
    "PeopleSuggestion",
    "Person",
    "Photo",
    "PhotoMerge",
    "PhotoTag",
    "PhotoTerm",
    "PhotosApart",
    "ResumableUpload",
    "Share",
    "SignIn",
    "Stage",
    "Tag",
    "TagChoice",
    "TagCount",
    "TaughtTag",
    "TextLine",
    "User",
    "VectorCounter",
]
