"""How a pretrained model fits, settles and memorises a labelled data set.

What other programs may call is listed in PUBLIC; a name's module is imported when the name is first used, so that
`import settling` stays quick.
"""

import importlib
from typing import Any

__version__ = "0.1.0"

PUBLIC = {
    "Recorder": "settling.recording.recorder",
    "RecorderCallback": "settling.recording.trainer",
    "RecordingCollator": "settling.recording.trainer",
    "Words": "settling.recording.words",
    "import_cartography": "settling.recording.cartography",
    "events": "settling.notebook",
    "rankings": "settling.notebook",
    "read_dynamics": "settling.notebook",
}
"""The public names, each with the module that has it."""


def __getattr__(name: str) -> Any:
    if name not in PUBLIC:
        raise AttributeError(f"module 'settling' has no attribute {name!r}")
    return getattr(importlib.import_module(PUBLIC[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *PUBLIC])
