"""The one list of commands: their order, how each is called, what it takes, and which rules of the workflow call it.

Plain data that imports nothing heavy. The command line, `settling why`, `verify` and `merge` take their names and their
order from here.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Literal, NamedTuple, TypeVar

T = TypeVar("T")


class Group(StrEnum):
    """Where a command belongs; the value is its heading in `settling --help`."""

    STUDY = "The stages of a study, in order; each reads files, writes files and can be run by hand:"
    LABS = "Between labs:"
    AROUND = "Around them:"


class Argument(NamedTuple):
    """An argument of a command: an option where its name begins with `--`, else a positional one.

    `kind` is what its value is read as: a path, a JSON object, a whole number or a text. `settings` are further
    arguments of argparse's `add_argument`.
    """

    name: str
    help: str | None = None
    kind: Literal["PATH", "JSON", "NUMBER", "TEXT"] = "PATH"
    required: bool = True
    settings: Mapping[str, Any] = {}


class Rule(NamedTuple):
    """A rule of the workflow: what one and several of the things that it makes are called, and the wildcard they have.

    A rule that makes one thing for the whole study is called by its own name.
    """

    name: str
    one: str = ""
    many: str = ""
    named_by: str = ""


class Stage(NamedTuple):
    """A command: `function` is `module:function`, which takes the arguments by name; a text that it returns is printed.

    `unknown_options` names the parameter that takes the options that no argument of the command is.
    """

    name: str
    help: str
    function: str
    arguments: tuple[Argument, ...] = ()
    group: Group = Group.STUDY
    rules: tuple[Rule, ...] = ()
    unknown_options: str = ""


SPEC = Argument("--spec", "what to do, as one JSON string, or @FILE to read it from a file", "JSON")
CONFIGURATION = SPEC._replace(help="the configuration, as one JSON string, or @FILE to read it from a file")
DYNAMICS = Argument("--dynamics", "dynamics.parquet")
TREATED = Argument("--treated", "treated training split of the run")
CARD = Argument("--run", "run.json, to check that the files are of that run", required=False)
RESULTS = Argument("--results", "the study's folder")
TABLES = Argument("--tables", "folder of tables")
CLAIMS = Argument("--claims", "YAML file of claims")
ARTIFACT = Argument("path", settings={"metavar": "artifact"})
TWO_ARTIFACTS = (
    Argument("first", settings={"metavar": "artifact"}),
    Argument("second", settings={"metavar": "other"}),
)


def output(what: str) -> Argument:
    """Return the option for what a command writes."""
    return Argument("--output", what)


STAGES = (
    Stage(
        "download",
        "Fetch a data set or a checkpoint; the only stage that uses the network.",
        "settling.commands:download",
        (
            SPEC,
            output("folder to write"),
            Argument("what", kind="TEXT", settings={"choices": ["dataset", "checkpoint"]}),
        ),
        rules=(
            Rule("download_dataset", "data set", "data sets", "dataset"),
            Rule("download_checkpoint", "checkpoint", "checkpoints", "checkpoint"),
        ),
    ),
    Stage(
        "tokenise",
        "Make the word-pieces of a data set, once for all runs from a checkpoint.",
        "settling.data.tokens:tokenise",
        (
            Argument("--data", "folder of train, dev and test.parquet"),
            Argument("--checkpoint", "checkpoint folder"),
            output("Parquet file to write"),
        ),
        rules=(Rule("tokenise", "file of tokens", "files of tokens"),),
    ),
    Stage(
        "treat",
        "Corrupt the labels of a training split, or make a class scarce.",
        "settling.treatments.treat:treat",
        (SPEC, Argument("--train", "train.parquet"), output("Parquet file to write")),
        rules=(Rule("treat", "treated split", "treated splits"),),
    ),
    Stage(
        "train",
        "Train runs of one system and observe every word at every epoch.",
        "settling.commands:train",
        (
            SPEC,
            *(Argument(f"--{split}", f"{split}.parquet") for split in ("train", "dev", "test")),
            Argument(
                "--run",
                "a run: its seed, its treated training split, the folder to write dynamics.parquet, scores.parquet and "
                "run.json to, a folder for its progress and what it goes on from where it was interrupted, and a log, "
                "or - for standard error; may be given several times",
                "TEXT",
                settings={"action": "append", "nargs": 5, "metavar": ("SEED", "TREATED", "OUTPUT", "STATE", "LOG")},
            ),
            Argument("--checkpoint", "checkpoint folder, for a system that has one", required=False),
            Argument("--tokens", "what tokenise wrote, to spare doing it again", required=False),
            Argument(
                "--device", "auto, cpu, cuda, cuda:1, mps (default: auto)", "TEXT", False, settings={"default": "auto"}
            ),
            Argument("--threads", "CPU threads (default: 1)", "NUMBER", False, settings={"default": 1}),
        ),
        rules=(Rule("train", "run", "runs"),),
    ),
    Stage(
        "events",
        "Find the learning and forgetting events of a run.",
        "settling.analysis.events:find_events",
        (DYNAMICS, TREATED, output("Parquet file to write"), CARD),
        rules=(Rule("events", "run's events", "runs' events"),),
    ),
    Stage(
        "detect",
        "Score how well detectors find the wrong labels of a run.",
        "settling.detectors.detect:detect",
        (
            DYNAMICS,
            TREATED,
            Argument("--scores", "scores.parquet of the run"),
            output("folder to write detectors.parquet and losses.parquet to"),
            CARD,
        ),
        rules=(Rule("detect", "run's detectors", "runs' detectors"),),
    ),
    Stage(
        "aggregate",
        "Make the tables of a study, over all its runs.",
        "settling.analysis.aggregate:aggregate",
        (SPEC, RESULTS, output("folder to write")),
        rules=(Rule("aggregate"),),
    ),
    Stage(
        "quote",
        "Look up the text of the words that the tables point at.",
        "settling.analysis.quotes:quote",
        (TABLES, Argument("--data", "folder of the data sets"), output("folder to write")),
        rules=(Rule("quote"),),
    ),
    Stage(
        "plot",
        "Draw one figure from the tables.",
        "settling.commands:plot",
        (TABLES, output("folder to write"), Argument("figure", "name of the figure", "TEXT")),
        rules=(
            Rule("plot", "figure", "figures", "figure"),
            Rule("plot_table", "figure that is a table", "figures that are tables", "figure"),
            Rule("not_drawn"),
        ),
    ),
    Stage(
        "claims",
        "Decide the claims of the paper and print the card.",
        "settling.claims.decide:decide_claims",
        (CLAIMS, TABLES, output("folder to write claims.parquet, claims.csv and claims.txt to")),
        rules=(Rule("claims"),),
    ),
    Stage(
        "findings",
        "Say what the study found, in three lines.",
        "settling.analysis.findings:write_findings",
        (TABLES, output("text file to write")),
        rules=(Rule("findings"),),
    ),
    Stage(
        "report",
        "Write the page that shows what a study found.",
        "settling.report.page:write_report",
        (CONFIGURATION, RESULTS, output("HTML file to write")),
        rules=(Rule("report"),),
    ),
    Stage(
        "artifact",
        "Put a finished study in one zip.",
        "settling.artifact.build:build",
        (
            SPEC,
            RESULTS,
            CLAIMS,
            Argument("--lock", "file of the environment's versions"),
            Argument("--snakefile", "the workflow's Snakefile"),
            output("zip to write"),
        ),
        Group.LABS,
        rules=(Rule("artifact"),),
    ),
    Stage(
        "unpack",
        "Take from an artifact what a study is drawn from.",
        "settling.artifact.stage:unpack_study",
        (output("folder to write"), ARTIFACT),
        Group.LABS,
        rules=(Rule("unpack"),),
    ),
    Stage(
        "verify",
        "Check that everything in an artifact follows from what it holds.",
        "settling.commands:verify",
        (
            ARTIFACT,
            Argument(
                "--claims",
                "the claims that it should have decided (default: %(default)s, where there is one)",
                required=False,
                settings={"default": "config/claims.yaml"},
            ),
        ),
        Group.LABS,
    ),
    Stage(
        "compare",
        "Set two artifacts side by side.",
        "settling.artifact.compare:compare",
        TWO_ARTIFACTS,
        Group.LABS,
    ),
    Stage(
        "merge",
        "Put two artifacts of one study with different seeds together.",
        "settling.artifact.merge:merge",
        (output("zip to write"), *TWO_ARTIFACTS),
        Group.LABS,
    ),
    Stage(
        "why",
        "Say what snakemake would run with the same options, and what changed; nothing is run.",
        "settling.why:why",
        group=Group.AROUND,
        unknown_options="options",
    ),
    Stage(
        "status",
        "Say how far a study is, from its files.",
        "settling.commands:status",
        (Argument("file", settings={"nargs": "?", "default": "config.yaml", "metavar": "CONFIG"}),),
        Group.AROUND,
    ),
    Stage(
        "config",
        "Check a configuration and print it in full.",
        "settling.commands:config",
        (Argument("file"),),
        Group.AROUND,
    ),
    Stage(
        "schema",
        "Print the JSON Schema of the configuration, as YAML.",
        "settling.config:json_schema",
        group=Group.AROUND,
    ),
)

BY_NAME = {stage.name: stage for stage in STAGES}
"""The commands by name, in their order."""
RULES = {rule.name: rule for stage in STAGES for rule in stage.rules}
"""The rules of the workflow by name, in the order of the stages."""


def in_order(parts: Mapping[str, T]) -> list[T]:
    """Return what belongs to each stage, given by the stage's name, in the order of the stages.

    Raises KeyError for a name that is no stage's.
    """
    if unknown := parts.keys() - BY_NAME.keys():
        raise KeyError(f"no stage is called {', '.join(sorted(unknown))}")
    return [parts[name] for name in BY_NAME if name in parts]
