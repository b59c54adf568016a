"""Images become canonical data pixel for pixel, whatever holds them, and nothing but an image in the file is opened."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image
from sklearn.datasets import load_digits

from settling.config import load
from settling.data.dataset import download_dataset
from settling.data.images import MAX_SIDE, decode, read_parquet
from settling.data.sentences import Sentence, drop_repeats, split
from settling.errors import BadInput
from settling.files import metadata_of, read_json, read_table
from tests import study as small
from tests.study import DIGITS, ENCODER, cap, grid, study_of

CLASSES = ["cat", "dog", "owl"]


def png(pixels: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def pictures(number: int, seed: int, channels: int = 3) -> np.ndarray:
    shape = (number, 5, 4, channels) if channels > 1 else (number, 5, 4)
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def write(path: Path, encoded: list[Any], labels: list[Any], kind: pa.DataType | None = None) -> Path:
    """Write a Parquet file that says nothing of its features."""
    pq.write_table(pa.table({"img": pa.array(encoded, kind), "label": pa.array(labels)}), path)
    return path


def served(path: Path, pixels: np.ndarray, labels: list[int]) -> Path:
    """Write a Parquet file as the hub serves one: PNG with their paths, classes by number, names in the metadata."""
    features = datasets.Features({"img": datasets.Image(), "label": datasets.ClassLabel(names=CLASSES)})
    rows = {"img": [Image.fromarray(image) for image in pixels], "label": labels}
    datasets.Dataset.from_dict(rows, features=features).to_parquet(path)
    return path


def local(**files: Path) -> dict[str, Any]:
    return {"task": "image", "source": {"kind": "local", "files": {part: str(path) for part, path in files.items()}}}


def refusal(call: Callable[..., object], *arguments: Any) -> str:
    with pytest.raises(BadInput) as error:
        call(*arguments)
    assert "\n" not in str(error.value)
    return str(error.value)


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("images") / "digits"
    download_dataset(DIGITS, folder)
    return folder


def test_every_digit_is_in_one_split_with_its_class_and_pixels(digits: Path) -> None:
    source = load_digits()
    seen = []
    for name in ("train", "dev", "test"):
        table = read_table(digits / f"{name}.parquet", "data")
        made = metadata_of(table.schema)
        assert made["tags"] == [f"B-{digit}" for digit in range(10)]
        assert made["image_shape"] == [8, 8, 1]
        assert table["sentence"].to_pylist() == list(range(len(table)))
        assert set(table["position"].to_pylist()) == {0}
        rows = [int(token) for token in table["token"].to_pylist()]
        assert table["label"].to_pylist() == [f"B-{source.target[row]}" for row in rows]
        pixels = np.frombuffer(b"".join(table["image"].to_pylist()), np.uint8).reshape(-1, 8, 8)
        assert np.abs(pixels / 255 * 16 - source.images[rows]).max() < 0.05
        seen += rows
    assert sorted(seen) == list(range(1797))


def test_downloading_digits_again_gives_the_same_bytes_and_a_card(digits: Path, tmp_path: Path) -> None:
    download_dataset(DIGITS, tmp_path / "again")
    for path in digits.iterdir():
        assert path.read_bytes() == (tmp_path / "again" / path.name).read_bytes()
    card = read_json(digits / "card.json")
    assert sum(part["sentences"] for part in card["splits"].values()) == 1797
    assert card["splits"]["train"]["entities"] == card["splits"]["train"]["words"]
    assert list(card["inputs"]) == ["all"]


def test_images_that_train_shares_with_dev_or_test_are_counted_and_dropped_where_asked(tmp_path: Path) -> None:
    pixels = pictures(20, 0)
    parts = {"train": slice(0, 12), "dev": slice(10, 16), "test": slice(15, 20)}
    values = local(
        **{name: served(tmp_path / f"{name}.parquet", pixels[at], [0] * len(pixels[at])) for name, at in parts.items()}
    )
    download_dataset(values, tmp_path / "out")
    card = read_json(tmp_path / "out" / "card.json")
    repeats = {"train_in_dev": 2, "train_in_test": 0, "dev_in_test": 1}
    assert repeats.items() <= card["repeats"].items()
    key = "drop_overlap: true drops them from train"
    assert card["warnings"] == [
        f"2 images of train stand in dev too, so that its scores are too good; {key}",
        "1 images of dev stand in test too",
    ]
    download_dataset({**values, "drop_overlap": True}, tmp_path / "apart")
    card = read_json(tmp_path / "apart" / "card.json")
    assert {**repeats, "train_in_dev": 0, "dropped_from_train": 2}.items() <= card["repeats"].items()
    images = read_table(tmp_path / "apart" / "train.parquet", "data")["image"].to_pylist()
    assert images == [image.tobytes() for image in pixels[:10]]


def test_text_has_no_pixels(tiny_data: Path) -> None:
    table = read_table(tiny_data / "train.parquet", "data")
    assert table["image"].null_count == len(table)
    assert "image_shape" not in metadata_of(table.schema)


def test_equal_images_stay_together_and_repeat() -> None:
    images = [Sentence((str(row),), ("B-0",), bytes([row % 50])) for row in range(100)]
    place = {image.tokens[0]: name for name, part in split(images, 0.3, 0.3).items() for image in part}
    assert all(place[str(row)] == place[str(row + 50)] for row in range(50))
    assert set(place.values()) == {"train", "dev", "test"}
    assert drop_repeats(images) == images[:50]


def test_parquet_as_the_hub_serves_it_is_read_pixel_for_pixel(tmp_path: Path) -> None:
    pixels, labels = pictures(60, seed=0), [row % 3 for row in range(60)]
    train = served(tmp_path / "train.parquet", pixels, labels)
    test = served(tmp_path / "test.parquet", pictures(9, seed=1), labels[:9])
    download_dataset({**local(train=train, test=test), "split": {"dev": 0.3, "test": 0.1}}, tmp_path / "out")
    tables = {name: read_table(tmp_path / "out" / f"{name}.parquet", "data") for name in ("train", "dev", "test")}
    assert metadata_of(tables["train"].schema)["image_shape"] == [5, 4, 3]
    assert metadata_of(tables["train"].schema)["tags"] == ["B-cat", "B-dog", "B-owl"]
    # There is no dev: it is split off train, and test is left whole.
    rows = [int(token) for name in ("train", "dev") for token in tables[name]["token"].to_pylist()]
    assert sorted(rows) == list(range(60))
    assert 5 < len(tables["dev"]) < 35
    assert tables["test"]["token"].to_pylist() == [str(row) for row in range(9)]
    for name in ("train", "dev"):
        for row in tables[name].to_pylist():
            assert row["image"] == pixels[int(row["token"])].tobytes()
            assert row["label"] == f"B-{CLASSES[int(row['token']) % 3]}"


@pytest.mark.parametrize(("labels", "tags"), [([7, 10], ["B-7", "B-10"]), (["cat", "owl"], ["B-cat", "B-owl"])])
def test_plain_parquet_of_bytes_names_classes_by_their_labels(
    tmp_path: Path, labels: list[Any], tags: list[str]
) -> None:
    pixels = pictures(2, seed=0, channels=1)
    path = write(tmp_path / "a.parquet", [png(image) for image in pixels], labels, pa.binary())
    images, record = read_parquet(path, "img", "label", "here")
    assert record == {"image_shape": [5, 4, 1]}
    assert images == [Sentence((str(row),), (tag,), pixels[row].tobytes()) for row, tag in enumerate(tags)]


def test_grey_stays_grey_and_other_modes_become_rgb() -> None:
    picture = Image.fromarray(pictures(1, seed=0)[0])
    for mode, channels in (("L", 1), ("LA", 1), ("1", 1), ("RGB", 3), ("RGBA", 3), ("P", 3)):
        file = io.BytesIO()
        picture.convert(mode).save(file, "PNG")
        assert decode(file.getvalue(), "here").shape == (5, 4, channels)
    transparent = picture.convert("RGBA")
    transparent.putalpha(0)
    file = io.BytesIO()
    transparent.save(file, "PNG")
    np.testing.assert_array_equal(decode(file.getvalue(), "here"), np.asarray(picture))


def gif() -> bytes:
    file = io.BytesIO()
    Image.fromarray(pictures(1, 0)[0]).save(file, "GIF")
    return file.getvalue()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (png(np.zeros((MAX_SIDE + 1, 2), np.uint8)), f"found an image of 2 x {MAX_SIDE + 1} pixels, expected at most"),
        (png(np.zeros((12000, 12000), np.uint8)), "12000"),
        (png(np.zeros((4, 4), np.uint16)), "found pixels of mode I;16, expected 8 bits a channel"),
        (png(pictures(1, 0)[0])[:-40], "row 0: "),
        (b"a sentence", "found 10 bytes that begin b'a sentence', expected a PNG, JPEG or WebP"),
        (b"", "found no bytes, expected an image in the file itself"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "expected a PNG, JPEG or WebP"),
        (gif(), "expected a PNG, JPEG or WebP"),
        (None, "found no bytes, expected an image in the file itself"),
    ],
)
def test_what_is_no_fit_image_is_refused_with_its_row(tmp_path: Path, content: bytes | None, words: str) -> None:
    # A readable file at `path`, which must not be opened in place of the bytes.
    (tmp_path / "b.png").write_bytes(png(pictures(1, 0)[0]))
    encoded = {"bytes": content, "path": str(tmp_path / "b.png")}
    kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    path = write(tmp_path / "a.parquet", [encoded], [0], kind)
    message = refusal(read_parquet, path, "img", "label", "here")
    assert message.startswith("here, row 0: ")
    assert words in message


@pytest.mark.parametrize(
    ("encoded", "labels", "columns", "words"),
    [
        (["a", "b"], [0, 1], ("img", "label"), "here: column 'img': found string, expected images as bytes"),
        ([0, 1], [0, 1], ("img", "label"), "here: column 'img': found int64, expected images"),
        ([b"", b""], [0, 1], ("image", "label"), "here: no column 'image'; did you mean 'img'? (known: img, label)"),
        ([b"", b""], [0, 1], ("img", "fine_label"), "here: no column 'fine_label'; did you mean 'label'?"),
        ([b"", b""], [0.5, 1], ("img", "label"), "here: column 'label': found double, expected classes as integers or"),
        (
            [b"", b""],
            [0, None],
            ("img", "label"),
            "here: column 'label', row 1: found the label None, expected a class",
        ),
        ([b"", b""], ["", "a"], ("img", "label"), "here: column 'label', row 0: found the label '', expected a class"),
    ],
)
def test_wrong_columns_are_told(
    tmp_path: Path, encoded: list[Any], labels: list[Any], columns: tuple[str, str], words: str
) -> None:
    assert words in refusal(read_parquet, write(tmp_path / "a.parquet", encoded, labels), *columns, "here")


def test_an_unlabelled_image_among_named_classes_is_told(tmp_path: Path) -> None:
    path = served(tmp_path / "a.parquet", pictures(2, 0), [0, -1])
    message = refusal(read_parquet, path, "img", "label", "here")
    assert message == "here: column 'label', row 1: found the label -1, expected ['cat', 'dog', 'owl']"


def test_a_file_without_images_or_that_is_not_parquet_is_told(tmp_path: Path) -> None:
    empty = write(tmp_path / "a.parquet", [], [], pa.binary())
    assert "here: " in refusal(read_parquet, empty, "img", "label", "here")
    (tmp_path / "b.parquet").write_text("cat, dog")
    assert "here: not a Parquet file" in refusal(read_parquet, tmp_path / "b.parquet", "img", "label", "here")


def test_images_of_two_shapes_are_refused_in_a_file_and_between_files(tmp_path: Path) -> None:
    encoded = [png(image) for image in (pictures(1, 0)[0], pictures(1, 0)[0, :4])]
    both = write(tmp_path / "both.parquet", encoded, [0, 1])
    message = refusal(read_parquet, both, "img", "label", "here")
    assert message == "here, row 1: found an image of shape (4, 4, 3), expected (5, 4, 3) as in row 0"
    one, other = (write(tmp_path / f"{row}.parquet", encoded[row : row + 1], [0]) for row in (0, 1))
    spec = local(train=one, dev=other, test=one)
    message = refusal(download_dataset, spec, tmp_path / "out")
    assert message == f"{other}: found images of shape [4, 4, 3], expected [5, 4, 3] as in train"
    assert not (tmp_path / "out").exists()


def study(**changes: Any) -> dict[str, Any]:
    values = study_of(
        datasets={"digits": DIGITS, "news": small.local(all="a")},
        systems={"resnet": {"kind": "image", "epochs": 1}, "bert": ENCODER},
        treatments={"gone": cap("3", 5, kind="cap-relabel")},
        experiments={"main": grid("digits", "clean", "resnet")},
    )
    for path, value in changes.items():
        *parents, last = path.split("__")
        node = values
        for parent in parents:
            node = node[parent]
        node[last] = value
    return values


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {"experiments__main__systems": ["resnet", "bert"]},
            "experiments.main: bert is of kind encoder, but digits holds images",
        ),
        (
            {"experiments__main__datasets": ["digits", "news"]},
            "experiments.main: resnet is of kind image, but news holds words",
        ),
        (
            {"experiments__main__treatments": ["gone"]},
            "experiments.main: gone gives images the tag O, which this task does not have",
        ),
        ({"datasets__digits__task": "ner"}, "datasets.digits: scikit-learn's digits are images; expected task: image"),
        (
            {"datasets__news__task": "image"},
            "datasets.news: found the file 'a'; expected images in a .parquet file",
        ),
        ({"systems__resnet__depths": [1, 1]}, "systems.resnet: depths are (1, 1) and widths"),
        (
            {"systems__resnet": {"kind": "image", "epochs": 1, "checkpoint": "base", "block": "basic"}},
            "systems.resnet: block is set, but the shape is the checkpoint's; drop one of the two",
        ),
        ({"systems__resnet__batch_size": 1}, "systems.resnet.batch_size: found 1"),
    ],
)
def test_a_study_that_mixes_words_and_images_is_refused_when_it_is_checked(changes: dict[str, Any], words: str) -> None:
    load(study())
    assert refusal(load, study(**changes), "config.yaml").startswith(f"config.yaml: {words}")
