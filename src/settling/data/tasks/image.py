"""Image classification: each image has a class.

An image is a sentence of one word, its name, labelled B-<class>. So noise, caps, dynamics, events and scores need to
know nothing of images, and entity micro F1 is accuracy.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from settling.data.tags import class_tags
from settling.data.tasks.task import Task

if TYPE_CHECKING:
    from settling.data.keys import Dataset
    from settling.data.sentences import Sentence


def check(dataset: "Dataset") -> None:
    """Raise ValueError where a file cannot hold images."""
    for shard in dataset.source.shards() if dataset.source.kind != "sklearn" else ():
        if not shard.name.endswith(".parquet"):
            raise ValueError(f"found the file {shard.name!r}; expected images in a .parquet file")


def read(path: Path, dataset: "Dataset", where: str) -> tuple[list["Sentence"], dict[str, Any]]:
    """Return the images of a file; raise BadInput where one cannot be read."""
    from settling.data import images

    if dataset.source.kind == "sklearn":
        return images.read_digits()
    return images.read_parquet(path, dataset.image_column, dataset.label_column, where)


TASK = Task(
    unit="image",
    group="image",
    examples="images",
    has_outside=False,
    check=check,
    formats=lambda dataset: [],
    read=read,
    tags=class_tags,
)
