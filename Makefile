# Everything a fresh machine with Python 3.11+, make and a PyPI mirror needs is done here.
PYTHON ?= python3
CORES ?= all
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/ready
# One thread a process: runs side by side use the cores, and one thread gives the same bytes everywhere.
export OMP_NUM_THREADS := 1
export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: demo test check lock setup

demo: $(READY)
	snakemake --cores $(CORES)
	@$(MAKE) --no-print-directory results/demo/report.html
	@echo
	@echo "figures  results/demo/figures/  (.html interactive, .svg, .png, .json)"
	@echo "tables   results/demo/tables/   (.parquet, .csv)"
	@echo "report   results/demo/report.html"
	@echo
	@cat results/demo/findings.txt

results/demo/report.html: results/demo/findings.txt $(wildcard results/demo/figures/*.html)
	snakemake --report $@

test: $(READY) check
	python -m pytest

check: $(READY)
	ruff check .
	ruff format --check .
	mypy
	snakefmt --check Snakefile workflow
	snakemake --lint

setup: $(READY)

$(READY): requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "settling needs Python 3.11 or newer; found " + sys.version.split()[0])'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $@

# Newest releases of all that pyproject.toml names, frozen; then the conda environments follow.
lock:
	rm -rf .venv-lock
	$(PYTHON) -m venv .venv-lock
	.venv-lock/bin/python -m pip install --quiet torch==2.13.0 ".[train,analyse,workflow,dev]" setuptools
	.venv-lock/bin/python envs/export.py --freeze
	rm -rf .venv-lock
