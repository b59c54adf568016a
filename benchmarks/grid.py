"""What a grid of runs costs, by its arithmetic: `python benchmarks/grid.py [CONFIG] [--tflops 10]`.

Floating-point operations of the linear layers on useful tokens, 6 a parameter and token in training and 2 in evaluation
(the backward pass costs two forward ones); a cap is counted as if it removed nothing. Hours follow at the share of a
core's peak that `make bench` measured, and at so many TFLOP/s of a GPU as are given: measure yours with one run.
"""

import argparse
import json
from collections import defaultdict
from pathlib import Path

from settling import study as plan
from settling.config import Study, read
from settling.layout import Run
from settling.systems.bilstm_crf import BilstmCrfRecipe
from settling.systems.image import ImageRecipe
from settling.training.recipe import Recipe, TransformerRecipe

HERE = Path(__file__).resolve().parent
# Words of train, dev and test, or images, of the files that config/paper.yaml names.
SIZES = {
    "conll2003": (203_621, 51_362, 46_435),
    "jnlpba": (437_770, 49_477, 101_039),
    "wnut17": (62_730, 15_733, 23_394),
    "cifar10": (45_000, 5_000, 10_000),
}
# Word-pieces a word, with [CLS] and [SEP]: measured on CoNLL-2003's training file with the uncased vocabulary of
# BERT and MiniLM.
PIECES_A_WORD = 1.38
# Of a base-size encoder: 12 layers of 4 products of 768 x 768 and 2 of 768 x 3072.
BASE_PARAMETERS = 12 * (4 * 768 * 768 + 2 * 768 * 3072)
# Multiplications of ResNet-50 on an image of 224 x 224 (He et al. 2016, table 1), made less by the area.
RESNET_PRODUCTS = 3.8e9 / 224**2


def products(recipe: Recipe) -> float:
    """Return the multiplications of a forward pass over one word, or one image."""
    if isinstance(recipe, TransformerRecipe):
        return BASE_PARAMETERS * PIECES_A_WORD
    if isinstance(recipe, BilstmCrfRecipe):
        inputs = [recipe.word_size + recipe.character_size, *[2 * recipe.hidden_size] * (recipe.layers - 1)]
        return sum(2 * 4 * recipe.hidden_size * (size + recipe.hidden_size) for size in inputs)
    if isinstance(recipe, ImageRecipe):
        return RESNET_PRODUCTS * recipe.image_size**2
    raise TypeError(f"no count of products for a recipe of kind {recipe.kind}")


def flops(study: Study, run: Run) -> float:
    """Return what a run takes: each epoch trains, and evaluates dev, test and, where asked, train."""
    recipe = study.systems[run.system]
    train, dev, test = SIZES[run.dataset]
    seen = dev + test + (train if "epoch-end" in recipe.views else 0)
    return recipe.epochs * products(recipe) * (6 * train + 2 * seen)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("config", nargs="?", type=Path, default=HERE.parent / "config" / "paper.yaml")
    parser.add_argument("--tflops", type=float, default=10.0, help="that a GPU keeps up (default: 10)")
    options = parser.parse_args()
    study = read(options.config)
    measured = json.loads((HERE / "results.json").read_text())["train"]["values"]
    core = sorted(row["ours"]["flops"] / row["ours"]["seconds"] for row in measured)[len(measured) // 2]
    runs: dict[str, int] = defaultdict(int)
    work: dict[str, float] = defaultdict(float)
    for run in plan.runs(study):
        runs[run.system] += 1
        work[run.system] += flops(study, run)
    print(f"{'system':20} {'runs':>6} {'PFLOP':>10} {'GPU-hours':>10} {'core-hours':>11}")
    for system in [*runs, "all"]:
        number = sum(runs.values()) if system == "all" else runs[system]
        total = sum(work.values()) if system == "all" else work[system]
        hours = total / 3600
        print(f"{system:20} {number:6} {total / 1e15:10.0f} {hours / options.tflops / 1e12:10.1f} {hours / core:11.0f}")
    print(f"{len(plan.jobs(study))} trainings are submitted; a core keeps up {core / 1e9:.0f} GFLOP/s (make bench)")


main()
