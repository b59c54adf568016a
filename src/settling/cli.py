"""The command line: one command a stage. Each imports what it needs when it runs, so that --help is quick."""

import argparse
import contextlib
import json
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from settling.errors import BadInput, printable

if TYPE_CHECKING:
    from settling.training.train import Run

DESCRIPTION = """\
How a pretrained model fits, settles and memorises a labelled data set.

The stages, in order; each reads files, writes files and can be run by hand. `snakemake -n -p -F` prints
the commands of a study with their specs; without -F, those still to run.

  download   a data set or a checkpoint: the only stage that uses the network
  tokenise   the word-pieces of a data set, once for all runs from a checkpoint
  treat      corrupt the labels of a training split, or make a class scarce
  train      train runs and observe every word at every epoch
  events     learning and forgetting events of a run
  detect     how well a run's losses and events tell which labels are wrong
  aggregate  tables over all runs of a study
  quote      the text of the words that the tables point at
  plot       one figure from the tables
  claims     what the study says of each claim of the paper
  findings   what the study found, in three lines
  report     one page of all that a study found

Between labs:

  artifact   put a finished study in one zip
  unpack     take from an artifact what a study is drawn from
  verify     check that everything in an artifact follows from what it holds
  compare    set two artifacts side by side
  merge      put two artifacts of one study with different seeds together

Around them:

  why        what snakemake would run, and what changed
  status     how far a running study is
  config     check a configuration and print it in full
  schema     the JSON Schema of the configuration
"""


# The options that take the splits of a data set.
DATA = {split: f"{split}.parquet" for split in ("train", "dev", "test")}
# Python reads no number of thousands of digits.
MAX_DIGITS = 18
# Characters of a value in a message.
MAX_SHOWN = 100


def parser() -> argparse.ArgumentParser:
    """Return the parser of all commands."""
    top = argparse.ArgumentParser(
        prog="settling", description=DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    stages = top.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def command(name: str, text: str, **arguments: str) -> argparse.ArgumentParser:
        sub = stages.add_parser(name, help=text, description=text)
        for argument, help_text in arguments.items():
            kind = str if argument == "spec" else Path
            meta = "JSON" if argument == "spec" else "PATH"
            sub.add_argument(f"--{argument.replace('_', '-')}", required=True, type=kind, metavar=meta, help=help_text)
        return sub

    spec = "what to do, as one JSON string, or @FILE to read it from a file"
    download = command("download", "Fetch a data set or a checkpoint.", spec=spec, output="folder to write")
    download.add_argument("what", choices=["dataset", "checkpoint"])
    command(
        "tokenise",
        "Make the word-pieces of a data set.",
        data="folder of train, dev and test.parquet",
        checkpoint="checkpoint folder",
        output="Parquet file to write",
    )
    command("treat", "Treat a training split.", spec=spec, train="train.parquet", output="Parquet file to write")
    train = command("train", "Train runs of one system.", spec=spec, **DATA)
    train.add_argument(
        "--run",
        action="append",
        nargs=5,
        required=True,
        metavar=("SEED", "TREATED", "OUTPUT", "STATE", "LOG"),
        help="a run: its seed, its treated training split, the folder to write dynamics.parquet, scores.parquet and "
        "run.json to, a folder for what an unfinished run goes on from, and a file for its progress, or - for "
        "standard error; may be given several times",
    )
    train.add_argument("--checkpoint", type=Path, metavar="PATH", help="checkpoint folder, for a system that has one")
    train.add_argument("--tokens", type=Path, metavar="PATH", help="what tokenise wrote, to spare doing it again")
    train.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:1, mps (default: auto)")
    train.add_argument("--threads", type=int, default=1, help="CPU threads (default: 1)")
    events = command(
        "events",
        "Find the learning and forgetting events of a run.",
        dynamics="dynamics.parquet",
        treated="treated training split of the run",
        output="Parquet file to write",
    )
    detect = command(
        "detect",
        "Score how well detectors find the wrong labels of a run.",
        dynamics="dynamics.parquet",
        treated="treated training split of the run",
        scores="scores.parquet of the run",
        output="folder to write detectors.parquet and losses.parquet to",
    )
    for stage in (events, detect):
        stage.add_argument("--run", type=Path, metavar="PATH", help="run.json, to check that the files are of that run")
    command(
        "aggregate",
        "Make the tables of a study.",
        spec=spec,
        results="the study's folder",
        output="folder to write",
    )
    command(
        "quote",
        "Look up the text of the words that stand out.",
        tables="folder of tables",
        data="folder of the data sets",
        output="folder to write",
    )
    plot = command("plot", "Draw one figure.", tables="folder of tables", output="folder to write")
    plot.add_argument("figure", help="name of the figure")
    command(
        "claims",
        "Decide the claims of the paper and print the card.",
        claims="YAML file of claims",
        tables="folder of tables",
        output="folder to write claims.parquet, claims.csv and claims.txt to",
    )
    command("findings", "Say what the study found.", tables="folder of tables", output="text file to write")
    command(
        "report",
        "Write the page that shows what a study found.",
        spec="the configuration, as one JSON string, or @FILE to read it from a file",
        results="the study's folder",
        output="HTML file to write",
    )
    command(
        "artifact",
        "Put a finished study in one zip.",
        spec=spec,
        results="the study's folder",
        claims="YAML file of claims",
        lock="file of the environment's versions",
        snakefile="the workflow's Snakefile",
        output="zip to write",
    )
    unpack = command("unpack", "Take from an artifact what a study is drawn from.", output="folder to write")
    unpack.add_argument("artifact", type=Path)
    verify = command("verify", "Check that everything in an artifact follows from what it holds.")
    verify.add_argument("artifact", type=Path)
    verify.add_argument(
        "--claims",
        type=Path,
        default=Path("config/claims.yaml"),
        help="The claims that it should have decided (default: %(default)s, where there is one).",
    )
    compare = command("compare", "Set two artifacts side by side.")
    merge = command("merge", "Put two artifacts of one study with different seeds together.", output="zip to write")
    for two in (compare, merge):
        two.add_argument("artifact", type=Path)
        two.add_argument("other", type=Path)
    stages.add_parser(
        "why",
        usage="settling why [SNAKEMAKE OPTIONS...]",
        help="Say what snakemake would run with the same options, and why.",
        description="Say what snakemake would run with the same options, and what changed. Nothing is run.",
    )
    status = stages.add_parser("status", help="Say how far a study is, from its files.")
    status.add_argument("file", type=Path, nargs="?", default="config.yaml", metavar="CONFIG")
    config = stages.add_parser("config", help="Check a configuration and print it in full.")
    config.add_argument("file", type=Path)
    stages.add_parser("schema", help="Print the JSON Schema of the configuration, as YAML.")
    return top


def run(arguments: argparse.Namespace) -> None:
    """Run one command."""
    match arguments.command:
        case "download" if arguments.what == "dataset":
            from settling.data.dataset import download_dataset

            download_dataset(spec_of(arguments.spec), arguments.output)
        case "download":
            from settling.data.checkpoints import download_checkpoint

            download_checkpoint(spec_of(arguments.spec), arguments.output)
        case "tokenise":
            from settling.data.tokens import tokenise

            tokenise(arguments.data, arguments.checkpoint, arguments.output)
        case "treat":
            from settling.treatments.treat import treat

            treat(spec_of(arguments.spec), arguments.train, arguments.output)
        case "train":
            from settling.training.state import Interrupted
            from settling.training.train import train

            try:
                train(
                    spec_of(arguments.spec),
                    {name: getattr(arguments, name) for name in DATA},
                    arguments.checkpoint,
                    [run_of(*values) for values in arguments.run],
                    arguments.device,
                    arguments.threads,
                    arguments.tokens,
                )
            except Interrupted:
                print("settling: interrupted; the same command goes on from the saved state", file=sys.stderr)
                sys.exit(128 + signal.SIGTERM)
        case "events":
            from settling.analysis.events import find_events

            find_events(arguments.dynamics, arguments.treated, arguments.output, arguments.run)
        case "detect":
            from settling.analysis.detection import detect

            detect(arguments.dynamics, arguments.treated, arguments.scores, arguments.output, arguments.run)
        case "aggregate":
            from settling.analysis.aggregate import aggregate

            aggregate(spec_of(arguments.spec), arguments.results, arguments.output)
        case "quote":
            from settling.analysis.quotes import quote

            quote(arguments.tables, arguments.data, arguments.output)
        case "plot":
            from settling.figures.plot import plot

            plot(arguments.figure, arguments.tables, arguments.output / arguments.figure)
        case "claims":
            from settling.analysis.claims import decide_claims

            tell(decide_claims(arguments.claims, arguments.tables, arguments.output).removesuffix("\n"))
        case "findings":
            from settling.analysis.findings import write_findings

            write_findings(arguments.tables, arguments.output)
        case "report":
            from settling.report.page import write_report

            write_report(spec_of(arguments.spec), arguments.results, arguments.output)
        case "artifact":
            from settling.artifact.build import build

            given = (arguments.results, arguments.claims, arguments.lock, arguments.snakefile)
            build(spec_of(arguments.spec), *given, arguments.output)
        case "unpack":
            from settling.artifact.stage import unpack_study

            unpack_study(arguments.artifact, arguments.output)
        case "verify":
            from settling.artifact.verify import verify

            said, good = verify(arguments.artifact, arguments.claims if arguments.claims.exists() else None)
            tell(said)
            sys.exit(not good)
        case "compare":
            from settling.artifact.compare import compare

            tell(compare(arguments.artifact, arguments.other))
        case "merge":
            from settling.artifact.merge import merge

            merge(arguments.artifact, arguments.other, arguments.output)
        case "why":
            from settling.why import why

            tell(why(arguments.options))
        case "status":
            from settling.config import read
            from settling.status import status

            tell(status(read(arguments.file)))
        case "config":
            from settling.config import read
            from settling.data.preview import previews
            from settling.study import not_there, runs, treatments, unpinned

            study = read(arguments.file)
            try:
                num_runs = len(runs(study))
                treatments(study)
            except BadInput as error:
                raise BadInput(f"{arguments.file}: {error}") from None
            print(json.dumps(study.model_dump(mode="json"), indent=2))
            for key in unpinned(study):
                tell(f"{arguments.file}: {key}: no revision yet; the download refuses without one", sys.stderr)
            for key, path in not_there(study):
                tell(f"{arguments.file}: {key}: {path}: no such file yet", sys.stderr)
            for name, dataset in study.datasets.items():
                for line in previews(name, dataset):
                    tell(line, sys.stderr)
            tell(f"{arguments.file}: a study of {num_runs} runs", sys.stderr)
        case "schema":
            from settling.config import json_schema

            print(json_schema(), end="")


def tell(text: str, where: TextIO | None = None) -> None:
    """Print text that may hold what a stranger wrote, so that no terminal obeys it; to standard output if not told."""
    print(printable(text), file=where)


def spec_of(text: str) -> dict[str, Any]:
    """Parse a spec; raise BadInput where it is not a JSON object."""
    where = "--spec"
    if text.startswith("@"):
        where = f"--spec: {text[1:]}"
        try:
            text = Path(text[1:]).read_text(encoding="utf-8")
        except OSError as error:
            raise BadInput(f"{where}: {error.strerror}") from None
        except UnicodeDecodeError as error:
            raise BadInput(f"{where}: found byte {error.object[error.start]:#04x}, expected UTF-8") from None
    try:
        spec = json.loads(text)
    except RecursionError:
        raise BadInput(f"{where}: not JSON (nested too deeply)") from None
    except ValueError as error:
        raise BadInput(f"{where}: not JSON ({error})") from None
    if not isinstance(spec, dict):
        shown = text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]}..."
        raise BadInput(f"{where}: found {shown!r}, expected a JSON object")
    return spec


def run_of(seed: str, treated: str, output: str, state: str, log: str) -> "Run":
    """Read the values of `--run`; raise BadInput for a seed that is not a number."""
    from settling.training.train import Run

    if not seed.isdecimal():
        raise BadInput(f"--run: found the seed {seed!r}, expected an integer from 0 on")
    if len(seed) > MAX_DIGITS:
        raise BadInput(f"--run: found a seed of {len(seed)} digits, expected at most {MAX_DIGITS}")
    return Run(int(seed), Path(treated), Path(output), Path(state), None if log == "-" else Path(log))


def main() -> None:
    """Run the command line; end with status 1 and one line where the user's input or the disk is at fault."""
    top = parser()
    arguments, options = top.parse_known_args()
    if options and arguments.command != "why":
        top.error(printable(f"unrecognized arguments: {' '.join(options)}"))
    arguments.options = options
    if arguments.command != "download":
        # Only the download stage may use the network.
        os.environ.update(HF_HUB_OFFLINE="1", HF_DATASETS_OFFLINE="1", TRANSFORMERS_OFFLINE="1")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    # A terminated command cleans up as a failed one does.
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    try:
        with contextlib.ExitStack() as stack:
            # A training claims its runs, one by one.
            if output := getattr(arguments, "output", None):
                from settling.files import claimed

                stack.enter_context(claimed(output / arguments.figure if arguments.command == "plot" else output))
            run(arguments)
    except BadInput as error:
        sys.exit("\n".join(f"settling: {line}" for line in printable(str(error)).splitlines()))
    except OSError as error:
        # What is copied or renamed has two names; the second is the one that is written.
        name = error.filename2 or error.filename or arguments.command
        sys.exit(printable(f"settling: {name}: {error.strerror or error}"))
    except KeyboardInterrupt:
        print("settling: interrupted", file=sys.stderr)
        sys.exit(130)
