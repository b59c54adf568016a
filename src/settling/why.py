"""What a study would run, and why: a dry run of Snakemake, told by cause instead of by job.

The one module of the package that knows Snakemake, and it knows only what a dry run prints. Snakemake 9.27 also hands a
record of each job to plugins for its log. But such a record holds the reason as the same printed sentence, and to read
that sentence is most of this module. A plugin would also have to be a package of its own, installed beside this one.
"""

import ast
import json
import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import PurePath
from typing import Any, NamedTuple

from settling.canonical import canonical
from settling.errors import BadInput
from settling.layout import Run, run_of
from settling.stages import RULES

STRING = r"""(?:'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")"""
STRINGS = rf"(?:<nothing exclusive>|{STRING}(?:,{STRING})*)"
PARAMS = re.compile(rf"Params have changed since last execution: .*?: before: ({STRINGS}) now: ({STRINGS}) ?(?:; |$)")
FOLLOWS = "Input files updated by another job: "
MISSING = "Missing output files: "
UPDATED = "Updated input files: "
OTHER_INPUTS = "other inputs"
REGROUPED = "jobs made up anew"
CLAUSES = {
    MISSING: "new (missing outputs)",
    UPDATED: "newer inputs",
    FOLLOWS: "",
    "Set of input files has changed": OTHER_INPUTS,
    "Code has changed": "the rule's command changed",
    "Software environment definition has changed": "the conda environment changed",
    # So it calls what was being written when Snakemake died, as profiles/default asks for it.
    "Forced execution": "interrupted, or forced",
}
# What Snakemake says of itself before it says what is wrong.
PREAMBLE = ("Using ", "Assuming ", "Building DAG")
LISTED = 3
LONGEST_VALUE = 40


class Job(NamedTuple):
    """A job that would run: its rule, what it would write, its wildcards and Snakemake's reason."""

    rule: str
    outputs: list[str]
    wildcards: dict[str, str]
    reason: str


def why(options: Sequence[str]) -> str:
    """Return in words what `snakemake` with these options would run, and why; raise BadInput where it fails."""
    studies = [option for option in options if option.endswith((".yaml", ".yml"))]
    if studies and not any(option.startswith("--config") for option in options):
        raise BadInput(f"{studies[0]}: a study is given as to snakemake: --configfile {studies[0]}")
    command = [sys.executable, "-m", "snakemake", "--dry-run", *options]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise BadInput(complaint(done.stdout + done.stderr))
    return summary(jobs(done.stdout + done.stderr))


def complaint(said: str) -> str:
    """Return as one line what went wrong, without what Snakemake says before and after."""
    raised = re.findall(r"^[\w.]*(?:Error|Exception)\b.*", said, re.MULTILINE)
    usage = re.search(r"^.*?: error: (.*)", said, re.MULTILINE | re.DOTALL)
    said = usage[1] if usage else re.split(r"^Building DAG of jobs\.\.\.$", said, flags=re.MULTILINE)[-1]
    said = re.split(r"^ *Traceback.*$", said, flags=re.MULTILINE)[0]
    lines = [line.strip() for line in said.splitlines()]
    kept = [line for line in lines if line and not line.startswith(('File "', *PREAMBLE))]
    return " ".join(kept or raised[-1:]) or "snakemake failed without a word"


def jobs(said: str) -> list[Job]:
    """Read the jobs out of what a dry run printed; `all`, which does nothing, is left out."""
    found = []
    for block in re.split(r"^ *(?=(?:local)?(?:rule|checkpoint) \w+:$)", said, flags=re.MULTILINE)[1:]:
        rule = block[: block.index(":")].split()[-1]
        fields = dict(re.findall(r"^ +(\w+): (.*)$", block, re.MULTILINE))
        if rule != "all":
            wildcards = dict(part.split("=", 1) for part in fields.get("wildcards", "").split(", ") if part)
            rule = re.sub(r"^(train|download_checkpoint)_\d+_.*", r"\1", rule)
            if rule == "download_checkpoint":
                # Whose rule has no wildcards.
                wildcards["checkpoint"] = PurePath(fields.get("log", "")).stem
            found.append(Job(rule, fields.get("output", "").split(", "), wildcards, fields["reason"]))
    return found


def summary(found: Sequence[Job]) -> str:
    """Say what would run, one line a cause, then what follows."""
    own: dict[tuple[str, str], list[Job]] = defaultdict(list)
    following: dict[str, int] = defaultdict(int)
    # A rule that somebody added comes last.
    for job in sorted(found, key=lambda job: (*RULES, job.rule).index(job.rule)):
        reasons = causes(job)
        # A run with a cause of its own is worth its line; whatever else has an input that is made again only follows.
        if FOLLOWS in job.reason and not (job.rule == "train" and reasons):
            following[job.rule] += len(runs_of(job.outputs)) if job.rule == "train" else 1
        else:
            own[job.rule, "; ".join(reasons)].append(job)
    lines = [line(rule, cause, group) for (rule, cause), group in own.items()]
    if following:
        names = ", ".join(counted(rule, number) for rule, number in following.items())
        lines.append(f"{names} {'follows' if sum(following.values()) == 1 else 'follow'}")
    return "\n".join(lines or ["nothing would run"])


def line(rule: str, cause: str, group: Sequence[Job]) -> str:
    """Say what of one rule would run for one cause, which all jobs of the group have."""
    clause = next((clause for clause in (MISSING, UPDATED) if clause in group[0].reason), "")
    files = sorted({file for job in group for file in listed(job.reason, clause)})
    again = "" if clause == MISSING else " again"
    if rule != "train":
        wildcard = RULES[rule].named_by if rule in RULES else ""
        names = sorted(job.wildcards[wildcard] for job in group if wildcard)
        named = f" ({few(names)})" if names else ""
        return f"{counted(rule, len(group))}{named}{again}: {cause}{f': {few(files)}' if files else ''}"
    runs = [run for job in group for run in runs_of(job.outputs)]
    trained = runs_of(files) or runs
    verb = "trains" if len(trained) == 1 else "train"
    if clause == MISSING:
        files = [run.name for run in trained]
    elif cause == REGROUPED or (clause == UPDATED and not group[0].wildcards):
        # The inputs of a job of several are not those of each; train itself knows which run is done.
        verb, again = "re-checked; only changed ones are retrained", ""
    beside = f"; the {len(runs) - len(trained)} beside them only where changed" if len(trained) < len(runs) else ""
    return f"{counted(rule, len(trained))} {verb}{again}: {cause}{f': {few(files)}' if files else ''}{beside}"


def counted(rule: str, number: int) -> str:
    """Return how many of what a rule makes, such as `3 runs`, or the rule's name where it makes one thing."""
    if rule not in RULES or not RULES[rule].one:
        return rule
    return f"{number} {RULES[rule].many if number > 1 else RULES[rule].one}"


def few(names: Sequence[str]) -> str:
    """Return the first names, and how many more there are."""
    more = f" and {len(names) - LISTED} more" if len(names) > LISTED else ""
    return f"{', '.join(names[:LISTED])}{more}"


def listed(reason: str, clause: str) -> list[str]:
    """Return the files that a clause of a reason lists; none for no clause."""
    parts = PARAMS.sub("", reason).split("; ")
    return [file for part in parts if clause and part.startswith(clause) for file in part[len(clause) :].split(", ")]


def runs_of(files: Iterable[str]) -> list[Run]:
    """Return the runs that files are of."""
    return sorted({run for file in files if (run := run_of(file))})


def causes(job: Job) -> list[str]:
    """Return in words why a job runs, files left out."""
    found = []
    for part in PARAMS.sub("", job.reason).split("; "):
        known = next((words for clause, words in CLAUSES.items() if part.startswith(clause)), part)
        if known:
            found.append(known)
    changed = PARAMS.search(job.reason)
    if changed:
        old, new = ([ast.literal_eval(text) for text in re.findall(STRING, changed[side])] for side in (1, 2))
        found += changes(job, old, new)
    return [REGROUPED] if set(found) == {REGROUPED, OTHER_INPUTS} else found


def changes(job: Job, old: Iterable[str], new: Iterable[str]) -> list[str]:
    """Return in words how the parameters of a job changed, from those it no longer has to those it did not have."""
    before, now = ({kind: [text for text in side if kind_of(text) == kind] for kind in KINDS} for side in (old, new))
    found = []
    for kind in KINDS:
        pairs = [(one, two) for one in before[kind] or [""] for two in now[kind] or [""] if one or two]
        for one, two in pairs:
            if kind == "spec":
                name = f"system {runs_of(job.outputs)[0].system}: " if job.rule == "train" else ""
                found.append(name + "; ".join(differences(json.loads(one or "{}"), json.loads(two or "{}"))))
            elif kind == "code":
                found.append(edited(one, two))
            elif kind == "runs":
                found.append("they shared a job before" if job.wildcards else REGROUPED)
            else:
                found.append(f"{shown(one) or 'a long text'} -> {shown(two) or 'another'}")
    return list(dict.fromkeys(found))


KINDS = ("code", "spec", "runs", "other")
MODULES = re.compile(r"settling[\w.]*=[0-9a-f]{8}( settling[\w.]*=[0-9a-f]{8})*")


def kind_of(text: str) -> str:
    """Return which of a rule's parameters a text is."""
    if MODULES.fullmatch(text):
        return "code"
    if text.startswith("--run "):
        return "runs"
    return "spec" if text.startswith('{"') else "other"


def edited(old: str, new: str) -> str:
    """Say which modules changed, came and went between two lines of settling.fingerprint.modules."""
    before, now = (dict(part.split("=") for part in side.split()) for side in (old, new))
    groups = {
        "changed": [name for name in sorted(before.keys() & now) if before[name] != now[name]],
        "came": sorted(now.keys() - before),
        "went": sorted(before.keys() - now),
    }
    if not before:
        return "its code, of which no modules were recorded"
    return "; ".join(f"{', '.join(names)} {verb}" for verb, names in groups.items() if names)


def differences(old: Any, new: Any, key: str = "") -> list[str]:
    """Say key by key how plain data changed; a key that is not there is unset: it has its default."""
    if isinstance(old, dict) and isinstance(new, dict):
        return [
            text
            for name in sorted(old | new)
            for text in differences(old.get(name), new.get(name), f"{key}.{name}" if key else name)
        ]
    if old == new:
        return []
    before, now = ("unset" if value is None else shown(value) for value in (old, new))
    return [f"{key} {before} -> {now}" if before and now else f"{key} changed"]


def shown(value: Any) -> str:
    """Return a value as a reader writes it, or nothing where it is long."""
    text = value if isinstance(value, str) else canonical(value)
    return text if len(text) <= LONGEST_VALUE else ""
