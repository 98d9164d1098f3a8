"""Photos in and out: importing, exporting, looking at files."""

from __future__ import annotations

import argparse
from pathlib import Path

from app.cli.command import Add, chosen_viewer, fail, opened, print_json, reason
from app.errors import AppError
from app.settings import Settings


def register(add: Add) -> None:
    importing = add(
        "import", _import, "Import files and folders; resumable, skips what is there.", as_json=True
    )
    importing.add_argument("paths", nargs="+", type=Path, metavar="PATH")
    importing.add_argument("--user", help="whose album (default: the only user)")
    importing.add_argument("--album", help="put the photos into this album (made when missing)")
    how = importing.add_mutually_exclusive_group()
    how.add_argument(
        "--copy", dest="how", action="store_const", const="copy", help="keep the sources (default)"
    )
    how.add_argument("--move", dest="how", action="store_const", const="move",
                     help="remove each source once it is safely in the album")  # fmt: skip
    how.add_argument("--in-place", dest="how", action="store_const", const="in-place",
                     help="leave the files where they are and only refer to them; keep them there")  # fmt: skip
    importing.add_argument("--recursive", action="store_true", help="with the folders inside (default)")
    importing.add_argument("--no-recursive", dest="recursive", action="store_false")

    importing.set_defaults(how="copy", recursive=True)

    exporting = add("export", _export, "Copy originals out, into folders by month.", as_json=True)
    exporting.add_argument("folder", type=Path, metavar="DIR")
    exporting.add_argument("--query", default="", help="only photos this search finds (default: all)")
    exporting.add_argument("--user", help="whose album (default: the only user)")
    exporting.add_argument("--sidecars", action="store_true", help="write what the album knows as XMP files")
    exporting.add_argument("--edits", action="store_true", help="copy finished edits too")

    analyze = add("analyze", _analyze, "Print what the models see in files; nothing is stored.", as_json=True)
    analyze.add_argument("files", nargs="+", type=Path, metavar="FILE")
    analyze.add_argument("--language", choices=["en", "zh"], default="en")


def _import(arguments: argparse.Namespace, settings: Settings) -> int:
    from collections import Counter

    from tqdm import tqdm

    from app.services.collections import albums
    from app.services.upkeep import importing

    context = opened(settings)
    viewer = chosen_viewer(context, arguments.user)
    try:
        files = list(importing.find_files(arguments.paths, recursive=arguments.recursive))
    except FileNotFoundError as error:
        fail(f"there is no {error}")
    album_id = None
    if arguments.album:
        with context.database.write() as session:
            album_id = albums.find_or_create(session, viewer, arguments.album).id
    counts: Counter[str] = Counter()
    results = []
    with tqdm(files, unit="photo", disable=arguments.json or None) as bar:
        for path in bar:
            result = importing.import_file(context, viewer, path, album_id=album_id, how=arguments.how)
            counts[result.outcome] += 1
            results.append(result)
            if result.outcome == "refused" and not arguments.json:
                bar.write(f"{path}: {result.detail}")
    context.close()
    if arguments.json:
        print_json({"counts": counts, "files": [vars(result) for result in results]})
    else:
        print(f"{counts['added']} added, {counts['duplicate']} already there, {counts['refused']} refused.")
    return 1 if counts["refused"] else 0


def _export(arguments: argparse.Namespace, settings: Settings) -> int:
    from collections import Counter

    from tqdm import tqdm

    from app.search import count_photos
    from app.services.upkeep.exporting import export_photos

    if arguments.folder.resolve().is_relative_to(settings.data.resolve()):
        fail(f"{arguments.folder} lies in the data folder, where only the album writes; export elsewhere")
    context = opened(settings)
    viewer = chosen_viewer(context, arguments.user)
    with context.database.read() as session:
        total = count_photos(session, viewer, arguments.query, archived=True)
    counts: Counter[str] = Counter()
    failed = []
    exported = export_photos(context, viewer, arguments.folder, query=arguments.query,
                             sidecars=arguments.sidecars, edits=arguments.edits)  # fmt: skip
    for file in tqdm(exported, total=total, unit="file", disable=arguments.json or None):
        counts[file.outcome] += 1
        if file.outcome == "failed":
            failed.append({"path": str(file.path), "detail": file.detail})
    context.close()
    if arguments.json:
        print_json({"counts": counts, "failed": failed})
    else:
        print(f"{counts['copied']} copied, {counts['present']} already there, {counts['failed']} failed.")
        for one in failed:
            print(f"{one['path']}: {one['detail']}")
    return 1 if failed else 0


def _analyze(arguments: argparse.Namespace, settings: Settings) -> int:
    from app.context import Context
    from app.services.understanding.lookup import look_at

    context = Context.open(settings)
    failures, results = 0, []
    for path in arguments.files:
        try:
            seen = look_at(context, path, arguments.language)
        except (AppError, OSError) as error:
            failures += 1
            seen = {"error": error.detail if isinstance(error, AppError) else reason(error)}
        results.append({"file": str(path), **seen})
    context.close()
    if arguments.json:
        print_json(results)
        return 1 if failures else 0
    for result in results:
        print(result["file"] + (f": {result['error']}" if "error" in result else ""))
        for tag in result.get("tags", []):
            print(f"  {tag['confidence']:5.2f}  {tag['name']:<28} {tag['source']:<7} {tag['model']}")
    return 1 if failures else 0
