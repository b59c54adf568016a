"""What the project does on a GPU, in some minutes on a lent card; its figures are in results.json and summary.md.

    python benchmarks/gpu.py prepare FOLDER         where there are package registries: makes what is carried
    python benchmarks/gpu.py run FOLDER OUT         on the machine with the GPU, which needs no network
    python benchmarks/gpu.py unpack OUT TARGET      at home: the runs of the grid, as far as all their parts came back

FOLDER is two files below 60 MB, their hashes in parts.json, and must be on the machine beside a copy of this project.
The machine needs Linux, a Python of 3.11 to 3.13, and for it torch with CUDA, transformers, safetensors, numpy,
pyarrow, PyYAML and scikit-learn. What else training needs, and accelerate, is carried as wheels: carried.PACKAGES.
To find out what a machine lacks, compare `python -m pip list` there, or its maker's list, with the dependencies in
pyproject.toml, and name all that is lacking with `--packages`. `torch.compile` needs Triton and a C compiler there.

`run` has four sections. A failure in one is printed and recorded, and the others go on; each has an end, and what it
found by then is in OUT at once. What is left of the time trains runs of the noise grid, which go to OUT in parts below
16 MB, about two a run. If a transfer takes less than all of OUT, take results.json, summary.md, parts.json and the
first parts, and fetch the others in further calls. `--tiny` tries all of it on little data: on a CPU in a minute or so,
with a tiny checkpoint.
"""

import argparse
import contextlib
import importlib.metadata
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import carried
from worker import ENVIRONMENT, Worker, end

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
# When each section ends at the latest, as a share of the time.
ENDS = {"tests": 0.25, "speed": 0.55, "side by side": 0.72, "grid": 0.95}
KINDS = ("encoder", "protobert", "bilstm-crf", "image")
MACHINE = (
    "torch",
    "transformers",
    "tokenizers",
    "numpy",
    "pyarrow",
    "pydantic",
    "seqeval",
    "pytorch-crf",
    "accelerate",
)
RUN_BYTES = 15_000_000
MPS = "NVIDIA MPS"
# What a run may take before it trains: imports, reading, the first kernels.
START_SECONDS = 20


class Sizes(NamedTuple):
    """How much is measured: sentences of an epoch, repeats, precisions, with compile or not, and runs side by side."""

    sentences: int
    repeats: int
    precisions: tuple[str, ...]
    compiled: tuple[bool, ...]
    side_by_side: tuple[int, ...]
    packed: int


WHOLE = Sizes(4096, 5, ("float32", "tf32", "bfloat16"), (False, True), (1, 2, 4, 8), 256)
TINY = Sizes(64, 1, ("float32",), (False,), (1, 2), 32)


class Job(NamedTuple):
    """What a section is given: what was carried, a folder to work in, and how the machine is to be used."""

    folder: Path
    work: Path
    out: Path
    device: str
    peers: str
    tiny: bool
    sizes: Sizes
    workers: dict[str, Worker]
    tell: Callable[[str, Any], None]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    preparing = commands.add_parser("prepare", help="make the folder that is carried")
    preparing.add_argument("folder", type=Path)
    preparing.add_argument("--config", type=Path, default=ROOT / "config" / "full.yaml")
    preparing.add_argument("--packages", nargs="*", default=carried.PACKAGES, help="that the machine lacks")
    running = commands.add_parser("run", help="measure, on the machine with the GPU")
    running.add_argument("folder", type=Path)
    running.add_argument("out", type=Path)
    running.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    running.add_argument("--tiny", action="store_true", help="little data, few repeats")
    running.add_argument("--minutes", type=float, default=8.0)
    running.add_argument("--peers", default=sys.executable, help="the Python that has accelerate")
    unpacking = commands.add_parser("unpack", help="put the runs together again")
    unpacking.add_argument("out", type=Path)
    unpacking.add_argument("target", type=Path)
    options = parser.parse_args()
    if options.command == "prepare":
        carried.prepare(options.folder, options.config, options.packages)
    elif options.command == "unpack":
        unpack(options.out, options.target)
    else:
        run(options)


def unpack(out: Path, target: Path) -> None:
    """Put the runs in `out` together again, under the paths that they have in a study's folder."""
    for name in json.loads((out / carried.PARTS).read_text()):
        try:
            carried.take(out, name, target)
        except ValueError as error:
            print(f"left out: {error}")


def run(options: argparse.Namespace) -> None:
    """Measure all sections and write what they find."""
    began = time.monotonic()
    seconds = options.minutes * 60
    out: Path = options.out
    out.mkdir(parents=True, exist_ok=True)
    results: dict[str, Any] = {"options": {name: str(value) for name, value in vars(options).items()}}

    def write() -> None:
        (out / "results.json").write_text(json.dumps(results, indent=1) + "\n")

    with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as stack:
        folder, work = Path(name) / "carried", Path(name) / "work"
        work.mkdir()
        carried.take(options.folder, carried.CARRIED, folder)
        site = Path(name) / "site"
        carried.unpack_wheels(folder / "wheels", site)
        paths = [str(ROOT / "src"), str(site), os.environ.get("PYTHONPATH", "")]
        os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, paths))
        results["machine"] = machine(site)
        write()
        say(json.dumps(results["machine"]))
        environment = stack.enter_context(mps(work))
        workers: dict[str, Worker] = {}
        stack.callback(end_all, workers)
        sizes = TINY if options.tiny else WHOLE
        job = Job(folder, work, out, options.device, options.peers, options.tiny, sizes, workers, lambda *_: None)
        # They start while the tests run, which are no matter of speed.
        start_workers(job, environment)
        sections: dict[str, Callable[[Job, float], None]] = {
            "tests": tests,
            "speed": speed,
            "side by side": side_by_side,
            "grid": lambda job, until: grid(job, until, results, environment or {}),
        }
        for section, function in sections.items():
            results[section] = {"values": {}}

            def tell(key: str, value: Any, section: str = section) -> None:
                results[section]["values"][key] = value
                write()
                say(f"{section}: {key}: {json.dumps(value)}")

            started = time.monotonic()
            try:
                function(job._replace(tell=tell), began + ENDS[section] * seconds)
            except Exception as error:
                traceback.print_exc()
                results[section]["error"] = f"{type(error).__name__}: {error}"
            results[section]["seconds"] = time.monotonic() - started
            write()
    results["seconds"] = time.monotonic() - began
    write()
    (out / "summary.md").write_text(summary(results))
    print((out / "summary.md").read_text())


def machine(site: Path) -> dict[str, Any]:
    """Return what the machine is, and the versions of its packages, those carried before those installed."""
    versions: dict[str, str | None] = {}
    for name in MACHINE:
        found = importlib.metadata.distributions(name=name, path=[str(site), *sys.path])
        versions[name] = next((one.version for one in found), None)
    query = ["nvidia-smi", "--query-gpu=name,driver_version,memory.total", "--format=csv,noheader"]
    smi = subprocess.run(query, capture_output=True, text=True).stdout.strip() if shutil.which(query[0]) else None
    here = {"gpu": smi, "cores": os.cpu_count(), "system": platform.platform(), "python": platform.python_version()}
    return {**here, "packages": versions}


@contextlib.contextmanager
def mps(work: Path) -> Iterator[dict[str, str] | None]:
    """Start NVIDIA's multi-process service for those who ask; yield the environment that asks, None without one."""
    control = shutil.which("nvidia-cuda-mps-control")
    if not control:
        yield None
        return
    environment = {f"CUDA_MPS_{what}_DIRECTORY": str(work / f"mps-{what.lower()}") for what in ("PIPE", "LOG")}
    for folder in environment.values():
        Path(folder).mkdir()
    started = subprocess.run([control, "-d"], env={**os.environ, **environment}, capture_output=True, timeout=20)
    try:
        yield environment if started.returncode == 0 else None
    finally:
        with contextlib.suppress(subprocess.TimeoutExpired):
            told = {**os.environ, **environment}
            subprocess.run([control], input=b"quit\n", env=told, capture_output=True, timeout=20)


def start_workers(job: Job, environment: dict[str, str] | None) -> None:
    """Start all processes whose training is timed; they wait until they are told to train."""
    sizes, peers = job.sizes, job.work / "peers"
    peers.mkdir()
    for name, path in {
        "data": "data/conll2003",
        "treated.parquet": "treated/conll2003/clean/noise-seed0.parquet",
        "checkpoint": "checkpoint",
    }.items():
        (peers / name).symlink_to(job.folder / path)
    (job.work / "logs").mkdir()

    def start(name: str, python: str, *arguments: str, more: dict[str, str] | None = None) -> None:
        told = ("--device", job.device, "--warm-up", str(sizes.sentences))
        with log_of(job, name).open("w") as log:
            job.workers[name] = Worker(python, *arguments, *told, log=log, more=more or {})

    for precision in sizes.precisions:
        for compiled in sizes.compiled:
            more = ("--compile",) if compiled else ()
            start(ours(precision, compiled), sys.executable, "ours.py", str(peers), "--precision", precision, *more)
    for mode in ("default", "best"):
        start(f"HF Trainer, {mode}", job.peers, "trainer.py", str(peers), mode)
    for number in range(max(sizes.side_by_side)):
        start(f"alone {number}", sys.executable, "ours.py", str(peers))
        if environment:
            start(f"{MPS} {number}", sys.executable, "ours.py", str(peers), more=environment)


def ours(precision: str, compiled: bool) -> str:
    """Return what our training is called."""
    return f"ours, {precision}{', compiled' if compiled else ''}"


def tests(job: Job, until: float) -> None:
    """Test training on the device for each kind of system, all at once."""
    started = {}
    for kind in KINDS:
        told = [sys.executable, str(HERE / "gpu_checks.py"), kind, str(job.folder), str(job.work / kind), job.device]
        with log_of(job, kind).open("w") as log, answers_of(job, kind).open("w") as answers:
            environment = {**os.environ, **ENVIRONMENT}
            started[kind] = subprocess.Popen(told, stdout=answers, stderr=log, env=environment, start_new_session=True)
    try:
        for kind, process in started.items():
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(left(until))
            for line in answers_of(job, kind).read_text().splitlines():
                for test, found in json.loads(line).items():
                    job.tell(f"{kind}: {test}", found)
            if process.poll() != 0:
                ended = "the time was up" if process.poll() is None else f"it ended with {process.poll()}"
                job.tell(kind, {"passed": False, "error": f"{ended}: {tail(log_of(job, kind))}"})
    finally:
        for process in started.values():
            end(process)
    # All through a training: the greatest difference of a word's loss at each epoch, packed rows against padded ones.
    first = ours(job.sizes.precisions[0], False)
    job.workers[first].ready(left(until))
    job.tell("encoder: epochs packed and padded", job.workers[first].measure("scores", job.sizes.packed, left(until)))


def speed(job: Job, until: float) -> None:
    """Measure an epoch of ours and of the peers, in turns."""
    names = [name for name in job.workers if name.startswith(("ours", "HF"))]
    # Those that are compiled come late; by then the others are measured once at least.
    waiting = until - 0.5 * left(until)
    there = []
    for name in names:
        try:
            job.workers[name].ready(left(waiting))
            there.append(name)
        except (RuntimeError, TimeoutError) as error:
            job.tell(name, {"error": f"{error}: {tail(log_of(job, name))}"})
            job.workers.pop(name).end()
    rows: dict[str, list[dict[str, Any]]] = {name: [] for name in there}
    for _ in range(job.sizes.repeats):
        for name in [*there] if left(until) > 1 else ():
            try:
                rows[name].append(job.workers[name].measure("train", job.sizes.sentences, left(until)))
                job.tell(name, rows[name])
            except (RuntimeError, TimeoutError, OSError) as error:
                job.tell(f"{name}, ended", {"error": f"{error}: {tail(log_of(job, name))}"})
                there.remove(name)
    end_all({name: job.workers.pop(name) for name in names if name in job.workers})


def side_by_side(job: Job, until: float) -> None:
    """Measure an epoch in several processes at once; each trains as many sentences as one alone does."""
    for way in ("alone", MPS):
        workers = [worker for name, worker in job.workers.items() if name.startswith(way)]
        if not workers:
            job.tell(way, {"error": "there is no nvidia-cuda-mps-control that starts"})
            continue
        try:
            for worker in workers:
                worker.ready(left(until))
            for number in job.sizes.side_by_side:
                for worker in workers[:number]:
                    worker.ask("train", job.sizes.sentences)
                found = [worker.answer(left(until)) for worker in workers[:number]]
                words = sum(one["words"] / one["seconds"] for one in found)
                job.tell(f"{way}, {number} runs", {"words a second": words, "runs": number, "way": way})
        except (RuntimeError, TimeoutError, OSError) as error:
            job.tell(way, {"error": f"{error}: {tail(log_of(job, f'{way} 0'))}"})
    end_all(job.workers)


def end_all(workers: dict[str, Worker]) -> None:
    """End processes under measurement."""
    for worker in workers.values():
        worker.end()


def width(results: dict[str, Any], seconds: float, run_words: int) -> tuple[int, bool]:
    """Return how many runs at once, and whether with MPS, let most of them end in so many seconds.

    A run passes `run_words` in training, and half as many again count for its evaluation.
    """

    def ended(one: dict[str, Any]) -> tuple[int, float]:
        a_run = START_SECONDS + 1.5 * run_words * one["runs"] / one["words a second"]
        return one["runs"] * int(seconds / a_run), one["words a second"]

    found = [one for one in results["side by side"]["values"].values() if "runs" in one]
    best: dict[str, Any] = max(found, key=ended, default={"runs": 2, "way": "alone"})
    return best["runs"], bool(best["way"] == MPS)


def grid(job: Job, until: float, results: dict[str, Any], environment: dict[str, str]) -> None:
    """Train runs of the noise grid until the time is up, as many at once as serves best; put those done in `out`."""
    plan = json.loads((job.folder / carried.PLAN).read_text())
    waiting = plan["few" if job.tiny else "grid"]
    spec = {**plan["spec"], "epochs": 2} if job.tiny else plan["spec"]
    at_once, with_mps = width(results, left(until), plan["words"] * spec["epochs"])
    environment = environment if with_mps else {}
    job.tell("at once", {"runs": at_once, "with MPS": with_mps})
    going: dict[str, tuple[subprocess.Popen[bytes], float]] = {}
    longest = 0.0
    try:
        while (waiting or going) and left(until) > 1:
            while waiting and len(going) < at_once and left(until) > longest:
                one = waiting.pop(0)
                going[one["name"]] = begin(job, spec, one, environment), time.monotonic()
            if not going:
                break
            time.sleep(0.2)
            for name, (process, began) in list(going.items()):
                if process.poll() is None:
                    continue
                del going[name]
                seconds = time.monotonic() - began
                said = tail(log_of(job, name.replace("/", "_")), 1)
                if process.returncode:
                    job.tell(name, {"error": said})
                    continue
                longest = max(longest, seconds)
                # Its path in a study's folder is kept.
                within = job.work / name.replace("/", "_")
                carried.put(within, job.out, name.replace("/", "."), RUN_BYTES)
                record = json.loads(next(within.rglob("run.json")).read_text())
                epochs = record["seconds_per_epoch"]
                job.tell(name, {"seconds": seconds, "seconds an epoch": statistics.median(epochs), "said": said})
    finally:
        for name, (process, _) in going.items():
            end(process)
            job.tell(name, {"error": "the time was up"})
        job.tell("not begun", [one["name"] for one in waiting])


def begin(
    job: Job, spec: dict[str, Any], one: dict[str, Any], environment: dict[str, str]
) -> "subprocess.Popen[bytes]":
    """Start a run of the grid, as a study would."""
    flat, data = one["name"].replace("/", "_"), job.folder / "data" / one["dataset"]
    files = (job.folder / one["treated"], job.work / flat / "runs" / one["name"], job.work / f"{flat}.state")
    command = [sys.executable, "-m", "settling", "train", "--spec", json.dumps(spec), "--device", job.device]
    command += [part for split in ("train", "dev", "test") for part in (f"--{split}", str(data / f"{split}.parquet"))]
    command += ["--checkpoint", str(job.folder / "checkpoint")]
    command += ["--tokens", str(job.folder / "tokens" / one["dataset"] / "minilm.parquet")]
    command += ["--run", str(one["seed"]), *map(str, files), "-"]
    with log_of(job, flat).open("w") as log:
        told = {**os.environ, **ENVIRONMENT, **environment}
        return subprocess.Popen(command, stdout=log, stderr=log, env=told, start_new_session=True)


def log_of(job: Job, name: str) -> Path:
    """Return where a process writes what it says."""
    return job.work / "logs" / f"{name}.log"


def answers_of(job: Job, kind: str) -> Path:
    """Return where the tests of a kind of system write what they find."""
    return job.work / "logs" / f"{kind}.jsonl"


def left(until: float) -> float:
    """Return the seconds until then, a tenth at least."""
    return max(0.1, until - time.monotonic())


def tail(log: Path, lines: int = 5) -> str:
    """Return the last lines of a log."""
    return " | ".join(log.read_text(errors="replace").strip().splitlines()[-lines:])


def summary(results: dict[str, Any]) -> str:
    """Return summary.md."""
    lines = ["# On a GPU", "", f"Machine: {json.dumps(results['machine'])}", ""]
    for section in ENDS:
        lines += [f"## {section[0].upper()}{section[1:]}: {results[section]['seconds']:.0f} s", ""]
        if "error" in results[section]:
            lines += [f"It ended with {results[section]['error']}", ""]
        values = results[section]["values"]
        if section == "speed":
            lines += [
                "| what | tokens a second (least to greatest) | repeats | peak memory, MB |",
                "| --- | --- | --- | --- |",
            ]
            for name, rows in values.items():
                if isinstance(rows, dict):
                    lines.append(f"| {name} | {shown(rows)} | | |")
                    continue
                rates = [row["tokens"] / row["seconds"] for row in rows]
                rate = f"{statistics.median(rates):.0f} ({min(rates):.0f} to {max(rates):.0f})"
                memory = [row["memory"] / 1e6 for row in rows if row["memory"] is not None]
                lines.append(f"| {name} | {rate} | {len(rows)} | {f'{max(memory):.0f}' if memory else ''} |")
        else:
            lines += ["| what | found |", "| --- | --- |"]
            lines += [f"| {name} | {shown(value)} |" for name, value in values.items()]
        lines.append("")
    return "\n".join(lines)


def shown(value: Any) -> str:
    """Return a value for a cell of a table."""
    return json.dumps(value).replace("|", "/")


def say(line: str) -> None:
    """Print a line of progress, at once."""
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
