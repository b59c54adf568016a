"""`make bench`: what the work costs, as ratios within one run, to benchmarks/results.md and results.json.

Peers take turns, repeat by repeat, so that what the machine does meanwhile falls on each alike. A figure is the median
of the repeats' ratios, with the least and the greatest.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import events
import prepare
from worker import ENVIRONMENT, Worker

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
PARTS = ("train", "whole", "profile", "scores", "memory", "events", "dag", "demo")
PEERS = ("default", "bf16", "grouped", "pad50")
NAMES = {
    "default": "HF Trainer, default",
    "bf16": "HF Trainer, bf16=True",
    "grouped": "HF Trainer, grouped by length",
    "pad50": "padding to 50",
}

# Operators of a step, by what they are for.
KINDS = {
    "matrix products of linear layers": ("aten::mm", "aten::addmm"),
    "matrix products of attention": ("aten::bmm", "aten::baddbmm"),
    "random numbers of dropout": (
        "aten::random_",
        "aten::bitwise_and",
        "aten::log_",
        "aten::cumsum_",
        "aten::searchsorted",
        "aten::index_fill_",
    ),
    "copies": ("aten::copy_",),
    "elementwise products": ("aten::mul", "aten::mul_", "aten::div_"),
    "gelu": ("aten::gelu", "aten::gelu_backward"),
    "softmax and its mask": (
        *("aten::_softmax", "aten::_softmax_backward_data", "aten::all", "aten::where", "aten::isneginf", "aten::eq"),
    ),
    "AdamW": ("aten::_fused_adamw_",),
}


def main() -> None:
    """Measure and write what was asked for; what was not stays as it was."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peers", default=sys.executable, help="the Python that has accelerate, for the HF Trainer")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--only", nargs="*", choices=PARTS, default=PARTS)
    parser.add_argument("--train-sentences", type=int, default=256, help="of an epoch under measurement")
    parser.add_argument("--whole-sentences", type=int, default=96, help="of a run of ten epochs, and as many of dev")
    parser.add_argument("--memory-epochs", type=int, default=2, help="of all of CoNLL-2003, in each precision")
    options = parser.parse_args()
    chosen = options.only
    path = HERE / "results.json"
    results = json.loads(path.read_text()) if path.exists() else {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if {"train", "whole", "profile", "scores"} & set(chosen):
            results |= training(folder, options, chosen)
        if "memory" in chosen:
            results["memory"] = {"machine": machine(), "values": of_memory(folder / "whole", options.memory_epochs)}
        if "events" in chosen:
            results["events"] = {"machine": machine(), "values": of_events(folder, options.repeats)}
        if "demo" in chosen:
            results["demo"] = {"machine": machine(), "values": share_in_training(ROOT / "results" / "demo")}
        if "dag" in chosen:
            results["dag"] = {"machine": machine(), "values": dry_runs(folder, options.repeats)}
    path.write_text(json.dumps(results, indent=1, sort_keys=True) + "\n")
    (HERE / "results.md").write_text(page(results))


def training(folder: Path, options: argparse.Namespace, chosen: list[str]) -> dict[str, Any]:
    """Measure an epoch of training, and whole runs, of ours and of every peer, and where ours spends its time."""
    prepare.prepare(folder)
    workers = {"ours": Worker(sys.executable, "ours.py", str(folder)).ready()}
    if "train" in chosen:
        workers["bfloat16"] = Worker(sys.executable, "ours.py", str(folder), "--precision", "bfloat16").ready()
    wanted = PEERS if "train" in chosen else ("default",) if "whole" in chosen else ()
    peers = {peer: Worker(options.peers, "trainer.py", str(folder), peer).ready() for peer in wanted}
    found: dict[str, Any] = {}
    for what, sentences, some in (
        ("train", options.train_sentences, peers),
        ("whole", options.whole_sentences, {"default": peers["default"]} if peers else {}),
    ):
        if what in chosen:
            rows = []
            for number in range(options.repeats):
                asked = {**workers, **some} if what == "train" else {"ours": workers["ours"], **some}
                rows.append({peer: worker.measure(what, sentences) for peer, worker in asked.items()})
                say(f"{what} {number + 1}/{options.repeats}: {rows[-1]}")
            found[what] = {"machine": machine(), "sentences": sentences, "values": rows}
    if "profile" in chosen:
        shares = workers["ours"].measure("profile", options.train_sentences)
        found["profile"] = {"machine": machine(), "sentences": options.train_sentences, "values": shares}
    if "scores" in chosen:
        apart = workers["ours"].measure("scores", options.whole_sentences)
        found["scores"] = {"machine": machine(), "sentences": options.whole_sentences, "values": apart}
    return found


def of_memory(folder: Path, epochs: int) -> dict[str, Any]:
    """Measure the peak memory, in MB, of a run over all of CoNLL-2003, in each precision."""
    prepare.prepare(folder, prepare.WHOLE)
    peaks = {}
    for precision in ("float32", "bfloat16"):
        spec = {
            **{"kind": "encoder", "checkpoint": "minilm", "epochs": epochs, "batch_size": prepare.BATCH_SIZE},
            **{"learning_rate": prepare.LEARNING_RATE, "precision": precision},
        }
        command = [sys.executable, str(HERE / "memory.py"), str(folder), json.dumps(spec)]
        told = subprocess.run(command, env={**os.environ, **ENVIRONMENT}, check=True, stdout=subprocess.PIPE, text=True)
        peaks[precision] = int(told.stdout)
        say(f"memory {precision}: {peaks[precision]} MB")
    return {"epochs": epochs, "peaks": peaks}


def of_events(folder: Path, repeats: int) -> dict[str, Any]:
    """Measure events from dynamics."""
    events.prepare(folder)
    rows = []
    for number in range(repeats):
        rows.append(events.measure(folder))
        say(f"events {number + 1}/{repeats}: {rows[-1]}")
    return {"rows": rows, "bytes": events.bytes_a_word_epoch(folder)}


def dry_runs(folder: Path, repeats: int) -> dict[str, Any]:
    """Measure the dry run of config/paper.yaml beside that of as many jobs that do nothing."""
    paper = [
        "snakemake",
        "-n",
        "--quiet",
        "--configfile",
        str(ROOT / "config" / "paper.yaml"),
        "-d",
        str(folder / "ours"),
    ]
    said = subprocess.run([*paper[:2], *paper[3:]], cwd=ROOT, capture_output=True, text=True).stdout
    jobs = int(next(line.split()[1] for line in said.splitlines() if line.startswith("total")))
    (folder / "Snakefile").write_text(
        f"rule all:\n    input: expand('out/{{n}}', n=range({jobs - 1}))\n"
        "rule one:\n    output: 'out/{n}'\n    shell: 'touch {output}'\n"
    )
    plain = ["snakemake", "-n", "--quiet", "-s", str(folder / "Snakefile"), "-d", str(folder / "plain")]
    # Lists the rules: all that it does is to start and to read the Snakefile.
    commands = {
        "ours": paper,
        "plain": plain,
        "ours_start": ["snakemake", "--list-rules", *paper[3:]],
        "plain_start": ["snakemake", "--list-rules", *plain[3:]],
    }
    rows = []
    for number in range(repeats):
        row = {}
        for name, command in commands.items():
            began = time.perf_counter()
            subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
            row[name] = time.perf_counter() - began
        rows.append(row)
        say(f"dag {number + 1}/{repeats}: {row}")
    return {"rows": rows, "jobs": jobs}


def share_in_training(study: Path) -> dict[str, float]:
    """Return the seconds of a finished study's jobs, and those of them that its runs spent in their epochs."""
    jobs = [path.read_text().splitlines()[1].split("\t")[0] for path in study.glob("benchmarks/**/*.tsv")]
    if not jobs:
        raise SystemExit(f"{study}: no benchmarks of jobs; run `make demo` first")
    epochs = [sum(json.loads(path.read_text())["seconds_per_epoch"]) for path in study.glob("runs/**/run.json")]
    return {"jobs": sum(map(float, jobs)), "epochs": sum(epochs)}


def ratio(values: list[float]) -> str:
    """Return the median of the repeats, the least and the greatest."""
    return f"{statistics.median(values):.2f} ({min(values):.2f} to {max(values):.2f})"


def page(results: dict[str, Any]) -> str:
    """Return results.md."""
    lines = [
        "# What the work costs",
        "",
        "Written by `make bench`: the ratio's median over the repeats, the least and the greatest. Peers take turns.",
        "",
        "| figure | wanted | measured | repeats |",
        "| --- | --- | --- | --- |",
    ]

    def row(figure: str, wanted: str, values: list[float]) -> None:
        lines.append(f"| {figure} | {wanted} | {ratio(values)} | {len(values)} |")

    if "train" in results:
        rows = results["train"]["values"]
        speeds = [{peer: one["tokens"] / one["seconds"] for peer, one in row.items()} for row in rows]
        for peer, wanted in (("default", "3.0"), ("grouped", "1.8"), ("pad50", "3.0")):
            row(f"useful tokens a second, ours over {NAMES[peer]}", wanted, [one["ours"] / one[peer] for one in speeds])
        used = [one["ours"]["flops"] / one["ours"]["seconds"] / one["ours"]["peak"] for one in rows]
        row("FLOPs of linear layers on useful tokens over sgemm's peak", "0.75", used)
        row("useful tokens a second, ours", "", [one["ours"] for one in speeds])
        row("the same, bfloat16 over float32", "2.3 with AMX", [one["bfloat16"] / one["ours"] for one in speeds])
        figure = f"the same, ours in bfloat16 over {NAMES['bf16']}"
        row(figure, "3.0 with AMX", [one["bfloat16"] / one["bf16"] for one in speeds])
        row("sgemm's peak, GFLOP/s", "", [one["ours"]["peak"] / 1e9 for one in rows])
    if "whole" in results:
        rows = results["whole"]["values"]
        size = results["whole"]["sentences"]
        figure = f"a run of 10 epochs, dev scored at each, {size} sentences, HF Trainer's time over ours"
        row(figure, "3.0", [one["default"]["seconds"] / one["ours"]["seconds"] for one in rows])
    if "memory" in results:
        spent = results["memory"]["values"]
        for precision, peak in spent["peaks"].items():
            figure = f"peak memory of {spent['epochs']} epochs of CoNLL-2003, {precision}, MB"
            row(figure, "at most 1000", [peak])
    if "events" in results:
        rows = results["events"]["values"]["rows"]
        row("events of 20 M word-epochs, pandas' time over ours", "20", [one["pandas"] / one["ours"] for one in rows])
        row("the same, our time over reading the file", "at most 1.2", [one["ours"] / one["read"] for one in rows])
        figure = "bytes a word-epoch in dynamics, losses and margins random"
        row(figure, "at most 8", [results["events"]["values"]["bytes"]])
    if "dag" in results:
        found = results["dag"]["values"]
        figure = f"dry run of config/paper.yaml, {found['jobs']} jobs, over plain snakemake's on as many"
        row(figure, "at most 1.5", [one["ours"] / one["plain"] for one in found["rows"]])
        row("the same, seconds", "", [one["ours"] for one in found["rows"]])
        added = [one["ours_start"] - one["plain_start"] for one in found["rows"]]
        row("seconds that reading the Snakefile adds to snakemake's start", "at most 0.5", added)
    if "demo" in results:
        spent = results["demo"]["values"]
        figure = "share of the seconds of make demo's jobs that are spent in training steps and evaluation"
        row(figure, "0.90", [spent["epochs"] / spent["jobs"]])
    if "profile" in results:
        shares = results["profile"]["values"]
        kinds = {name: sum(shares.get(operator, 0) for operator in operators) for name, operators in KINDS.items()}
        lines += [
            "",
            "## Where the time of a training step goes",
            "",
            "One profile of an epoch; shares of the time in torch's operators.",
            "",
        ]
        lines += ["| what | share |", "| --- | --- |", *(f"| {name} | {share:.3f} |" for name, share in kinds.items())]
        lines += [f"| all else | {1 - sum(kinds.values()):.3f} |", "", (HERE / "tried.md").read_text().strip()]
    if "scores" in results:
        apart, size = results["scores"]["values"], results["scores"]["sentences"]
        epochs = zip(apart["losses"], apart["predicted"], strict=True)
        lines += [
            "",
            "## Packed rows give the scores of padded ones",
            "",
            f"{len(apart['losses'])} epochs on {size} sentences, the same batches packed and padded; without dropout,",
            "whose numbers fall on other places of each. Losses in nats.",
            "",
            "| epoch | greatest difference of a word's loss | words predicted otherwise |",
            "| --- | --- | --- |",
            *(f"| {epoch} | {loss:.1e} | {words} of {apart['words']} |" for epoch, (loss, words) in enumerate(epochs)),
            "",
            f"Of {apart['scores']} scores of all splits {apart['apart']} are apart, the most by {apart['most']:.1e}.",
        ]
    machines = sorted({part["machine"] for part in results.values()})
    return "\n".join([*lines, "", *(f"Machine: {line}" for line in machines), ""])


def machine() -> str:
    """Return one line on the machine."""
    names = [
        line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line
    ]
    return f"{names[0]}, {len(names)} cores, {platform.platform()}, Python {platform.python_version()}"


def say(line: str) -> None:
    """Print a line of progress, at once."""
    print(line, file=sys.stderr, flush=True)


main()
