"""From what a format finds in a file, words and tags as they stand there, to sentences with IOB2 tags.

Every format of words comes through here, so that a tag, an empty word or an odd character is treated alike in all.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from settling.data.formats import BOUNDARIES, format_of
from settling.data.keys import Dataset
from settling.data.sentences import MAX_WORDS, Sentence
from settling.data.tags import OUTSIDE, REPAIRABLE, Fault, Problem, Tagging, fitting, has_letter, stripped, to_iob2
from settling.errors import BadInput, check_text, shown

# How many other places a message names.
PLACES = 4


class Raw(NamedTuple):
    """The words of a sentence and their tags, equally many, as a file has them, and where they stand.

    `lines` are the lines of the words, in a file that has a word a line; else `row` is the row of the sentence, from 0.
    """

    tokens: Sequence[str]
    tags: Sequence[str]
    lines: Sequence[int] = ()
    row: int = 0

    def place(self, position: int) -> str:
        """Say where the word at a position stands, after the name of the file."""
        return f":{self.lines[position]}" if self.lines else f": row {self.row}, word {position}"

    def short_place(self, position: int) -> str:
        """Say where the word stands, in short, for a list of places in one file."""
        return str(self.lines[position]) if self.lines else f"{self.row} ({position})"


def tagging_of(dataset: Dataset) -> Tagging:
    """Return how the tags of a data set's files are written."""
    return Tagging(dataset.scheme, dataset.outside, dataset.entity_type)


def sentences_of(raws: Iterable[Raw], dataset: Dataset, where: str) -> tuple[list[Sentence], dict[str, Any]]:
    """Return the sentences that a format found in the file called `where`, with IOB2 tags, and what was changed.

    Raises BadInput, which names the first place, for a word or tag that cannot be taken as it stands, and says what
    would take it.
    """
    tagging = tagging_of(dataset)
    found: list[Sentence] = []
    kept: list[Raw] = []
    faults: dict[Fault, list[tuple[Raw, Problem]]] = defaultdict(list)
    record = {"tags_converted": 0, "tags_repaired": 0, "empty_tokens_dropped": 0, "empty_sentences_dropped": 0}
    for whole in raws:
        raw = without_empty(whole, dataset, where)
        record["empty_tokens_dropped"] += len(whole.tokens) - len(raw.tokens)
        if not raw.tokens:
            record["empty_sentences_dropped"] += 1
            continue
        if len(raw.tokens) > MAX_WORDS:
            found_words = f"found a sentence of {len(raw.tokens)} words, expected at most {MAX_WORDS}"
            question = BOUNDARIES.get(format_of(where, dataset.format))
            raise BadInput("; ".join(filter(None, [f"{where}{raw.place(0)}: {found_words}", question])))
        tags, problems = to_iob2(raw.tags, tagging)
        for problem in problems:
            faults[problem.fault].append((raw, problem))
        kept.append(raw)
        found.append(Sentence(tuple(raw.tokens), tuple(tags)))
        record["tags_converted"] += sum(old != new for old, new in zip(raw.tags, tags, strict=True))
    record["tags_repaired"] = sum(len(faults[fault]) for fault in REPAIRABLE & faults.keys())
    # First what no key repairs, so that a key that a message names is enough.
    for fault in sorted(faults, key=lambda fault: fault in REPAIRABLE):
        if fault not in REPAIRABLE or not dataset.repair:
            raise BadInput(_refusal(fault, faults, kept, tagging, where))
    if not found:
        raise BadInput(
            f"{where}: no sentences; each of the {record['empty_sentences_dropped']} there is without a word"
        )
    if tagging.scheme == "io":
        _check_types(kept, tagging, where)
    return found, record


def _check_types(raws: Sequence[Raw], tagging: Tagging, where: str) -> None:
    """Raise BadInput where each tag of a file that is to hold types alone has a letter before its type."""
    tags = {stripped(tag) for raw in raws for tag in raw.tags} - {OUTSIDE, tagging.outside}
    if tags and all(map(has_letter, tags)):
        schemes = fitting((raw.tags for raw in raws), tagging)
        way = f"; set scheme: {schemes[0]}" if schemes else ""
        raise BadInput(f"{where}: found tags such as {min(tags)!r}, but scheme io has types without a letter{way}")


def without_empty(raw: Raw, dataset: Dataset, where: str) -> Raw:
    """Return a sentence without its empty words where the data set drops them; raise BadInput for what is no word."""
    empty = [position for position, token in enumerate(raw.tokens) if not token.strip(" \t\r\n")]
    if empty and not dataset.drop_empty_tokens:
        expected = "expected a word; drop_empty_tokens: true leaves such out"
        raise BadInput(f"{where}{raw.place(empty[0])}: found an empty token, {expected}")
    if empty:
        left = sorted(set(range(len(raw.tokens))) - set(empty))
        tokens, tags = ([values[position] for position in left] for values in (raw.tokens, raw.tags))
        raw = Raw(tokens, tags, [raw.lines[position] for position in left] if raw.lines else (), raw.row)
    for position, token in enumerate(raw.tokens):
        if fault := check_text(token):
            raise BadInput(f"{where}{raw.place(position)}: found {fault} in the token {shown(token)}, expected a word")
    return raw


Faults = Mapping[Fault, Sequence[tuple[Raw, Problem]]]


def _refusal(fault: Fault, faults: Faults, raws: Sequence[Raw], tagging: Tagging, where: str) -> str:
    """Say what is wrong with the tags of a file, how many are so and where, and which keys would take them."""
    places = faults[fault]
    (raw, problem), *others = places
    text = f"{where}{raw.place(problem.position)}: {problem.reason}"
    if others:
        named = ", ".join(raw.short_place(problem.position) for raw, problem in others[:PLACES])
        unit = "lines" if raw.lines else "rows (words)"
        more = " and more" if len(others) > PLACES else ""
        text += f"; {len(places)} tags of the file {fault}, others in {unit} {named}{more}"
    ways = _ways(faults, raws, tagging)
    return "; ".join([text, *([f"to take every tag set {', or '.join(ways)}"] if ways else [])])


def _ways(faults: Faults, raws: Sequence[Raw], tagging: Tagging) -> list[str]:
    """Return the keys that take the tags of a file as they stand, each way tried on all of them."""
    every = [raw.tags for raw in raws]
    # NAME stands for what the user calls the one type.
    changes = {"entity_type": "NAME"} if Fault.UNTYPED in faults else {}
    unknown = {stripped(raw.tags[problem.position]) for raw, problem in faults.get(Fault.UNKNOWN, ())}
    outside = [tag for tag in unknown if tag == "o" or not any(map(str.isalpha, tag))]
    if len(outside) == 1:
        changes["outside"] = outside[0]
    changed = replace(tagging, **changes)
    keys = [f"{key}: {value if value == 'NAME' else json.dumps(value)}" for key, value in changes.items()]
    left = {problem.fault for tags in every for problem in to_iob2(tags, changed)[1]}
    if not left:
        return [" and ".join(keys)]
    ways = [[*keys, f"scheme: {scheme}"] for scheme in fitting(every, changed)]
    if left <= REPAIRABLE:
        ways.append([*keys, "repair: true, which begins or ends an entity at each, as conlleval does"])
    return [" and ".join(way) for way in ways]
