"""The train stage: runs of one system on one data set, from treated splits to dynamics and scores."""

import contextlib
import importlib
import os
import shutil
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import torch

from settling.canonical import digest, seed_of
from settling.data.split import Split, read_split, read_treated
from settling.data.tasks import task_of
from settling.errors import BadInput
from settling.files import read_json, replacing, write_json, write_text
from settling.fingerprint import fingerprint
from settling.layout import RUN_FILES
from settling.provenance import checkpoint_hash, provenance, sha256
from settling.schemas import SPLITS
from settling.systems import any_recipe, kind_of
from settling.tables import metadata_of, read_table
from settling.training import state
from settling.training.device import give_memory_back, machine, peak_memory, set_up, unseen
from settling.training.loop import Diverged, Trainer
from settling.training.progress import FILE as PROGRESS
from settling.training.progress import Progress, say, write_progress
from settling.training.recipe import Recipe
from settling.training.records import write_dynamics, write_scores
from settling.training.state import Interrupted, stoppable
from settling.validation import check

*TABLES, RECORD = RUN_FILES
# The file in a run's state folder that it goes on from.
SAVED_STATE = "state.pt"


class Run(NamedTuple):
    """One run of a job: its `seed`, its `treated` training split and where its files go.

    `state` is a folder for what the run needs to go on from, and for what it wrote, which stays there as hard links.
    """

    seed: int
    treated: Path
    output: Path
    state: Path
    log: Path | None = None


def train(
    spec: dict[str, Any],
    data: Mapping[str, Path],
    checkpoint: Path | None,
    runs: Sequence[Run],
    device: str = "auto",
    threads: int = 1,
    tokens: Path | None = None,
) -> None:
    """Train `runs` of the system's recipe `spec`, one after the other, and write each to its folder `output`.

    Each leaves dynamics.parquet, scores.parquet and run.json. Its state is saved after each epoch, and at once where
    SIGTERM or SIGINT comes; a later call with the same spec, data, checkpoint and code goes on from there to the same
    bytes, and does nothing where the outputs of that very run are already there. A run that fails leaves the others be;
    outputs appear when all are done, as a workflow deletes those of a failed job. `data` are the data set's train, dev
    and test.parquet by split; `tokens`, where there is such a file, spares tokenising the words again.

    Raises BadInput for a spec, file or checkpoint that cannot be used, and where a run failed; Interrupted where a
    signal came.
    """
    with stoppable() as stop, contextlib.ExitStack() as claims:
        try:
            job = Job(spec, data, checkpoint, device, threads, tokens, stop)
        except BadInput as error:
            # Where each run would say why it failed.
            for run in runs:
                write_progress(run.state, Progress("failed", reason=str(error)))
                if run.log:
                    write_text(run.log, "".join(f"settling: {line}\n" for line in str(error).splitlines()))
            raise
        failed = [reason for run in runs if (reason := attempt(job, run, claims))]
        if failed:
            raise BadInput("\n".join(failed))
        for run in runs:
            hand_over(run, job.identities[run])


def hand_over(run: Run, identity: str) -> None:
    """Put what the finished run called `identity` wrote in its place; killed at any moment, it can be done again.

    It stays in the state folder too, by hard links, which take no space: a workflow deletes outputs before it runs a
    job again, and what is done need not be trained again then. A disk without hard links keeps the outputs alone.
    """
    if (run.state / RECORD).exists() and not is_done(run.state, identity):
        raise BadInput(f"{run.state}: holds what another run or process wrote; expected the outputs of this run")
    linked = True
    # The card that says which run it is comes last.
    for name in RUN_FILES if (run.state / RECORD).exists() else ():
        with replacing(run.output / name) as part:
            part.unlink(missing_ok=True)
            try:
                os.link(run.state / name, part)
            except OSError:
                linked = False
                shutil.copyfile(run.state / name, part)
    (run.state / SAVED_STATE).unlink(missing_ok=True)
    if not linked:
        shutil.rmtree(run.state)


def attempt(job: "Job", run: Run, claims: contextlib.ExitStack) -> str | None:
    """Train a run, with its lines in its log; return why it failed, if it did.

    `claims` takes the lock that keeps other processes from training it.
    """
    job.progress = None
    with contextlib.ExitStack() as stack:
        if run.log:
            run.log.parent.mkdir(parents=True, exist_ok=True)
            stack.enter_context(contextlib.redirect_stderr(stack.enter_context(run.log.open("w", encoding="utf-8"))))
        try:
            claims.enter_context(state.claimed(run.state, job.stop))
            job.train(run)
        except Interrupted:
            raise
        except BadInput as error:
            reason = str(error)
        except OSError as error:
            reason = f"{error.filename or run.output}: {error.strerror or error}"
        except Exception as error:
            # Whatever it is, the other runs of the job may do without.
            traceback.print_exc()
            reason = f"{run.output}: {type(error).__name__}: {(str(error).splitlines() or ['without a word'])[0]}"
        else:
            return None
        if run.log:
            say(f"settling: {reason}")
        # Of a run that another process trains, that one tells the progress.
        if job.progress:
            write_progress(run.state, job.progress._replace(state="failed", reason=reason))
    return reason


class Job:
    """What the runs of one job share: the recipe, the checkpoint, the dev and test splits, the device.

    `progress` is how far the run is that it trains.

    Raises BadInput for a spec, file or checkpoint that cannot be used.
    """

    def __init__(
        self,
        spec: dict[str, Any],
        data: Mapping[str, Path],
        checkpoint: Path | None,
        device: str,
        threads: int,
        tokens: Path | None,
        stop: Callable[[], bool],
    ) -> None:
        self.recipe: Recipe = check(any_recipe(), spec, "spec")
        self.progress: Progress | None = None
        if (checkpoint is None) != (self.recipe.checkpoint is None):
            found, expected = (
                ("none", f"that of {self.recipe.checkpoint}") if self.recipe.checkpoint else (checkpoint, "none")
            )
            raise BadInput(f"--checkpoint: found {found}; the spec expects {expected}")
        if checkpoint and not checkpoint.is_dir():
            raise BadInput(f"{checkpoint}: no such checkpoint folder")
        self.spec, self.checkpoint, self.threads = spec, checkpoint, threads
        self.tokens, self.stop = tokens, stop
        self.identities: dict[Run, str] = {}
        self.kind = kind_of(self.recipe.kind)
        self.code = fingerprint("settling.training.train", self.kind.model)
        self.hash = checkpoint_hash(checkpoint) if checkpoint else None
        if tokens and metadata_of(read_table(tokens, "tokens").schema)["inputs"]["checkpoint"] != self.hash:
            raise BadInput(f"{tokens}: not made by the tokenizer of {checkpoint} (the hashes differ)")
        self.paths = {name: data[name] for name in SPLITS}
        self.splits = {name: read_split(data[name], tokens) for name in ("dev", "test")}
        for name, split in self.splits.items():
            if (examples := task_of(split.task).examples) != self.kind.examples:
                expected = f"a system of kind {self.recipe.kind} takes {self.kind.examples}"
                raise BadInput(f"{data[name]}: found a data set of {examples}; {expected}")
        self.place = set_up(device, threads)

    def train(self, run: Run) -> None:
        """Train one run and write it to its state folder.

        Raises BadInput where it cannot be trained, or diverges, Interrupted where it is to stop.
        """
        self.progress = Progress("going", 0, self.recipe.epochs)
        inputs = {"treated": run.treated, **self.paths}
        made = provenance("train", {**self.spec, "seed": run.seed}, inputs, code=self.code)
        made["inputs"]["checkpoint"] = self.hash
        # The recipe in full: a state saved under another default is another run's.
        identity = digest(
            self.recipe.model_dump(mode="json", exclude={"resources"}), run.seed, made["inputs"], self.code
        )
        self.identities[run] = identity
        here = is_done(run.state, identity)
        if here or is_done(run.output, identity):
            if not here:
                # What is in it is of other parameters, data or code.
                shutil.rmtree(run.state, ignore_errors=True)
            (run.state / PROGRESS).unlink(missing_ok=True)
            say(f"{run.output}: already done")
            return
        write_progress(run.state, self.progress)
        splits = {"train": self.training_split(run), **self.splits}
        torch.manual_seed(seed_of("weights", run.seed))
        # transformers would take 40 MB for it, for the losses of models that find objects in images.
        with unseen("scipy"):
            model = importlib.import_module(self.kind.model)
        system = model.System(self.recipe, self.checkpoint, splits, self.place)
        # The system has read the words, and what is left to do needs the labels alone.
        splits["train"] = replace(splits["train"], tokens=[], pieces=None, images=None)
        trainer = Trainer(self.recipe, run.seed, system, splits, self.stop)
        give_memory_back()
        state_file = run.state / SAVED_STATE
        saved = state.load(state_file, identity, self.place)
        if saved:
            trainer.restore(saved)
            say(f"going on after {trainer.place()}")
            self.progress = trainer.progress()
            write_progress(run.state, self.progress)
        size = f"{splits['train'].num_sentences} sentences, {len(splits['train'].true_label)} words"
        say(f"{run.output}: {size}, on {self.place}")
        try:
            for epoch in trainer.epochs():
                if epoch + 1 < self.recipe.epochs:
                    state.save(state_file, identity, trainer.state())
                self.progress = trainer.progress()
                write_progress(run.state, self.progress)
                say(self.progress.line())
        except Interrupted:
            state.save(state_file, identity, trainer.state())
            write_progress(run.state, self.progress._replace(state="interrupted"))
            say(f"interrupted after {trainer.place()}; the state is saved")
            raise
        except Diverged as error:
            raise BadInput(f"{run.output}: {error}") from None

        tags = splits["train"].tags
        write_dynamics(run.state / TABLES[0], trainer.history.views, tags, made)
        write_scores(run.state / TABLES[1], trainer.history.scores, {**made, "steps": system.total_steps})
        write_json(
            run.state / RECORD,
            {
                "identity": identity,
                "made": made,
                "outputs": {name: sha256(run.state / name) for name in TABLES},
                "parameters": sum(parameter.numel() for parameter in system.module.parameters()),
                "machine": machine(self.place, self.threads),
                "peak_memory_mb": peak_memory(self.place),
                "seconds_per_epoch": trainer.history.seconds,
                "ended": datetime.now(UTC).isoformat(timespec="seconds"),
            },
        )
        (run.state / PROGRESS).unlink(missing_ok=True)

    def training_split(self, run: Run) -> Split:
        """Read a run's treated split; raise BadInput where the other splits do not belong to it."""
        split = read_treated(run.treated, self.paths["train"], self.tokens)
        for name, other in self.splits.items():
            if other.tags != split.tags:
                found, expected = (", ".join(tags) for tags in (other.tags, split.tags))
                raise BadInput(f"{self.paths[name]}: its tags are {found}; expected those of {run.treated}: {expected}")
        return split


def is_done(folder: Path, identity: str) -> bool:
    """Return whether the folder holds the outputs of the run called `identity`."""
    if not all((folder / name).exists() for name in RUN_FILES):
        return False
    try:
        record = read_json(folder / RECORD)
        hashes = {name: sha256(folder / name) for name in TABLES}
        return bool(record["identity"] == identity and record["outputs"] == hashes)
    except (BadInput, OSError, LookupError, TypeError):
        # Damaged, or not a record: it is trained again.
        return False
