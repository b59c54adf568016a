"""Images as sentences of one word: scikit-learn's digits, and Parquet files as the Hugging Face hub serves them.

An image's class is the tag `B-<class>`, so whatever holds for words with tags holds for images. No file that a table
names and no format that runs code is opened.
"""

import contextlib
import io
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from settling.data.foreign import open_foreign_parquet
from settling.data.sentences import Sentence
from settling.errors import BadInput, one_line_errors

MAX_SIDE = 1024
# A column of bytes holds less than 2 GiB.
MAX_BYTES = 2**31 - 1
FORMATS = ("PNG", "JPEG", "WEBP")
# Pillow's modes of 8 bits a channel, and what each becomes: grey stays grey.
MODES = {"1": "L", "L": "L", "LA": "L", "P": "RGB", "RGB": "RGB", "RGBA": "RGB", "CMYK": "RGB", "YCbCr": "RGB"}


def read_digits() -> tuple[list[Sentence], dict[str, Any]]:
    """Return scikit-learn's digits, grey values of 0 to 16 scaled to 0 to 255, and a record with their shape."""
    from sklearn.datasets import load_digits

    digits = load_digits()
    pixels = (digits.images * (255 / 16)).round().astype(np.uint8)
    images = [_image(row, name, image) for row, (name, image) in enumerate(zip(digits.target, pixels, strict=True))]
    return images, {"image_shape": [8, 8, 1]}


def read_parquet(path: Path, image_column: str, label_column: str, where: str) -> tuple[list[Sentence], dict[str, Any]]:
    """Read a Parquet file of encoded images (bytes, or bytes and path) and labels (ClassLabel, integers or strings).

    Returns the images, each named by its row, from 0, and a record with their one shape, (height, width, channels).
    Raises BadInput with `where` and the row.
    """
    import datasets

    columns = [image_column, label_column]
    with open_foreign_parquet(path, where, columns) as file, one_line_errors(where):
        table = file.read(columns)
        feature = datasets.Features.from_arrow_schema(table.schema)[label_column]
    encoded = _bytes_of(table[image_column], f"{where}: column {image_column!r}")
    classes = _classes(table[label_column], getattr(feature, "names", None), f"{where}: column {label_column!r}")
    images: list[Sentence] = []
    shape: tuple[int, ...] = ()
    for row, (content, name) in enumerate(zip(encoded, classes, strict=True)):
        pixels = decode(content.as_py(), f"{where}, row {row}")
        shape = shape or pixels.shape
        if pixels.shape != shape:
            raise BadInput(f"{where}, row {row}: found an image of shape {pixels.shape}, expected {shape} as in row 0")
        if pixels.size * len(classes) > MAX_BYTES:
            raise BadInput(
                f"{where}: {len(classes)} images of shape {shape} take {MAX_BYTES} bytes or more; cut the file"
            )
        images.append(_image(row, name, pixels))
    if not images:
        raise BadInput(f"{where}: no images")
    return images, {"image_shape": list(shape)}


def decode(content: bytes | None, where: str) -> NDArray[np.uint8]:
    """Return the pixels of a PNG, JPEG or WebP: (height, width, 1 or 3). Raises BadInput, `where` first."""
    from PIL import Image, UnidentifiedImageError

    if not content:
        raise BadInput(f"{where}: found no bytes, expected an image in the file itself")
    # Pillow warns of far larger images than are refused here.
    with one_line_errors(where), warnings.catch_warnings(action="ignore"), contextlib.ExitStack() as stack:
        try:
            image = stack.enter_context(Image.open(io.BytesIO(content), formats=FORMATS))
        except UnidentifiedImageError:
            begin = f"{len(content)} bytes that begin {content[:12]!r}"
            raise BadInput(f"{where}: found {begin}, expected a PNG, JPEG or WebP") from None
        # The size stands in the header: nothing is decoded yet.
        if max(image.size) > MAX_SIDE:
            size = " x ".join(map(str, image.size))
            raise BadInput(f"{where}: found an image of {size} pixels, expected at most {MAX_SIDE} x {MAX_SIDE}")
        if image.mode not in MODES:
            raise BadInput(f"{where}: found pixels of mode {image.mode}, expected 8 bits a channel")
        pixels = np.asarray(image.convert(MODES[image.mode]), dtype=np.uint8)
    return pixels.reshape(*pixels.shape[:2], -1)


def _image(row: int, name: Any, pixels: NDArray[np.uint8]) -> Sentence:
    return Sentence((str(row),), (f"B-{name}",), pixels.tobytes())


def _bytes_of(column: pa.ChunkedArray, where: str) -> pa.ChunkedArray:
    """Return the encoded images of a column that holds them as bytes, or as a struct with a field of bytes."""
    kind = column.type
    if pa.types.is_struct(kind) and kind.get_field_index("bytes") >= 0:
        column = pa.chunked_array([chunk.field("bytes") for chunk in column.chunks], kind.field("bytes").type)
    if not pa.types.is_binary(column.type):
        raise BadInput(f"{where}: found {kind}, expected images as bytes, or as a struct of bytes and path")
    return column


def _classes(column: pa.ChunkedArray, names: Sequence[str] | None, where: str) -> list[str]:
    """Return the name of each label: by `names` where there are some, else the integer or string itself."""
    if not (pa.types.is_integer(column.type) or pa.types.is_string(column.type)):
        raise BadInput(f"{where}: found {column.type}, expected classes as integers or strings")
    labels = column.to_pylist()
    known = range(len(names)) if names is not None else None
    for row, label in enumerate(labels):
        if label is None or label == "" or (known is not None and label not in known):
            raise BadInput(
                f"{where}, row {row}: found the label {label!r}, expected {list(names) if names else 'a class'}"
            )
    return [names[label] if names is not None else str(label) for label in labels]
