#!/usr/bin/env bash
# Snakemake runs this inside a conda environment it has just made: the package itself goes in from the checkout.
set -euo pipefail
if ! grep -qs '^name = "settling"' pyproject.toml; then
    echo "run snakemake in the project's folder: pyproject.toml of settling is not in $PWD" >&2
    exit 1
fi
python -m pip install --no-deps --editable .
