"""What a process under measurement shares with the others: it says `ready`, and measures whenever it is told to.

So all of them are loaded at once and take turns, and what the machine does meanwhile falls on each alike.
"""

import json
import sys
from collections.abc import Callable, Mapping
from typing import Any

Measure = Callable[[int], dict[str, Any]]


def serve(measures: Mapping[str, Measure]) -> None:
    """Answer lines `NAME N` (a measure, of so many sentences) on standard input with a line of JSON each."""
    measures["train"](BATCH_AND_A_BIT)
    print("ready", flush=True)
    for line in sys.stdin:
        what, sentences = line.split()
        print(json.dumps(measures[what](int(sentences))), flush=True)


# What is set up at the first batch is no part of a measurement.
BATCH_AND_A_BIT = 40
