"""The training loop: every word observed at every epoch, resumable after each step, the same bytes every time.

All randomness of a step follows from the seed, the epoch's number and the step's, so runs with the same seed see the
same order whatever their treatment does to the labels.
"""

import contextlib
import itertools
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from math import isnan
from typing import Any

import numpy as np
import torch

from settling.canonical import seed_of
from settling.data.split import Split
from settling.errors import BadInput
from settling.schemas import NARROW_TAGS
from settling.training.dropout import SparseDropout
from settling.training.interface import MicroBatch, Output, System
from settling.training.progress import Progress, defined
from settling.training.recipe import AcceleratedRecipe, Recipe
from settling.training.records import Observation, Scorer, ScoreRow
from settling.training.state import Interrupted

EVALUATION_SENTENCES = 64


class Diverged(BadInput):
    """The training has driven a weight beyond all numbers."""


@dataclass
class History:
    """All that a run has observed so far: `views[view][epoch]`, the scores, and the seconds each epoch took."""

    views: dict[str, list[Observation]]
    scores: list[ScoreRow] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)


@dataclass
class Epoch:
    """An epoch under way: the steps taken, what was seen in them, and the seconds they took."""

    gather: "Gather"
    steps: int = 0
    seconds: float = 0.0


class Trainer:
    """One run: a system, its optimiser and its history. `epochs` goes through those that are left.

    `splits` holds train, dev and test, those that the system was made of. Between two steps, the run asks `stop`
    whether it is to end.
    """

    def __init__(
        self,
        recipe: Recipe,
        seed: int,
        system: System,
        splits: dict[str, Split],
        stop: Callable[[], bool] = lambda: False,
    ) -> None:
        self.recipe, self.seed, self.system, self.stop = recipe, seed, system, stop
        self.device = next(system.module.parameters()).device
        self.num_tags = len(splits["train"].tags)
        self.num_words = {name: len(split.true_label) for name, split in splits.items()}
        self.scorers = {name: Scorer(name, split) for name, split in splits.items()}
        self.optimizer = optimizer_of(system.module, recipe)
        is_compiled = isinstance(recipe, AcceleratedRecipe) and recipe.compile
        self.dropout = SparseDropout if self.device.type == "cpu" and not is_compiled else contextlib.nullcontext
        self.history = History({view: [] for view in recipe.views})
        self.under_way = Epoch(self.gather("train"))
        # From short to long, so that evaluation pads little; the same at every epoch.
        self.evaluated = {name: np.argsort(np.diff(split.starts), kind="stable") for name, split in splits.items()}

    def epochs(self) -> Iterator[int]:
        """Train and observe the epochs that are left, one at a time; yield each one's number when it is done.

        Raises Diverged where a weight is no longer finite, Interrupted where the run is to stop.
        """
        for epoch in range(len(self.history.seconds), self.recipe.epochs):
            seen = {"minibatch": self.train(epoch)}
            began = time.monotonic()
            if not all(parameter.isfinite().all() for parameter in self.system.module.parameters()):
                raise Diverged(f"epoch {epoch}: a weight is not finite any more; expected a lower learning_rate")
            self.system.module.eval()
            with torch.no_grad():
                self.system.before_evaluation()
            if "epoch-end" in self.recipe.views:
                seen["epoch-end"] = self.observe("train")
            scores = [row for view in self.history.views for row in self.scorers["train"].rows(epoch, view, seen[view])]
            scores += self.scorers["dev"].rows(epoch, "epoch-end", self.observe("dev"))
            if self.scores_test(epoch, scores):
                scores += self.scorers["test"].rows(epoch, "epoch-end", self.observe("test"))
            for view, observations in self.history.views.items():
                observations.append(seen[view])
            self.history.scores += scores
            self.history.seconds.append(self.under_way.seconds + time.monotonic() - began)
            self.under_way = Epoch(self.gather("train"))
            yield epoch

    def train(self, epoch: int) -> Observation:
        """Train for what is left of an epoch; return each word as it was when its batch passed, before the update."""
        began = time.monotonic() - self.under_way.seconds
        self.system.module.train()
        first_step = self.system.total_steps * epoch // self.recipe.epochs
        for batch in itertools.islice(self.system.batches(epoch, self.seed), self.under_way.steps, None):
            self.heed()
            rate = self.learning_rate(first_step + self.under_way.steps)
            for group in self.optimizer.param_groups:
                group["lr"] = rate
            torch.manual_seed(seed_of("step", self.seed, epoch, self.under_way.steps))
            with self.dropout():
                self.update(batch, self.under_way.gather)
            self.under_way.steps += 1
            self.under_way.seconds = time.monotonic() - began
        return self.under_way.gather.observation()

    def scores_test(self, epoch: int, scores: list[ScoreRow]) -> bool:
        """Return whether the recipe wants the test split scored after an epoch, whose scores so far are `scores`."""
        if self.recipe.test_epochs == "each" or epoch + 1 == self.recipe.epochs:
            return True
        dev_f1 = {row[0]: row[-1] for row in [*self.history.scores, *scores] if is_dev_f1(row)}
        before = [value for other, value in dev_f1.items() if other < epoch and not isnan(value)]
        return not isnan(dev_f1[epoch]) and all(dev_f1[epoch] > value for value in before)

    def heed(self) -> None:
        """Raise Interrupted where the run is to stop."""
        if self.stop():
            raise Interrupted

    def gather(self, name: str) -> "Gather":
        """Return what collects the outputs for a split's words."""
        return Gather(self.num_words[name], self.num_tags, self.device)

    def update(self, batch: Sequence[MicroBatch], gather: "Gather") -> None:
        """Take one step on the mean loss over the words of a batch."""
        num_words = sum(len(micro_batch.words) for micro_batch in batch)
        for micro_batch in batch:
            output = self.system.output(micro_batch)
            (output.objective / num_words).backward()
            gather.add(output)
        torch.nn.utils.clip_grad_norm_(self.system.module.parameters(), self.recipe.clip)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)

    def observe(self, name: str) -> Observation:
        """Return each word of a split as the model now sees it, in evaluation mode."""
        gather = self.gather(name)
        with torch.no_grad():
            for batch in self.system.prepared[name].batches(self.evaluated[name], EVALUATION_SENTENCES):
                self.heed()
                for micro_batch in batch:
                    gather.add(self.system.output(micro_batch))
        return gather.observation()

    def learning_rate(self, step: int) -> float:
        """Return the rate of a step: linear warm-up from 0, then linear decay to 0 or constant.

        The schedule of `get_linear_schedule_with_warmup`, as in the authors' code (trainer.py:268-271).
        """
        total = self.system.total_steps
        warm = int(self.recipe.warmup * total)
        if step < warm:
            return self.recipe.learning_rate * step / warm
        left = (total - step) / max(1, total - warm) if self.recipe.schedule == "linear" else 1.0
        return self.recipe.learning_rate * left

    def state(self) -> dict[str, Any]:
        """Return what `restore` needs, as plain tensors, lists and numbers."""
        observed = {
            view: [tuple(torch.from_numpy(column) for column in seen) for seen in observations]
            for view, observations in self.history.views.items()
        }
        return {
            "model": self.system.module.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "views": observed,
            "scores": self.history.scores,
            "seconds": self.history.seconds,
            "under_way": {
                "steps": self.under_way.steps,
                "seconds": self.under_way.seconds,
                "seen": self.under_way.gather.columns(),
            },
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from what `state` returned."""
        self.system.module.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.history = History(
            {
                view: [Observation(*(column.cpu().numpy() for column in columns)) for columns in observations]
                for view, observations in state["views"].items()
            },
            state["scores"],
            state["seconds"],
        )
        under_way = state["under_way"]
        self.under_way = Epoch(self.gather("train"), under_way["steps"], under_way["seconds"])
        for column, saved in zip(self.under_way.gather.columns(), under_way["seen"], strict=True):
            column.copy_(saved)

    def place(self) -> str:
        """Say how far the run is."""
        steps = f" and {self.under_way.steps} steps" if self.under_way.steps else ""
        return f"epoch {len(self.history.seconds)}/{self.recipe.epochs}{steps}"

    def progress(self) -> Progress:
        """Return how far the run is, with the loss, score, speed and time left by the last epoch, if there is one."""
        seconds = self.history.seconds
        progress = Progress("going", len(seconds), self.recipe.epochs)
        if not seconds:
            return progress
        last = {
            (split, metric): value
            for epoch, split, _, _, name, metric, value in self.history.scores
            if name == "all" and epoch == len(seconds) - 1
        }
        return progress._replace(
            loss=defined(last["train", "loss"]),
            dev_f1=defined(last["dev", "f1"]),
            words_per_second=self.num_words["train"] / seconds[-1],
            seconds_left=sum(seconds) / len(seconds) * (self.recipe.epochs - len(seconds)),
        )


class Gather:
    """Collects outputs on the device, copied to the host once."""

    def __init__(self, num_words: int, num_tags: int, device: torch.device) -> None:
        kind = torch.uint8 if num_tags <= NARROW_TAGS else torch.int32
        self.predicted = torch.zeros(num_words, dtype=kind, device=device)
        self.loss = torch.full((num_words,), torch.nan, device=device)
        self.margin = torch.full((num_words,), torch.nan, device=device)

    def add(self, output: Output) -> None:
        """Add the output of a micro-batch."""
        self.predicted[output.words] = output.predicted.to(self.predicted.dtype)
        self.loss[output.words] = output.losses.detach()
        self.margin[output.words] = output.margins.detach()

    def observation(self) -> Observation:
        """Return what was predicted for all words."""
        return Observation(*(column.cpu().numpy() for column in self.columns()))

    def columns(self) -> list[torch.Tensor]:
        """Return the predictions, losses and margins, (words,) each."""
        return [self.predicted, self.loss, self.margin]


def is_dev_f1(row: ScoreRow) -> bool:
    """Return whether a score is the entity F1 on dev, of all classes."""
    _, split, _, _, klass, metric, _ = row
    return (split, klass, metric) == ("dev", "all", "f1")


def optimizer_of(module: torch.nn.Module, recipe: Recipe) -> torch.optim.AdamW:
    """Return AdamW with weight decay on matrices alone: biases and LayerNorm go without (trainer.py:262-269)."""
    parameters = [parameter for parameter in module.parameters() if parameter.requires_grad]
    groups = [
        {"params": [p for p in parameters if p.ndim >= 2], "weight_decay": recipe.weight_decay},
        {"params": [p for p in parameters if p.ndim < 2], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=recipe.learning_rate, eps=1e-8, fused=True)
