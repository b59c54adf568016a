"""What benchmarks/gpu.py carries to a machine without network, and what it brings back: folders in parts of some MB.

A folder is one tar, cut into files that a transfer takes. `parts.json` beside them has the SHA-256 of each; a folder is
unpacked only if all its parts are there with these hashes. On the machine nothing but Python is sure to be there, so
only `prepare` imports the project.
"""

import json
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
PARTS = "parts.json"
CARRIED, CARRIED_BYTES = "carried", 55_000_000
PLAN, CONFIGURATION = "plan.json", "study.json"

# What training needs and a machine with torch and transformers may lack, by the names in requirements.lock, and what
# the Trainer of Hugging Face needs.
PACKAGES = (
    *("annotated-types", "filelock", "pydantic", "pydantic_core", "pytorch-crf", "seqeval"),
    *("typing-inspection", "typing_extensions", "accelerate"),
)
UNLOCKED = {"accelerate": "1.15.0"}
PYTHONS = ("3.11", "3.12", "3.13")

# The noise grid: CoNLL-2003 whole but for dev and test, by rate of noise and seed, those most wanted first.
SUBSET = {"dev": 1000, "test": 1000}
LEVELS, MOST_WANTED = (0, 10, 20, 30, 40, 50), (20, 0)
SEEDS, MORE_SEEDS = [0, 1, 2], [3, 4]
SYSTEM = {"kind": "encoder", "checkpoint": "minilm", "epochs": 8, "batch_size": 32}
SYSTEM |= {"learning_rate": 1e-4, "schedule": "constant"}
# What the tests of training, and a try of the whole on a CPU, train on; of images too.
FEW = {"train": 128, "dev": 32, "test": 16}


def study_values(values: dict[str, Any]) -> dict[str, Any]:
    """Return the configuration of the grid, of the data sets and the checkpoint that another configuration names."""
    conll = values["datasets"]["conll2003"]
    in_all = {"datasets": ["conll2003"], "systems": ["minilm"]}
    return {
        "study": "gpu",
        "datasets": {
            "conll2003": {**conll, "subset": SUBSET},
            "few": {**conll, "subset": FEW},
            "images": {**values["datasets"]["digits"], "subset": FEW},
        },
        "checkpoints": {"minilm": values["checkpoints"]["minilm"]},
        "systems": {"minilm": SYSTEM},
        "treatments": {
            "noise": {"kind": "resample", "levels": [*LEVELS]},
            "twenty": {"kind": "resample", "levels": [20]},
        },
        "noise_seeds": "same-as-seed",
        "experiments": {
            "noise": {**in_all, "treatments": ["noise"], "seeds": SEEDS},
            "more": {**in_all, "treatments": ["twenty"], "seeds": MORE_SEEDS},
        },
    }


def prepare(folder: Path, config: Path, packages: Sequence[str]) -> None:
    """Make the folder that is carried, of the data sets `conll2003` and `digits` and the checkpoint `minilm` of config.

    They are had as a study has them: a path in `config` is relative to where this is started. `packages` are those that
    the machine lacks.
    """
    from pyarrow.parquet import read_metadata

    from settling import study as plan
    from settling.config import load
    from settling.data.checkpoints import download_checkpoint
    from settling.data.dataset import download_dataset
    from settling.data.tokens import tokenise
    from settling.documents import read_yaml
    from settling.layout import DATASET, TOKENS, Run
    from settling.treatments.treat import treat

    study = load(study_values(read_yaml(config)), str(config))
    named = plan.treatments(study)
    grid = sorted(plan.runs(study), key=lambda run: importance(named[run.treatment].get("percent", 0), run.seed))
    few = [Run("few", "noise-resample-20", 0, "minilm", 0), Run("few", "clean", 0, "minilm", 0)]
    with tempfile.TemporaryDirectory() as name:
        made = Path(name)
        checkpoint = made / "checkpoint"
        download_checkpoint(plan.checkpoint_spec(study, "minilm"), checkpoint)
        for dataset in study.datasets:
            data = made / DATASET.format(dataset=dataset)
            download_dataset(plan.dataset_spec(study, dataset), data)
            if study.datasets[dataset].task == "ner":
                tokenise(data, checkpoint, made / TOKENS.format(dataset=dataset, checkpoint="minilm"))
        for run in (*grid, *few, Run("images", "clean", 0, "", 0)):
            if not (made / run.treated).exists():
                spec = plan.treatment_spec(named[run.treatment], run.noise_seed)
                treat(spec, made / DATASET.format(dataset=run.dataset) / "train.parquet", made / run.treated)
        told = {
            "spec": plan.training_spec(study, "minilm"),
            "words": read_metadata(made / grid[0].treated).num_rows,
            **{
                what: [
                    {"name": run.name, "dataset": run.dataset, "seed": run.seed, "treated": str(run.treated)}
                    for run in runs
                ]
                for what, runs in (("grid", grid), ("few", few))
            },
        }
        (made / PLAN).write_text(json.dumps(told, indent=1))
        (made / CONFIGURATION).write_text(json.dumps(plan.study_spec(study), indent=1))
        download_wheels(packages, made / "wheels")
        shutil.rmtree(folder, ignore_errors=True)
        put(made, folder, CARRIED, CARRIED_BYTES)


def importance(level: int, seed: int) -> tuple[bool, int, int]:
    """Return where a run of the grid stands in the order in which runs are trained."""
    wanted = level in MOST_WANTED
    return not wanted, seed, MOST_WANTED.index(level) if wanted else level


def download_wheels(packages: Sequence[str], folder: Path) -> None:
    """Download a wheel of each package, of one that is compiled a wheel for each of PYTHONS; pip builds what has none.

    Raises KeyError for a package that neither requirements.lock nor UNLOCKED names.
    """
    lines = (ROOT / "requirements.lock").read_text().splitlines()
    versions = {**dict(line.split("==") for line in lines if "==" in line), **UNLOCKED}
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    ready = ["download", "--no-deps", "--only-binary=:all:", "--implementation", "cp", "--dest", str(folder)]
    ready += [f"--platform=manylinux_2_{glibc}_x86_64" for glibc in (17, 28)]
    for package in packages:
        name = f"{package}=={versions[package]}"
        for python in PYTHONS:
            if subprocess.run([*pip, *ready, "--python-version", python, name], capture_output=True).returncode:
                subprocess.run([*pip, "wheel", "--no-deps", "--wheel-dir", str(folder), name], check=True)
                break


def unpack_wheels(wheels: Path, site: Path) -> None:
    """Unpack the wheels that this Python can import to `site`; such wheels are zips of what is imported."""
    version = f"-cp{sys.version_info.major}{sys.version_info.minor}-"
    for wheel in sorted(wheels.glob("*.whl")):
        if wheel.name.endswith("-none-any.whl") or version in wheel.name:
            with zipfile.ZipFile(wheel) as archive:
                archive.extractall(site)


def put(source: Path, folder: Path, name: str, part_bytes: int) -> None:
    """Add a folder to those that lie in parts in `folder`, as `name`."""
    folder.mkdir(parents=True, exist_ok=True)
    index = folder / PARTS
    parts = json.loads(index.read_text()) if index.exists() else {}
    parts[name] = {}
    with tempfile.TemporaryFile() as whole:
        with tarfile.open(fileobj=whole, mode="w") as archive:
            archive.add(source, ".")
        whole.seek(0)
        while content := whole.read(part_bytes):
            part = f"{name}.{len(parts[name]):02d}"
            (folder / part).write_bytes(content)
            parts[name][part] = sha256(content).hexdigest()
    index.write_text(json.dumps(parts, indent=1) + "\n")


def take(folder: Path, name: str, target: Path) -> None:
    """Unpack to `target` what `put` put in `folder` as `name`.

    Raises ValueError where a part is not there, or not as it was written; nothing is unpacked then.
    """
    parts = json.loads((folder / PARTS).read_text())[name]
    with tempfile.TemporaryFile() as whole:
        for part, expected in parts.items():
            if not (folder / part).exists():
                raise ValueError(f"{folder}: no part {part}; {name} has the parts {', '.join(parts)}")
            content = (folder / part).read_bytes()
            if sha256(content).hexdigest() != expected:
                raise ValueError(f"{folder / part}: damaged; its SHA-256 is not that in {PARTS}")
            whole.write(content)
        whole.seek(0)
        with tarfile.open(fileobj=whole) as archive:
            archive.extractall(target, filter="data")
