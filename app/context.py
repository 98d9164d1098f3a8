"""What one process needs to do any work: settings, database, storage and the decoding sandbox, built once."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from app.db import Database
from app.settings import Settings
from app.storage import Storage

if TYPE_CHECKING:
    from app.imaging.sandbox import Sandbox
    from app.lookout import Lookout


@dataclass(frozen=True)
class Context:
    settings: Settings
    database: Database
    storage: Storage
    decoders: int = field(default=1)

    @classmethod
    def open(cls, settings: Settings, *, decoders: int = 1) -> Context:
        """Open the data folder; ``decoders`` is the number of decoding children started on first use."""
        return cls(
            settings, Database(settings.db_url, models_dir=settings.models_dir), Storage(settings), decoders
        )

    @cached_property
    def sandbox(self) -> Sandbox:
        from app.imaging.sandbox import Sandbox

        return Sandbox(self.settings, processes=self.decoders)

    @cached_property
    def lookout(self) -> Lookout:
        from app.lookout import Lookout

        return Lookout(self.settings)

    def close(self) -> None:
        if "lookout" in self.__dict__:
            self.lookout.close()
        if "sandbox" in self.__dict__:
            self.sandbox.close()
        self.database.dispose()
