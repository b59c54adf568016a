# Everything a fresh machine with Python 3.11+, make and a PyPI mirror needs is done here.
PYTHON ?= python3
CORES ?= all
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/ready
# Debian's packages that tests/cluster needs.
SLURM := slurmctld slurmd slurm-client munge
# Debian's packages that tests/browser needs; figures name the fonts.
CHROMIUM := chromium fonts-liberation
# One thread a process: runs side by side use the cores, and one thread gives the same bytes everywhere.
export OMP_NUM_THREADS := 1
export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: demo full full-so-far artifact test test-slow test-cluster test-browser test-crate check bench lock setup

demo: $(READY)
	snakemake --cores $(CORES)

# Hours; goes on where it was interrupted. With SETTLING_FILES=FOLDER, files that were downloaded before are read there.
full: $(READY)
	snakemake --cores $(CORES) --configfile config/full.yaml

# Draws the runs of `make full` that are finished; stop `make full` first.
full-so-far: $(READY)
	snakemake --cores $(CORES) --configfile config/full.yaml --config so_far=true

# The finished demo in one zip, for another lab (docs/artifact.md).
artifact: $(READY)
	snakemake --cores $(CORES) artifact

test: $(READY) check
	python -m pytest

# Some of the same with many more kills, damaged states and spoiled configurations; and benchmarks/gpu.py on the CPU.
test-slow: $(READY)
	python -m pytest -m slow

# On a SLURM of its own, which lies in a temporary folder. Without SLURM's programs the tests are skipped and say so.
test-cluster: $(READY)
	@PATH="$$PATH:/usr/sbin"; for program in slurmctld slurmd srun munged; do \
		command -v $$program > /dev/null || missing=yes; \
	done; \
	if test -n "$$missing" && command -v apt-get > /dev/null && test "$$(id -u)" = 0; then \
		echo "installing Debian's SLURM"; \
		{ apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends $(SLURM) > /dev/null; } \
			|| echo "apt-get could not install $(SLURM)"; \
	fi
	python -m pytest -n 0 -rs tests/cluster $(ARGUMENTS)

# The report in a headless Chromium. Without one the tests are skipped and say so.
test-browser: $(READY)
	@if ! command -v chromium > /dev/null && command -v apt-get > /dev/null && test "$$(id -u)" = 0; then \
		echo "installing Debian's Chromium"; \
		{ apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends $(CHROMIUM) > /dev/null; } \
			|| echo "apt-get could not install $(CHROMIUM)"; \
	fi
	python -m pytest -n 0 -rs tests/browser $(ARGUMENTS)

# The RO-Crate of the demo's artifact by another's validator, in an environment of its own; the older rocrate has the context of RO-Crate 1.1.
test-crate: $(VENV)-crate/ready artifact
	$(VENV)-crate/bin/python tests/crate/validate.py results/demo/artifact.zip $(VENV)-crate/context/rocrate/data/ro-crate.jsonld

$(VENV)-crate/ready:
	$(PYTHON) -m venv $(VENV)-crate
	$(VENV)-crate/bin/python -m pip install --quiet --disable-pip-version-check roc-validator==0.13.0
	$(VENV)-crate/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --target $(VENV)-crate/context rocrate==0.13.0
	touch $@

check: $(READY)
	ruff check .
	ruff format --check .
	mypy
	snakefmt --check Snakefile workflow
	snakemake --lint

# Writes benchmarks/results.md, of the finished demo too; the peers' Trainer wants accelerate, which nothing else here does. ARGUMENTS passes options on.
bench: $(VENV)-bench/ready demo
	OMP_NUM_THREADS=1 python benchmarks/bench.py --peers $(VENV)-bench/bin/python $(ARGUMENTS)

$(VENV)-bench/ready: $(READY)
	python -m venv $(VENV)-bench
	echo "import site; site.addsitedir('$$(echo $(CURDIR)/$(VENV)/lib/python*/site-packages)')" > $$(echo $(VENV)-bench/lib/python*/site-packages)/main.pth
	$(VENV)-bench/bin/python -m pip install --quiet --disable-pip-version-check --no-deps accelerate==1.15.0
	touch $@

setup: $(READY)
	@echo "Ready. Next: 'make demo' runs the default study; or 'source $(VENV)/bin/activate', then 'snakemake -n' says what would run."

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
