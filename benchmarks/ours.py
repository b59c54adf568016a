"""Our training loop under measurement: `python ours.py FOLDER`, told what to do by bench.py or gpu.py."""

import argparse
import functools
import time
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from prepare import BATCH_SIZE, LEARNING_RATE, first, peak_memory, reset_peak_memory
from transformers import PreTrainedModel
from worker import BATCH_AND_A_BIT, serve

from settling.data.split import Split, read_split, read_treated
from settling.systems.encoder import EncoderRecipe
from settling.systems.encoder_model import System
from settling.systems.windows import Windows
from settling.training.device import set_up
from settling.training.loop import Trainer
from settling.validation import check

SIDE = 1024
# Of the trainings whose scores are compared.
EPOCHS = 4


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--precision", default="float32")
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--warm-up", type=int, default=BATCH_AND_A_BIT, help="sentences")
    options = parser.parse_args()
    folder = options.folder
    place = set_up(options.device, threads=1)
    splits = {
        "train": read_treated(folder / "treated.parquet", folder / "data" / "train.parquet"),
        **{name: read_split(folder / "data" / f"{name}.parquet") for name in ("dev", "test")},
    }

    def recipe(epochs: int) -> EncoderRecipe:
        values = {
            **{"kind": "encoder", "checkpoint": "minilm", "epochs": epochs, "batch_size": BATCH_SIZE},
            **{"learning_rate": LEARNING_RATE, "views": ["minibatch"]},
            **{"precision": options.precision, "compile": options.compile},
        }
        found: EncoderRecipe = check(EncoderRecipe, values, "recipe")
        return found

    def some(sentences: int) -> dict[str, Split]:
        return {**splits, "train": first(splits["train"], sentences)}

    def system(sentences: int, epochs: int) -> System:
        torch.manual_seed(0)
        return System(recipe(epochs), folder / "checkpoint", some(sentences), place)

    # A model that is compiled is to be so once, not for each measurement.
    kept = functools.cache(functools.partial(system, epochs=1))

    def trainer(sentences: int, epochs: int) -> Trainer:
        return Trainer(recipe(epochs), 0, system(sentences, epochs), some(sentences))

    def train(sentences: int) -> dict[str, Any]:
        made = Trainer(recipe(1), 0, kept(sentences), some(sentences))
        tokens = len(cast(Windows, made.system.prepared["train"]).cut.ids)
        peak = sgemm() if place.type == "cpu" and options.precision == "float32" else None
        reset_peak_memory(place)
        began = time.perf_counter()
        made.train(0)
        seconds = time.perf_counter() - began
        found = {"seconds": seconds, "tokens": tokens, "words": made.num_words["train"], "memory": peak_memory(place)}
        if peak is None:
            return found
        return {
            **found,
            "flops": flops(kept(sentences).module, tokens, made.num_words["train"]),
            "peak": max(peak, sgemm()),
        }

    def whole(sentences: int) -> dict[str, Any]:
        made = trainer(sentences, 10)
        began = time.perf_counter()
        list(made.epochs())
        return {"seconds": time.perf_counter() - began}

    def profile(sentences: int) -> dict[str, Any]:
        made = trainer(sentences, 1)
        with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU]) as seen:
            made.train(0)
        times = {row.key: row.self_cpu_time_total for row in seen.key_averages()}
        return {name: time / sum(times.values()) for name, time in times.items()}

    def scores(sentences: int) -> dict[str, Any]:
        """Train packed and, the same batches, padded, without dropout, whose numbers fall on other places of each."""
        seen = {}
        for packed in (True, False):
            made = trainer(sentences, EPOCHS)
            for dropout in made.system.module.modules():
                if isinstance(dropout, torch.nn.Dropout):
                    dropout.p = 0.0
            if not packed:
                prepared = cast(dict[str, Windows], made.system.prepared)
                made.system.prepared = {name: replace(one, first_position=None) for name, one in prepared.items()}
            list(made.epochs())
            seen[packed] = made.history
        views = [history.views["minibatch"] for history in seen.values()]
        both = zip(*(history.scores for history in seen.values()), strict=True)
        pairs = [(float(one[-1]), float(other[-1])) for one, other in both]
        return {
            "losses": [float(np.abs(one.loss - other.loss).max()) for one, other in zip(*views, strict=True)],
            "words": len(views[0][0].loss),
            "predicted": [int((one.predicted != other.predicted).sum()) for one, other in zip(*views, strict=True)],
            "scores": len(pairs),
            "apart": sum(one != other for one, other in pairs),
            "most": max(abs(one - other) for one, other in pairs),
        }

    serve({"train": train, "whole": whole, "profile": profile, "scores": scores}, options.warm_up)


def flops(model: PreTrainedModel, tokens: int, words: int) -> int:
    """Return the FLOPs of the linear layers in an epoch; after its attention, the last layer sees the words alone."""
    last = f".layer.{model.config.num_hidden_layers - 1}."
    found = 0
    for name, layer in model.named_modules():
        if isinstance(layer, torch.nn.Linear):
            of_words = name == "classifier" or (last in name and ".self." not in name)
            # Two for the forward pass, four for the backward one, a multiplication and an addition each.
            found += 6 * layer.weight.numel() * (words if of_words else tokens)
    return found


def sgemm() -> float:
    """Return the FLOP a second of a product of two square matrices, the best of some."""
    a, b = torch.randn(SIDE, SIDE), torch.randn(SIDE, SIDE)
    best = float("inf")
    for _ in range(8):
        began = time.perf_counter()
        a @ b
        best = min(best, time.perf_counter() - began)
    return 2 * SIDE**3 / best


main()
