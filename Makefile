# Two commands are enough: `make run` for the whole job on what the package carries, `make test` for every test.
# PYTHON chooses the interpreter that .venv is built on, e.g. one that has a ROCm or CPU build of torch:
#   make run PYTHON=~/torch-env/bin/python

.DEFAULT_GOAL := help
.PHONY: help setup setup-eval setup-dev sandbox postgres run test test-long test-chaos test-api test-mcp test-store test-learning lint \
  bench-sample bench-data bench-train bench-execution bench-inference bench-serving bench-load bench-usage bench-tools \
  bench-mcp real-use sim-month gate-errors swap-stress guide clean

PYTHON ?= python3
# A PYTHON given on the command line or in the environment is a choice, which replaces a .venv built on another one.
chosen := $(if $(filter file,$(origin PYTHON)),,--chosen)
make_venv = $(PYTHON) scripts/make_venv.py $(chosen)
bin := .venv/bin

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | while IFS="	" read -r target text; do printf '  make %-11s %s\n' "$$target" "$$text"; done

setup: ## build .venv with everything that running needs; quick when nothing changed
	@$(make_venv)

setup-eval: ## the same with the file systems of the nl2sh suite
	@$(make_venv) --extra eval

setup-dev: ## the same with what testing and linting need
	@$(make_venv) --extra dev --extra eval

# A model's code and commands are run in bubblewrap or not at all. It makes kernel namespaces, so no package of Python's
# can bring it: Debian's does, and without it the suites `code` and `nl2sh` are unavailable and their tests are skipped.
root := $(if $(filter 0,$(shell id -u)),,sudo)
sandbox: ## install bubblewrap (Debian, Ubuntu), in which a model's code and commands are run
	@command -v bwrap || $(root) apt-get install -y -qq --no-install-recommends bubblewrap \
	|| { $(root) apt-get update -qq && $(root) apt-get install -y -qq --no-install-recommends bubblewrap; }

# The usage store runs on SQLite and on PostgreSQL. A server is no Python package: Debian's is started by the tests, as
# another user, in a folder of its own, and without it the store's tests on PostgreSQL are skipped.
postgres: ## install PostgreSQL (Debian, Ubuntu), on which the usage store is tested too
	@ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || $(root) apt-get install -y -qq --no-install-recommends postgresql \
	|| { $(root) apt-get update -qq && $(root) apt-get install -y -qq --no-install-recommends postgresql; }

run: setup ## the whole job on the sample data: dataset, training, evaluation, gate, promotion, report
	@$(bin)/hive-mind run configs/sample.yaml

# A test process a core, each with one thread: two programs with a thread for every core slow each other down far more.
workers ?= auto
test: setup-dev ## every test
	@OMP_NUM_THREADS=1 $(bin)/python -m pytest -n $(workers) --dist worksteal

test-long: setup-dev ## all of what `make test` does a part of: bf16 at the whole 0.5 B shape, every row of the tiny base's corpus
	@$(bin)/python -m pytest -m long

test-chaos: setup-dev ## the long form of the fault tests: 50 kills, planted faults, full disks, the 0.5 B shape
	@$(bin)/python -m pytest -m chaos tests/chaos

test-learning: setup-dev ## the long form of daily learning's tests: 30 kills at random instants, months of equal models
	@$(bin)/python -m pytest -m chaos tests/learning
	@$(bin)/python -m tests.learning.months

test-store: setup-dev ## 10,000 interactions by 8 writers, killed meanwhile, on SQLite and PostgreSQL: nothing may be lost
	@$(bin)/python -m tests.usage.store_stress

# The inspector needs Node 22, which is newer than most systems'; it comes from npm like the rest, into ~/.cache.
test-mcp: setup-dev ## the MCP server and proxy with the protocol's own inspector, conformance suite and servers (needs npm)
	@$(bin)/python -m pytest -m npm tests/serving/mcp

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

bench-execution: setup-dev ## known right and wrong answers through the suites that run code; needs HIVE_MIND_REAL_DATA
	@$(bin)/python benchmarks/execution.py

gate-errors: setup-dev ## how often the gate promotes equal models and finds better ones, 1,000 comparisons each
	@$(bin)/python -m tests.gate.simulation

swap-stress: setup-dev ## 3,000 promotions and rollbacks with readers loading meanwhile, some killed
	@$(bin)/python -m tests.registry.swap_stress

test-api: setup-dev ## over 2,000 requests that schemathesis makes up from the OpenAPI document, to the real engine: no 5xx
	@$(bin)/python -m tests.serving.api_cases

bench-load: setup-dev ## 50 clients of the API for a minute, with a promotion in the middle
	@$(bin)/python benchmarks/serving_load.py

bench-inference: setup ## generation beside transformers' generate, in turn; needs HIVE_MIND_REAL_DATA
	@$(bin)/python benchmarks/inference_peers.py

bench-serving: setup ## the serving engine: valid calls, cost of the grammar, speed, promotions; needs HIVE_MIND_REAL_DATA
	@$(bin)/python benchmarks/serving_engine.py
bench-tools: setup ## how often the tool really used is among the eight offered; needs HIVE_MIND_REAL_DATA
	@$(bin)/python benchmarks/tool_recall.py

bench-usage: setup-dev ## what recording adds to a request, and how much the store takes (benchmarks/results/)
	@$(bin)/python benchmarks/usage_store.py
bench-mcp: setup-dev ## the MCP server's first answers, what the proxy adds to a call, and the hook
	@$(bin)/python benchmarks/mcp_latency.py

real-use: setup ## daily learning over 60 real runs of an agent, five days (needs HIVE_MIND_REAL_DATA; benchmarks/results/)
	@$(bin)/python benchmarks/real_use.py

sim-month: setup ## a month of daily learning simulated, three seeds, naive fine-tuning beside it (benchmarks/results/)
	@$(bin)/python benchmarks/sim_month.py

guide: setup-dev ## the figures of docs/DATASET_GUIDE.md, written anew
	@$(bin)/python -m tests.guide_figures

clean: ## remove .venv, caches and build folders; never data/ or models/
	rm -rf .venv build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache src/*.egg-info
	find src tests scripts benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +
