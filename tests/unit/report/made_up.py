"""A study in name alone: all that the report is made of, from synthetic tables, with hostile words in its texts."""

from pathlib import Path
from typing import Any

from settling.config import Study, load
from settling.figures import FIGURES
from settling.figures.plot import specification
from settling.figures.skipped import skipped
from settling.files import write_json, write_text
from settling.layout import Run
from settling.report.page import write_report
from settling.study import report_spec, runs, treatments
from tests.study import DIGITS, IMAGE, cap, folder, grid, local, noise, study_of
from tests.unit.figures import synthetic
from tests.unit.figures.synthetic import EPOCHS, LEVELS, Row, fit, score, treatment, write

HOSTILE = """<img src=x onerror="document.title='run'">"""
BREAKING = "</script><script>document.title='run'</script>{{ 7 * 7 }}'\""
UNSEEN = "\u202egnp.\u2066\x1b[31m\x07\u200f"
SHOWN = r"\u202egnp.\u2066\x1b[31m\x07\u200f"
BERT: Row = {"kind": "encoder", "checkpoint": "bert", "epochs": len(EPOCHS), "batch_size": 8}
CONFIG: Row = study_of(
    study="made-up",
    datasets={
        "tweets": {**local(all="tweets.conll"), "licence": f"not stated {HOSTILE}{UNSEEN}"},
        "jnlpba": local(all="jnlpba.conll"),
        "digits": DIGITS,
    },
    checkpoints={name: folder(name) for name in ("bert", "roberta")},
    systems={
        "bert": BERT,
        "bert-scratch": {**BERT, "pretrained": False},
        "roberta": {**BERT, "checkpoint": "roberta"},
        "protobert": {"kind": "protobert", "checkpoint": "bert", "epochs": len(EPOCHS)},
        "resnet": {**IMAGE, "epochs": len(EPOCHS)},
    },
    treatments={
        **{"noise": noise(*LEVELS), "caps": cap("LOC", 5, 25), "misc": cap("MISC", 5, 25)},
        "proteins": cap("protein", 5, 25),
    },
    seeds=[0, 1],
    noise_seeds="same-as-seed",
    experiments={
        "noise": grid("tweets jnlpba", "noise", "bert"),
        "others": grid("tweets", "noise", "bert-scratch roberta"),
        "images": grid("digits", "noise", "resnet"),
        "caps": grid("tweets", "caps misc", "bert protobert"),
        "proteins": grid("jnlpba", "proteins", "bert protobert"),
    },
)
LISTS = ("most-forgotten", "first-learned", "last-learned", "highest-loss")
WRONG_EVERY = 3  # words
FITTING, SETTLING = 2, 5  # epochs of the runs that settle: those of seed 0
CLAIMS = {"reproduced": 0.2, "not reproduced": -0.2, "undecided": 0.01, "not run": None}


def made_up(folder: Path, n: int = 4) -> Path:
    """Write the study to a folder, its report too; return the report's path."""
    study = load(CONFIG)
    tables = synthetic.tables(folder / "tables", n=n)
    for name, rows in {
        "measures": [row for run in runs(study) for row in measures(study, run)],
        "run_curves": [row for run in runs(study) for row in curves(study, run)],
        "words": [*synthetic.forgotten_words(n), *words(n)],
        "quotes": [*synthetic.quotes(), *quotes()],
        "effects": [],
        "detection_runs": [],
    }.items():
        write(tables, name, rows)
    write(folder / "claims", "claims", claims())
    write_text(folder / "findings.txt", f"Noise: none of {HOSTILE}{UNSEEN}.\n")
    write_text(folder / "figures" / "not_drawn.txt", "every figure is drawn\n")
    for name in drawn(study):
        write_text(folder / "figures" / f"{name}.json", specification(name, tables))
    for name in CONFIG["datasets"]:
        write_json(folder / "data" / name / "card.json", card(name))
    for run in runs(study):
        write_json(folder / run.record, run_card(run))
    write_report(report_spec(study), folder, folder / "report.html")
    return folder / "report.html"


def drawn(study: Study) -> list[str]:
    """Return the names of the figures that the study has."""
    return [name for name in FIGURES if name not in skipped(study)]


def place(study: Study, run: Run) -> Row:
    """Return the columns that name a run."""
    made = treatments(study)[run.treatment]
    level = made.get("percent", made.get("sentences", 0))
    named = treatment(made["kind"], level, made.get("class", "LOC"), run.dataset)
    assert named["treatment"] == run.treatment
    return {**named, "noise_seed": run.noise_seed, "system": run.system, "seed": run.seed}


def views(run: Run) -> tuple[str, ...]:
    """Return the views that a run recorded: `minibatch` alone for images."""
    return ("minibatch",) if run.system == "resnet" else ("epoch-end", "minibatch")


def measures(study: Study, run: Run) -> list[Row]:
    """Return the phases of a run: that of seed 0 settles, in the view that counts; in another both settle at once."""
    rows = []
    for view in views(run):
        counts = view == views(run)[0]
        settles, fitting = (run.seed == 0, FITTING) if counts else (True, 0)
        values = {"settles": float(settles), "settling_epochs": float(SETTLING * settles)}
        values |= {"fitting_epochs": float(fitting), "open_ended": 0.0} if settles else {}
        rows += [
            {**place(study, run), "selected_epoch": "run", **score("train", "given", metric, view), "value": value}
            for metric, value in values.items()
        ]
    return rows


def curves(study: Study, run: Run) -> list[Row]:
    named, rows = place(study, run), []
    for epoch in EPOCHS:
        where = {**named, "epoch": epoch}
        value = fit(epoch) * (0.9 - run.seed / 10)
        rows.append({**where, **score("dev", "true", "f1"), "value": value})
        rows += [{**where, **score("train", "given", "f1", view), "value": value} for view in views(run)]
        if named["percent"]:
            rows.append({**where, **score("train", "given", "noisy_accuracy", views(run)[0]), "value": epoch / 20})
    return rows


def words(n: int) -> list[Row]:
    """Return words under noise in all lists, every third wrongly labelled; the first has the hostile token."""
    where = {**treatment("resample", 30), "system": "bert", "noise_seed": 1, "view": "epoch-end"}
    return [
        {**where, "list": name, "rank": rank, "word": rank, "sentence": 1, "position": rank - 1, "true_label": "B-LOC"}
        | {"given_label": "O" if rank % WRONG_EVERY == 0 else "B-LOC", "noisy": rank % WRONG_EVERY == 0}
        | {"mistaken_for": "B-PER" if rank == 1 else None}
        | {"forgetting": 2.0, "first_learned": 3.5, "loss": 1.25, "n": n}
        for name in LISTS
        for rank in range(1, 21)
    ]


def quotes() -> list[Row]:
    """Return the text of `words`: tokens that are markup, break it or turn lines, then plain ones, the last hidden."""
    tokens = [HOSTILE, BREAKING, UNSEEN, *(f"word{number}" for number in range(4, 20)), "#3fa9c1d2e4b5"]
    rows = [
        {"dataset": "tweets", "sentence": 1, "position": number, "token": token}
        | {"before": " ".join(tokens[:number]), "after": " ".join(tokens[number + 1 :])}
        for number, token in enumerate(tokens)
    ]
    return [*rows[:-1], {**rows[-1], "before": "", "after": ""}]


def claims() -> list[Row]:
    """Return a claim of each verdict, the first in two settings; its text is hostile."""
    rows = []
    for verdict, mean in CLAIMS.items():
        said = {"claim": f"c-{verdict.replace(' ', '-')}", "text": f"A claim {HOSTILE}{UNSEEN}", "source": "[A][S3-6]"}
        run = mean is not None
        interval = {"mean": mean, "sd": 0.1, "low": mean - 0.1, "high": mean + 0.1} if run else {}
        for dataset in ("tweets", "jnlpba") if verdict == "reproduced" else ("tweets",):
            rows.append(
                {**said, "published": None, "overall": verdict, "verdict": verdict, "reason": None if run else "no run"}
                | {"dataset": dataset if run else None, "system": "bert" if run else None, "against": None}
                | {
                    "setting": "30 % noise" if run else None,
                    "effect": "F1",
                    "unit": "share",
                    "statistic": "mean",
                    "direction": "above",
                }
                | {"margin": 0.0, "mean": None, "sd": None, "low": None, "high": None, "n": 4 if run else 0}
                | interval
            )
    return rows


def card(name: str) -> dict[str, Any]:
    sizes = {"sentences": 900, "words": 9000, "entities": 1000}
    spec = {"licence": None, "task": "ner", **CONFIG["datasets"][name]}
    return {
        "spec": spec,
        "licence": spec["licence"],
        "splits": dict.fromkeys(("train", "dev", "test"), sizes),
        "tags": ["O", "B-LOC", f"B-{BREAKING}{UNSEEN}"],
        "inputs": {"all": "09f66e6d"},
    }


def run_card(run: Run) -> dict[str, Any]:
    made = {"version": "0.1.0", "commit": "7eb5d80", "spec": {**CONFIG["systems"][run.system], "seed": run.seed}}
    machine = {
        "device": "cpu",
        "name": HOSTILE + UNSEEN,
        "system": "Linux",
        "python": "3.11",
        "torch": "2.13.0",
        "threads": 1,
    }
    return {"made": made, "machine": machine, "parameters": 1000, "seconds_per_epoch": [7.2508137]}
