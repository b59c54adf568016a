"""The systems under study: the registry of their kinds. One line a kind: the module that ends with its KIND."""

import functools
import importlib
from typing import TYPE_CHECKING, Any

from settling.model import any_of

if TYPE_CHECKING:
    from settling.systems.kind import Kind

KINDS = {
    "encoder": "settling.systems.encoder",
    "protobert": "settling.systems.protobert",
    "bilstm-crf": "settling.systems.bilstm_crf",
    "image": "settling.systems.image",
}


@functools.cache
def kind_of(name: str) -> "Kind":
    """Return what the kind of this name says of itself; raise KeyError for a name that is not in KINDS."""
    kind: Kind = importlib.import_module(KINDS[name]).KIND
    return kind


def any_recipe() -> Any:
    """Return the type of a recipe of any kind, as a configuration and a spec of `settling train` hold one."""
    return any_of([kind_of(name).recipe for name in KINDS])
