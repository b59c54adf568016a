"""The tests of training on one device, for one kind of system: `python gpu_checks.py KIND FOLDER WORK DEVICE`.

It prints a line of JSON a test. FOLDER is what gpu.py carries. Each test runs in a child of this process, which spares
it the imports; so nothing here may touch the GPU before a child does.
"""

import argparse
import importlib
import json
import os
import shutil
import signal
import time
import traceback
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from settling.data.split import Split, read_split, read_treated
from settling.layout import RUN_FILES
from settling.systems import any_recipe, kind_of
from settling.training.device import set_up
from settling.training.state import Interrupted
from settling.training.train import SAVED_STATE, Run, train
from settling.validation import check

TABLES = RUN_FILES[:2]
COMMON = {"epochs": 4, "schedule": "constant"}
BATCHES = {**COMMON, "batch_size": 16}
TRANSFORMER = {"checkpoint": "minilm", "learning_rate": 1e-4}
RECIPES: dict[str, dict[str, Any]] = {
    "encoder": {**BATCHES, **TRANSFORMER, "kind": "encoder"},
    "protobert": {
        **{**COMMON, **TRANSFORMER, "kind": "protobert"},
        **{"support_minority": 5, "support_others": 20, "query_minority": 5},
    },
    "bilstm-crf": {
        **{**BATCHES, "kind": "bilstm-crf", "learning_rate": 2e-3},
        **{"layers": 2, "hidden_size": 32, "word_size": 50},
    },
    "image": {
        **{**BATCHES, "kind": "image", "learning_rate": 3e-3},
        **{"block": "basic", "depths": [1, 1], "widths": [16, 32], "image_size": 24},
    },
}
# Systems whose sentences lie packed or padded.
PACKED = ("encoder", "protobert")
# Without dropout: of losses, nats; of gradients, as a share of their norm. One rounding of float32 is 1e-7.
TOLERANCE = 1e-3


class Step(NamedTuple):
    """The first step of a training: the loss of each word in it, NaN of the others, and the gradients by parameter."""

    loss: NDArray[np.float32]
    gradients: dict[str, torch.Tensor]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kind", choices=RECIPES)
    parser.add_argument("folder", type=Path)
    parser.add_argument("work", type=Path)
    parser.add_argument("device")
    options = parser.parse_args()
    options.work.mkdir(parents=True)
    told = kind, folder, work, device = options.kind, options.folder, options.work, options.device
    # What every child needs is imported once.
    importlib.import_module(kind_of(kind).model)
    tests: dict[str, Callable[[], Any]] = {
        "a step against the CPU's": lambda: compared(*told, ("cpu", False)),
        "a run killed and resumed": lambda: killed(kind, folder, work, device),
    }
    if kind in PACKED:
        tests["packed rows against padded ones"] = lambda: compared(*told, (device, True))
    for name, test in tests.items():
        print(json.dumps({name: in_child(test, work / "answer.json")}), flush=True)


def in_child(function: Callable[[], Any], answer: Path) -> Any:
    """Call a function in a child of this process, and return what it returns, or the error that it ends with."""
    answer.unlink(missing_ok=True)
    if child := os.fork():
        _, status = os.waitpid(child, 0)
        ended = f"ended with {os.waitstatus_to_exitcode(status)}"
        return json.loads(answer.read_text()) if answer.exists() else {"passed": False, "error": ended}
    try:
        answer.write_text(json.dumps(function()))
    except BaseException as error:
        traceback.print_exc()
        answer.write_text(json.dumps({"passed": False, "error": f"{type(error).__name__}: {error}"[:500]}))
    finally:
        os._exit(0)


def inputs(kind: str, folder: Path) -> tuple[Path, dict[str, Path], Path | None]:
    """Return the treated split, the splits and the checkpoint that a kind of system trains on."""
    name, treatment = ("images", "clean") if kind == "image" else ("few", "noise-resample-20")
    data = {split: folder / "data" / name / f"{split}.parquet" for split in ("train", "dev", "test")}
    treated = folder / "treated" / name / treatment / "noise-seed0.parquet"
    return treated, data, folder / "checkpoint" if kind in PACKED else None


def compared(kind: str, folder: Path, work: Path, device: str, other: tuple[str, bool]) -> dict[str, Any]:
    """Return how far a step's losses and gradients are from those of another device, or of padded rows."""
    treated, data, checkpoint = inputs(kind, folder)
    splits = {name: read_split(data[name]) for name in ("dev", "test")}
    splits = {"train": read_treated(treated, data["train"]), **splits}
    if checkpoint:
        checkpoint = without_dropout(checkpoint, work / "without-dropout")
    one, two = (step(kind, splits, checkpoint, *place) for place in ((device, False), other))
    assert np.isfinite(one.loss).any()
    loss = float(np.nanmax(np.abs(one.loss - two.loss)))
    norm = float(sum(gradient.square().sum() for gradient in two.gradients.values()) ** 0.5)
    apart = {name: float((one.gradients[name] - gradient).norm()) / norm for name, gradient in two.gradients.items()}
    whole = float(sum(share**2 for share in apart.values()) ** 0.5)
    same_words = bool((np.isnan(one.loss) == np.isnan(two.loss)).all())
    return {
        "passed": same_words and loss < TOLERANCE and whole < TOLERANCE,
        "loss": loss,
        "gradient": whole,
        "most": max(apart, key=lambda name: apart[name]),
        "words": int(np.isfinite(one.loss).sum()),
    }


def step(kind: str, splits: dict[str, Split], checkpoint: Path | None, device: str, padded: bool) -> Step:
    """Take the first step of a training but for the update, without dropout and all other chance."""
    recipe = check(any_recipe(), {**RECIPES[kind], "dropout": 0.0} if kind == "bilstm-crf" else RECIPES[kind], "recipe")
    place = set_up(device, threads=1)
    torch.manual_seed(0)
    system = importlib.import_module(kind_of(kind).model).System(recipe, checkpoint, splits, place)
    for name, buffer in system.module.named_buffers():
        # Words that training has once are hidden at random.
        if name == "rare":
            buffer.zero_()
    if padded:
        system.prepared = {name: replace(one, first_position=None) for name, one in system.prepared.items()}
    system.module.train()
    loss = np.full(len(splits["train"].true_label), np.nan, dtype=np.float32)
    batch = next(iter(system.batches(0, 0)))
    num_words = sum(len(micro_batch.words) for micro_batch in batch)
    for micro_batch in batch:
        output = system.output(micro_batch)
        (output.objective / num_words).backward()
        loss[output.words.cpu().numpy()] = output.losses.detach().cpu().numpy()
    gradients = {
        name: parameter.grad.double().cpu()
        for name, parameter in system.module.named_parameters()
        if parameter.grad is not None
    }
    return Step(loss, gradients)


def without_dropout(checkpoint: Path, folder: Path) -> Path:
    """Return a copy of a checkpoint, in `folder`, whose configuration asks for no dropout."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for path in checkpoint.iterdir():
        (folder / path.name).symlink_to(path.resolve())
    config = json.loads((checkpoint / "config.json").read_text())
    (folder / "config.json").unlink()
    none = {name: 0.0 for name, value in config.items() if "dropout" in name and isinstance(value, float | int)}
    (folder / "config.json").write_text(json.dumps({**config, **none}))
    return folder


def killed(kind: str, folder: Path, work: Path, device: str) -> dict[str, Any]:
    """Kill a run after an epoch, stop it by SIGTERM within a later one; return whether it ends with the same bytes."""
    treated, data, checkpoint = inputs(kind, folder)

    def begin(run: Run) -> int:
        if child := os.fork():
            return child
        status = 1
        try:
            train(RECIPES[kind], data, checkpoint, [run], device)
            status = 0
        except Interrupted:
            pass
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(status)

    def run_called(name: str) -> Run:
        return Run(0, treated, work / name, work / f"{name}.state", work / f"{name}.log")

    whole, run = run_called("undisturbed"), run_called("killed")
    if os.waitpid(begin(whole), 0)[1]:
        return {"passed": False, "error": said(whole)[-1]}
    an_epoch = json.loads((whole.output / RUN_FILES[2]).read_text())["seconds_per_epoch"][-1]
    kills, told = 0, []
    for number, epochs, later in ((signal.SIGKILL, 1, 0), (signal.SIGTERM, 2, an_epoch / 4)):
        child = begin(run)
        while not (over := os.waitpid(child, os.WNOHANG)[0]) and epochs_done(run) < epochs:
            time.sleep(0.002)
        if not over:
            time.sleep(later)
            os.kill(child, number)
            os.waitpid(child, 0)
            kills += 1
        told += said(run)
    status = os.waitpid(begin(run), 0)[1]
    told = [line for line in (*told, *said(run)) if line.startswith(("going on", "interrupted"))]
    if status:
        return {"passed": False, "told": told, "error": said(run)[-1]}
    same = {name: (whole.output / name).read_bytes() == (run.output / name).read_bytes() for name in TABLES}
    # Both kills must have come before the run was done: it goes on twice, and says once that it was interrupted.
    passed = all(same.values()) and kills == 2 and len(told) == 3
    return {"passed": passed, "same": same, "told": told, "seconds an epoch": an_epoch}


def epochs_done(run: Run) -> int:
    """Return how many epochs a run has done and saved."""
    progress = run.state / "progress.json"
    if not (run.state / SAVED_STATE).exists() or not progress.exists():
        return 0
    return json.loads(progress.read_text())["epoch"] or 0


def said(run: Run) -> list[str]:
    """Return what the last start of a run said."""
    assert run.log
    lines = run.log.read_text().splitlines() if run.log.exists() else []
    return lines or ["it said nothing"]


main()
