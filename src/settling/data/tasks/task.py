"""What a task says of itself, in its own file; everything else asks its TASK."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from settling.data.keys import Dataset
    from settling.data.sentences import Sentence


@dataclass(frozen=True)
class Task:
    """What the examples of a data set are, and how they are read.

    A `unit` carries a label. A `group` of units is what is shuffled, split and capped as a whole. Both are nouns in the
    singular, whose plural has an s. `examples` is what a system reads. With `has_outside` a unit may belong to no
    class, and has the tag O then.

    `check` takes a data set and raises ValueError where it cannot be of this task. `formats` returns the formats of its
    files, sorted: names in settling.data.formats. `read` takes a file, its data set, and what messages call the file.
    It returns the groups, and a record of what was found and changed; it raises BadInput. `tags` returns the tags of
    some classes.
    """

    unit: str
    group: str
    examples: Literal["words", "images"]
    has_outside: bool
    check: Callable[["Dataset"], None]
    formats: Callable[["Dataset"], list[str]]
    read: Callable[[Path, "Dataset", str], tuple[list["Sentence"], dict[str, Any]]]
    tags: Callable[[Iterable[str]], list[str]]
