"""The peak memory of one of our runs: `python memory.py FOLDER SPEC` prints it in MB; SPEC is a recipe in JSON."""

import json
import sys
import tempfile
from pathlib import Path

from settling.files import read_json
from settling.layout import RUN_FILES
from settling.schemas import SPLITS
from settling.training.train import Run, train


def main() -> None:
    folder, spec = Path(sys.argv[1]), json.loads(sys.argv[2])
    data = {name: folder / "data" / f"{name}.parquet" for name in SPLITS}
    with tempfile.TemporaryDirectory() as name:
        output = Path(name)
        run = Run(0, folder / "treated.parquet", output / "run", output / "state")
        train(spec, data, folder / "checkpoint", [run], device="cpu")
        print(read_json(run.output / RUN_FILES[-1])["peak_memory_mb"]["resident"])


main()
