"""Tables that follow the schemas and whose values are known, for the tests of figures (and to look at figures)."""

import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from settling.detectors import DETECTORS, detector_of
from settling.figures.plot import specification
from settling.schemas import SCHEMAS
from settling.tables import write_table
from settling.treatments import family_of

Row = dict[str, Any]
EPOCHS = range(12)
LEVELS = (0, 10, 30, 50)
SETTLED = {10: 0.65431, 30: 0.33218, 50: 0.18209}
SENTENCES = (0, 5, 15, 25, 50, 100, 200)
# kind, checkpoint, pretrained, centroids
CARDS: dict[str, tuple[str, str | None, bool, str | None]] = {
    "bert": ("encoder", "bert", True, None),
    "bert-scratch": ("encoder", "bert", False, None),
    "bilstm-crf": ("bilstm-crf", "glove", False, None),
    "protobert": ("protobert", "bert", True, "full"),
    "protobert-running": ("protobert", "bert", True, "running"),
    "resnet": ("image", "resnet", True, None),
    "resnet-scratch": ("image", None, False, None),
    "roberta": ("encoder", "roberta", True, None),
}
NOISY = {
    "tweets": ("bert", "bert-scratch", "bilstm-crf", "roberta"),
    "jnlpba": ("bert",),
    "digits": ("resnet", "resnet-scratch"),
}
CAPPED = {("tweets", "LOC"): ("bert", "protobert", "protobert-running"), ("tweets", "MISC"): ("bert",)} | {
    ("jnlpba", "protein"): ("bert", "protobert")
}
CLEAN = {"tweets": ("bert", "bert-scratch", "bilstm-crf", "protobert"), "jnlpba": ("bert", "bilstm-crf")}
RANKING = [name for name in DETECTORS if detector_of(name).rank]
CALLING = [name for name in DETECTORS if detector_of(name).call]
ESTIMATE = ("mean", "sd", "low", "high", "n", "settled_f1")
EDGES = [float(f"{10 ** (step / 5):.3g}") for step in range(-20, 8)]


def write(path: Path, name: str, rows: list[Row]) -> None:
    columns = {column: [row[column] for row in rows] for column in SCHEMAS[name].names}
    write_table(path / f"{name}.parquet", name, columns, {})


def drawn_rows(tables: Path, figure: str) -> list[Row]:
    """Return the rows that a figure of these tables holds."""
    return rows_of(json.loads(specification(figure, tables)))


def rows_of(spec: dict[str, Any]) -> list[Row]:
    """Return the rows that the specification of a chart holds."""
    return [row for rows in spec["datasets"].values() for row in rows]


def tables(
    path: Path, kinds: tuple[str, ...] = ("resample",), renamed: dict[str, str] | None = None, n: int = 4
) -> Path:
    """Write every table that a figure reads, over `n` runs; `renamed` gives classes and systems other names."""
    names = renamed or {}
    for name, rows in {
        "datasets": datasets(),
        "systems": systems(),
        "treatments": treatments(kinds),
        "curves": [*noise_curves(kinds, n), *cap_curves(n)],
        "summary": [*cap_scores("summary", n), *clean_scores(n)],
        "contrasts": [*cap_scores("contrasts", n)],
        "phases": [*phases(kinds, n)],
        "first_learned": [*first_learned(kinds, n), *first_learned_under_caps(n)],
        "forgetting": [*forgetting(n)],
        "words": [*forgotten_words(n)],
        "quotes": [*quotes()],
        "caps": [*caps(n)],
        "detection": [*detection(kinds, n)],
        "loss_histogram": [*loss_histogram(kinds, n)],
    }.items():
        for row in rows:
            row |= {key: names.get(row[key], row[key]) for key in ("class", "cap_class", "system") if key in row}
        write(path, name, unique(rows))
    return path


def unique(rows: list[Row]) -> list[Row]:
    """Keep the first of rows that differ in their estimates alone."""
    found: dict[str, Row] = {}
    for row in rows:
        found.setdefault(str([value for key, value in row.items() if key not in ESTIMATE]), row)
    return [*found.values()]


def estimate(mean: float, n: int = 4, spread: float = 0.025) -> Row:
    mean = round(mean, 5)
    if n == 1:
        return {"mean": mean, "sd": None, "low": None, "high": None, "n": 1}
    return {"mean": mean, "sd": spread, "low": round(mean - spread, 5), "high": round(mean + spread, 5), "n": n}


def treatment(kind: str, level: int = 0, cap_class: str = "LOC", dataset: str = "tweets") -> Row:
    base: Row = {
        "dataset": dataset,
        "family": family_of({"kind": kind}),
        "percent": None,
        "cap_class": None,
        "cap_sentences": None,
    }
    if kind == "clean" or (kind in ("resample", "flip") and level == 0):
        return {**base, "treatment": "clean", "family": "clean", "kind": "clean"}
    if kind in ("resample", "flip"):
        return {**base, "treatment": f"noise-{kind}-{level}", "kind": kind, "percent": level}
    name = f"{kind}-{cap_class}-{level}"
    return {**base, "treatment": name, "kind": kind, "cap_class": cap_class, "cap_sentences": level}


def score(split: str, reference: str, metric: str, view: str = "epoch-end", klass: str = "all") -> Row:
    return {"split": split, "view": view, "reference": reference, "class": klass, "metric": metric}


def fit(epoch: int, start: float = 0.0) -> float:
    """A curve that rises to 1 with a delay."""
    return max(0.0, 1 - 0.4 ** max(0.0, epoch - start))


def datasets() -> list[Row]:
    """Return the data sets; digits alone are images."""
    words, images = {"task": "ner", "unit": "word", "group": "sentence"}, {"task": "image", "unit": "image"}
    return [
        *({"dataset": name, **words, "own": False} for name in ("tweets", "conll2003", "wnut17", "jnlpba")),
        {"dataset": "digits", **images, "group": "image", "own": False},
    ]


def systems() -> list[Row]:
    names = ("kind", "checkpoint", "pretrained", "centroids")
    return [
        {"system": system, **dict(zip(names, card, strict=True)), "epochs": len(EPOCHS), "batch_size": 8}
        | {"schedule": "linear", "max_length": None, "long_sentences": None}
        for system, card in CARDS.items()
    ]


def treatments(kinds: tuple[str, ...]) -> list[Row]:
    return [
        {**treatment(kind, level, dataset=dataset), "noise_seed": noise_seed, "sentences": 900, "words": 9000}
        | {"nominal_rate": level / 100, "effective_rate": level / 110}
        | {"effective_mention_rate": level / 100}
        | {"settled_f1": SETTLED.get(level, 1.0) + (-1) ** noise_seed * 0.01}
        for dataset, kind, level, noise_seed in itertools.product(NOISY, kinds, LEVELS, (0, 1))
    ]


def under_noise(kinds: tuple[str, ...]) -> Iterator[tuple[Row, str, int]]:
    """Where each noisy or clean run is, its system, and its level."""
    for dataset, named in NOISY.items():
        for kind, level, system in itertools.product(kinds, LEVELS, named):
            yield {**treatment(kind, level, dataset=dataset), "system": system}, system, level


def noise_curves(kinds: tuple[str, ...], n: int) -> Iterator[Row]:
    for (place, system, level), epoch in itertools.product(under_noise(kinds), EPOCHS):
        memory = level and fit(epoch, 9 - level / 12 if CARDS[system][2] else 1) * 0.6
        plateau = SETTLED.get(level, 0.96)
        where = {**place, "epoch": epoch}
        train = plateau * fit(epoch) + (0.95 - plateau) * memory
        dev = 0.85 * fit(epoch) - 0.4 * memory * level / 50
        yield {**where, **score("train", "given", "f1"), **estimate(train, n)}
        yield {**where, **score("train", "given", "f1", view="minibatch"), **estimate(0.111, n)}
        yield {**where, **score("dev", "true", "f1"), **estimate(dev, n)}
        yield {**where, **score("dev", "true", "f1", klass="PER"), **estimate(0.222, n)}
        if level:
            yield {**where, **score("train", "given", "noisy_accuracy"), **estimate(memory, n)}
            right = (1 - memory) * fit(epoch)
            yield {**where, **score("train", "true", "noisy_accuracy"), **estimate(right, n)}


def under_caps(*kinds: str) -> Iterator[tuple[Row, str, str, str, int]]:
    """Where each capped or clean run is, its system, kind, class, and the sentences kept."""
    for (dataset, klass), named in CAPPED.items():
        for (kind, number), system in itertools.product([*itertools.product(kinds, SENTENCES), ("clean", 1000)], named):
            yield {**treatment(kind, number, klass, dataset), "system": system}, system, kind, klass, number


def reach(system: str, kind: str, number: int) -> float:
    """F1 of a capped class after training."""
    if kind == "drop":
        return 0.8
    return (0.7 if kind == "cap-relabel" else 0.85) * number / (number + (8 if "proto" in system else 20))


def cap_curves(n: int) -> Iterator[Row]:
    for (place, system, kind, klass, number), epoch in itertools.product(under_caps("cap", "drop"), EPOCHS):
        where = {**place, "epoch": epoch}
        best = reach(system, kind, number)
        yield {**where, **score("train", "given", "f1", klass=klass), **estimate(0.97 * fit(epoch, 1), n)}
        yield {**where, **score("dev", "true", "f1", klass=klass), **estimate(best * fit(epoch, 1), n)}
        yield {**where, **score("dev", "true", "f1", klass="PER"), **estimate(0.333, n)}


def cap_scores(table: str, n: int) -> Iterator[Row]:
    for place, system, kind, klass, number in under_caps("cap", "cap-relabel", "drop"):
        of_class, other = reach(system, kind, number), {}
        if table == "contrasts":
            of_class -= reach("bert", kind, number)
            other = {"baseline_system": "bert"}
            if system == "bert":
                continue
        for named, value in ((klass, of_class), ("all", 0.25 * of_class + (table == "summary") * 0.6), ("PER", 0.333)):
            where = {**place, **other, **score("dev", "true", "f1", klass=named)}
            yield {**where, "selected_epoch": "best", **estimate(value, n)}
            yield {**where, "selected_epoch": "final", **estimate(0.444, n)}
        if table == "contrasts" and system == "protobert-running":
            where = {**place, "baseline_system": "protobert", **score("dev", "true", "f1", klass=klass)}
            yield {**where, "selected_epoch": "best", **estimate(0.555, n)}


def clean_scores(n: int) -> Iterator[Row]:
    for dataset, named in CLEAN.items():
        for (index, system), split in itertools.product(enumerate(named), ("dev", "test")):
            for metric, value in (("f1", 0.9), ("precision", 0.92), ("recall", 0.88)):
                where = {**treatment("clean", dataset=dataset), "system": system, **score(split, "true", metric)}
                value -= 0.05 * index + (split == "dev") * 0.3
                yield {**where, "selected_epoch": "best", **estimate(value, n, 0.011)}
                yield {**where, "selected_epoch": "final", **estimate(0.444, n)}


def phases(kinds: tuple[str, ...], n: int) -> Iterator[Row]:
    for place, system, level in under_noise(kinds):
        settles = 1.0 if CARDS[system][2] and level < 50 else 0.25
        epochs = settles * max(0, 9 - level / 6)
        for view in ("epoch-end", "minibatch"):
            where = {**place, "view": view, "runs": n}
            for quantity, unit, mean in (
                ("settles", "share", settles),
                ("settling_epochs", "epochs", epochs if view == "epoch-end" else 0.111),
                ("settling_steps", "steps", 113 * epochs),
                ("open_ended", "share", float(level == 0)),
            ):
                yield {**where, "quantity": quantity, "unit": unit, **estimate(mean, n)}
            none = {"mean": None, "sd": None, "low": None, "high": None, "n": 0}
            yield {**where, "quantity": "fitting_epochs", "unit": "epochs", **none}


def first_learned(kinds: tuple[str, ...], n: int) -> Iterator[Row]:
    for (place, _, level), noisy in itertools.product(under_noise(kinds), (True, False)):
        if noisy and not level:
            continue
        early, late = (0.1, 0.0015 * level) if noisy else (0.7 - level / 500, 0)
        shares = {epoch: early * 0.3**epoch + (late if epoch > 8 - level / 12 else 0) for epoch in EPOCHS}
        yield from learned_rows({**place, "class": "all", "noisy": noisy}, shares, n)


def first_learned_under_caps(n: int) -> Iterator[Row]:
    for place, _, _, klass, number in under_caps("cap", "drop"):
        for named, peak in ((klass, 0.5 + 0.4 / (1 + number)), ("all", 0.9)):
            shares = {epoch: peak * 0.45**epoch for epoch in EPOCHS}
            if number:
                yield from learned_rows({**place, "class": named, "noisy": False}, shares, n)


def learned_rows(where: Row, shares: dict[int, float], n: int) -> Iterator[Row]:
    total = sum(shares.values())
    scaled = {epoch: share / max(1.0, total) for epoch, share in shares.items()}
    for epoch, share in {**scaled, -1: 1 - sum(scaled.values())}.items():
        yield {**where, "view": "minibatch", "epoch": epoch, **estimate(share, n, share / 8)}


def forgetting(n: int) -> Iterator[Row]:
    for dataset, named in CLEAN.items():
        for (index, system), view, counting in itertools.product(
            enumerate(named), ("minibatch", "epoch-end"), ("words", "authors")
        ):
            where = {**treatment("clean", dataset=dataset), "system": system, "view": view, "counting": counting}
            lost, learned = 1000.0 * (index + 1), 20_000.0 + 1800 * (counting == "authors")
            counts = {"forgettable": lost, "unforgettable": 70_000 * (counting == "authors") + 19_500 - lost}
            for metric, mean in {**counts, "learned": learned}.items():
                yield {**where, "noisy": False, "metric": metric, **estimate(mean, n, 120)}
            yield {**where, "noisy": False, "metric": "ratio", **estimate(lost / learned, n, 0.004)}
            yield {**where, "noisy": True, "metric": "learned", **estimate(0.111, n)}


SENTENCE = "The Bank of England said on Thursday it would not raise rates before the election in May this year"


def forgotten_words(n: int) -> Iterator[Row]:
    for dataset, named in CLEAN.items():
        for system, rank in itertools.product(named, range(1, 21)):
            where = {**treatment("clean", dataset=dataset), "noise_seed": 0, "system": system, "view": "minibatch"}
            word = {"list": "most-forgotten", "rank": rank, "word": 10 * rank, "sentence": 0, "position": rank - 1}
            label = {
                "true_label": "B-ORG" if rank % 2 else "O",
                "given_label": "O",
                "noisy": False,
                "mistaken_for": "B-ORG",
            }
            values = {"forgetting": 9.25 - rank / 4, "first_learned": 1.0, "loss": 0.5, "n": n}
            yield {**where, **word, **label, **values}


def quotes() -> Iterator[Row]:
    words = SENTENCE.split()
    for dataset, position in itertools.product(CLEAN, range(len(words))):
        before, after = " ".join(words[:position]), " ".join(words[position + 1 :])
        place = {"dataset": dataset, "sentence": 0, "position": position}
        yield {**place, "before": before, "token": words[position], "after": after}


def caps(n: int) -> Iterator[Row]:
    for (dataset, klass), named in CAPPED.items():
        for system, kind in itertools.product(named, ("cap", "drop")):
            where = {
                "dataset": dataset,
                "family": family_of({"kind": kind}),
                "kind": kind,
                "cap_class": klass,
                "system": system,
            }
            starts = 8.0 if "proto" in system else 21.0
            yield {**where, "quantity": "starts", "runs": n, **estimate(starts, n, 4)}
            none = {"mean": None, "sd": None, "low": None, "high": None, "n": 0}
            levels = estimate(110.0 if system == "bert" else 50.0, n, 15)
            yield {**where, "quantity": "levels", "runs": n, **(none if system == "protobert-running" else levels)}


def detection(kinds: tuple[str, ...], n: int) -> Iterator[Row]:
    for place, _, level in under_noise(kinds):
        for index, selected_epoch in enumerate(("epoch-4", "best", "settled", "final")) if level else ():
            where = {**place, "view": "epoch-end", "selected_epoch": selected_epoch}
            for rank, detector in enumerate(RANKING):
                value = 0.98 - 0.05 * rank - 0.03 * index - level / 1000
                for rate, metric in (
                    ("known", "f1"),
                    ("estimated", "f1"),
                    ("any", "auroc"),
                    ("any", "average_precision"),
                ):
                    shown = value - 0.06 * (rate == "estimated")
                    yield {**where, "detector": detector, "rate": rate, "metric": metric, **estimate(shown, n, 0.01)}
                yield {**where, "detector": detector, "rate": "known", "metric": "recall", **estimate(0.111, n)}
            for detector in CALLING:
                if detector_of(detector).only_after in (None, selected_epoch):
                    own = {"detector": detector, "rate": "own", "metric": "f1"}
                    yield {**where, **own, **estimate(0.9 - 0.1 * index, n, 0.01)}


def loss_histogram(kinds: tuple[str, ...], n: int) -> Iterator[Row]:
    for place, _, level in under_noise(kinds):
        for selected_epoch, noisy in (
            itertools.product(("epoch-4", "best", "settled", "final"), (True, False)) if level else ()
        ):
            centre = 22 if noisy and selected_epoch != "final" else 6
            weights = [0.7 ** abs(index - centre) for index in range(len(EDGES) - 1)]
            for low_edge, high_edge, weight in zip(EDGES, EDGES[1:], weights, strict=False):
                edges = {"low_edge": low_edge, "high_edge": high_edge}
                share = estimate(weight / sum(weights), n, 0.002)
                yield {**place, "view": "epoch-end", "selected_epoch": selected_epoch, "noisy": noisy, **edges, **share}
