"""What the head of a data set's local files holds, so that a user sees how they will be read before anything runs."""

import tempfile
from pathlib import Path

from settling.data.formats import format_of, reader_of
from settling.data.keys import Dataset
from settling.data.messages import one_line_errors
from settling.data.reading import sentences_of, tagging_of
from settling.data.sentences import Sentence, entities
from settling.data.tags import fitting
from settling.errors import BadInput

# Some thousand sentences.
HEAD_CHARACTERS, HEAD_ROWS = 1_000_000, 5_000
SHOWN_SENTENCES, SHOWN_WORDS, SHOWN_TYPES = 3, 20, 12


def previews(name: str, dataset: Dataset) -> list[str]:
    """Return lines on each local file of words of the data set called `name`; none for images and what is not there.

    Raises BadInput where the head of a file cannot be read as the data set says.
    """
    if dataset.source.kind != "local" or not dataset.formats():
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
        head = Path(folder) / "head"
        part = _cut_rows(path, head, dataset, where) if kind == "parquet" else _cut(path, head, kind, dataset)
        raws, record = reader_of(kind)(head if part else path, dataset, where)
    # The cut may lie within the last sentence.
    raws = raws[:-1] if part and len(raws) > 1 else raws
    found, changed = sentences_of(raws, dataset, where)
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


def _cut(path: Path, head: Path, kind: str, dataset: Dataset) -> str:
    """Write the first lines of a large text to `head`; return which part that is, or nothing where it is the whole."""
    if path.stat().st_size <= HEAD_CHARACTERS:
        return ""
    try:
        with path.open(encoding=dataset.encoding, newline="") as file:
            text = file.read(HEAD_CHARACTERS)
            is_whole = not file.read(1)
    except UnicodeError:
        # Reading the whole file will say in which line.
        return ""
    end = text.rfind("\n") + 1
    # A line of CSV does not end within quotes.
    while kind == "csv" and text.count('"', 0, end) % 2:
        end = text.rfind("\n", 0, end - 1) + 1
    if is_whole or not end:
        return ""
    head.write_bytes(text[:end].encode(dataset.encoding))
    return f" in its first {HEAD_CHARACTERS} characters"


def _cut_rows(path: Path, head: Path, dataset: Dataset, where: str) -> str:
    """Write the first rows of a large Parquet file to `head`, and return what `_cut` does."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    from settling.data.foreign import open_foreign_parquet

    columns = [dataset.token_column, dataset.tag_column]
    with open_foreign_parquet(path, where, columns) as file, one_line_errors(where):
        if file.metadata.num_rows <= HEAD_ROWS:
            return ""
        batch = next(file.iter_batches(HEAD_ROWS, columns=columns))
        pq.write_table(pa.Table.from_batches([batch]), head)
    return f" in its first {HEAD_ROWS} rows"


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
