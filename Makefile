# Every target makes what it needs and is quick when that is there.
#   make TARGET PYTHON=/path/to/python3.11
#   make TARGET TORCH_INDEX=https://download.pytorch.org/whl/cpu    (which build of PyTorch)
PYTHON ?=
TORCH_INDEX ?=
PYTEST_ARGS ?=
export PYTHON TORCH_INDEX

.NOTPARALLEL:
BIN := .venv/bin

.DEFAULT_GOAL := help
.PHONY: help setup setup-tests setup-airflow demo check test test-jobs test-dags package clean

help: ## say what there is to make
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 16

setup: ## .venv: Spark, models, and a Java where there is none
	@bash .ci/setup.sh jobs

setup-tests: ## .venv with the test and lint tools
	@bash .ci/setup.sh tests

setup-airflow: ## .venv-airflow: what parses and runs the DAGs
	@bash .ci/setup.sh airflow

demo: setup ## simulated logs through the whole chain into build/demo
	$(BIN)/python -m jobs.run_pipeline --root build/demo --simulate

test: check test-jobs test-dags ## lint, types, room rules, and the tests of both environments

check: setup-tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

test-jobs: setup-tests
	$(BIN)/pytest --ignore=tests/dags $(PYTEST_ARGS)

test-dags: setup setup-airflow
	.venv-airflow/bin/pytest tests/dags $(PYTEST_ARGS)

package: setup ## dist/: the --py-files zip of the rooms, and the wheel of the light scorer
	@rm -rf dist build/lib
	@$(BIN)/python .ci/pack.py dist/pushclick-jobs.zip
	@$(BIN)/python -m pip wheel --quiet --no-deps --no-build-isolation --wheel-dir dist .
	@rm -rf build/lib build/bdist.* pushclick.egg-info
	@ls dist/*

clean: ## remove what was built, and the caches (the environments stay)
	rm -rf build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
