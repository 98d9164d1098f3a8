"""Settings: one field = one ``ALBUMEN_*`` variable = one help text.

Built once at the edge (``serve``, ``worker``, a command) and passed down; nothing else reads the environment.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any


def _setting(default: Any, help_text: str) -> Any:
    return field(default=default, metadata={"help": help_text})


_DATA = Path("data")


@dataclass(frozen=True)
class Settings:
    """Everything an administrator can set. Sizes are bytes, times are seconds unless the name says otherwise."""

    data: Path = _setting(_DATA, "Folder that holds the database, originals and renditions.")
    models: Path | None = _setting(None, "Folder of model weights; may be shared. Default: <data>/models.")
    database_url: str | None = _setting(None, "SQLAlchemy URL. Default: SQLite at <data>/albumen.db.")
    max_upload_bytes: int = _setting(200 * 1024**2, "Largest accepted file.")
    max_base64_bytes: int = _setting(64 * 1024**2, "Largest JSON body of a base64 upload.")
    max_pixels: int = _setting(200_000_000, "Largest accepted picture, width x height.")
    max_frames: int = _setting(3_000, "Most frames or pages accepted in one file.")
    decode_memory_bytes: int = _setting(
        1536 * 1024**2, "Address space the decoding child may add to its own."
    )
    decode_seconds: int = _setting(60, "Time the decoding child may take for one photo.")
    edit_memory_bytes: int = _setting(6 * 1024**3, "Memory one edit may use.")
    edit_seconds: int = _setting(3600, "Time one edit in the background may take.")
    process_seconds: int = _setting(120, "Time a one-shot POST /images/process may take.")
    process_pixels: int = _setting(24_000_000, "Largest picture for one-shot processing, width x height.")
    session_days: int = _setting(30, "Days a sign-in lasts.")
    trash_days: int = _setting(30, "Days a deleted photo can be restored.")
    secure_cookies: bool = _setting(
        False, "Send the session cookie over HTTPS only; set it behind a TLS proxy."
    )
    login_attempts: int = _setting(10, "Failed sign-ins allowed per name and address in 15 minutes.")
    job_lease_seconds: int = _setting(300, "Time after which the work of a vanished worker is taken over.")
    job_batch: int = _setting(8, "Photos a worker claims at once.")
    int8: bool = _setting(
        False,
        "Run the networks for scenes and objects quantised, once `albumen models quantize` has prepared them:"
        " twice as fast, a little less exact.",
    )
    model_idle_seconds: int = _setting(300, "Idle time after which a worker lets its networks go.")
    log_level: str = _setting("INFO", "DEBUG, INFO, WARNING or ERROR.")
    log_json: bool = _setting(False, "Write logs as JSON lines instead of key=value.")

    @property
    def models_dir(self) -> Path:
        return self.models or self.data / "models"

    @property
    def db_url(self) -> str:
        return self.database_url or f"sqlite:///{self.data / 'albumen.db'}"

    def for_one_shot(self) -> Settings:
        """These settings with the tighter pixel limit of one-shot processing."""
        return replace(self, max_pixels=min(self.max_pixels, self.process_pixels))

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None, **overrides: Any) -> Settings:
        """Read ``ALBUMEN_<NAME>`` for every field; ``overrides`` that are not None win.

        Raises:
            ValueError: a variable cannot be read as its field's type; the message names it.
        """
        environ = os.environ if environ is None else environ
        values: dict[str, Any] = {}
        for f in fields(cls):
            raw = environ.get(f"ALBUMEN_{f.name.upper()}")
            if raw is not None and raw != "":
                values[f.name] = _parse(f.name, str(f.type), raw)
        values.update({k: v for k, v in overrides.items() if v is not None})
        for name in ("data", "models"):
            if values.get(name) is not None:
                values[name] = Path(values[name]).expanduser().resolve()
        values.setdefault("data", Path("data").resolve())
        return cls(**values)


def _parse(name: str, kind: str, raw: str) -> Any:
    try:
        if kind.startswith("int"):
            return int(raw)
        if kind.startswith("bool"):
            return {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}[
                raw.lower()
            ]
    except (ValueError, KeyError):
        raise ValueError(f"ALBUMEN_{name.upper()}={raw!r} is not a valid {kind}") from None
    return Path(raw) if "Path" in kind else raw
