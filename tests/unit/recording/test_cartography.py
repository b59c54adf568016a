"""What dataset cartography logged becomes a record, or one line says which file and line cannot."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from settling.errors import BadInput
from settling.frames import read_frame
from settling.recording.cartography import import_cartography

# Lines in the form of its sample/training_dynamics/dynamics_epoch_1.jsonl: three classes, guids that are numbers.
LOGITS = {
    2115631346111: ([[-3.35, -2.04, 4.58], [-3.4, -1.9, 4.1]], 2),
    263237638210: ([[1.61, 1.05, -3.31], [0.5, 1.5, -2.0]], 0),
    3721812313112: ([[-1.96, 3.24, -2.48], [-2.2, 3.9, -2.1]], 1),
}


def write(folder: Path, epoch: int, lines: list[Any]) -> None:
    folder.mkdir(exist_ok=True)
    text = "".join(f"{line if isinstance(line, str) else json.dumps(line)}\n" for line in lines)
    (folder / f"dynamics_epoch_{epoch}.jsonl").write_text(text)


def lines_of(epoch: int) -> list[dict[str, Any]]:
    return [{"guid": guid, f"logits_epoch_{epoch}": of[epoch], "gold": gold} for guid, (of, gold) in LOGITS.items()]


def test_the_files_of_cartography_become_a_record(tmp_path: Path) -> None:
    write(tmp_path / "training_dynamics", 0, lines_of(0))
    # As each epoch has an order of its own.
    write(tmp_path / "training_dynamics", 1, lines_of(1)[::-1])
    import_cartography(tmp_path / "training_dynamics", tmp_path / "record")
    words = read_frame(tmp_path / "record" / "train.parquet", "data")
    assert words["token"].tolist() == [str(guid) for guid in LOGITS]
    assert words["label"].tolist() == ["B-2", "B-0", "B-1"]
    dynamics = read_frame(tmp_path / "record" / "dynamics.parquet", "dynamics")
    assert (set(dynamics["view"]), dynamics["epoch"].tolist()) == ({"minibatch"}, [0, 0, 0, 1, 1, 1])
    logits = np.array([of[epoch] for epoch in range(2) for of, _ in LOGITS.values()])
    gold = np.array([gold for _, gold in LOGITS.values()] * 2)
    assert dynamics["predicted"].tolist() == logits.argmax(1).tolist()
    probability = (np.exp(logits) / np.exp(logits).sum(1, keepdims=True))[np.arange(6), gold]
    np.testing.assert_allclose(dynamics["loss"], -np.log(probability), rtol=1e-4)


FAULTS: dict[str, tuple[int, Any, str]] = {
    "no JSON": (1, "guid,gold", ":4: not JSON"),
    "no logits of this epoch": (
        1,
        {"guid": 1, "gold": 0, "logits_epoch_0": [1.0, 2.0, 3.0]},
        ":4: found {'gold': 0, 'gu",
    ),
    "an example more": (1, {"guid": 7, "gold": 0, "logits_epoch_1": [1.0, 2.0, 3.0]}, ":4: found guid '7' with 3"),
    "a class less": (1, {"guid": 263237638210, "gold": 0, "logits_epoch_1": [1.0]}, ":4: found guid '263237638210' wi"),
    "logits that are no numbers": (0, {"guid": 7, "gold": 0, "logits_epoch_0": ["a"]}, ":4: found {'gold': 0, 'gu"),
    "a gold that is no class": (
        0,
        {"guid": 7, "gold": 3, "logits_epoch_0": [1, 2, 3]},
        "given: word 3 has the label 3",
    ),
}


@pytest.mark.parametrize("case", FAULTS)
def test_a_line_that_cannot_be_read_is_named_and_nothing_is_written(case: str, tmp_path: Path) -> None:
    epoch, line, message = FAULTS[case]
    for number in range(2):
        write(tmp_path / "dynamics", number, [*lines_of(number), *([line] if number == epoch else [])])
    with pytest.raises(BadInput) as raised:
        import_cartography(tmp_path / "dynamics", tmp_path / "record")
    assert message in str(raised.value)
    if message.startswith(":"):
        assert str(raised.value).startswith(f"{tmp_path}/dynamics/dynamics_epoch_{epoch}.jsonl:4: ")
    assert not (tmp_path / "record").exists()


@pytest.mark.parametrize("epochs", [[], [1], [0, 2]])
def test_an_epoch_without_a_file_is_named(epochs: list[int], tmp_path: Path) -> None:
    for epoch in epochs:
        write(tmp_path / "dynamics", epoch, [{**line, f"logits_epoch_{epoch}": [1, 2, 3]} for line in lines_of(0)])
    missing = 0 if 0 not in epochs else 1
    with pytest.raises(BadInput, match=rf"dynamics_epoch_{missing}.jsonl: no such file"):
        import_cartography(tmp_path / "dynamics", tmp_path / "record")
