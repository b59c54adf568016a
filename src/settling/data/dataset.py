"""`settling download dataset`: from a source to three canonical Parquet files and a card."""

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from settling.config import Dataset
from settling.data import hub, images, sentences
from settling.data.conll import read_conll
from settling.data.sentences import Sentence
from settling.data.sources import fetch, origin
from settling.data.tags import class_tags, tag_list
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
        shape = {"image_shape": _image_shape(dataset, record)} if dataset.task == "image" else {}
        made = provenance("download dataset", dataset.model_dump(mode="json"), raw, tags=tags, **shape)
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
        if source.kind == "sklearn":
            parts[part], record[part] = images.read_digits()
        elif dataset.task == "image":
            parts[part], record[part] = images.read_parquet(path, dataset.image_column, dataset.label_column, where)
        elif source.kind == "hub":
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
    splits = parts
    if "dev" not in parts:
        whole = "all" if "all" in parts else "train"
        # A part `test` stands in for the share that would be split off.
        apart = {"test": parts["test"]} if "test" in parts else {}
        test = 0.0 if apart else dataset.split["test"]
        splits = {**sentences.split(parts[whole], dataset.split["dev"], test), **apart}
        for name, found in splits.items():
            if not found:
                where = origin(dataset.source, whole)
                raise BadInput(f"{where}: no sentence of {len(parts[whole])} falls to {name}; raise split.{name}")
    for name, number in dataset.subset.items():
        splits[name] = sentences.cut(splits[name], number, f"dataset.subset.{name}")
    return splits


def _tags(dataset: Dataset, splits: Mapping[str, Sequence[Sentence]]) -> list[str]:
    """Return the tags over the entity types, or classes, of all splits; raise BadInput where there are too many."""
    types = {kind for found in splits.values() for kind in sentences.entities(found)}
    tags = class_tags(types) if dataset.task == "image" else tag_list(types)
    where = ", ".join(dataset.source.files.values())
    if "B-all" in tags:
        raise BadInput(f"{where}: found an entity type called 'all', which here stands for all types; rename it")
    if len(tags) > MAX_TAGS:
        raise BadInput(f"{where}: found {len(tags)} tags, expected at most {MAX_TAGS}")
    return tags


def _image_shape(dataset: Dataset, record: Mapping[str, dict[str, Any]]) -> list[int]:
    """Return the one shape (height, width, channels) of the images of all parts; raise BadInput where there are two."""
    (first, shape), *others = ((part, found["image_shape"]) for part, found in record.items())
    for part, other in others:
        if other != shape:
            where = origin(dataset.source, part)
            raise BadInput(f"{where}: found images of shape {other}, expected {shape} as in {first}")
    return list(shape)


def _columns(found: Sequence[Sentence]) -> dict[str, pa.Array]:
    """Lay sentences out as the columns of the `data` schema, one word a row."""
    sizes = [len(sentence.tokens) for sentence in found]
    return {
        "sentence": pa.array([row for row, size in enumerate(sizes) for _ in range(size)], pa.int32()),
        "position": pa.array([position for size in sizes for position in range(size)], pa.int16()),
        "token": pa.array([token for sentence in found for token in sentence.tokens], pa.string()),
        "label": pa.array([tag for sentence in found for tag in sentence.tags], pa.string()).dictionary_encode(),
        "image": pa.array([sentence.image for sentence in found for _ in sentence.tokens], pa.binary()),
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
