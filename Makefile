# `make train` and `make test` set everything up by themselves, in .venv.

PYTHON ?= python3
BIN := .venv/bin

ifneq ($(wildcard ../shared/data),)
export SELFPLAY_DATA ?= $(abspath ../shared/data)
endif

.PHONY: train test lint clean

train: .venv/ready-to-train
	$(BIN)/selfplay train connect_four
	$(BIN)/selfplay evaluate --games 0

test: lint
	$(BIN)/pytest -n 2 --dist worksteal

lint: .venv/ready-to-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright --pythonpath $(BIN)/python

.venv/ready-to-train: pyproject.toml
	@echo "installing into .venv: a few minutes, once"
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --no-compile --editable '.[plot]'
	touch $@

.venv/ready-to-test: .venv/ready-to-train
	@echo "installing the tests' tools: a few minutes, once"
	$(BIN)/python -m pip install --quiet --no-compile --editable '.[dev]'
	touch $@

clean:
	rm -rf .venv .pytest_cache .ruff_cache .hypothesis
