# make demo · make test · make check · make bench
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip install -qq --disable-pip-version-check -c constraints.txt

.PHONY: demo test check bench clean

demo: .venv/demo.stamp
	$(BIN)/polyrelu count data/compas_4.npz --box -1 1 --out out/demo

test: .venv/test.stamp
	$(BIN)/python -m pytest -n 2

check: .venv/test.stamp
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

bench: .venv/test.stamp
	$(BIN)/python benchmarks/forward_pass.py
	$(BIN)/python benchmarks/certificate.py --quick
	$(BIN)/python benchmarks/scaling.py
	$(BIN)/python benchmarks/cold_start.py
	$(BIN)/python benchmarks/against_tools.py
	$(BIN)/python benchmarks/oracles.py --nets 5

clean:
	rm -rf .venv out build *.egg-info

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "polyrelu needs Python 3.11 or later; try: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	$(PYTHON) -m venv .venv

.venv/demo.stamp: .venv/bin/python setup.cfg constraints.txt
	$(PIP) -e .
	@touch $@

.venv/test.stamp: .venv/bin/python setup.cfg constraints.txt
	$(PIP) -e '.[onnx,torch,test]'
	@touch $@ .venv/demo.stamp
