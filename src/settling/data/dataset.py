"""`settling download dataset`: from a source to three canonical Parquet files and a card."""

import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from settling.data import sentences
from settling.data.fetch import fetch
from settling.data.formats import BOUNDARIES
from settling.data.keys import Dataset
from settling.data.sentences import Sentence
from settling.data.tasks import task_of
from settling.errors import BadInput, tell
from settling.files import scratch, write_json
from settling.provenance import provenance
from settling.schemas import SPLITS
from settling.tables import write_table
from settling.validation import check

# Tables number tags in two bytes, and keep a number for no tag.
MAX_TAGS = 32_767
# The most types that a warning names.
NAMED_TYPES = 5


def download_dataset(spec: dict[str, Any], output: Path) -> None:
    """Write `output`/{train,dev,test}.parquet and card.json from the data set that `spec` describes.

    The same raw files give the same bytes. What a user should know of the data before they trust a result goes to the
    card as `warnings`, and to standard error. Raises BadInput where the spec, the source or a file is wrong; nothing
    is then written.
    """
    dataset: Dataset = check(Dataset, spec, "spec")
    output = output.resolve()
    with scratch(output) as folder:
        raw = fetch(dataset.source, folder)
        parts, record = read_parts(dataset, raw)
        splits, repeats = _arrange(dataset, parts)
        tags = _tags(dataset, splits)
        shape = {"image_shape": _image_shape(dataset, record)} if task_of(dataset.task).examples == "images" else {}
        made = provenance(
            "download dataset", dataset.model_dump(mode="json"), raw, task=dataset.task, tags=tags, **shape
        )
        sizes = {label: path.stat().st_size for label, path in raw.items()}
    for name in SPLITS:
        write_table(output / f"{name}.parquet", "data", _columns(splits[name]), made)
    warnings = [*_repeat_warnings(dataset, repeats), *_absence_warnings(splits)]
    for warning in warnings:
        tell(f"warning: {warning}", sys.stderr)
    card = {
        **made,
        "bytes": sizes,
        "licence": dataset.licence,
        "reading": record,
        "repeats": repeats,
        "warnings": warnings,
        "splits": {name: _counts(splits[name]) for name in SPLITS},
    }
    write_json(output / "card.json", card)


def read_parts(
    dataset: Dataset, raw: Mapping[str, Path]
) -> tuple[dict[str, list[Sentence]], dict[str, dict[str, Any]]]:
    """Read the raw files; return the sentences of each part, and what was found and changed in each file."""
    parts: dict[str, list[Sentence]] = defaultdict(list)
    record: dict[str, dict[str, Any]] = {}
    for shard in dataset.source.shards():
        read = task_of(dataset.task).read(raw[shard.label], dataset, dataset.source.origin(shard))
        groups, record[shard.label] = read
        parts[shard.part] += groups
    return dict(parts), record


def _arrange(dataset: Dataset, parts: dict[str, list[Sentence]]) -> tuple[dict[str, list[Sentence]], dict[str, int]]:
    """Drop repeats, split and cut as the data set asks; return the splits, and how many sentences repeat where.

    Raises BadInput where a split is left without a sentence, or without anything to learn or to score.
    """
    if task_of(dataset.task).has_outside and not any(sentences.entities(found) for found in parts.values()):
        raise BadInput(f"{_origins(dataset, *SPLITS)}: every tag is O; {_tag_source(dataset)}")
    dropped = 0
    for part, found in parts.items() if dataset.drop_repeats else ():
        parts[part] = sentences.drop_repeats(found)
        dropped += len(found) - len(parts[part])
    splits = parts
    if "dev" not in parts:
        whole = "all" if "all" in parts else "train"
        # A part `test` stands in for the share that would be split off.
        apart = {"test": parts["test"]} if "test" in parts else {}
        test = 0.0 if apart else dataset.split["test"]
        splits = {**sentences.split(parts[whole], dataset.split["dev"], test), **apart}
        if empty := [name for name, found in splits.items() if not found and (name != "test" or test)]:
            raise BadInput(_too_few(dataset, parts[whole], whole, empty[0]))
    overlap = sentences.repeats_of(splits["train"], [*splits["dev"], *splits["test"]])
    if dataset.drop_overlap:
        splits = {**splits, "train": sentences.without(splits["train"], [*splits["dev"], *splits["test"]])}
        if not splits["train"]:
            where = _origins(dataset, "train")
            raise BadInput(
                f"{where}: each of the {overlap} {task_of(dataset.task).group}s stands in dev or test too; "
                "none is left to train"
            )
    for name, number in dataset.subset.items():
        splits[name] = sentences.cut(splits[name], number, f"dataset.subset.{name}")
    repeats = {
        "dropped_within_parts": dropped,
        "dropped_from_train": overlap if dataset.drop_overlap else 0,
        "train_in_dev": sentences.repeats_of(splits["train"], splits["dev"]),
        "train_in_test": sentences.repeats_of(splits["train"], splits["test"]),
        "dev_in_test": sentences.repeats_of(splits["dev"], splits["test"]),
    }
    if task_of(dataset.task).has_outside:
        _check_entities(dataset, splits)
    return splits, repeats


def _too_few(dataset: Dataset, found: Sequence[Sentence], part: str, empty: str) -> str:
    """Say why a split got no sentence: too few of a part's sentences are different, or the file has one."""
    where = _origins(dataset, part)
    different = len(sentences.drop_repeats(found))
    if len(found) == 1 and (formats := dataset.formats()):
        questions = (BOUNDARIES.get(name, "expected more") for name in formats)
        return f"{where}: found one sentence, of {len(found[0].tokens)} words; {' '.join(questions)}"
    equal = f", {different} of them different (equal ones stay together)" if different < len(found) else ""
    return (
        f"{where}: found {len(found)} {task_of(dataset.task).group}s{equal}, and none falls to {empty}; "
        f"expected more of them, or a file of its own for {empty}"
    )


def _check_entities(dataset: Dataset, splits: Mapping[str, Sequence[Sentence]]) -> None:
    """Raise BadInput where train or dev has no entity: there is nothing to learn, or nothing to choose an epoch by."""
    for name, why in (("train", "nothing to learn"), ("dev", "no F1 to choose the best epoch by")):
        if not sentences.entities(splits[name]):
            larger = [key for key in (f"split.{name}", f"subset.{name}") if _is_set(dataset, key)]
            expected = " or ".join([*(f"a larger {key}" for key in larger), "a file with entities"])
            raise BadInput(
                f"{_origins(dataset, name)}: none of the {len(splits[name])} sentences of {name} holds an entity, "
                f"so there is {why}; expected {expected}; {_tag_source(dataset)}"
            )


def _is_set(dataset: Dataset, key: str) -> bool:
    """Return whether a key, such as split.dev, has to do with how large its split is."""
    kind, name = key.split(".")
    return name in dataset.subset if kind == "subset" else name != "train" and name not in dataset.source.files


def _origins(dataset: Dataset, *splits: str) -> str:
    """Return what messages call the files that splits, or a part, come from."""
    files = dataset.source.files
    # What has no file of its own is split off.
    whole = "all" if "all" in files else "train"
    parts = {name if name in files else whole for name in splits}
    return ", ".join(dataset.source.origin(shard) for shard in dataset.source.shards() if shard.part in parts)


def _tag_source(dataset: Dataset) -> str:
    if dataset.formats() == ["conll"]:
        return f"is tag the right one of the columns {', '.join(dataset.columns)}?"
    return f"is {dataset.tag_column} the right tag_column?"


def _repeat_warnings(dataset: Dataset, repeats: Mapping[str, int]) -> list[str]:
    """Say which splits have sentences, or images, in common."""
    noun = f"{task_of(dataset.task).group}s"
    found = []
    for split in ("dev", "test"):
        if number := repeats[f"train_in_{split}"]:
            key = "drop_overlap: true drops them from train"
            found.append(f"{number} {noun} of train stand in {split} too, so that its scores are too good; {key}")
    if number := repeats["dev_in_test"]:
        found.append(f"{number} {noun} of dev stand in test too")
    return found


def _absence_warnings(splits: Mapping[str, Sequence[Sentence]]) -> list[str]:
    """Say which types of train are in no sentence of dev or test, so that their scores there are undefined."""
    types = {name: sentences.entities(found) for name, found in splits.items()}
    found = []
    for split in ("dev", "test"):
        absent = [name for name in types["train"] if name not in types[split]]
        if absent and splits[split]:
            more = ", ..." if len(absent) > NAMED_TYPES else ""
            named = ", ".join(absent[:NAMED_TYPES]) + more
            found.append(f"{split} has no mention of {named}: F1 there is undefined")
    return found


def _tags(dataset: Dataset, splits: Mapping[str, Sequence[Sentence]]) -> list[str]:
    """Return the tags over the entity types, or classes, of all splits; raise BadInput where there are too many."""
    types = {kind for found in splits.values() for kind in sentences.entities(found)}
    tags = task_of(dataset.task).tags(types)
    where = ", ".join(shard.name for shard in dataset.source.shards())
    if "B-all" in tags:
        raise BadInput(f"{where}: found an entity type called 'all', which here stands for all types; rename it")
    if len(tags) > MAX_TAGS:
        raise BadInput(f"{where}: found {len(tags)} tags, expected at most {MAX_TAGS}")
    return tags


def _image_shape(dataset: Dataset, record: Mapping[str, dict[str, Any]]) -> list[int]:
    """Return the one shape (height, width, channels) of the images of all parts; raise BadInput where there are two."""
    shards = dataset.source.shards()
    shape = record[shards[0].label]["image_shape"]
    for shard in shards[1:]:
        other = record[shard.label]["image_shape"]
        if other != shape:
            where, first = dataset.source.origin(shard), shards[0].label
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
