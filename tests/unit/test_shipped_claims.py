"""No claim that is shipped misspells what it asks for: on a study made by the code itself, none is not run."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from settling.analysis.aggregate import aggregate
from settling.analysis.caps import class_thresholds
from settling.analysis.dynamics import Epoch
from settling.claims.claim import CAPPED, TABLE_COLUMNS, Claim, read_claims
from settling.claims.decide import CLAIMS_TABLES, decided
from settling.claims.units import units
from settling.config import read
from settling.detectors.detect import measure, selected_epochs_of
from settling.detectors.history import History
from settling.frames import read_frame
from settling.layout import Run
from settling.schemas import METRICS
from settling.study import runs_of, system_cards
from settling.treatments import family_of
from tests.conftest import ROOT
from tests.unit.small_study import SYSTEMS, Row, block, events, losses, spec_of, write, write_card

CLAIMS = ROOT / "config" / "claims.yaml"
TAGS = ["O", "B-LOC", "I-LOC"]
IMAGES: Row = {**SYSTEMS["crf"], "kind": "image", "checkpoint": "resnet"}
CARDS: dict[str, Row] = {**SYSTEMS, "resnet": {**IMAGES, "pretrained": True}, "resnet-twin": IMAGES}
TREATMENTS: dict[str, Row] = {
    "clean": {"kind": "clean"},
    **{
        f"noise-{kind}-{percent}": {"kind": kind, "percent": percent}
        for kind in ("flip", "resample")
        for percent in (10, 20)
    },
    **{f"cap-LOC-{number}": {"kind": "cap", "class": "LOC", "sentences": number} for number in (5, 100)},
}
NOISE = [name for name, treatment in TREATMENTS.items() if family_of(treatment) == "noise"]
BLOCKS: list[Row] = [
    {**block([*TREATMENTS], [0], [0], ("base", "a-proto")), "datasets": ["conll2003", "jnlpba"]},
    {**block(NOISE, [0], [0], ("another",)), "datasets": ["conll2003"]},
    {**block(["clean"], [0], [0], ("another", "crf")), "datasets": ["conll2003"]},
    {**block(["clean"], [0], [0], ("base", "a-proto")), "datasets": ["wnut17"]},
    {**block(["clean"], [0], [0], ("resnet", "resnet-twin")), "datasets": ["digits"]},
]
# By epoch: dev and test F1, and accuracy on noisy words, of a run that settles at epochs 1 to 3.
F1 = (0.2, 0.8, 0.81, 0.8, 0.6)
MEMORISED = (0.0, 0.0, 0.1, 0.2, 0.8)


def scores_of(noisy: bool) -> list[Row]:
    """Return all scores that a run has, whatever its system."""
    return [
        {"epoch": epoch, "split": split, "view": "epoch-end", "reference": reference}
        | {"class": name, "metric": metric, "value": MEMORISED[epoch] if metric == "noisy_accuracy" else F1[epoch]}
        for epoch in range(len(F1))
        for split, reference in (("dev", "true"), ("test", "true"), ("train", "given"), ("train", "true"))
        for name in ("all", "LOC")
        for metric in (METRICS if name == "all" else METRICS[:4])
        if metric != "noisy_accuracy" or (noisy and split == "train")
    ]


def detected(scores: list[Row]) -> Iterator[Row]:
    """Return what the stage `detect` would find at each selected epoch, of four words."""
    noisy = np.array([True, False, False, True])
    history = History(np.array([1, 0, 0, 1]), TAGS)
    loss = np.array([2.0, 0.1, 0.2, 1.5], dtype=np.float32)
    history.add(Epoch("epoch-end", 0, ~noisy, loss, -loss, np.zeros(4, dtype=np.uint8)))
    for found in measure(history, noisy, [*selected_epochs_of(pd.DataFrame(scores), "epoch-end", 0.9, len(TAGS))]):
        yield {"view": "epoch-end", **found._asdict()}


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> dict[str, pd.DataFrame]:
    """Return the tables that `aggregate` makes of runs of every kind that a claim is about."""
    results = tmp_path_factory.mktemp("results")
    for run in runs_of(BLOCKS, TREATMENTS):
        write_run(results, run)
    spec = {**spec_of(BLOCKS, []), "treatments": TREATMENTS, "systems": CARDS}
    aggregate(spec, results, results / "tables")
    frames = {name: read_frame(results / "tables" / f"{name}.parquet", name) for name in CLAIMS_TABLES}
    return {**frames, "class_thresholds": class_thresholds(frames["measures"])}


def write_run(results: Path, run: Run) -> None:
    noisy = family_of(TREATMENTS[run.treatment]) == "noise"
    scores, words = scores_of(noisy), events(run)
    write(results / run.scores, "scores", scores, steps=30)
    write(results / run.events, "events", words, epochs=len(F1))
    columns = ("word", "true_label", "given_label", "noisy")
    split = [
        {"sentence": 0, "position": place, **{name: word[name] for name in columns}} for place, word in enumerate(words)
    ]
    about = {
        "nominal_rate": 0.0,
        "effective_rate": 0.0,
        "effective_mention_rate": 0.0,
        "settled_f1": 0.9 if noisy else 0.85,
    }
    write(results / run.treated, "treated", split, sentences=14041, task="ner", tags=TAGS, **about)
    write_card(results, run)
    if noisy:
        write(results / run.detectors, "detectors", [*detected(scores)])
        write(results / run.losses, "losses", losses(run))


def amiss(claims: list[Claim], tables: dict[str, pd.DataFrame]) -> list[str]:
    """Return which claims are not run, and which values that they ask for no row has."""
    found = [claim.id for claim in claims if decided(claim, tables)[0]["overall"] == "not run"]
    for claim in claims:
        for column, wanted in [*claim.where.items(), *(claim.against or {}).items()]:
            if column == "system" and isinstance(wanted, dict):
                asked = [(name, tables["systems"][name], value) for name, value in wanted.items()]
            else:
                asked = [(column, tables[claim.table][column], wanted)]
            for name, values, value in asked:
                texts = [text for text in (value if isinstance(value, list) else [value]) if isinstance(text, str)]
                found += [f"{claim.id}: {name} {text}" for text in {*texts} - {*values} - {CAPPED}]
    return found


def test_every_shipped_claim_is_run_on_a_study_that_has_all_it_asks_for(study: dict[str, pd.DataFrame]) -> None:
    assert amiss(read_claims(CLAIMS), study) == []


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("metric: memorised", "metric: memorized"),
        ("detector: kmeans", "detector: k-means"),
        ("rate: own", "rate: known"),
        ("selected_epoch: [epoch-4, best", "selected_epoch: [epoch-5, best"),
        ("family: noise", "family: noises"),
        ("quantity: starts", "quantity: start"),
        ("kind: bilstm-crf", "kind: bilstm"),
        ("reference: given", "reference: true-labels"),
    ],
)
def test_a_misspelt_value_is_found(study: dict[str, pd.DataFrame], tmp_path: Path, right: str, wrong: str) -> None:
    text = CLAIMS.read_text()
    assert right in text
    path = tmp_path / "claims.yaml"
    path.write_text(text.replace(right, wrong))
    assert amiss(read_claims(path), study)


FAIR = {
    "paper": {
        "7a-pretraining-makes-settling": {("bert", "bert-scratch")},
        "8a-pretraining-forgets-less": {("bert", "bert-scratch")},
        "8c-vision-forgets-alike": {("resnet", "resnet-scratch")},
        "11b-protobert-full-data": {("protobert", "bert"), ("protobert-running", "bert")},
    },
    # minilm-decay is no pair of minilm-scratch, whose learning rate does not decay.
    "full": {
        "7a-pretraining-makes-settling": {("minilm", "minilm-scratch")},
        "8a-pretraining-forgets-less": {("minilm", "minilm-scratch")},
    },
}


@pytest.mark.parametrize("grid", FAIR)
def test_a_shipped_grid_has_one_fair_pair_for_each_claim_about_twins(grid: str) -> None:
    study = read(ROOT / "config" / f"{grid}.yaml")
    cards = pd.DataFrame([{"system": name, **card} for name, card in system_cards(study).items()])
    claims = {claim.id: claim for claim in read_claims(CLAIMS)}
    for name, pairs in FAIR[grid].items():
        claim, values = claims[name], []
        fixed = {column: wanted for column, wanted in claim.where.items() if isinstance(wanted, str)}
        for system in cards["system"]:
            row = {**dict.fromkeys(TABLE_COLUMNS["measures"].names), "kind": "flip", **fixed}
            row |= {"dataset": "conll2003", "treatment": "noise-flip-20"}
            values.append({**row, "view": "epoch-end", "system": system, "noise_seed": 0, "seed": 0, "value": 0.0})
        found = units(claim, {"measures": pd.DataFrame(values), "systems": cards})
        assert set(zip(found["system"], found["against"], strict=True)) == pairs
