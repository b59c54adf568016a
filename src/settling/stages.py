"""The one list of commands: their order, how each is called, what it takes, and which rules of the workflow call it.

Plain data that imports nothing heavy. The command line, `settling why`, `verify` and `merge` take their names and their
order from here. The file is long because each command has its entry here, and nowhere else.
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

    `named_rules` are its rules, where they are not one rule of its own name. Their file is workflow/rules/<name>.smk.
    `studies` says which studies have these rules. `unknown_options` names the parameter that takes the options that no
    argument of the command is.
    """

    name: str
    help: str
    function: str
    arguments: tuple[Argument, ...] = ()
    group: Group = Group.STUDY
    named_rules: tuple[Rule, ...] = ()
    unknown_options: str = ""
    studies: Literal["all", "trained here", "from an artifact"] = "all"

    @property
    def rules(self) -> tuple[Rule, ...]:
        """Its rules: those that are named, or for a stage of a study one of its own name."""
        return self.named_rules or ((Rule(self.name),) if self.group == Group.STUDY else ())


SPEC_ARGUMENT = Argument("--spec", "what to do, as one JSON string, or @FILE to read it from a file", "JSON")
CONFIGURATION_ARGUMENT = SPEC_ARGUMENT._replace(
    help="the configuration, as one JSON string, or @FILE to read it from a file"
)
DYNAMICS_ARGUMENT = Argument("--dynamics", "dynamics.parquet")
TREATED_ARGUMENT = Argument("--treated", "treated training split of the run")
RUN_RECORD_ARGUMENT = Argument("--run", "run.json, to check that the files are of that run", required=False)
RESULTS_ARGUMENT = Argument("--results", "the study's folder")
TABLES_ARGUMENT = Argument("--tables", "folder of tables")
CLAIMS_ARGUMENT = Argument("--claims", "YAML file of claims")
ARTIFACT_ARGUMENT = Argument("path", settings={"metavar": "artifact"})
TWO_ARTIFACT_ARGUMENTS = (
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
            SPEC_ARGUMENT,
            output("folder to write"),
            Argument("what", kind="TEXT", settings={"choices": ["dataset", "checkpoint"]}),
        ),
        named_rules=(
            Rule("download_dataset", "data set", "data sets", "dataset"),
            Rule("download_checkpoint", "checkpoint", "checkpoints", "checkpoint"),
        ),
        studies="trained here",
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
        named_rules=(Rule("tokenise", "file of tokens", "files of tokens"),),
        studies="trained here",
    ),
    Stage(
        "treat",
        "Corrupt the labels of a training split, or make a class scarce.",
        "settling.treatments.treat:treat",
        (SPEC_ARGUMENT, Argument("--train", "train.parquet"), output("Parquet file to write")),
        named_rules=(Rule("treat", "treated split", "treated splits"),),
        studies="trained here",
    ),
    Stage(
        "train",
        "Train runs of one system and observe every word at every epoch.",
        "settling.commands:train",
        (
            SPEC_ARGUMENT,
            *(Argument(f"--{split}", f"{split}.parquet") for split in ("train", "dev", "test")),
            Argument(
                "--run",
                "a run: its seed, its treated training split, the folder to write dynamics.parquet, scores.parquet and "
                "run.json to, a folder for its progress and what it goes on from where it was interrupted, and a log, "
                "or - for standard error; may be given several times",
                "TEXT",
                settings={
                    "action": "append",
                    "nargs": 5,
                    "metavar": ("SEED", "TREATED", "OUTPUT", "STATE", "LOG"),
                },
            ),
            Argument("--checkpoint", "checkpoint folder, for a system that has one", required=False),
            Argument("--tokens", "what tokenise wrote, to spare doing it again", required=False),
            Argument(
                "--device", "auto, cpu, cuda, cuda:1, mps (default: auto)", "TEXT", False, settings={"default": "auto"}
            ),
            Argument("--threads", "CPU threads (default: 1)", "NUMBER", False, settings={"default": 1}),
        ),
        named_rules=(Rule("train", "run", "runs"),),
        studies="trained here",
    ),
    Stage(
        "events",
        "Find the learning and forgetting events of a run.",
        "settling.analysis.events:find_events",
        (DYNAMICS_ARGUMENT, TREATED_ARGUMENT, output("Parquet file to write"), RUN_RECORD_ARGUMENT),
        named_rules=(Rule("events", "run's events", "runs' events"),),
        studies="trained here",
    ),
    Stage(
        "detect",
        "Score how well detectors find the wrong labels of a run.",
        "settling.detectors.detect:detect",
        (
            DYNAMICS_ARGUMENT,
            TREATED_ARGUMENT,
            Argument("--scores", "scores.parquet of the run"),
            output("folder to write detectors.parquet and losses.parquet to"),
            RUN_RECORD_ARGUMENT,
        ),
        named_rules=(Rule("detect", "run's detectors", "runs' detectors"),),
        studies="trained here",
    ),
    Stage(
        "aggregate",
        "Make the tables of a study, over all its runs.",
        "settling.analysis.aggregate:aggregate",
        (SPEC_ARGUMENT, RESULTS_ARGUMENT, output("folder to write")),
    ),
    Stage(
        "quote",
        "Look up the text of the words that the tables point at.",
        "settling.analysis.quotes:quote",
        (TABLES_ARGUMENT, Argument("--data", "folder of the data sets"), output("folder to write")),
        studies="trained here",
    ),
    Stage(
        "plot",
        "Draw figures from the tables.",
        "settling.figures.plot:plot",
        (
            TABLES_ARGUMENT,
            output("folder to write"),
            Argument("figures", "names of the figures", "TEXT", settings={"nargs": "+", "metavar": "figure"}),
        ),
        named_rules=(Rule("plot"), Rule("not_drawn")),
    ),
    Stage(
        "claims",
        "Decide the claims of the paper and print the verdicts.",
        "settling.claims.decide:decide_claims",
        (CLAIMS_ARGUMENT, TABLES_ARGUMENT, output("folder to write claims.parquet, claims.csv and claims.txt to")),
    ),
    Stage(
        "findings",
        "Say what the study found, in three lines.",
        "settling.analysis.findings:write_findings",
        (TABLES_ARGUMENT, output("text file to write")),
    ),
    Stage(
        "report",
        "Write the page that shows what a study found.",
        "settling.report.page:write_report",
        (CONFIGURATION_ARGUMENT, RESULTS_ARGUMENT, output("HTML file to write")),
    ),
    Stage(
        "artifact",
        "Put a finished study in one zip.",
        "settling.artifact.build:build",
        (
            SPEC_ARGUMENT,
            RESULTS_ARGUMENT,
            CLAIMS_ARGUMENT,
            Argument("--lock", "file of the environment's versions"),
            Argument("--snakefile", "the workflow's Snakefile"),
            output("zip to write"),
        ),
        Group.LABS,
        named_rules=(Rule("artifact"),),
        studies="trained here",
    ),
    Stage(
        "unpack",
        "Take from an artifact what a study is drawn from.",
        "settling.artifact.stage:unpack_study",
        (output("folder to write"), ARTIFACT_ARGUMENT),
        Group.LABS,
        named_rules=(Rule("unpack"),),
        studies="from an artifact",
    ),
    Stage(
        "verify",
        "Check that everything in an artifact follows from what it holds.",
        "settling.commands:verify",
        (
            ARTIFACT_ARGUMENT,
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
        TWO_ARTIFACT_ARGUMENTS,
        Group.LABS,
    ),
    Stage(
        "merge",
        "Put two artifacts of one study with different seeds together.",
        "settling.artifact.merge:merge",
        (output("zip to write"), *TWO_ARTIFACT_ARGUMENTS),
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
