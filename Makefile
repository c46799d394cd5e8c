# Every target makes what it needs and is quick when that is there.
#   make TARGET PYTHON=/path/to/python3.11
#   make TARGET TORCH_INDEX=https://download.pytorch.org/whl/cpu    (which build of PyTorch)
PYTHON ?=
TORCH_INDEX ?=
PYTEST_ARGS ?=
ROOT ?= build/demo
DS ?= 2026-02-11
BENCH_ARGS ?=
export PYTHON TORCH_INDEX
# Packages are installed without bytecode: the first import writes it, also where Python was told not to.
export PYTHONDONTWRITEBYTECODE :=

BIN := .venv/bin
# Only the steps of `test` run two at a time; READY says that the environments are there.
ifeq ($(MAKELEVEL),0)
.NOTPARALLEL:
endif
WITH_TOOLS := $(if $(READY),,setup-tests)
WITH_AIRFLOW := $(if $(READY),,setup setup-airflow)
PIPELINE := tests/jobs/test_run_pipeline.py
NO_SPARK := tests/jobs/test_command_lines.py tests/models tests/benchmarks/embeddings tests/benchmarks/models
BY_LINE := $(if $(filter output-sync,$(.FEATURES)),--output-sync=line)

.DEFAULT_GOAL := help
.PHONY: help setup setup-tests setup-airflow demo check test test-dags test-pipeline test-jobs test-features test-models \
	bench-models bench-scoring bench-cluster bench-embeddings bench-embeddings-full bench-embedding-speed \
	bench-embedding-processes bench-embedding-scale bench-embedding-stream bench-anomalies bench-lookalikes \
	bench-lookalike-scale bench-features bench-feature-scale package clean

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

test: ## lint, types, room rules, and the tests of both environments
	@$(MAKE) --no-print-directory -j2 $(BY_LINE) setup-tests setup-airflow
	@$(MAKE) --no-print-directory READY=yes check
	@$(MAKE) --no-print-directory -j2 $(BY_LINE) READY=yes \
		test-dags test-pipeline test-jobs test-features test-models

check: $(WITH_TOOLS) ## lint, types and room rules
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

test-dags: $(WITH_AIRFLOW) ## the tests of the DAG, one of them a whole run
	.venv-airflow/bin/pytest tests/dags $(PYTEST_ARGS)

test-pipeline: $(WITH_TOOLS) ## the whole chain in one session, twice
	$(BIN)/pytest $(PIPELINE) $(PYTEST_ARGS)

test-jobs: $(WITH_TOOLS) ## the tests of single jobs
	$(BIN)/pytest tests/jobs $(addprefix --ignore=,$(PIPELINE) $(NO_SPARK)) $(PYTEST_ARGS)

test-features: $(WITH_TOOLS) ## the tests of features, with the oracle, and of their benchmark
	$(BIN)/pytest tests/features tests/benchmarks/features $(PYTEST_ARGS)

test-models: $(WITH_TOOLS) ## the tests that need no Spark session: models, benchmarks and command lines
	$(BIN)/pytest $(NO_SPARK) $(PYTEST_ARGS)

bench-models: setup ## size and speed beside scikit-learn's default, on a lake: ROOT=build/demo DS=2026-02-11
	@$(BIN)/python -m tests.benchmarks.models.serving --root $(ROOT) --ds $(DS) $(BENCH_ARGS)

bench-scoring: setup ## CPU time of batch scoring on Spark, by step, beside LightGBM alone, on a lake: ROOT, DS
	@$(BIN)/python -m tests.benchmarks.models.batch_scoring --root $(ROOT) --ds $(DS) --output build/bench-scoring $(BENCH_ARGS)

bench-embeddings: setup ## embeddings of equal bytes beside each other, on a lake: ROOT, DS; BENCH_ARGS=--quick
	@$(BIN)/python -m tests.benchmarks.embeddings --root $(ROOT) --ds $(DS) --output build/bench $(BENCH_ARGS)

bench-embeddings-full: setup ## the whole comparison, from four simulated lakes on: some hours; BENCH_ARGS="--processes 2"
	@$(BIN)/python -m tests.benchmarks.embeddings.whole --output build/bench-embeddings $(BENCH_ARGS)

bench-embedding-speed: setup ## encoding and learning beside plain dense PyTorch, on one thread; BENCH_ARGS=--device cuda
	@$(BIN)/python -m tests.benchmarks.embeddings.speed $(BENCH_ARGS)

bench-embedding-processes: setup ## an embedding learned by two executors of a local cluster beside one process
	@$(BIN)/python -m tests.benchmarks.embeddings.shared $(BENCH_ARGS)

bench-embedding-scale: setup ## encode_users for 100,000 to a million users, on two cores: users a second, memory
	@$(BIN)/python -m tests.benchmarks.embeddings.scale --output build/bench-scale $(BENCH_ARGS)

bench-embedding-stream: setup ## memory of an embedding that is learned block by block from disk, beside all rows in memory
	@$(BIN)/python -m tests.benchmarks.embeddings.streamed --output build/bench-scale $(BENCH_ARGS)

bench-anomalies: setup ## flag_anomalies on the simulator's bots, beside simpler scores, on a lake: ROOT, DS
	@$(BIN)/python -m tests.benchmarks.embeddings.anomalies --root $(ROOT) --ds $(DS) $(BENCH_ARGS)

bench-lookalikes: setup ## find_lookalikes by true interests beside exact search, on a simulated lake: ROOT, DS; then 10 million codes
	@$(BIN)/python -m tests.benchmarks.embeddings.lookalikes --root $(ROOT) --ds $(DS) $(BENCH_ARGS)
	@$(BIN)/python -m tests.benchmarks.embeddings.hamming_speed

bench-lookalike-scale: setup ## find_lookalikes among a million users, on two cores: users a second, memory
	@$(BIN)/python -m tests.benchmarks.embeddings.lookalike_scale --output build/bench-scale $(BENCH_ARGS)

bench-features: setup-tests ## a night over logs of several lengths, and beside DuckDB and Spark SQL on all events
	@$(BIN)/python -m tests.benchmarks.features --output build/bench-features $(BENCH_ARGS)

bench-feature-scale: setup-tests ## time and memory of features at 1, 5 and 20 million sends, beside DuckDB; BENCH_ARGS="--sends 1000000"
	@$(BIN)/python -m tests.benchmarks.features.scale --output build/bench-features $(BENCH_ARGS)

bench-cluster: setup ## training in memory, out of core, and by two executors; BENCH_ARGS=--rows=200000
	@$(BIN)/python -m tests.benchmarks.models.cluster --output build/bench-cluster $(BENCH_ARGS)

package: setup ## dist/: the --py-files zip of the rooms, and the wheel of the light scorer
	@rm -rf dist build/lib
	@$(BIN)/python .ci/pack.py dist/pushclick-jobs.zip
	@$(BIN)/python -m pip wheel --quiet --no-deps --no-build-isolation --wheel-dir dist .
	@rm -rf build/lib build/bdist.* pushclick.egg-info
	@ls dist/*

clean: ## remove what was built, and the caches (the environments stay)
	rm -rf build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
