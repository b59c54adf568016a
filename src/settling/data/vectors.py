"""Word vectors as text, a word and its numbers a line: GloVe's files, or fastText's, which begin `count dimension`."""

from collections.abc import Collection
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from settling.errors import BadInput

VECTORS = "vectors.txt"


def read_vectors(path: Path, words: Collection[str], dimension: int) -> dict[str, NDArray[np.float32]]:
    """Return the vectors (dimension,) of those of `words` that the file has; of a word that repeats, the first.

    Lines of other words are not parsed. Raises BadInput where the file is missing, its vectors are of another
    dimension, or a line that is wanted does not hold as many numbers.
    """
    found: dict[str, NDArray[np.float32]] = {}
    wanted = {word.encode(): word for word in words}
    try:
        file = path.open("rb")
    except OSError:
        raise BadInput(f"{path}: no such file; expected word vectors, a checkpoint of kind vectors") from None
    with file:
        size, header = _dimension(file.readline(), path)
        if size != dimension:
            raise BadInput(f"{path}: line 1: found vectors of {size} numbers, expected word_size, {dimension}")
        file.seek(header)
        for number, line in enumerate(file, 2 if header else 1):
            word = wanted.get(line[: line.find(b" ")])
            if word is None or word in found:
                continue
            name, *numbers = line.rsplit(maxsplit=dimension)
            # Where more numbers follow, it is the first part of a word with spaces (glove.840B has some).
            if name == word.encode():
                found[word] = _vector(numbers, dimension, f"{path}: line {number}")
    return found


def check_vectors(path: Path) -> None:
    """Raise BadInput, naming the line, unless each word has as many numbers, and a header tells how many words.

    Whether they are numbers is seen when they are read: to parse all would take minutes.
    """
    with path.open("rb") as file:
        first = file.readline()
        dimension, header = _dimension(first, path)
        file.seek(header)
        num_words = 0
        for line in file:
            num_words += 1
            found = line.rstrip().count(b" ")
            if found < dimension:
                number = num_words + bool(header)
                raise BadInput(f"{path}: line {number}: found {found} numbers, expected {dimension}")
    if header and num_words != int(first.split()[0]):
        raise BadInput(f"{path}: found {num_words} words, expected {int(first.split()[0])}, as its first line says")


def _dimension(first: bytes, path: Path) -> tuple[int, int]:
    """Return how many numbers a vector has, and how many bytes the header takes, by the first line."""
    fields = first.split()
    if len(fields) == 2 and all(field.isdigit() for field in fields):
        return int(fields[1]), len(first)
    if len(fields) < 2:
        raise BadInput(f"{path}: line 1: found {first[:40].decode(errors='replace').strip()!r}, expected word vectors")
    _vector(fields[1:], len(fields) - 1, f"{path}: line 1")
    return len(fields) - 1, 0


def _vector(numbers: list[bytes], dimension: int, where: str) -> NDArray[np.float32]:
    """Parse a vector; raise BadInput where it is not so many finite numbers."""
    if len(numbers) != dimension:
        raise BadInput(f"{where}: found {len(numbers)} numbers, expected {dimension}")
    try:
        vector = np.array(numbers, dtype=np.float32)
    except ValueError:
        vector = np.array([np.nan], dtype=np.float32)
    if not np.isfinite(vector).all():
        shown = b" ".join(numbers)[:40].decode(errors="replace")
        raise BadInput(f"{where}: found {shown} ..., expected finite numbers")
    return vector
