"""An image system learns digits, starts from what a checkpoint knows, and passes every later step as text does."""

import io
import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from sklearn.datasets import load_digits
from transformers import ResNetConfig, ResNetForImageClassification, ViTConfig, ViTForImageClassification

from settling.analysis.events import find_events
from settling.data.checkpoints import download_checkpoint
from settling.data.dataset import download_dataset
from settling.data.split import Split, read_split, read_treated
from settling.errors import BadInput
from settling.files import metadata_of, read_json, read_table
from settling.systems.image import ImageRecipe
from settling.systems.image_model import System, normalisation
from settling.training import train as stage
from settling.training.loop import Trainer
from settling.training.train import Run, train
from settling.treatments.treat import treat
from settling.validation import check
from tests.conftest import paths_of

CPU = torch.device("cpu")
SMALL = {
    **{"kind": "image", "block": "basic", "depths": [1, 1], "widths": [16, 32]},
    **{"batch_size": 32, "learning_rate": 0.003, "schedule": "constant", "image_size": 24},
}


def recipe(**options: Any) -> ImageRecipe:
    made: ImageRecipe = check(ImageRecipe, {**SMALL, "epochs": 1, **options}, "recipe")
    return made


def from_checkpoint(**options: Any) -> ImageRecipe:
    """Return the recipe of a system whose shape is its checkpoint's."""
    values = {key: value for key, value in SMALL.items() if key not in ("block", "depths", "widths")}
    made: ImageRecipe = check(ImageRecipe, {**values, "checkpoint": "base", "epochs": 1, **options}, "recipe")
    return made


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a data set of digits: 300 to train on, 150 each for dev and test."""
    folder = tmp_path_factory.mktemp("images") / "digits"
    source = {"kind": "sklearn", "name": "digits"}
    sizes = {"split": {"dev": 0.2, "test": 0.2}, "subset": {"train": 300, "dev": 150, "test": 150}}
    download_dataset({"task": "image", "source": source, **sizes}, folder)
    return folder


@pytest.fixture(scope="module")
def noisy(digits: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("treated") / "noise-seed0.parquet"
    treat({"kind": "resample", "percent": 40, "noise_seed": 0}, digits / "train.parquet", path)
    return path


@pytest.fixture(scope="module")
def splits(digits: Path, noisy: Path) -> dict[str, Split]:
    return {
        "train": read_treated(noisy, digits / "train.parquet"),
        "dev": read_split(digits / "dev.parquet"),
        "test": read_split(digits / "test.parquet"),
    }


def train_here(spec: dict[str, Any], treated: Path, data: Path, output: Path) -> None:
    """Train in this process."""
    runs = [Run(0, treated, output, Path(f"{output}.state"))]
    train({**SMALL, **spec}, paths_of(data), None, runs)


@pytest.fixture(scope="module")
def run(digits: Path, noisy: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a finished run of four epochs under noise."""
    output = tmp_path_factory.mktemp("run") / "seed0"
    train_here({"epochs": 4}, noisy, digits, output)
    return output


def test_a_treated_split_has_the_pixels_of_its_images(digits: Path, tmp_path: Path) -> None:
    treat(
        {"kind": "cap", "class": "3", "sentences": 2, "noise_seed": 0},
        digits / "train.parquet",
        tmp_path / "capped.parquet",
    )
    capped = read_treated(tmp_path / "capped.parquet", digits / "train.parquet")
    table = read_table(digits / "train.parquet", "data")
    pixels = dict(zip(table["token"].to_pylist(), table["image"].to_pylist(), strict=True))
    assert capped.images is not None
    assert len(capped.images) == len(capped.tokens) < len(table)
    assert [image.tobytes() for image in capped.images] == [pixels[token] for token in capped.tokens]
    assert sum(capped.true_label == capped.tags.index("B-3")) == 2


def test_an_image_cannot_be_relabelled_as_none(digits: Path, tmp_path: Path) -> None:
    spec = {"kind": "cap-relabel", "class": "3", "sentences": 2, "noise_seed": 0}
    with pytest.raises(BadInput, match="cap-relabel: gives images the tag O, which this task does not have"):
        treat(spec, digits / "train.parquet", tmp_path / "capped.parquet")


def test_noise_changes_the_share_of_labels_that_it_should(tmp_path: Path) -> None:
    download_dataset({"task": "image", "source": {"kind": "sklearn", "name": "digits"}}, tmp_path / "digits")
    treat(
        {"kind": "resample", "percent": 40, "noise_seed": 0},
        tmp_path / "digits" / "train.parquet",
        tmp_path / "a.parquet",
    )
    table = read_table(tmp_path / "a.parquet", "treated")
    made = metadata_of(table.schema)
    # Of 10 classes, a tenth of the labels drawn are the image's own.
    spread = (0.36 * 0.64 / len(table)) ** 0.5
    assert abs(made["effective_rate"] - 0.4 * 9 / 10) < 4 * spread
    # Entity F1 over images is accuracy.
    assert made["settled_f1"] == pytest.approx(1 - made["effective_rate"])


def test_it_learns_digits(digits: Path, tmp_path: Path) -> None:
    treat({"kind": "clean", "noise_seed": 0}, digits / "train.parquet", tmp_path / "clean.parquet")
    train_here({"epochs": 10, "views": ["minibatch"]}, tmp_path / "clean.parquet", digits, tmp_path / "run")
    rows = read_table(tmp_path / "run" / "scores.parquet", "scores").to_pylist()
    accuracy = {row["epoch"]: row["value"] for row in rows if (row["split"], row["metric"]) == ("test", "accuracy")}
    assert accuracy[0] < 0.6
    assert max(accuracy.values()) > 0.85


def test_the_scores_of_a_run_are_those_of_its_dynamics(run: Path, digits: Path, noisy: Path) -> None:
    scores = read_table(run / "scores.parquet", "scores").to_pylist()
    table = read_table(run / "dynamics.parquet", "dynamics")
    tags = metadata_of(table.schema)["tags"]
    predicted = [tags[row["predicted"]] for row in table.to_pylist() if (row["view"], row["epoch"]) == ("epoch-end", 3)]
    labels = read_table(noisy, "treated").to_pydict()
    for reference, column in (("given", "given_label"), ("true", "true_label")):
        right = np.mean([found == label for found, label in zip(predicted, labels[column], strict=True)])
        places = {"epoch": 3, "split": "train", "view": "epoch-end", "reference": reference, "class": "all"}
        found = {row["metric"]: row["value"] for row in scores if places.items() <= row.items()}
        for metric in ("f1", "precision", "recall", "accuracy"):
            assert found[metric] == pytest.approx(right)
        assert found["support"] == 300
    assert {row["class"] for row in scores} == {"all", *map(str, range(10))}


def test_a_run_has_the_events_of_every_image(run: Path, noisy: Path, tmp_path: Path) -> None:
    find_events(run / "dynamics.parquet", noisy, tmp_path / "events.parquet")
    events = read_table(tmp_path / "events.parquet", "events").to_pylist()
    assert len(events) == 2 * 300
    table = read_table(run / "dynamics.parquet", "dynamics").to_pylist()
    tags = metadata_of(read_table(run / "dynamics.parquet", "dynamics").schema)["tags"]
    for event in events:
        seen = [row for row in table if (row["view"], row["word"]) == (event["view"], event["word"])]
        right = [tags[row["predicted"]] == event["given_label"] for row in sorted(seen, key=lambda row: row["epoch"])]
        assert event["first_learned"] == (right.index(True) if any(right) else -1)
        assert event["forgetting"] == sum(a and not b for a, b in itertools.pairwise(right))


def test_an_interrupted_run_gives_the_same_bytes(
    run: Path, digits: Path, noisy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []

    def interrupted(line: str) -> None:
        said.append(line)
        if line.startswith("epoch 2/"):
            raise KeyboardInterrupt

    monkeypatch.setattr(stage, "say", interrupted)
    with pytest.raises(KeyboardInterrupt):
        train_here({"epochs": 4}, noisy, digits, tmp_path / "again")
    assert Path(f"{tmp_path / 'again'}.state").exists()
    train_here({"epochs": 4}, noisy, digits, tmp_path / "again")
    assert "going on after epoch 2/4" in said
    for name in ("dynamics", "scores"):
        assert (tmp_path / "again" / f"{name}.parquet").read_bytes() == (run / f"{name}.parquet").read_bytes()


def test_the_images_are_among_a_runs_inputs(run: Path) -> None:
    inputs = read_json(run / "run.json")["made"]["inputs"]
    assert inputs["train"] == metadata_of(read_table(run / "dynamics.parquet", "dynamics").schema)["inputs"]["train"]
    assert set(inputs) == {"treated", "train", "dev", "test", "checkpoint"}


def test_an_image_alone_joins_the_batch_before(splits: dict[str, Split]) -> None:
    for number, sizes in ((96, [32, 32, 32]), (97, [32, 32, 33]), (98, [32, 32, 32, 2]), (2, [2]), (33, [33])):
        rows = np.arange(number)
        assert splits["train"].images is not None
        train_split = Split(
            splits["train"].tokens[:number],
            np.arange(number + 1),
            splits["train"].true_label[:number],
            splits["train"].given_label[:number],
            splits["train"].tags,
            splits["train"].images[:number],
        )
        system = System(recipe(epochs=3), None, {"train": train_split}, CPU)
        batches = system.batches(0, 0)
        assert [len(piece.words) for batch in batches for piece in batch] == sizes
        assert system.total_steps == 3 * len(sizes)
        assert sorted(np.concatenate([piece.words for batch in batches for piece in batch])) == rows.tolist()


def test_pixels_are_resized_normalised_and_given_with_their_labels(splits: dict[str, Split]) -> None:
    system = System(recipe(), None, splits, CPU)
    seen: list[torch.Tensor] = []
    system.module.register_forward_pre_hook(lambda module, arguments: seen.append(arguments[0]))
    train = splits["train"]
    rows = [int(train.noisy.argmax()), int((~train.noisy).argmax())]
    assert train.given_label[rows[0]] != train.true_label[rows[0]]
    ((batch,),) = system.prepared["train"].batches(np.array(rows), 2)
    output = system.output(batch)
    assert output.words.tolist() == rows
    assert seen[0].shape == (2, 1, 24, 24)
    images = train.images
    assert images is not None
    for row, image in zip(rows, seen[0], strict=True):
        # A 24 x 24 enlargement of 8 x 8 has each source pixel at the middle of a square of 3 x 3.
        np.testing.assert_allclose(image[0, 1::3, 1::3], images[row, :, :, 0] / 255 * 2 - 1, atol=1e-6)
    with torch.no_grad():
        log_p = system.module(seen[0]).logits.log_softmax(-1)
    given = train.given_label[rows].tolist()
    np.testing.assert_allclose(output.losses.detach(), -log_p[[0, 1], given], rtol=1e-4)


def some_digits(folder: Path, classes: range, sizes: dict[str, int]) -> dict[str, Split]:
    """Return the splits of a data set of some classes of the digits, through a Parquet file as a user has one."""
    source = load_digits()
    encoded, labels = [], []
    for image, label in zip(source.images, source.target, strict=True):
        if label in classes:
            file = io.BytesIO()
            Image.fromarray((image * 15).astype(np.uint8)).save(file, "PNG")
            encoded.append({"bytes": file.getvalue(), "path": None})
            labels.append(int(label))
    folder.mkdir()
    kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    pq.write_table(pa.table({"img": pa.array(encoded, kind), "label": labels}), folder / "all.parquet")
    local = {"kind": "local", "files": {"all": str(folder / "all.parquet")}}
    split = {"split": {"dev": 0.3, "test": 0.1}, "subset": sizes}
    download_dataset({"task": "image", "source": local, **split}, folder / "data")
    treat({"kind": "clean", "noise_seed": 0}, folder / "data" / "train.parquet", folder / "clean.parquet")
    return {
        "train": read_treated(folder / "clean.parquet", folder / "data" / "train.parquet"),
        "dev": read_split(folder / "data" / "dev.parquet"),
        "test": read_split(folder / "data" / "test.parquet"),
    }


@pytest.fixture(scope="module")
def pretrained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a checkpoint trained briefly on the digits 0 to 4, downloaded as a user's folder is."""
    folder = tmp_path_factory.mktemp("pretrained")
    splits = some_digits(folder / "half", range(5), {"train": 400})
    torch.manual_seed(0)
    made = recipe(epochs=8, views=["minibatch"])
    system = System(made, None, splits, CPU)
    for _ in (trainer := Trainer(made, 0, system, splits)).epochs():
        pass
    assert dict(accuracies(trainer))[7] > 0.9
    system.module.save_pretrained(folder / "saved")
    processor = {"image_mean": [0.5], "image_std": [0.5], "image_processor_type": "ConvNextImageProcessor"}
    (folder / "saved" / "preprocessor_config.json").write_text(json.dumps(processor))
    download_checkpoint({"kind": "folder", "path": str(folder / "saved")}, folder / "checkpoint")
    return folder / "checkpoint"


def accuracies(trainer: Trainer) -> Iterator[tuple[int, float]]:
    for epoch, split, _, _, _, metric, value in trainer.history.scores:
        if (split, metric) == ("dev", "accuracy"):
            yield epoch, value


@pytest.fixture(scope="module")
def other_half(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Split]:
    """Return few images of the digits 5 to 9: as many classes as the checkpoint's."""
    return some_digits(tmp_path_factory.mktemp("images") / "half", range(5, 10), {"train": 60})


def test_a_pretrained_checkpoint_learns_new_classes_faster_than_its_twin(
    pretrained: Path, other_half: dict[str, Split]
) -> None:
    found: dict[bool, list[float]] = {True: [], False: []}
    for seed in range(3):
        for start in (True, False):
            torch.manual_seed(seed)
            options = {"epochs": 6, "batch_size": 16, "learning_rate": 0.001, "views": ["minibatch"]}
            made = from_checkpoint(pretrained=start, **options)
            trainer = Trainer(made, seed, System(made, pretrained, other_half, CPU), other_half)
            assert len(list(trainer.epochs())) == 6
            found[start].append(float(np.mean([value for _, value in accuracies(trainer)])))
    # Mean accuracy over the epochs; over six seeds 0.54 against 0.30.
    assert np.mean(found[True]) - np.mean(found[False]) > 0.1


def test_the_body_is_the_checkpoints_and_the_head_is_fresh(pretrained: Path, other_half: dict[str, Split]) -> None:
    saved = load_file(pretrained / "model.safetensors")
    system = System(from_checkpoint(), pretrained, other_half, CPU)
    twin = System(from_checkpoint(pretrained=False), pretrained, other_half, CPU)
    weights, random = system.module.state_dict(), twin.module.state_dict()
    assert weights.keys() == saved.keys() == random.keys()
    for name, value in saved.items():
        assert value.shape == random[name].shape
        assert torch.equal(weights[name], value) == (not name.startswith("classifier."))
    changed = [name for name, value in saved.items() if value.ndim == 4 and torch.equal(value, random[name])]
    assert not changed
    # What batch norm has seen comes with the body.
    assert any(name.endswith("running_mean") and value.abs().sum() > 0 for name, value in weights.items())


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    """Return a folder with a random ResNet of three channels, not yet downloaded."""
    config = ResNetConfig(embedding_size=8, hidden_sizes=[8, 16], depths=[1, 1], layer_type="basic", num_labels=4)
    torch.manual_seed(0)
    ResNetForImageClassification(config).save_pretrained(tmp_path / "saved")
    return tmp_path / "saved"


def test_grey_images_go_to_every_channel_of_the_model(saved: Path, splits: dict[str, Split]) -> None:
    (saved / "preprocessor_config.json").write_text('{"image_mean": [0.1, 0.2, 0], "image_std": [1, 2, 0.5]}')
    system = System(from_checkpoint(), saved, splits, CPU)
    seen: list[torch.Tensor] = []
    system.module.register_forward_pre_hook(lambda module, arguments: seen.append(arguments[0]))
    ((batch,),) = system.prepared["dev"].batches(np.arange(4), 4)
    system.output(batch)
    images = splits["dev"].images
    assert images is not None
    for channel, (mean, std) in enumerate(((0.1, 1), (0.2, 2), (0, 0.5))):
        expected = (images[:4, :, :, 0] / 255 - mean) / std
        np.testing.assert_allclose(seen[0][:, channel, 1::3, 1::3], expected, atol=1e-6)


def test_the_default_is_a_resnet_50(splits: dict[str, Split]) -> None:
    made: ImageRecipe = check(ImageRecipe, {"kind": "image", "epochs": 1}, "recipe")
    with torch.device("meta"):
        ours = ResNetForImageClassification(ResNetConfig(num_channels=1, num_labels=10))
    system = System(made, None, splits, CPU)
    shapes = {name: value.shape for name, value in system.module.state_dict().items()}
    assert shapes == {name: value.shape for name, value in ours.state_dict().items()}


def test_another_architecture_is_loaded_and_must_take_the_size(tmp_path: Path, splits: dict[str, Split]) -> None:
    config = ViTConfig(
        **{"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16},
        **{"image_size": 24, "patch_size": 8},
    )
    ViTForImageClassification(config).save_pretrained(tmp_path)
    system = System(from_checkpoint(image_size=24), tmp_path, splits, CPU)
    saved = load_file(tmp_path / "model.safetensors")
    name = next(name for name in saved if name.endswith("patch_embeddings.projection.weight"))
    assert torch.equal(system.module.state_dict()[name], saved[name])
    with pytest.raises(BadInput, match=r"cannot be loaded for images of 32 x 32: .*"):
        System(from_checkpoint(image_size=32), tmp_path, splits, CPU)


def test_a_checkpoint_that_lacks_weights_or_is_of_text_is_refused(
    saved: Path, tiny_checkpoint: Path, splits: dict[str, Split]
) -> None:
    weights = load_file(saved / "model.safetensors")
    name = next(name for name in weights if name.endswith("stages.1.layers.0.layer.0.convolution.weight"))
    del weights[name]
    save_file(weights, saved / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(BadInput, match=r"the weights lack 1 of the model's, such as .*convolution\.weight"):
        System(from_checkpoint(), saved, splits, CPU)
    with pytest.raises(BadInput, match=r"cannot be loaded for images of 24 x 24: ValueError: Unrecognized"):
        System(from_checkpoint(), tiny_checkpoint, splits, CPU)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"image_mean": "half"}, "image_mean: found 'half', expected numbers"),
        ({"image_std": [1.0, "2"]}, "image_std: found [1.0, '2'], expected numbers"),
        ({"image_mean": [0.5, 0.5]}, "image_mean: found 2 numbers, expected 3, one a channel"),
        ({"image_std": [0.5, 0, 0.5]}, "image_std: found [0.5, 0, 0.5], expected numbers above 0"),
    ],
)
def test_a_broken_normalisation_is_refused(tmp_path: Path, values: dict[str, Any], words: str) -> None:
    (tmp_path / "preprocessor_config.json").write_text(json.dumps(values))
    with pytest.raises(BadInput) as error:
        normalisation(tmp_path, 3)
    assert str(error.value) == f"{tmp_path / 'preprocessor_config.json'}: {words}"


def test_an_image_checkpoint_needs_no_tokenizer_but_says_that_it_is_one(saved: Path, tmp_path: Path) -> None:
    spec = {"kind": "folder", "path": str(saved)}
    with pytest.raises(BadInput, match=r"no tokenizer; .* or an image model's preprocessor_config\.json"):
        download_checkpoint(spec, tmp_path / "out")
    (saved / "preprocessor_config.json").write_text("[]")
    with pytest.raises(BadInput, match=r"preprocessor_config\.json holds list, expected an object"):
        download_checkpoint(spec, tmp_path / "out")
    (saved / "preprocessor_config.json").write_text("{}")
    download_checkpoint(spec, tmp_path / "out")
    assert (tmp_path / "out" / "preprocessor_config.json").exists()


def test_words_and_images_are_told_apart_before_training(
    digits: Path, noisy: Path, tiny_data: Path, tiny_treated: Path, tiny_checkpoint: Path, tmp_path: Path
) -> None:
    image, text = {**SMALL, "epochs": 1}, {"kind": "encoder", "checkpoint": "tiny", "epochs": 1}
    ours, theirs = paths_of(digits), paths_of(tiny_data)
    cases = [
        (
            image,
            tiny_treated,
            theirs,
            None,
            f"{theirs['dev']}: found a data set of words; a system of kind image takes",
        ),
        (text, noisy, ours, tiny_checkpoint, f"{ours['dev']}: found a data set of images; a system of kind encoder"),
        (image, tiny_treated, ours, None, f"{ours['train']}: not the training split that {tiny_treated} was made from"),
    ]
    for spec, treated, data, checkpoint, words in cases:
        with pytest.raises(BadInput) as error:
            train(spec, data, checkpoint, [Run(0, treated, tmp_path / "run", tmp_path / "state")])
        assert words in str(error.value)
        assert "\n" not in str(error.value)
