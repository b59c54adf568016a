"""What a study would run, and why: a dry run of Snakemake, summarised by cause instead of by job.

No other module of the package reads what Snakemake prints. Snakemake 9.27 also hands a record of each job to the
plugins of its log. But such a record holds the reason as the same printed sentence, and most of this module reads that
sentence.
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
    # Snakemake also calls a job forced if it was killed while the job wrote; profiles/default asks to run such jobs
    # again.
    "Forced execution": "interrupted, or forced",
}
# Snakemake prints lines that begin so before the message that says what is wrong.
PREAMBLE = ("Using ", "Assuming ", "Building DAG")
MAX_NAMES = 3
MAX_VALUE_LENGTH = 40


class PlannedJob(NamedTuple):
    """A job that would run: its rule, its outputs, its wildcards, and the reason that Snakemake gives."""

    rule: str
    outputs: list[str]
    wildcards: dict[str, str]
    reason: str


def why(options: Sequence[str]) -> str:
    """Return a text that says what `snakemake` with these options would run, and why; raise BadInput where it fails."""
    studies = [option for option in options if option.endswith((".yaml", ".yml"))]
    if studies and not any(option.startswith("--config") for option in options):
        raise BadInput(f"{studies[0]}: a study is given as to snakemake: --configfile {studies[0]}")
    command = [sys.executable, "-m", "snakemake", "--dry-run", *options]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise BadInput(complaint(done.stdout + done.stderr))
    return what_would_run(planned_jobs(done.stdout + done.stderr))


def complaint(output: str) -> str:
    """Return the message in the output of a Snakemake that failed, as one line, without what it prints around it."""
    raised = re.findall(r"^[\w.]*(?:Error|Exception)\b.*", output, re.MULTILINE)
    usage = re.search(r"^.*?: error: (.*)", output, re.MULTILINE | re.DOTALL)
    message = usage[1] if usage else re.split(r"^Building DAG of jobs\.\.\.$", output, flags=re.MULTILINE)[-1]
    message = re.split(r"^ *Traceback.*$", message, flags=re.MULTILINE)[0]
    lines = [line.strip() for line in message.splitlines()]
    kept = [line for line in lines if line and not line.startswith(('File "', *PREAMBLE))]
    return " ".join(kept or raised[-1:]) or "snakemake failed without a message"


def planned_jobs(output: str) -> list[PlannedJob]:
    """Read the jobs from the output of a dry run. The job of the rule `all` does nothing and is left out."""
    planned = []
    for block in re.split(r"^ *(?=(?:local)?(?:rule|checkpoint) \w+:$)", output, flags=re.MULTILINE)[1:]:
        rule = block[: block.index(":")].split()[-1]
        fields = dict(re.findall(r"^ +(\w+): (.*)$", block, re.MULTILINE))
        if rule != "all":
            wildcards = dict(part.split("=", 1) for part in fields.get("wildcards", "").split(", ") if part)
            rule = re.sub(r"^(train|download_checkpoint)_\d+_.*", r"\1", rule)
            if rule == "download_checkpoint":
                # The rule has no wildcards; its log is called after the checkpoint.
                wildcards["checkpoint"] = PurePath(fields.get("log", "")).stem
            planned.append(PlannedJob(rule, fields.get("output", "").split(", "), wildcards, fields["reason"]))
    return planned


def what_would_run(planned: Sequence[PlannedJob]) -> str:
    """Say what would run: one line for each cause, then one for the jobs that only follow from others."""
    own: dict[tuple[str, str], list[PlannedJob]] = defaultdict(list)
    following: dict[str, int] = defaultdict(int)
    # Rules that are not in RULES, because somebody added them, come last.
    for job in sorted(planned, key=lambda job: (*RULES, job.rule).index(job.rule)):
        reasons = causes(job)
        # A job with an input that is made again only follows, except a training with a cause of its own.
        if FOLLOWS in job.reason and not (job.rule == "train" and reasons):
            following[job.rule] += len(runs_with(job.outputs)) if job.rule == "train" else 1
        else:
            own[job.rule, "; ".join(reasons)].append(job)
    lines = [line_of(rule, cause, group) for (rule, cause), group in own.items()]
    if following:
        names = ", ".join(number_of(rule, number) for rule, number in following.items())
        lines.append(f"{names} {'follows' if sum(following.values()) == 1 else 'follow'}")
    return "\n".join(lines or ["nothing would run"])


def line_of(rule: str, cause: str, group: Sequence[PlannedJob]) -> str:
    """Say which jobs of one rule would run for one cause; `group` has these jobs."""
    clause = next((clause for clause in (MISSING, UPDATED) if clause in group[0].reason), "")
    files = sorted({file for job in group for file in files_in(job.reason, clause)})
    again = "" if clause == MISSING else " again"
    if rule != "train":
        wildcard = RULES[rule].named_by if rule in RULES else ""
        names = sorted(job.wildcards[wildcard] for job in group if wildcard)
        named = f" ({few(names)})" if names else ""
        return f"{number_of(rule, len(group))}{named}{again}: {cause}{f': {few(files)}' if files else ''}"
    runs = [run for job in group for run in runs_with(job.outputs)]
    trained = runs_with(files) or runs
    verb = "trains" if len(trained) == 1 else "train"
    if clause == MISSING:
        files = [run.name for run in trained]
    elif cause == REGROUPED or (clause == UPDATED and not group[0].wildcards):
        # The inputs of a job of several runs are not those of each run; the train stage itself finds which are done.
        verb, again = "re-checked; only changed ones are retrained", ""
    beside = f"; the {len(runs) - len(trained)} beside them only where changed" if len(trained) < len(runs) else ""
    return f"{number_of(rule, len(trained))} {verb}{again}: {cause}{f': {few(files)}' if files else ''}{beside}"


def number_of(rule: str, number: int) -> str:
    """Return how many things a rule would make, such as `3 runs`; of a rule that makes one thing, return its name."""
    if rule not in RULES or not RULES[rule].one:
        return rule
    return f"{number} {RULES[rule].many if number > 1 else RULES[rule].one}"


def few(names: Sequence[str]) -> str:
    """Return the first MAX_NAMES names, and how many more there are."""
    more = f" and {len(names) - MAX_NAMES} more" if len(names) > MAX_NAMES else ""
    return f"{', '.join(names[:MAX_NAMES])}{more}"


def files_in(reason: str, clause: str) -> list[str]:
    """Return the files that a clause of a reason lists; an empty `clause` gives none."""
    parts = PARAMS.sub("", reason).split("; ")
    return [file for part in parts if clause and part.startswith(clause) for file in part[len(clause) :].split(", ")]


def runs_with(files: Iterable[str]) -> list[Run]:
    """Return the runs that files belong to, sorted, each once."""
    return sorted({run for file in files if (run := run_of(file))})


def causes(job: PlannedJob) -> list[str]:
    """Return the causes of a job in words, without its files."""
    texts = []
    for part in PARAMS.sub("", job.reason).split("; "):
        words = next((words for clause, words in CLAUSES.items() if part.startswith(clause)), part)
        if words:
            texts.append(words)
    changed = PARAMS.search(job.reason)
    if changed:
        old, new = ([ast.literal_eval(text) for text in re.findall(STRING, changed[side])] for side in (1, 2))
        texts += changes(job, old, new)
    return [REGROUPED] if set(texts) == {REGROUPED, OTHER_INPUTS} else texts


def changes(job: PlannedJob, old: Iterable[str], new: Iterable[str]) -> list[str]:
    """Say how the parameters of a job changed; `old` has those that it lost, `new` those that it gained."""
    before, now = (
        {kind: [text for text in side if parameter_kind(text) == kind] for kind in PARAMETER_KINDS}
        for side in (old, new)
    )
    texts = []
    for kind in PARAMETER_KINDS:
        pairs = [(one, two) for one in before[kind] or [""] for two in now[kind] or [""] if one or two]
        for one, two in pairs:
            if kind == "spec":
                name = f"system {runs_with(job.outputs)[0].system}: " if job.rule == "train" else ""
                texts.append(name + "; ".join(changed_keys(json.loads(one or "{}"), json.loads(two or "{}"))))
            elif kind == "code":
                texts.append(changed_modules(one, two))
            elif kind == "runs":
                texts.append("they shared a job before" if job.wildcards else REGROUPED)
            else:
                texts.append(f"{short_text(one) or 'a long text'} -> {short_text(two) or 'another'}")
    return list(dict.fromkeys(texts))


PARAMETER_KINDS = ("code", "spec", "runs", "other")
MODULES = re.compile(r"settling[\w.]*=[0-9a-f]{8}( settling[\w.]*=[0-9a-f]{8})*")


def parameter_kind(text: str) -> str:
    """Return which of PARAMETER_KINDS the text of a rule's parameter is."""
    if MODULES.fullmatch(text):
        return "code"
    if text.startswith("--run "):
        return "runs"
    return "spec" if text.startswith('{"') else "other"


def changed_modules(old: str, new: str) -> str:
    """Say which modules changed, came and went between two lines that settling.fingerprint.modules returned."""
    before, now = (dict(part.split("=") for part in side.split()) for side in (old, new))
    groups = {
        "changed": [name for name in sorted(before.keys() & now) if before[name] != now[name]],
        "came": sorted(now.keys() - before),
        "went": sorted(before.keys() - now),
    }
    if not before:
        return "its code, of which no modules were recorded"
    return "; ".join(f"{', '.join(names)} {verb}" for verb, names in groups.items() if names)


def changed_keys(old: Any, new: Any, key: str = "") -> list[str]:
    """Say key by key how plain data changed. A key that is missing has its default and is called `unset`."""
    if isinstance(old, dict) and isinstance(new, dict):
        return [
            text
            for name in sorted(old | new)
            for text in changed_keys(old.get(name), new.get(name), f"{key}.{name}" if key else name)
        ]
    if old == new:
        return []
    before, now = ("unset" if value is None else short_text(value) for value in (old, new))
    return [f"{key} {before} -> {now}" if before and now else f"{key} changed"]


def short_text(value: Any) -> str:
    """Return a value as one writes it in a configuration; empty if it is longer than MAX_VALUE_LENGTH."""
    text = value if isinstance(value, str) else canonical(value)
    return text if len(text) <= MAX_VALUE_LENGTH else ""
