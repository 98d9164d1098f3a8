"""Free words by what they mean: one vector search over the photos' semantic vectors, with a cut-off.

The cut-off decides that a thing is not in the library, and returns nothing rather than everything. There are three
kinds of text:

- a name that the networks can see ("tiger"): a photo must look more like a kind of it than like anything else, up to
  ``MARGIN``, or be very near (``SURE``): leopards are near tigers in meaning, but are none;
- a name they cannot see ("sushi"): only what is very near;
- any other words ("something to eat"): the best photo must reach ``FIRST``, or ``VAGUE_FIRST`` where no concept of
  the vocabulary is ``CLEAR``ly near the words; further ones ``FURTHER`` and ``SHARE`` of the best. Sentences of
  ``SENTENCE`` words and more are held to less: each of their words adds something that no photo has, and nobody
  types a sentence about what is not there.

All numbers are cosines, chosen with ``bench/retrieval.py``, which prints what they keep and what they let through.

Where an administrator has chosen an image-text model, its text tower encodes the words and only vectors of that very
model are compared, by the cut-off of its registry entry. Photos that it has not seen yet are then found by their words.
"""

from __future__ import annotations

import gc
import logging
from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

import numpy as np

from app.db import ReadSession
from app.search.matches import Floats, Match
from app.search.vectors import vector_index, vectors_of
from app.services.accounts import Viewer
from app.services.understanding.models import meaning_model

if TYPE_CHECKING:
    from ml.registry import CutOff

log = logging.getLogger(__name__)

MARGIN, LEAST, SURE = 0.15, 0.1, 0.75
FIRST, VAGUE_FIRST, CLEAR = 0.42, 0.5, 0.45
FURTHER = 0.2
SENTENCE_FIRST, SENTENCE_FURTHER = 0.15, 0.1
SHARE = 0.5
SENTENCE = 3
MOST = 1000  # photos a search finds by meaning
MOST_NAMED = 500  # of a thing that has a name: most of those photos have its tag, too


@dataclass(frozen=True)
class Meaning:
    """Finds one viewer's photos by the meaning of words."""

    session: ReadSession
    viewer: Viewer

    def __call__(
        self, text: str, *, words: int, slugs: Collection[str] = (), among: Collection[UUID] | None = None
    ) -> dict[UUID, float]:
        """Photos near ``text``, with their similarity in 0..1.

        Args:
            words: how many of its words say something.
            slugs: the vocabulary's concepts that the whole text names.
            among: only these photos.
        """
        from ml.imagetext import let_text_tower_go
        from ml.semantics import MODEL, semantic_space
        from ml.vocabulary import load_vocabulary

        chosen = meaning_model(self.session)
        if chosen != MODEL:
            return self._of_pictures(chosen, text, among)
        let_text_tower_go()  # of a former choice
        index = vector_index(self.session, "semantic")
        if MODEL not in index.models(self.session, self.viewer.user_id):
            return {}  # also spares loading the encoder
        query = semantic_space().query(text)
        matches = index.search(
            self.session,
            MODEL,
            query.vector,
            MOST_NAMED if slugs else MOST,
            owner=self.viewer.user_id,
            among=among,
            least=LEAST,
        )
        if slugs and load_vocabulary().visible.isdisjoint(slugs):
            return {m.photo_id: m.similarity for m in matches if m.similarity >= SURE}
        return self._of_kind(matches, slugs) if slugs else _above(matches, words, query.nearness)

    def _of_pictures(self, model: str, text: str, among: Collection[UUID] | None) -> dict[UUID, float]:
        """The photos whose pictures an image-text model finds near the words, by its own cut-off."""
        index = vector_index(self.session, "imgtext")
        if model not in index.models(self.session, self.viewer.user_id):
            return {}  # also spares loading the tower
        query = _encode(self.session, model, text)
        if query is None:
            return {}
        cut = cut_off_of(model)
        matches = index.search(
            self.session, model, query, MOST, owner=self.viewer.user_id, among=among, least=cut.further
        )
        if not matches or matches[0].similarity < cut.first:
            return {}
        least = matches[0].similarity - cut.within
        return {m.photo_id: cut.strength(m.similarity) for m in matches if m.similarity >= least}

    def _of_kind(self, matches: list[Match], slugs: Collection[str]) -> dict[UUID, float]:
        """The photos that show a kind of ``slugs`` rather than anything else."""
        from ml.semantics import MODEL, semantic_space

        if not matches:
            return {}
        cosine = {match.photo_id: match.similarity for match in matches}
        ids, vectors = vectors_of(self.session, "semantic", MODEL, list(cosine))
        found = {}
        for photo_id, kind, other in zip(ids, *semantic_space().kinds(vectors, slugs), strict=True):
            if other - kind <= MARGIN or cosine[photo_id] >= SURE:
                found[photo_id] = float(np.clip((cosine[photo_id] + kind - 0.5 * other) / 1.5, 0, 1))
        return found


def _above(matches: list[Match], words: int, nearness: float) -> dict[UUID, float]:
    first, further = FIRST if nearness >= CLEAR else VAGUE_FIRST, FURTHER
    if words >= SENTENCE:
        first, further = SENTENCE_FIRST, SENTENCE_FURTHER
    if not matches or matches[0].similarity < first:
        return {}
    least = max(further, SHARE * matches[0].similarity)
    return {m.photo_id: min(m.similarity, 1.0) for m in matches if m.similarity >= least}


def cut_off_of(model: str) -> CutOff:
    """What the cosines of an image-text model mean."""
    from ml import registry

    cut = registry.get(model).cut_off
    assert cut is not None  # else it is no model of this kind, and has no text tower
    return cut


def _encode(session: ReadSession, model: str, text: str) -> Floats | None:
    """The words' vector; None, and the reason in the log, while the model cannot be used: words alone then count."""
    from ml.imagetext import text_tower

    try:
        return text_tower(model, session.info["models_dir"]).encode(text)
    except Exception:  # gone, damaged, not for this machine: no reason to refuse searches, nor dynamic albums
        log.exception("photos are not searched by meaning", extra={"model": model})
        return None


def warm_up(session: ReadSession) -> None:
    """Load the encoder, the concepts and all vectors: seconds for a large library, which else the first search takes.

    A library without vectors needs nothing, and nothing is loaded. Safe to call from a thread of its own; searches
    meanwhile wait for the vectors.
    """
    from ml.semantics import MODEL, semantic_space

    chosen = meaning_model(session)
    kinds = ("semantic" if chosen == MODEL else "imgtext", "visual")
    followed = [vector_index(session, kind).follow(session) for kind in kinds]
    if not any(followed):
        return
    if chosen == MODEL:
        semantic_space().query("a photo")
    else:
        _encode(session, chosen, "a photo")
    # All this stays for the life of the process. Without it, walking over it takes half the time of a search.
    gc.collect()
    gc.freeze()
