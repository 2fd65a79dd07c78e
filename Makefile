# Sightline: everything a contributor or CI runs. Needs only Python >= 3.11 and make; environments are made on first use.
#
#   make demo     install, draw a few videos, index them, search them
#   make test     install with the test tools, run the tests (no torch)
#   make check    lint, types, import contract, tests: what must be green before anyone looks
#   make lab      the tests that need torch, in an environment of their own
#   make slow     the long tests            make bench    the measurements of docs/benchmarks.md

PYTHON ?= python3
VENV ?= .venv
LAB ?= .venv-lab
LEARNED = $(wildcard tests/encoders tests/nn tests/connectors tests/keyframes tests/fusion tests/objectives tests/language tests/training tests/recipes tests/findings tests/learning)
PIP = -m pip install --quiet --disable-pip-version-check
export PYTHONDONTWRITEBYTECODE = 1
export HF_HUB_OFFLINE = 1
export TRANSFORMERS_OFFLINE = 1

.PHONY: demo test check lint types imports lab slow bench clean

demo: $(VENV)/installed
	$(VENV)/bin/sightline demo

test: $(VENV)/dev
	$(VENV)/bin/python -m pytest

check: lint types imports test

lint: $(VENV)/dev
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/ruff check .

types: $(VENV)/dev
	$(VENV)/bin/mypy

imports: $(VENV)/dev
	$(VENV)/bin/lint-imports
	$(VENV)/bin/python tools/check_environment.py --no-torch

lab: $(LAB)/dev
	$(LAB)/bin/python tools/check_environment.py
	OMP_NUM_THREADS=1 $(LAB)/bin/python -m pytest $(LEARNED)

slow: $(LAB)/dev
	$(LAB)/bin/python -m pytest -m slow

bench: $(LAB)/dev
	$(LAB)/bin/python $(PIP) -r benches/requirements.txt
	$(LAB)/bin/python -m benches --write

$(VENV)/installed: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python $(PIP) -e .
	@touch $@

$(VENV)/dev: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python $(PIP) -e '.[dev]'
	@touch $@ $(VENV)/installed

$(LAB)/dev: pyproject.toml
	$(PYTHON) -m venv $(LAB)
	$(LAB)/bin/python $(PIP) -e '.[lab,llm,dev]'
	@touch $@

clean:
	rm -rf $(VENV) $(LAB) .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .bench build dist
