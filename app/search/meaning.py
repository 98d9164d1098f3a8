"""Free words by what they mean: one vector search over the photos' semantic vectors, with a cut-off.

The cut-off decides that a thing is not in the library, and returns nothing rather than everything:

- the best photo must reach ``FIRST``, or the search finds nothing by meaning;
- further photos must reach ``FURTHER`` and ``SHARE`` of the best;
- when every word names a tag that the networks can see ("tiger"), the tags have already answered, and only a photo
  that could hardly be anything else (``KNOWN``) is added: leopards are near tigers in meaning, but none.

All are cosines; ``bench/retrieval.py`` prints what they keep and what they let through.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import cache
from uuid import UUID

from app.db import ReadSession
from app.search.vectors import vector_index
from app.services.accounts import Viewer

FIRST = 0.34
FURTHER = 0.2
SHARE = 0.5
KNOWN = 0.6
MOST = 1000


@dataclass(frozen=True)
class Meaning:
    """Finds one viewer's photos by the meaning of words."""

    session: ReadSession
    viewer: Viewer

    def __call__(self, text: str, *, known: bool, among: Collection[UUID] | None = None) -> dict[UUID, float]:
        """Photos near ``text``, with their cosine; ``known`` says that every word names a visible tag."""
        from ml.semantics import MODEL, semantic_space

        index = vector_index(self.session, "semantic")
        if not index.holds(self.session, MODEL, self.viewer.user_id):
            return {}  # also spares loading the encoder
        query = semantic_space().query(text)
        least = KNOWN if known else FURTHER
        found = index.search(
            self.session, MODEL, query.vector, MOST, owner=self.viewer.user_id, among=among, least=least
        )
        if not found or (not known and found[0].similarity < FIRST):
            return {}
        least = max(least, SHARE * found[0].similarity)
        return {match.photo_id: match.similarity for match in found if match.similarity >= least}


@cache
def visible_slugs() -> frozenset[str]:
    """The vocabulary's concepts that the networks can see: those with a class or an object at or below them."""
    from ml.vocabulary import load_vocabulary

    vocabulary = load_vocabulary()
    seen = {*vocabulary.imagenet, *vocabulary.coco.values()}
    return frozenset(seen.union(*(vocabulary.ancestors(slug) for slug in seen)))
