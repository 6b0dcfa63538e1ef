# How much did a set of training samples matter? `make help` lists the targets.
PYTHON ?= python3
CORES ?= $(shell $(PYTHON) -c 'import os; print(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count())')
STUDY ?= demo
OPTIONS ?=
# Of the faults suite: trials of each kind.
TRIALS ?= 5

VENV := .venv
BIN := $(VENV)/bin
SNAKEMAKE := $(BIN)/snakemake --cores $(CORES)
# What a conda user has: an installation of Snakemake that holds nothing else.
ALONE := .venv-snakemake
.DEFAULT_GOAL := help
.PHONY: help run slurm test test-torch test-embed test-report test-conda test-slurm test-faults test-findings test-all plan embed bench bench-paper lint format report lock clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# Targets come before options: some of Snakemake's take all words that follow.
run: $(VENV)/.run ## run a study (STUDY=demo) and make its report, or go on with a run that was killed
	$(BIN)/python workflow/resume.py --cores $(CORES) $(STUDY) $(OPTIONS)
	@$(MAKE) --no-print-directory results/$(STUDY)/report.html
	@printf '\nfigures  %s\ntables   %s\nrows     %s\nreport   %s\n' results/$(STUDY)/figures/ results/$(STUDY)/tables/ \
	  results/$(STUDY)/effects.parquet results/$(STUDY)/report.html

slurm: $(VENV)/.slurm ## run a study on a SLURM cluster (STUDY=demo, OPTIONS=--use-conda), or resume one that was killed
	PATH="$(abspath $(BIN)):$$PATH" profiles/slurm/run.sh $(STUDY) $(OPTIONS)

plan: $(VENV)/.slurm ## list what a study would ask a SLURM cluster for (STUDY=demo, OPTIONS="--config device=cuda")
	@PYTHONPATH=workflow/scripts $(BIN)/python -m bench.submissions $(OPTIONS) $(STUDY)

report: $(VENV)/.run ## make the report of a finished study (STUDY=demo) anew
	@rm -f results/$(STUDY)/report.html
	@$(MAKE) --no-print-directory results/$(STUDY)/report.html

# Made after the run, hence by a make of its own, and only if something that it shows is newer.
results/$(STUDY)/report.html: $(wildcard results/$(STUDY)/figures/*.svg results/$(STUDY)/tables/*.html workflow/report/*.rst)
	$(SNAKEMAKE) $(STUDY) $(OPTIONS) --report $(@D)/.unfinished.$(@F)
	@mv $(@D)/.unfinished.$(@F) $@

test: $(VENV)/.test ## test the library and a tiny workflow
	$(BIN)/python -m pytest --numprocesses $(CORES) --dist loadfile

test-torch: $(VENV)/.torch ## test the engine on torch's arrays against numpy's (installs torch, which may be large)
	$(BIN)/python -m pytest -m torch tests/test_torch.py

test-embed: $(VENV)/.test-embed ## test the embeddings of images, text and sound, and a study of them (installs torch and more)
	$(BIN)/python -m pytest --durations 12 -m embed tests

test-report: $(VENV)/.test-report ## open a report in headless Chromium, which must be installed, and click through it
	$(BIN)/python -m pytest -m browser tests/test_report.py

test-conda: ## run studies in conda environments made of wheels (Linux, Python 3.11)
	@$(MAKE) --no-print-directory --jobs 2 $(VENV)/.test-conda $(ALONE)/.snakemake
	LEAVEOUT_SNAKEMAKE=$(abspath $(ALONE))/bin/python $(BIN)/python -m pytest --durations 12 -m conda tests

test-slurm: $(VENV)/.test-slurm ## run studies on a SLURM cluster that the tests start; needs root and Debian's slurm-wlm, munge
	$(BIN)/python -m pytest -m slurm tests/slurm

test-faults: $(VENV)/.test ## kill jobs, fill disks, damage files (TRIALS=5 of each kind); writes docs/reliability.md
	$(BIN)/python -m pytest -m faults --numprocesses $(CORES) --dist worksteal --trials $(TRIALS) \
	  --reliability docs/reliability.md tests/faults

test-findings: $(VENV)/.test ## hold docs/findings.md against fresh runs: demo, made-up data, dogfish where LEAVEOUT_MIRROR has it
	@$(MAKE) --no-print-directory run STUDY=demo
	LEAVEOUT_RESULTS=$(abspath results) $(BIN)/python -m pytest -m findings tests/test_findings.py

test-all: test test-torch test-embed test-report test-conda test-findings test-faults test-slurm ## all of these

embed: $(VENV)/.embed ## install the packages of all embeddings but OpenL3, to run them without conda

bench: $(VENV)/.test ## measure speed and memory beside their targets; writes docs/benchmark.md (BENCH=--quick: a minute)
	PYTHONPATH=workflow/scripts $(BIN)/python -m bench $(BENCH)

bench-paper: $(VENV)/.test ## time the whole paper at its own sizes; writes docs/paper.md (BENCH=--quick: two minutes)
	PYTHONPATH=workflow/scripts $(BIN)/python -m bench.paper --cores $(CORES) $(BENCH)

lint: $(VENV)/.test ## check format, style and types
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/snakefmt --check Snakefile workflow/rules
	$(BIN)/snakemake --lint
	$(BIN)/mypy

format: $(VENV)/.test ## put the code into its format
	$(BIN)/ruff format
	$(BIN)/ruff check --fix
	$(BIN)/snakefmt Snakefile workflow/rules

lock: ## resolve the pinned requirements anew from pyproject.toml (needs uv)
	uv pip compile --universal --python-version 3.11 --generate-hashes --custom-compile-command "make lock" \
	  --extra workflow pyproject.toml --output-file requirements/run.txt
	uv pip compile --universal --python-version 3.11 --generate-hashes --custom-compile-command "make lock" \
	  --extra workflow --extra slurm --constraint requirements/run.txt pyproject.toml --output-file requirements/slurm.txt
	uv pip compile --universal --python-version 3.11 --generate-hashes --custom-compile-command "make lock" \
	  --extra workflow --extra test pyproject.toml --output-file requirements/test.txt
	uv pip compile --universal --python-version 3.11 --generate-hashes --custom-compile-command "make lock" \
	  --constraint requirements/run.txt requirements/snakemake.in --output-file requirements/snakemake.txt
	uv pip compile --python-platform x86_64-manylinux_2_28 --python-version 3.11 --generate-hashes \
	  --custom-compile-command "make lock" --constraint requirements/run.txt --constraint requirements/embed.txt \
	  requirements/environments.in --output-file requirements/environments.txt

clean: ## delete what jobs and tools made; keeps installations and resources/
	@echo "deleting results/ logs/ benchmarks/ .snakemake/ (but conda environments) and caches of pytest, hypothesis, mypy, ruff"
	@if [ -d .snakemake ]; then find .snakemake -mindepth 1 -maxdepth 1 ! -name conda -exec rm -rf {} +; fi
	@rm -rf results logs benchmarks .pytest_cache .hypothesis .mypy_cache .ruff_cache

$(VENV)/bin/python $(ALONE)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed; $(PYTHON) is $$($(PYTHON) --version 2>&1). Try: make PYTHON=python3.11 ..."; exit 1; }
	$(PYTHON) -m venv $(@D:/bin=)

# The lock files are complete: nothing is left to resolve.
LOCKED := -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes --requirement
PIP := $(BIN)/python $(LOCKED)

$(VENV)/.run: requirements/run.txt | $(VENV)/bin/python
	@echo "installing packages (once, a minute or two)"
	@$(PIP) $<
	@touch $@

# The tests' packages hold the run's: one installation serves both.
$(VENV)/.test: requirements/test.txt | $(VENV)/bin/python
	@echo "installing packages and those of the tests (once, a minute or two)"
	@$(PIP) $<
	@touch $(VENV)/.run $@

# Snakemake's plugin for SLURM, beside the run's packages.
$(VENV)/.slurm: requirements/slurm.txt | $(VENV)/bin/python
	@echo "installing packages and Snakemake's plugin for SLURM"
	@$(PIP) $<
	@touch $(VENV)/.run $@

$(VENV)/.test-slurm: $(VENV)/.slurm $(VENV)/.test
	@touch $@

# Not locked: which files torch consists of depends on the machine's graphics card.
UNLOCKED := $(BIN)/python -m pip install --quiet --disable-pip-version-check --requirement

$(VENV)/.torch: requirements/torch.txt $(VENV)/.test
	@echo "installing torch"
	@$(UNLOCKED) $<
	@touch $@

$(VENV)/.embed: requirements/embed.txt requirements/torch.txt $(VENV)/.run
	@echo "installing the packages of the embeddings (once, several minutes)"
	@$(UNLOCKED) $<
	@touch $@

$(VENV)/.test-embed: requirements/test-embed.txt $(VENV)/.test $(VENV)/.embed
	@echo "installing small models for tests"
	@$(UNLOCKED) $<
	@touch $@

$(VENV)/.test-report: requirements/test-report.txt $(VENV)/.test
	@echo "installing what drives a browser"
	@$(UNLOCKED) $<
	@touch $@

$(VENV)/.test-conda: requirements/test-conda.txt $(VENV)/.test
	@echo "installing what makes conda environments"
	@$(UNLOCKED) $<
	@touch $@

$(ALONE)/.snakemake: requirements/snakemake.txt | $(ALONE)/bin/python
	@echo "installing Snakemake alone"
	@$(PYTHON) -m venv --clear $(ALONE)
	@$(ALONE)/bin/python $(LOCKED) $<
	@touch $@
