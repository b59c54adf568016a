"""What is done to a training split: the registry of its kinds. One line a kind: the module that ends with its KIND."""

import functools
import importlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from settling.treatments.kind import Family, Kind

KINDS = {
    "clean": "settling.treatments.clean",
    "resample": "settling.treatments.resample",
    "flip": "settling.treatments.flip",
    "class-dependent": "settling.treatments.class_dependent",
    "permute": "settling.treatments.permute",
    "from-file": "settling.treatments.from_file",
    "span": "settling.treatments.span",
    "boundary": "settling.treatments.boundary",
    "missing": "settling.treatments.missing",
    "spurious": "settling.treatments.spurious",
    "cap": "settling.treatments.cap",
    "cap-relabel": "settling.treatments.cap_relabel",
    "drop": "settling.treatments.drop",
    "truncate": "settling.treatments.truncate",
}


@functools.cache
def kind_of(name: str) -> "Kind":
    """Return what the kind of this name says of itself; raise KeyError for a name that is not in KINDS."""
    kind: Kind = importlib.import_module(KINDS[name]).KIND
    return kind


def family_of(treatment: Mapping[str, Any]) -> "Family":
    """Return the family of a treatment, as `settling.study.treatments` gives it."""
    return kind_of(treatment["kind"]).family
