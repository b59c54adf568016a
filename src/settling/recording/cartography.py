"""Reads what dataset cartography logged of a training (github.com/allenai/cartography, selection_utils.py at 455abc8).

Each epoch has a file `dynamics_epoch_<n>.jsonl`, with an object a line for each example: its id `guid`, its label
`gold` as an index, and the model's `logits_epoch_<n>`, as its batch passed in training (run_glue.py at 01ce60a).
"""

from pathlib import Path
from typing import Any, NamedTuple

from settling.errors import BadInput, shown
from settling.files import parse_json
from settling.recording.recorder import Recorder
from settling.recording.words import Words


class Example(NamedTuple):
    """A line of a file."""

    guid: str
    gold: int
    logits: list[float]


def import_cartography(source: Path | str, folder: Path | str) -> None:
    """Write to `folder`, as a Recorder does, the training whose `dynamics_epoch_<n>.jsonl` are in the folder `source`.

    An example is a sentence of one word, its `guid`; its class k is the tag B-k. True labels are not known. The view is
    `minibatch`.

    Raises BadInput where a file is missing or is none of the kind, or holds other examples than the first.
    """
    num_epochs = len(list(Path(source).glob("dynamics_epoch_*.jsonl")))
    files = [Path(source) / f"dynamics_epoch_{epoch}.jsonl" for epoch in range(max(1, num_epochs))]
    first = read(files[0], 0)
    num_classes = len(first[0].logits)
    words = Words([[one.guid] for one in first], [[one.gold] for one in first], [f"B-{k}" for k in range(num_classes)])
    number_of = {one.guid: number for number, one in enumerate(first)}
    with Recorder(folder, words) as recorder:
        for epoch, file in enumerate(files):
            examples = read(file, epoch) if epoch else first
            for line, one in enumerate(examples, 1):
                if one.guid not in number_of or len(one.logits) != num_classes:
                    found = f"guid {shown(one.guid)} with {len(one.logits)} logits"
                    raise BadInput(f"{file}:{line}: found {found}, expected one of {files[0]} with {num_classes}")
            ids = [number_of[one.guid] for one in examples]
            recorder.log(epoch, ids, [one.logits for one in examples], [one.gold for one in examples])


def read(path: Path, epoch: int) -> list[Example]:
    """Return the examples of an epoch's file, at least one; raise BadInput where it is none of the kind."""
    try:
        lines = path.read_text(encoding="utf-8").removesuffix("\n").split("\n")
    except FileNotFoundError:
        raise BadInput(f"{path}: no such file; expected one for each epoch, from 0 on") from None
    except UnicodeDecodeError as error:
        raise BadInput(f"{path}: found bytes that are not UTF-8 ({error.reason}), expected JSON lines") from None
    examples = [_example(parse_json(line, f"{path}:{n}"), epoch, f"{path}:{n}") for n, line in enumerate(lines, 1)]
    if not examples:
        raise BadInput(f"{path}: found no examples, expected an object a line")
    return examples


def _example(value: Any, epoch: int, where: str) -> Example:
    """Return the example that a line describes."""
    key = f"logits_epoch_{epoch}"
    match value:
        case {"guid": int() | str() as guid, "gold": int() as gold, **rest}:
            logits = rest.get(key)
            if isinstance(logits, list) and logits and all(isinstance(one, int | float) for one in logits):
                return Example(str(guid), gold, logits)
    raise BadInput(f"{where}: found {shown(value)}, expected guid, gold (a class) and {key} (a number for each class)")
