"""Where a data set's files are from: the registry of kinds of sources. One line a kind: the module with its SOURCE."""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from settling.data.sources.source import Source

SOURCES = {
    "local": "settling.data.sources.local",
    "url": "settling.data.sources.url",
    "pypi": "settling.data.sources.pypi",
    "hub": "settling.data.sources.hub",
    "sklearn": "settling.data.sources.sklearn",
}


def source_of(name: str) -> type["Source"]:
    """Return the class with the keys of a kind of source; raise KeyError for a name that is not in SOURCES."""
    source: type[Source] = importlib.import_module(SOURCES[name]).SOURCE
    return source
