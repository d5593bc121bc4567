# Two commands are enough: `make run` for the whole job on what the package carries, `make test` for every test.
# PYTHON chooses the interpreter that .venv is built on, e.g. one that has a ROCm or CPU build of torch:
#   make run PYTHON=~/torch-env/bin/python

.DEFAULT_GOAL := help
.PHONY: help setup setup-dev run test lint bench-sample bench-data bench-train bench-inference guide clean

PYTHON ?= python3
# A PYTHON given on the command line or in the environment is a choice, which replaces a .venv built on another one.
chosen := $(if $(filter file,$(origin PYTHON)),,--chosen)
make_venv = $(PYTHON) scripts/make_venv.py $(chosen)
bin := .venv/bin

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | while IFS="	" read -r target text; do printf '  make %-10s %s\n' "$$target" "$$text"; done

setup: ## build .venv with everything that running needs; quick when nothing changed
	@$(make_venv)

setup-dev: ## the same with what testing and linting need
	@$(make_venv) --extra dev

run: setup ## the whole job on the sample data: dataset, training, evaluation, gate, promotion, report
	@$(bin)/hive-mind run configs/sample.yaml

test: setup-dev ## every test
	@$(bin)/python -m pytest

lint: setup-dev ## style, types and the order of imports
	$(bin)/ruff check .
	$(bin)/ruff format --check .
	$(bin)/mypy
	$(bin)/lint-imports

bench-sample: setup ## the sample run's training with three seeds, all tiers beside the base (benchmarks/results/)
	@$(bin)/python benchmarks/sample_seeds.py

bench-data: setup ## raw files to tokens, 145,000 rows and twice that, and TRL beside it; needs HIVE_MIND_REAL_DATA
	@$(bin)/python benchmarks/data_build.py

bench-train: setup ## training beside TRL, LLaMA-Factory and the report's recipe, in turn; needs HIVE_MIND_REAL_DATA
	@$(bin)/python benchmarks/train_peers.py
	@$(bin)/python benchmarks/train_growth.py

bench-inference: setup ## generation beside transformers' generate, in turn; needs HIVE_MIND_REAL_DATA
	@$(bin)/python benchmarks/inference_peers.py

guide: setup-dev ## the figures of docs/DATASET_GUIDE.md, written anew
	@$(bin)/python -m tests.guide_figures

clean: ## remove .venv, caches and build folders; never data/ or models/
	rm -rf .venv build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache src/*.egg-info
	find src tests scripts benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +
