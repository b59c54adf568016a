"""Captions name what carries a label in the data sets that a figure shows."""

import json
from pathlib import Path

import pandas as pd
import pytest

from settling.figures.needs import Needs
from settling.figures.plot import specification
from settling.figures.units import in_units, units_of
from tests.unit.figures.synthetic import tables

DATASETS = pd.DataFrame({"dataset": ["news", "digits"], "unit": ["word", "image"], "group": ["sentence", "image"]})


@pytest.mark.parametrize(
    ("text", "units", "expected"),
    [
        ("A word is noisy. Words of a word-piece.", ["image"], "An image is noisy. Images of a word-piece."),
        ("of a word and of words", ["image", "word"], "of an image or word and of images or words"),
        ("a word", ["token"], "a token"),
        ("a swordfish of passwords", ["image"], "a swordfish of passwords"),
        ("words", ["image"], "words"),
        ("some words", ["word"], "some words"),
    ],
)
def test_words_become_the_units(text: str, units: list[str], expected: str) -> None:
    assert in_units([{"title": text}], units) == [{"title": expected}]


@pytest.mark.parametrize(
    ("shown", "units"),
    [
        (["news/noise"], ["word"]),
        (["digits/noise"], ["image"]),
        (["news/noise", "digits/noise"], ["image", "word"]),
        (["news/noise", "digits/clean"], ["word"]),
        ([], ["word"]),
    ],
)
def test_the_units_are_those_of_the_data_sets_that_the_figure_is_about(shown: list[str], units: list[str]) -> None:
    curves = pd.DataFrame([name.split("/") for name in shown], columns=["dataset", "family"])
    assert units_of({"datasets": DATASETS, "curves": curves}, Needs("noise")) == units


def test_a_figure_of_images_speaks_of_images_and_one_of_words_of_words(tmp_path: Path) -> None:
    tables(tmp_path)
    assert "Share of noisy images" in specification("appA_image_noise", tmp_path)
    of_words = json.loads(specification("fig2_noisy_accuracy", tmp_path))
    assert "Share of noisy words" in json.dumps(of_words)
    assert "images" not in json.dumps(of_words["title"])
