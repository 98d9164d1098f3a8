"""What a search for near vectors answers, and the interface of whatever answers it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from app.db import ReadSession

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Match:
    photo_id: UUID
    similarity: float  # cosine


class Nearest(Protocol):
    """The vectors of one kind (``semantic``, ``visual`` or ``imgtext``) in one database. Models and owners are kept
    apart."""

    def search(
        self,
        session: ReadSession,
        model: str,
        query: Floats,
        k: int,
        *,
        owner: UUID,
        among: Collection[UUID] | None = None,
        least: float = -1.0,
    ) -> list[Match]:
        """The ``k`` photos of ``owner`` whose vectors of ``model`` are nearest to ``query``, the nearest first.

        Args:
            query: ``(width,)`` float32 of unit length.
            among: only these photos; least: only from this cosine on.

        Raises:
            ValueError: ``query`` has another width than the model's vectors.
        """
        ...

    def models(self, session: ReadSession, owner: UUID) -> list[str]:
        """The models of which ``owner`` has vectors to be found, in the order of their ids."""
        ...

    def follow(self, session: ReadSession) -> bool:
        """Be ready for a search: read what is new. Whether there is any vector at all."""
        ...
