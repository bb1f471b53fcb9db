# The commands of this checkout. Each sets up what it needs in .venv, from the
# hashed locks in requirements/, and nothing outside the checkout.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

.PHONY: help demo test property bench bench-quick bench-faults check format lock clean

help:  ## Show this list.
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 14

demo: $(VENV)/run.stamp  ## Move a real sales history into a local sandbox, and check it.
	$(BIN)/python examples/demo.py

test: $(VENV)/dev.stamp  ## Run the whole test suite, with its coverage gate.
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest $(ARGS)
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report

property: $(VENV)/dev.stamp  ## Run the property tests with 200 cases an operation.
	PROPERTY_EXAMPLES=200 $(BIN)/python -m pytest -s tests/test_schema.py tests/test_property_api.py $(ARGS)

bench: $(VENV)/bench.stamp  ## Measure what it costs beside other clients; write benchmarks/results.md.
	$(BIN)/python -m benchmarks $(ARGS)

bench-quick: $(VENV)/bench.stamp  ## Print the same table in two minutes, and write nothing.
	$(BIN)/python -m benchmarks --quick $(ARGS)

bench-faults: $(VENV)/dev.stamp  ## Measure what the client does in any kind of trouble, and print it.
	$(BIN)/python -m tests.bench $(ARGS)

check: $(VENV)/dev.stamp  ## Run the formatter, the linter and the type checkers.
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/python -m partnero_sync._generate --check
	$(BIN)/mypy
	$(BIN)/pyright --pythonpath $(BIN)/python
	for name in partnero_async partnero_sync; do \
		PATH="$(CURDIR)/$(BIN):$$PATH" pyright --ignoreexternal --verifytypes $$name \
			> $(VENV)/types.txt || { cat $(VENV)/types.txt; exit 1; }; done

format: $(VENV)/dev.stamp  ## Format the code and mend what the linter can mend.
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

UV := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 \
	--generate-hashes --no-emit-index-url --no-emit-find-links \
	--custom-compile-command "make lock" --extra cli pyproject.toml

lock: $(VENV)/venv.stamp  ## Write the locks anew, with the newest versions allowed.
	$(PIP) install uv
	$(UV) --upgrade requirements/run.in -o requirements/run.txt
	$(UV) --upgrade requirements/run.in requirements/dev.in -c requirements/run.txt \
		-o requirements/dev.txt
	$(UV) --upgrade --extra bench requirements/run.in -c requirements/dev.txt \
		-o requirements/bench.txt

clean:  ## Remove what these commands made.
	rm -rf $(VENV) .demo .coverage .coverage.* .mypy_cache .pytest_cache .ruff_cache .hypothesis

$(VENV)/venv.stamp:
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/run.stamp: requirements/run.txt pyproject.toml | $(VENV)/venv.stamp
	$(PIP) install --require-hashes -r requirements/run.txt
	$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/bench.stamp: requirements/bench.txt $(VENV)/dev.stamp
	$(PIP) install --require-hashes -r requirements/bench.txt
	@touch $@

$(VENV)/dev.stamp: requirements/dev.txt $(VENV)/run.stamp
	$(PIP) install --require-hashes -r requirements/dev.txt
	@touch $@
