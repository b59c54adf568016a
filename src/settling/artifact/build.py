"""Build an artifact from a finished study."""

import hashlib
import hmac
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

import settling
from settling import study as plan
from settling.artifact.archive import write
from settling.artifact.contents import datasets_of, names_of, withheld
from settling.artifact.crate import METADATA, describe
from settling.config import Study, load
from settling.errors import BadInput
from settling.figures import FIGURES
from settling.figures.plot import specification, vector
from settling.figures.skipped import skipped
from settling.files import as_json, commit, metadata_of, read_json, read_table, scratch, write_table
from settling.validation import read_yaml

README = """# Artifact of the study {study}

Made by settling. `settling verify` checks it; `snakemake --config artifact=FILE` in a clone of settling draws it,
without data or a model. docs/artifact.md there says what each file is. Words of data sets that may not be passed on
are given by their sentence, their position and a hash.
"""


def build(
    spec: dict[str, Any],
    results: Path,
    claims: Path,
    lock: Path,
    snakefile: Path,
    output: Path,
    text_is_withheld: bool = False,
) -> None:
    """Write the artifact of the study in the folder `results` to the zip `output`.

    `spec` is the configuration as `settling.study.study_spec` gives it, `claims` the file of claims, `lock` has the
    versions of the environment. `text_is_withheld` says that the quotes are of artifacts, so that there is no text to
    withhold any more. The same files give the same bytes. Raises BadInput for a missing file.
    """
    study = load(spec)
    files: dict[str, Path | bytes] = {name: results / name for name in names_of(study)}
    files |= {
        "requirements.lock": lock,
        "Snakefile": snakefile,
        "config.json": as_json(json.loads(plan.study_spec(study))).encode(),
    }
    files["README.md"] = README.format(study=study.study).encode()
    files["claims.json"] = as_json(read_yaml(claims)).encode()
    if missing := [str(path) for path in files.values() if isinstance(path, Path) and not path.exists()]:
        raise BadInput(f"{missing[0]}: no such file; the artifact is of a finished study")
    with scratch(output) as room:
        hidden = [] if text_is_withheld else withheld(study)
        files |= without_text(study, results, room, hidden)
        about = {
            "study": study.study,
            "version": settling.__version__,
            "commit": commit(),
            "text_withheld": withheld(study),
        }
        cards = {dataset: read_json(results / "data" / dataset / "card.json") for dataset in datasets_of(study)}
        runs = [read_json(results / run.card) for run in plan.runs(study)]
        files[METADATA] = as_json(describe(study.study, files, cards, runs)).encode()
        write(output, files, about)


def without_text(study: Study, results: Path, room: Path, hidden: list[str]) -> dict[str, Path | bytes]:
    """Return the quotes, and the figures that show some, without the text of the data sets `hidden`, by name."""
    quotes = read_table(results / "tables" / "quotes.parquet", "quotes")
    for name in plan.TABLES:
        (room / f"{name}.parquet").symlink_to((results / "tables" / f"{name}.parquet").resolve())
    keys = {name: key_of(results / "data" / name / "train.parquet") for name in datasets_of(study) if name in hidden}
    hide(quotes, keys, room / "quotes.parquet")
    found: dict[str, Path | bytes] = {"tables/quotes.parquet": (room / "quotes.parquet").read_bytes()}
    for figure in FIGURES.keys() - skipped(study):
        if "quotes" in FIGURES[figure].tables:
            text = specification(figure, room)
            found[f"figures/{figure}.json"] = f"{text}\n".encode()
            if not FIGURES[figure].is_table:
                found[f"figures/{figure}.svg"] = vector(text).encode()
    return found


def hide(quotes: pa.Table, keys: Mapping[str, bytes], output: Path) -> None:
    """Write a table of quotes to `output`, words as hashes without their sentences where a data set has a key."""
    datasets = quotes["dataset"].cast(pa.string())
    hidden = pc.is_in(datasets, pa.array(sorted(keys), pa.string()))
    nothing = pa.array([""] * len(quotes))
    words = zip(quotes["token"].to_pylist(), datasets.to_pylist(), strict=True)
    hashes = pa.array([hash_of(word, keys[name]) if name in keys else None for word, name in words], pa.string())
    columns = {name: quotes[name] for name in quotes.column_names}
    columns |= {name: pc.if_else(hidden, nothing, quotes[name]) for name in ("before", "after")}
    columns["token"] = pc.if_else(hidden, hashes, quotes["token"])
    write_table(output, "quotes", columns, metadata_of(quotes.schema))


def key_of(train: Path) -> bytes:
    """Return the key to hash a data set's words with: its text, so that without it no word can be guessed and tried."""
    return hashlib.sha256("\0".join(read_table(train, "data")["token"].to_pylist()).encode()).digest()


def hash_of(token: str, key: bytes) -> str:
    """Return what stands for a word that may not be shown: two of a data set that are alike have the same."""
    return f"#{hmac.digest(key, token.encode(), 'sha256').hex()[:12]}"
