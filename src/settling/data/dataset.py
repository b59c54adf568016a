"""`settling download dataset`: from a source to three canonical Parquet files and a card."""

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from settling.config import Dataset
from settling.data import hub, sentences
from settling.data.conll import read_conll
from settling.data.sentences import Sentence
from settling.data.sources import fetch, origin
from settling.data.tags import tag_list
from settling.errors import BadInput
from settling.files import provenance, write_json, write_table
from settling.schemas import SPLITS
from settling.validation import check

# A predicted tag is stored as uint8.
MAX_TAGS = 256


def download_dataset(spec: dict[str, Any], output: Path) -> None:
    """Write `output`/{train,dev,test}.parquet and card.json from the data set that `spec` describes.

    The same raw files give the same bytes. Raises BadInput where the spec, the source or a file is wrong;
    nothing is then written.
    """
    dataset: Dataset = check(Dataset, spec, "spec")
    output = output.resolve()
    output.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{output.name}.", dir=output.parent) as temporary:
        raw = fetch(dataset.source, Path(temporary))
        parts, record = _read(dataset, raw, Path(temporary))
        splits = _arrange(dataset, parts, record)
        tags = _tags(dataset, splits)
        made = provenance("download dataset", dataset.model_dump(mode="json"), raw, tags=tags)
        sizes = {part: path.stat().st_size for part, path in raw.items()}
    for name in SPLITS:
        write_table(output / f"{name}.parquet", "data", _columns(splits[name]), made)
    card = {
        **made,
        "bytes": sizes,
        "licence": dataset.licence,
        "reading": record,
        "splits": {name: _counts(splits[name]) for name in SPLITS},
    }
    write_json(output / "card.json", card)


def _read(
    dataset: Dataset, raw: Mapping[str, Path], scratch: Path
) -> tuple[dict[str, list[Sentence]], dict[str, dict[str, Any]]]:
    """Read the raw file of each part; return its sentences, and what was found and changed in it."""
    parts: dict[str, list[Sentence]] = {}
    record: dict[str, dict[str, Any]] = {}
    source = dataset.source
    for part, path in raw.items():
        where = origin(source, part)
        if source.kind == "hub":
            columns = (source.token_column, source.tag_column)
            parts[part], record[part] = hub.read_parquet(path, *columns, dataset.scheme, scratch / "datasets", where)
        else:
            parts[part], record[part] = read_conll(path, dataset.columns, dataset.scheme, where)
    return parts, record


def _arrange(
    dataset: Dataset, parts: dict[str, list[Sentence]], record: dict[str, dict[str, Any]]
) -> dict[str, list[Sentence]]:
    """Drop repeats, split and cut as the data set asks; note in `record` how many repeats went."""
    for part, found in parts.items() if dataset.drop_repeats else ():
        parts[part] = sentences.drop_repeats(found)
        record[part]["repeats_dropped"] = len(found) - len(parts[part])
    splits = sentences.split(parts["all"], dataset.split["dev"], dataset.split["test"]) if "all" in parts else parts
    for name, found in splits.items():
        if not found:
            where = origin(dataset.source, "all")
            raise BadInput(f"{where}: no sentence of {len(parts['all'])} falls to {name}; raise split.{name}")
    for name, number in dataset.subset.items():
        splits[name] = sentences.cut(splits[name], number, f"dataset.subset.{name}")
    return splits


def _tags(dataset: Dataset, splits: Mapping[str, Sequence[Sentence]]) -> list[str]:
    """Return the tags over the entity types of all splits; raise BadInput where there are too many."""
    tags = tag_list(kind for found in splits.values() for kind in sentences.entities(found))
    where = ", ".join(dataset.source.files.values())
    if "B-all" in tags:
        raise BadInput(f"{where}: found an entity type called 'all', which here stands for all types; rename it")
    if len(tags) > MAX_TAGS:
        raise BadInput(f"{where}: found {len(tags)} tags, expected at most {MAX_TAGS}")
    return tags


def _columns(found: Sequence[Sentence]) -> dict[str, pa.Array]:
    """Lay sentences out as the columns of the `data` schema, one word a row."""
    sizes = [len(sentence.tokens) for sentence in found]
    return {
        "sentence": pa.array([row for row, size in enumerate(sizes) for _ in range(size)], pa.int32()),
        "position": pa.array([position for size in sizes for position in range(size)], pa.int16()),
        "token": pa.array([token for sentence in found for token in sentence.tokens], pa.string()),
        "label": pa.array([tag for sentence in found for tag in sentence.tags], pa.string()).dictionary_encode(),
    }


def _counts(found: Sequence[Sentence]) -> dict[str, Any]:
    """Count sentences, words and entities for the card."""
    by_type = sentences.entities(found)
    return {
        "sentences": len(found),
        "words": sum(len(sentence.tokens) for sentence in found),
        "entities": sum(by_type.values()),
        "entities_by_type": by_type,
    }
