"""The command line of settling.stages. A command's module is imported when it runs, so that --help is quick."""

import argparse
import contextlib
import importlib
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from settling.errors import BadInput, cut, printable, tell
from settling.stages import BY_NAME, STAGES, Argument, Group

ABOUT = """\
How a pretrained model fits, settles and memorises a labelled data set.

`snakemake -n -p -F` prints the commands of a study with their specs; without -F, those still to run.
"""


def parser() -> argparse.ArgumentParser:
    """Return the parser of all commands."""
    width = max(len(stage.name) for stage in STAGES)
    blocks = [
        "\n".join([group, "", *(f"    {one.name:<{width}}  {one.help}" for one in STAGES if one.group == group), ""])
        for group in Group
    ]
    top = argparse.ArgumentParser(
        prog="settling",
        description="\n".join([ABOUT, *blocks]),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for stage in STAGES:
        usage = f"settling {stage.name} [SNAKEMAKE OPTIONS...]" if stage.unknown_options else None
        command = commands.add_parser(stage.name, description=stage.help, usage=usage)
        for argument in stage.arguments:
            add(command, argument)
    return top


def add(command: argparse.ArgumentParser, argument: Argument) -> None:
    """Add an argument of settling.stages to the parser of its command."""
    settings: dict[str, Any] = {"type": READERS[argument.kind], "help": argument.help}
    if argument.name.startswith("--"):
        settings["required"] = argument.required
        if argument.kind in ("PATH", "JSON"):
            settings["metavar"] = argument.kind
    command.add_argument(argument.name, **settings, **argument.settings)


def run(arguments: argparse.Namespace) -> None:
    """Run one command and print what it returns. While it runs, no other process may make the same output."""
    values = vars(arguments)
    stage = BY_NAME[values.pop("command")]
    module, _, name = stage.function.partition(":")
    with contextlib.ExitStack() as stack:
        # `train` has no argument `output`; it claims its runs itself, one by one.
        if output := values.get("output"):
            from settling.files import claimed

            stack.enter_context(claimed(output))
        text = getattr(importlib.import_module(module), name)(**values)
    if text is not None:
        tell(text.removesuffix("\n"))


def spec_of(text: str) -> dict[str, Any]:
    """Parse a spec, or the file named after an `@`; raise BadInput where it is not a JSON object."""
    from settling.files import parse_json

    where = "--spec"
    if text.startswith("@"):
        where = f"--spec: {text[1:]}"
        try:
            text = Path(text[1:]).read_text(encoding="utf-8")
        except OSError as error:
            raise BadInput(f"{where}: {error.strerror}") from None
        except UnicodeDecodeError as error:
            raise BadInput(f"{where}: found byte {error.object[error.start]:#04x}, expected UTF-8") from None
    spec = parse_json(text, where)
    if not isinstance(spec, dict):
        raise BadInput(f"{where}: found {cut(text)!r}, expected a JSON object")
    return spec


# The function that reads an argument of each kind from its text.
READERS: dict[str, Callable[[str], Any]] = {"PATH": Path, "JSON": spec_of, "NUMBER": int, "TEXT": str}


def parsed_arguments() -> argparse.Namespace:
    """Return the command and its arguments, called as its function calls them; a usage error ends with status 2."""
    top = parser()
    arguments, unknown = top.parse_known_args()
    if name := BY_NAME[arguments.command].unknown_options:
        setattr(arguments, name, unknown)
    elif unknown:
        top.error(printable(f"unrecognized arguments: {' '.join(unknown)}"))
    return arguments


def main() -> None:
    """Run the command line. An error in the user's input or of the disk ends with status 1 and one line."""
    command = "settling"
    try:
        arguments = parsed_arguments()
        command = arguments.command
        if command != "download":
            # Only the download stage may use the network.
            os.environ.update(HF_HUB_OFFLINE="1", HF_DATASETS_OFFLINE="1", TRANSFORMERS_OFFLINE="1")
        os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
        # SIGTERM raises SystemExit, so that a command that is terminated cleans up like one that fails.
        signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
        run(arguments)
    except BadInput as error:
        sys.exit("\n".join(f"settling: {line}" for line in printable(str(error)).splitlines()))
    except OSError as error:
        # An error in copying or renaming has two paths; the second is the one that is written.
        name = error.filename2 or error.filename or command
        sys.exit(printable(f"settling: {name}: {error.strerror or error}"))
    except KeyboardInterrupt:
        print("settling: interrupted", file=sys.stderr)
        sys.exit(130)
