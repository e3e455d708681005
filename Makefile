# Needs Python 3.11 or newer and make, nothing else. `make PYTHON=python3.12 test` picks an interpreter.

PYTHON ?= python3
BIN := .venv/bin
# a process for each core; what is left goes to whoever is done first
SPREAD := -n auto --maxprocesses 8 --dist worksteal
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check

.PHONY: help demo test lint types unit lowest clean

help:
	@echo "make demo   60 seconds on datasets/orders.csv.gz: a leaderboard, a score and an exported pipeline"
	@echo "make test   everything that must pass: ruff, mypy, pytest with the examples and the pages' code"
	@echo "make lowest the tests with the oldest versions that pyproject.toml allows"
	@echo "make clean  remove .venv, caches and the demo's model"

demo: .venv/installed
	$(BIN)/automl fit datasets/orders.csv.gz --target returned --time 60s --out demo-model --overwrite

test: lint types unit

lint: .venv/installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: .venv/installed-dev
	$(BIN)/mypy

unit: .venv/installed-dev
	$(BIN)/python -m pytest $(SPREAD)

lowest: .venv-lowest/installed
	.venv-lowest/bin/python -m pytest -p no:cacheprovider $(SPREAD)

clean:
	rm -rf .venv .venv-lowest demo-model .mypy_cache .ruff_cache .pytest_cache .hypothesis

# The stamps are older than pyproject.toml exactly when the dependencies may have changed.
.venv/installed: pyproject.toml | .venv/bin/python
	$(PIP) --editable .
	@touch $@

.venv/installed-dev: pyproject.toml | .venv/bin/python
	$(PIP) --editable '.[dev]'
	@touch .venv/installed $@

.venv-lowest/installed: pyproject.toml | .venv/bin/python
	.venv/bin/python -m venv --clear .venv-lowest
	.venv/bin/python -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["project"]["dependencies"], sep="\n")' \
	  | sed 's/>=/==/' > .venv-lowest/constraints.txt
	.venv-lowest/bin/python -m pip install --quiet --disable-pip-version-check \
	  --constraint .venv-lowest/constraints.txt --editable '.[dev]'
	@touch $@

.venv/bin/python:
	$(if $(shell $(PYTHON) -c 'import sys; print("ok" * (sys.version_info >= (3, 11)))' 2>/dev/null),,\
	  $(error automl needs Python 3.11 or newer, and $(PYTHON) is not; try: make PYTHON=python3.12 $(MAKECMDGOALS)))
	$(PYTHON) -m venv .venv
