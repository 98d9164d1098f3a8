"""Training runs: deterministic, stopped at any time, resumed as if they had not been, and proven to be so.

The random numbers of step ``n`` depend on the seed and ``n`` alone, so that a run that was stopped and resumed sees the
same pictures as one that was not. With one thread on one processor the weights are then the same to the last bit.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor, nn

Losses = Callable[[nn.Module, np.random.Generator, int], dict[str, Tensor]]
"""The parts of the loss at a step, from the network, the step's random generator, and its number."""


def cosine(step: int, steps: int, peak: float, warm: int = 50) -> float:
    """Learning rate at a step: linear for ``warm`` steps, then a half cosine down to one fiftieth of the peak."""
    if step < warm:
        return peak * (step + 1) / warm
    part = (step - warm) / max(1, steps - warm)
    return float(peak * (0.02 + 0.98 * 0.5 * (1 + np.cos(np.pi * min(1.0, part)))))


class Run:
    """A training run that can be stopped at any time and resumed from its checkpoint.

    The checkpoint holds weights, optimiser state and step; it is replaced atomically.

    Args:
        net: trained in place.
        checkpoint: resumed from if there is one.
        steps, peak, seed: how many, the largest learning rate, and what the random numbers of every step start from.
        rate: the learning rate at a step; default ``cosine``.
        every: steps between two lines of ``say`` and two checkpoints.
        factors: groups of parameters with what multiplies their learning rate; default all with 1.
    """

    def __init__(
        self,
        net: nn.Module,
        checkpoint: Path,
        *,
        steps: int,
        peak: float,
        seed: int,
        every: int = 200,
        say: Callable[[str], None] = print,
        rate: Callable[[int], float] | None = None,
        factors: Sequence[tuple[list[nn.Parameter], float]] | None = None,
    ) -> None:
        self.net, self.checkpoint, self.steps, self.seed = net, checkpoint, steps, seed
        self.every, self.say, self.step = every, say, 0
        self.rate = rate or partial(cosine, steps=steps, peak=peak)
        groups = [
            {"params": some, "factor": factor} for some, factor in factors or [(list(net.parameters()), 1.0)]
        ]
        self.optimiser = torch.optim.Adam(groups, lr=peak, betas=(0.9, 0.99))
        self._sums: dict[str, float] = {}
        self._count = 0
        if checkpoint.exists():
            state = torch.load(checkpoint, map_location="cpu", weights_only=True)
            net.load_state_dict(state["net"])
            self.optimiser.load_state_dict(state["optimiser"])
            self.step = int(state["step"])
            say(f"resumed at step {self.step}")

    def train(self, losses: Losses, until: int | None = None) -> None:
        """Minimise the sum of what ``losses`` returns until ``until`` (or all) steps are done."""
        self.net.train()
        while self.step < (until or self.steps):
            for group in self.optimiser.param_groups:
                group["lr"] = self.rate(self.step) * group["factor"]
            parts = losses(self.net, np.random.default_rng((self.seed, self.step)), self.step)
            total = torch.stack(list(parts.values())).sum()
            if not torch.isfinite(total):
                raise FloatingPointError(f"the loss is not finite at step {self.step}: {parts}")
            self.optimiser.zero_grad(set_to_none=True)
            total.backward()
            torch.nn.utils.clip_grad_norm_(self.net.parameters(), 1.0)
            self.optimiser.step()
            self.step += 1
            self._note(parts)
        self.save()
        self.net.eval()

    def _note(self, parts: dict[str, Tensor]) -> None:
        for name, value in parts.items():
            self._sums[name] = self._sums.get(name, 0.0) + float(value.detach())
        self._count += 1
        if self.step % self.every == 0:
            means = {name: round(value / self._count, 5) for name, value in self._sums.items()}
            self.say(json.dumps({"step": self.step, **means}))
            self._sums, self._count = {}, 0
            self.save()

    def save(self) -> None:
        """Write the checkpoint."""
        self.checkpoint.parent.mkdir(parents=True, exist_ok=True)
        partial = self.checkpoint.with_suffix(".partial")
        state = {"net": self.net.state_dict(), "optimiser": self.optimiser.state_dict(), "step": self.step}
        torch.save(state, partial)
        partial.replace(self.checkpoint)


def save_weights(net: nn.Module, path: Path, *, half: bool = False) -> None:
    """Write the network's weights as safetensors, in 16-bit floats when ``half``."""
    from safetensors.torch import save_file

    kind = torch.float16 if half else torch.float32
    state = {k: v.detach().cpu().to(kind).contiguous() for k, v in net.state_dict().items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file(state, str(path))


def arguments(about: str, name: str, *, seed: int, steps: int = 9000) -> argparse.ArgumentParser:
    """The options of a script that trains one small network; ``name`` is its checkpoint's."""
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--start", type=Path, help="weights to begin from")
    parser.add_argument("--checkpoint", type=Path, default=Path(f"build/{name}.pt"))
    parser.add_argument("--steps", type=int, default=steps)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--peak", type=float, default=2e-3, help="largest learning rate")
    parser.add_argument("--seed", type=int, default=seed)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument(
        "--check", action="store_true", help="only prove that a run can be repeated and resumed"
    )
    return parser


def shape(number: int, batch: int) -> tuple[int, int]:
    """(side, count) of the pictures of a step: mostly 128 pixels, every fourth time half as many of 192."""
    return (128, batch) if number % 4 else (192, max(1, batch // 2))


def carry_out(options: argparse.Namespace, build: Callable[[], nn.Module], losses: Losses) -> None:
    """Train as the options of ``arguments`` say, resuming from the checkpoint, and write the weights; or, with
    ``--check``, prove that this could be done twice.

    Raises:
        NotRepeatable: see ``check``.
    """
    from safetensors.torch import load_file

    torch.set_num_threads(options.threads)
    cv2.setNumThreads(options.threads)

    def begin() -> nn.Module:
        torch.manual_seed(options.seed)
        net = build()
        if options.start:
            net.load_state_dict(load_file(options.start))
        return net.to(options.device)

    if options.check:
        check(begin, losses, seed=options.seed)
        print("the same weights twice, and after a stop")
        return
    run = Run(begin(), options.checkpoint, steps=options.steps, peak=options.peak, seed=options.seed)
    run.train(losses)
    save_weights(run.net, options.out)


class NotRepeatable(Exception):
    """Two runs that should be the same came out different."""


def check(
    begin: Callable[[], nn.Module],
    losses: Losses,
    *,
    seed: int,
    steps: int = 4,
    start: Callable[..., Run] = Run,
) -> None:
    """Train a few steps twice, and once more with a stop in the middle.

    Args:
        begin: makes the network as a run starts with it.
        losses: of the run.
        seed: of the run.
        steps: how many.
        start: makes the run of a network, its checkpoint and the arguments of ``Run``.

    Raises:
        NotRepeatable: the three do not have the same weights, to the last bit.
    """
    with tempfile.TemporaryDirectory() as folder:

        def trained(name: str, stop: int | None) -> dict[str, Tensor]:
            checkpoint = Path(folder) / f"{name}.pt"
            for until in (stop, steps) if stop else (steps,):
                run = start(begin(), checkpoint, steps=steps, peak=2e-3, seed=seed, say=lambda line: None)
                run.train(losses, until)
            return run.net.state_dict()

        first = trained("first", None)
        for name, stop in (("again", None), ("resumed", steps // 2)):
            for key, value in trained(name, stop).items():
                if not torch.equal(value, first[key]):
                    raise NotRepeatable(f"{key} differs when trained {name}")
