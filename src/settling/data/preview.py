"""What the head of a data set's local files holds, so that a user sees how they will be read before anything runs."""

import importlib
import shutil
import tempfile
from pathlib import Path

from settling.config import Dataset
from settling.data.formats import FORMATS, format_of
from settling.data.reading import sentences_of, tagging_of
from settling.data.sentences import Sentence, entities
from settling.data.tags import fitting
from settling.errors import BadInput

# Some thousand sentences.
HEAD_BYTES = 1 << 20
SHOWN_SENTENCES, SHOWN_WORDS, SHOWN_TYPES = 3, 20, 12


def previews(name: str, dataset: Dataset) -> list[str]:
    """Return lines on each local file of words of the data set called `name`; none for images and what is not there.

    Raises BadInput where the head of a file cannot be read as the data set says.
    """
    if dataset.source.kind != "local" or dataset.task != "ner":
        return []
    lines = []
    for shard in dataset.source.shards():
        path = Path(shard.name)
        if not path.is_file():
            continue
        try:
            first, *found = _preview(path, dataset, shard.name)
        except BadInput as error:
            raise BadInput(f"datasets.{name}: {error}") from None
        lines += [f"datasets.{name}: {first}", *(f"    {sentence}" for sentence in found)]
    return lines


def _preview(path: Path, dataset: Dataset, where: str) -> list[str]:
    kind = format_of(where, dataset.format)
    with tempfile.TemporaryDirectory(prefix="settling.") as folder:
        head = _head(path, Path(folder)) if kind != "parquet" else path
        raws, record = importlib.import_module(FORMATS[kind]).read(head, dataset, where)
        found, changed = sentences_of(raws, dataset, where)
        part = "" if head == path else f" in its first {HEAD_BYTES >> 20} MiB"
    words = sum(len(sentence.tokens) for sentence in found)
    counts = sorted(entities(found).items(), key=lambda item: -item[1])
    types = ", ".join(f"{kind} {number}" for kind, number in counts[:SHOWN_TYPES])
    more = ", ..." if len(counts) > SHOWN_TYPES else ""
    written = fitting((raw.tags for raw in raws), tagging_of(dataset))
    as_scheme = f"tags as {written[0]} writes them" if written else f"tags read as {dataset.scheme}"
    left_out = "".join(
        f"; {value} {key.replace('_', ' ')}" for key, value in {**record, **changed}.items() if _is_count(value)
    )
    return [
        f"{where}: {_layout(kind, dataset, record.get('separator'))}; {len(found)} sentences, {words} words{part}; "
        f"{as_scheme}; entities: {types or 'none'}{more}{left_out}",
        *map(_spelt, found[:SHOWN_SENTENCES]),
    ]


def _head(path: Path, folder: Path) -> Path:
    """Return a file of the first whole sentences of a text, or the file itself where it is small."""
    if path.stat().st_size <= HEAD_BYTES:
        return path
    with path.open("rb") as file:
        content = file.read(HEAD_BYTES)
    end = max(content.rfind(b"\n\n"), content.rfind(b"\n\r\n"))
    end = end if end > 0 else content.rfind(b"\n")
    if end <= 0:
        shutil.copyfile(path, folder / path.name)
    else:
        (folder / path.name).write_bytes(content[: end + 1])
    return folder / path.name


def _layout(kind: str, dataset: Dataset, separator: object) -> str:
    if kind == "conll":
        return f"conll, columns {', '.join(dataset.columns)} apart by {separator}s"
    return f"{kind}, columns {dataset.token_column} and {dataset.tag_column}"


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def _spelt(sentence: Sentence) -> str:
    """Return a sentence as words, those of entities with their tags."""
    words = [
        token if tag == "O" else f"{token}/{tag}"
        for token, tag in zip(sentence.tokens[:SHOWN_WORDS], sentence.tags, strict=False)
    ]
    return " ".join([*words, *(["..."] if len(sentence.tokens) > SHOWN_WORDS else [])])
