"""Build an artifact from a finished study."""

import hashlib
import hmac
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

import settling
from settling import layout
from settling import study as plan
from settling.artifact.archive import write
from settling.artifact.contents import datasets_of, names_of, withheld
from settling.artifact.crate import describe
from settling.config import Study, load
from settling.documents import read_yaml
from settling.errors import BadInput
from settling.figures import FIGURES
from settling.figures.plot import specification, vector
from settling.figures.skipped import skipped
from settling.files import as_json, read_json, scratch
from settling.provenance import commit
from settling.tables import metadata_of, read_table, write_table

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
    versions of the environment. `text_is_withheld` says that the quotes come from artifacts, which hold no text to
    withhold. The same files give the same bytes. Raises BadInput for a missing file.
    """
    study = load(spec)
    files: dict[str, Path | bytes] = {name: results / name for name in names_of(study)}
    files |= {
        layout.LOCK: lock,
        layout.SNAKEFILE: snakefile,
        layout.CONFIGURATION: as_json(plan.study_spec(study)).encode(),
        layout.README: README.format(study=study.study).encode(),
        layout.CLAIMS: as_json(read_yaml(claims)).encode(),
    }
    if missing := [str(path) for path in files.values() if isinstance(path, Path) and not path.exists()]:
        raise BadInput(f"{missing[0]}: no such file; the artifact is of a finished study")
    with scratch(output) as folder:
        hidden = [] if text_is_withheld else withheld(study)
        files |= without_text(study, results, folder, hidden)
        about = {
            "study": study.study,
            "version": settling.__version__,
            "commit": commit(),
            "text_withheld": withheld(study),
        }
        cards = {name: read_json(results / layout.DATASET_CARD.format(dataset=name)) for name in datasets_of(study)}
        runs = [read_json(results / run.record) for run in plan.runs(study)]
        files[layout.CRATE] = as_json(describe(study.study, files, cards, runs)).encode()
        write(output, files, about)


def without_text(study: Study, results: Path, scratch: Path, hidden: list[str]) -> dict[str, Path | bytes]:
    """Return the quotes, and the figures that show quotes, by name, without the text of the data sets `hidden`.

    The folder `scratch` is written to.
    """
    tables = scratch / layout.TABLES_FOLDER
    tables.mkdir()
    for name in layout.TABLES:
        file = layout.TABLE.format(table=name)
        (scratch / file).symlink_to((results / file).resolve())
    trains = {name: results / layout.TRAIN.format(dataset=name) for name in datasets_of(study) if name in hidden}
    keys = {name: key_of(train) for name, train in trains.items()}
    hide(read_table(results / layout.QUOTES, "quotes"), keys, scratch / layout.QUOTES)
    files: dict[str, Path | bytes] = {layout.QUOTES: (scratch / layout.QUOTES).read_bytes()}
    for figure in FIGURES.keys() - skipped(study):
        if "quotes" in FIGURES[figure].tables:
            text = specification(figure, tables)
            files[layout.FIGURE_SPECIFICATION.format(figure=figure)] = f"{text}\n".encode()
            if not FIGURES[figure].is_table:
                files[layout.FIGURE_DRAWING.format(figure=figure)] = vector(text).encode()
    return files


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
    """Return the hash that stands for a word that may not be shown; equal words of a data set have equal hashes."""
    return f"#{hmac.digest(key, token.encode(), 'sha256').hex()[:12]}"
