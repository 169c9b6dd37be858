# Two commands do everything on a fresh machine with Python >= 3.11, make and a C compiler:
#   make demo   the embedded study `mini`, from nothing to results/mini/figures
#   make test   the test suite (make test-all adds the slow whole-system tests)
# Both begin with `make install`: the environment $(VENV) with the versions of requirements.lock.

PYTHON ?= python3
VENV   ?= .venv
CORES  ?= 2

export PATH := $(abspath $(VENV))/bin:$(PATH)
# uv reads neither pip's variables nor its configuration file, and trusts the system's certificates only when told.
export UV_FIND_LINKS ?= $(PIP_FIND_LINKS)
export UV_SYSTEM_CERTS ?= 1

.PHONY: install demo test test-all lint docs lock clean

install: $(VENV)/installed

demo: $(VENV)/installed
	snakemake --profile profiles/local --cores $(CORES)

test: $(VENV)/installed
	python -m pytest -m "not slow"

test-all: $(VENV)/installed
	python -m pytest

lint: $(VENV)/installed
	ruff check .
	ruff format --check .
	snakefmt --check Snakefile rules
	snakemake --lint

docs: $(VENV)/installed
	python -m lossgrid.studies.reference
	python -m lossgrid.objectives.catalogue.reference

# uv installs in half a minute what takes pip several; both install the same pins.
$(VENV)/installed: requirements.lock
	test -x $(VENV)/bin/python || $(PYTHON) -m venv $(VENV)
	{ python -m pip install --quiet uv && uv pip install --python $(VENV)/bin/python --compile-bytecode -r $<; } \
	    || python -m pip install --use-pep517 -r $<
	cp $< $@

# Resolve pyproject.toml anew. `torch==2.13.0` is what the CPU and the CUDA build both satisfy; the
# libraries of the CUDA build are pinned by that build itself. vLLM has a lock of its own, for Linux with CUDA: from the
# index alone, not from a folder of CPU builds, and of wheels for glibc 2.31 or later.
lock:
	uv pip compile pyproject.toml --extra workflow --extra dev --python-version 3.11 --quiet \
	    --no-emit-index-url --no-emit-find-links --no-annotate --no-header \
	    | sed 's/+cpu$$//' | grep -vE '^(nvidia-|cuda-|triton)' > requirements.lock
	env -u UV_FIND_LINKS uv pip compile requirements-serve.in --python-version 3.11 --quiet --upgrade \
	    --python-platform x86_64-manylinux_2_31 --only-binary :all: \
	    --no-emit-index-url --no-annotate --no-header --output-file requirements-serve.lock

clean:
	rm -rf .snakemake results/*/
