"""The unpack stage: from an artifact to what a study is drawn from, without data or a model."""

from pathlib import Path, PurePath

from settling import study as plan
from settling.artifact.archive import read, refuse_altered, unpack
from settling.config import Study, load
from settling.errors import BadInput
from settling.files import put, scratch
from settling.layout import CLAIMS, CONFIGURATION, RUN_RECORD

# Experiments that may share each run.
MAX_SHARED = 20


def config_of(path: Path) -> Study:
    """Return an artifact's configuration; raise BadInput where it is none, or asks for more runs than there are."""
    manifest, values = read(path, CONFIGURATION)
    if not isinstance(values, dict):
        raise BadInput(f"{path}: {CONFIGURATION}: not a configuration")
    study = load(values, f"{path}: {CONFIGURATION}")
    # Counted before they are listed: a short line may ask for billions.
    asked = [plan.num_runs(block, plan.treatments(study)) for block in plan.experiments(study)]
    held = sum(name.endswith(f"/{PurePath(RUN_RECORD).name}") for name in manifest["files"])
    if max(asked) > held or sum(asked) > MAX_SHARED * held:
        raise BadInput(f"{path}: {CONFIGURATION}: asks for {max(asked)} runs or more; the artifact has {held}")
    return study


def unpack_study(path: Path, output: Path) -> None:
    """Write what a study is drawn from to the folder `output`: what was recorded of its runs, and its claims.

    Raises BadInput for an artifact that is damaged or not safe to read; nothing is then written.
    """
    names = [*plan.recorded(config_of(path)), CLAIMS]
    with scratch(output) as room:
        manifest, altered = unpack(path, room)
        refuse_altered(path, altered)
        if missing := [name for name in names if name not in manifest["files"]]:
            raise BadInput(f"{path}: lacks {missing[0]}")
        for name in names:
            (output / name).parent.mkdir(parents=True, exist_ok=True)
            put(room / name, output / name)
