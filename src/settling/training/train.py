"""The train stage: one run, from a treated split and a checkpoint to its dynamics and scores."""

import importlib
import os
import platform
from pathlib import Path
from typing import Any

import torch

from settling.canonical import digest, seed_of
from settling.config import AnySystem
from settling.errors import BadInput, choices
from settling.files import provenance, read_json, sha256, write_json
from settling.fingerprint import fingerprint
from settling.systems import KINDS
from settling.training import state
from settling.training.loop import Trainer, say
from settling.training.records import write_dynamics, write_scores
from settling.training.split import read_split
from settling.validation import check


def train(
    spec: dict[str, Any],
    treated: Path,
    dev: Path,
    test: Path,
    checkpoint: Path | None,
    output: Path,
    state_file: Path,
    device: str = "auto",
    threads: int = 1,
    images: Path | None = None,
) -> None:
    """Train the run that `spec` describes (a system's recipe and a seed) and write it to the folder `output`.

    Writes dynamics.parquet, scores.parquet and, last, run.json. After each epoch the state goes to `state_file`; a
    later call with the same spec, data, checkpoint and code goes on from there to the same bytes, and does nothing
    where the outputs of that very run are already there. For a data set of images, `images` is its train.parquet.

    Raises BadInput for a spec, file or checkpoint that cannot be used, and where the loss diverges.
    """
    seed = spec.get("seed")
    if not isinstance(seed, int):
        raise BadInput(f"spec: seed: found {seed!r}, expected an integer")
    recipe = check(AnySystem, {key: value for key, value in spec.items() if key != "seed"}, "spec")
    if (checkpoint is None) != (recipe.checkpoint is None):
        found, expected = ("none", f"that of {recipe.checkpoint}") if recipe.checkpoint else (checkpoint, "none")
        raise BadInput(f"--checkpoint: found {found}; the spec expects {expected}")
    if checkpoint and not checkpoint.is_dir():
        raise BadInput(f"{checkpoint}: no such checkpoint folder")
    code = fingerprint("settling.training.train", KINDS[recipe.kind])
    inputs = {"treated": treated, "dev": dev, "test": test, **({"images": images} if images else {})}
    made = provenance("train", spec, inputs, code=code)
    made["inputs"]["checkpoint"] = checkpoint_hash(checkpoint) if checkpoint else None
    # The recipe in full: a state saved under another default is another run's.
    identity = digest(recipe.model_dump(mode="json"), seed, made["inputs"], code)
    outputs = {name: output / f"{name}.parquet" for name in ("dynamics", "scores")}
    if is_done(output / "run.json", identity, outputs):
        say(f"{output}: already done")
        return

    place = set_up(device, threads)
    splits = {
        "train": read_split(treated, "treated", images),
        "dev": read_split(dev, "data"),
        "test": read_split(test, "data"),
    }
    tags = splits["train"].tags
    for name, path in (("dev", dev), ("test", test)):
        if splits[name].tags != tags:
            found, expected = (", ".join(splits[part].tags) for part in (name, "train"))
            raise BadInput(f"{path}: its tags are {found}; expected those of {treated}: {expected}")
        if (splits[name].images is None) != (recipe.kind != "image"):
            expected, found = ("images", "words") if recipe.kind == "image" else ("words", "images")
            raise BadInput(f"{path}: found a data set of {found}; a system of kind {recipe.kind} takes {expected}")
    if recipe.kind == "image" and not images:
        raise BadInput(f"{treated}: no images; give --images, the train.parquet that it was made from")
    torch.manual_seed(seed_of("weights", seed))
    system = importlib.import_module(KINDS[recipe.kind]).System(recipe, checkpoint, splits, place)
    trainer = Trainer(recipe, seed, system, splits)
    saved = state.load(state_file, identity, place)
    if saved:
        trainer.restore(saved)
        say(f"going on after epoch {len(trainer.history.seconds)}/{recipe.epochs}")
    say(f"{output}: {splits['train'].num_sentences} sentences, {len(splits['train'].label)} words, on {place}")
    for epoch in trainer.epochs():
        if epoch + 1 < recipe.epochs:
            state.save(state_file, identity, trainer.state())
        say(trainer.progress())

    write_dynamics(outputs["dynamics"], trainer.history.views, tags, recipe.record_margin, made)
    write_scores(outputs["scores"], trainer.history.scores, {**made, "steps": system.total_steps})
    write_json(
        output / "run.json",
        {
            "identity": identity,
            "made": made,
            "outputs": {name: sha256(path) for name, path in outputs.items()},
            "parameters": sum(parameter.numel() for parameter in system.module.parameters()),
            "machine": machine(place, threads),
            "seconds_per_epoch": trainer.history.seconds,
        },
    )
    state_file.unlink(missing_ok=True)


def checkpoint_hash(folder: Path) -> str:
    """Return one hash of a checkpoint's files; its card, which says when and how they came, is not of them."""
    files = [path for path in sorted(folder.glob("[!.]*")) if path.is_file() and path.name != "card.json"]
    return digest({path.name: sha256(path) for path in files})


def is_done(run: Path, identity: str, outputs: dict[str, Path]) -> bool:
    """Return whether the outputs on disk are those of the run called `identity`."""
    if not run.exists() or not all(path.exists() for path in outputs.values()):
        return False
    card = read_json(run)
    hashes = {name: sha256(path) for name, path in outputs.items()}
    return bool(card.get("identity") == identity and card.get("outputs") == hashes)


def set_up(device: str, threads: int) -> torch.device:
    """Choose the device (`auto`: CUDA, then MPS, then CPU) and make torch repeatable on it."""
    available = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if device == "auto":
        device = next(name for name, there in available.items() if there)
    elif not available.get(device.split(":")[0], False):
        usable = [name for name, there in available.items() if there]
        raise BadInput(f"--device: {device!r} is not available here; {choices(device, ['auto', *usable])}")
    torch.set_num_threads(threads)
    # cuBLAS is repeatable only with a fixed workspace, and reads this when it starts.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.use_deterministic_algorithms(True, warn_only=True)
    # No kernel here reads memory that it has not written, so none needs filling first.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    return torch.device(device)


def machine(device: torch.device, threads: int) -> dict[str, Any]:
    """Return what the run ran on, as bytes are promised only on one kind of machine."""
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else platform.processor()
    return {
        "device": str(device),
        "name": name or platform.machine(),
        "threads": threads,
        "system": platform.platform(),
        "python": platform.python_version(),
        "torch": torch.__version__,
    }
