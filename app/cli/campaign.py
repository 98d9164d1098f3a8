"""``albumen retag``: start, watch, resume, undo a re-tagging campaign, or show what one would change."""

from __future__ import annotations

import argparse
import time
from typing import Any
from uuid import UUID

from tqdm import tqdm

from app.context import Context
from app.models import Campaign
from app.services import accounts
from app.services.understanding import models, retag
from app.worker import Worker


def run(arguments: argparse.Namespace, context: Context) -> dict[str, Any]:
    """Do what the arguments say; the JSON-ready report, which ``text`` turns into lines."""
    if arguments.list:
        with context.database.read() as session:
            return {
                "campaigns": [_described(retag.progress(session, c)) for c in retag.list_campaigns(session)]
            }
    for name in ("pause", "cancel"):
        if (campaign_id := getattr(arguments, name)) is not None:
            with context.database.write() as session:
                campaign = getattr(retag, name)(session, campaign_id)
                return _described(retag.progress(session, campaign))
    if arguments.undo is not None:
        with tqdm(unit="photo", disable=arguments.json or None) as bar:
            return {
                "campaign": str(arguments.undo),
                "restored": retag.undo(context, arguments.undo, report=bar.update),
            }
    if arguments.resume is not None:
        with context.database.write() as session:
            campaign = retag.get_campaign(session, arguments.resume)
            if campaign.state == "paused":
                retag.resume(session, campaign.id)
        return _watch(context, campaign, arguments)
    return _start(arguments, context)


def _start(arguments: argparse.Namespace, context: Context) -> dict[str, Any]:
    stages = retag.parse_stages(arguments.stage.split(",") if arguments.stage else None)
    worker = Worker(context)
    if arguments.model:
        worker.analyzer_for(arguments.model)  # an unknown or unfit model is refused before anything is stored
    with context.database.read() as session:
        owner = accounts.get_user(session, arguments.user).id if arguments.user else None
        current = (
            models.provenance(worker.analyzer_for(arguments.model), stages)
            if arguments.only_outdated
            else None
        )
        ids = retag.select_photos(session, arguments.query, owner=owner, current=current)
    ids = ids[: arguments.limit]
    if arguments.dry_run:
        return _dry_run(context, worker, ids, stages, arguments)
    with context.database.write() as session:
        campaign = retag.start(session, ids, stages=stages, query=arguments.query, model=arguments.model,
                               only_outdated=arguments.only_outdated)  # fmt: skip
    return _watch(context, campaign, arguments)


def _watch(context: Context, campaign: Campaign, arguments: argparse.Namespace) -> dict[str, Any]:
    """Help with the work (unless told not to) and show progress until the campaign has ended."""
    helping = not arguments.detach and arguments.engine == "local"
    worker = Worker(context)
    with tqdm(total=campaign.total, unit="photo", disable=arguments.json or None) as bar:
        while True:
            with context.database.write() as session:
                retag.settle(session)
            with context.database.read() as session:
                state = retag.progress(session, retag.get_campaign(session, campaign.id))
            bar.update(state.done + state.failed - bar.n)
            if state.ended or arguments.detach or state.campaign.state == "paused":
                return _described(state)
            if not (helping and worker.tick()):
                time.sleep(0.5)


def _dry_run(
    context: Context, worker: Worker, ids: list[UUID], stages: list[str], arguments: argparse.Namespace
) -> dict[str, Any]:
    analyzer = worker.analyzer_for(arguments.model)
    with tqdm(total=len(ids), unit="photo", disable=arguments.json or None) as bar:
        difference = retag.try_out(
            context, analyzer, ids, stages, report=lambda done: bar.update(done - bar.n)
        )
    return {"dry_run": True, **difference.as_json()}


def _described(state: retag.Progress) -> dict[str, Any]:
    return {
        "campaign": str(state.campaign.id),
        "state": state.campaign.state,
        "query": state.campaign.query,
        "stages": state.campaign.stages,
        "total": state.total,
        "done": state.done,
        "failed": state.failed,
        "waiting": state.waiting + state.running,
        "photos_per_second": round(state.rate, 2) if state.rate else None,
        "eta_seconds": round(state.eta) if state.eta is not None else None,
    }


def text(report: dict[str, Any]) -> str:
    """The report for people."""
    if "campaigns" in report:
        return "\n".join(text(campaign) for campaign in report["campaigns"]) or "No campaigns yet."
    if report.get("dry_run"):
        lines = [
            f"{report['photos']} photos looked at, {report['unchanged']} unchanged, {report['failed']} failed."
        ]
        lines += [f"  {slug:<28} +{n['gained']:<5} -{n['lost']}" for slug, n in report["tags"].items()]
        return "\n".join(lines)
    if "restored" in report:
        return f"Campaign {report['campaign']} undone: {report['restored']} photos are as before."
    speed = f", {report['photos_per_second']} photos/s" if report["photos_per_second"] else ""
    return (
        f"Campaign {report['campaign']} ({','.join(report['stages'])}) is {report['state']}: {report['done']} of "
        f"{report['total']} done, {report['failed']} failed, {report['waiting']} waiting{speed}."
    )
