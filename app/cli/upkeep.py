"""Upkeep: comparing the database with the files, backing both up, restoring them."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from tqdm import tqdm

from app.cli.command import Add, fail, opened, print_json
from app.settings import Settings

if TYPE_CHECKING:
    from app.backup import Manifest, Step


def register(add: Add) -> None:
    check = add("check", _check, "Compare the database with the files on disk, byte by byte.", as_json=True)
    check.add_argument("--repair", action="store_true")

    backup = add("backup", _backup, "Write every row and every original into one file.", as_json=True)
    backup.add_argument("file", type=Path, metavar="FILE", help="a tar file; must not exist")

    restore = add("restore", _restore, "Fill an empty data folder from a backup; repeatable.", as_json=True)
    restore.add_argument("file", type=Path, metavar="FILE")


def _check(arguments: argparse.Namespace, settings: Settings) -> int:
    from app.services.upkeep.check import check

    context = opened(settings)
    findings = list(check(context, repair=arguments.repair))
    context.close()
    if arguments.json:
        print_json([vars(finding) for finding in findings])
    else:
        for finding in findings:
            print(f"{finding.kind}: {finding.message}{'  (repaired)' if finding.repaired else ''}")
        print("All is well." if not findings else f"{len(findings)} findings.")
    return 1 if any(finding.serious for finding in findings) else 0


def _backup(arguments: argparse.Namespace, settings: Settings) -> int:
    from app.backup import write_backup

    context = opened(settings)
    try:
        with _Bar(quiet=arguments.json) as bar:
            manifest = write_backup(context, arguments.file, progress=bar.show)
    except FileExistsError:
        fail(f"{arguments.file} exists already; a backup never replaces a file")
    except OSError as error:
        fail(f"{arguments.file}: {error.strerror or error}")
    finally:
        context.close()
    return _told(manifest, arguments, "backed up")


def _restore(arguments: argparse.Namespace, settings: Settings) -> int:
    from app.backup import read_backup
    from app.context import Context

    context = Context.open(settings)  # without a schema: the backup brings its own
    try:
        with _Bar(quiet=arguments.json) as bar:
            manifest = read_backup(context, arguments.file, progress=bar.show)
    except OSError as error:
        fail(f"{arguments.file}: {error.strerror or error}")
    finally:
        context.close()
    return _told(manifest, arguments, "restored")


def _told(manifest: Manifest, arguments: argparse.Namespace, done: str) -> int:
    """Print what was done; 1 when photos are missing or damaged."""
    if arguments.json:
        print_json(vars(manifest))
    else:
        photos = manifest.rows.get("photos", 0)
        print(f"{photos:,} photos and {manifest.blobs:,} files ({manifest.bytes / 1e6:,.1f} MB) {done}.")
        for checksum in manifest.missing:
            print(f"missing when it was made: {checksum}")
        for checksum in manifest.damaged:
            print(f"damaged: {checksum}")
    return 1 if manifest.missing or manifest.damaged else 0


class _Bar:
    """A progress bar over files whose number is known with the first one."""

    def __init__(self, *, quiet: bool) -> None:
        self._bar = tqdm(unit="file", disable=quiet or None)

    def __enter__(self) -> _Bar:
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.close()

    def show(self, step: Step) -> None:
        self._bar.total = step.total
        self._bar.update(step.done - self._bar.n)
