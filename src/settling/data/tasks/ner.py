"""Named entity recognition: each word of a sentence has an IOB2 tag."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from settling.data.formats import format_of, reader_of
from settling.data.tags import tag_list
from settling.data.tasks.task import Task

if TYPE_CHECKING:
    from settling.data.keys import Dataset
    from settling.data.sentences import Sentence


def check_words(dataset: "Dataset") -> None:
    """Raise ValueError where the data set's files hold no words."""
    if dataset.source.kind == "sklearn":
        raise ValueError("scikit-learn's digits are images; expected task: image")


def formats(dataset: "Dataset") -> list[str]:
    """Return the formats of the data set's files of words, sorted."""
    return sorted({format_of(shard.name, dataset.format) for shard in dataset.source.shards()})


def read(path: Path, dataset: "Dataset", where: str) -> tuple[list["Sentence"], dict[str, Any]]:
    """Return the sentences of a file, with IOB2 tags; raise BadInput where one cannot be read as it stands."""
    from settling.data.reading import sentences_of

    name = format_of(where, dataset.format)
    raws, of_file = reader_of(name)(path, dataset, where)
    sentences, changed = sentences_of(raws, dataset, where)
    return sentences, {"format": name, **of_file, **changed}


TASK = Task(
    unit="word",
    group="sentence",
    examples="words",
    has_outside=True,
    check=check_words,
    formats=formats,
    read=read,
    tags=tag_list,
)
