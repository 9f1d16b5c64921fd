# make picture · make demo · make test · make check · make docs · make bench
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip install -qq --disable-pip-version-check -c constraints.txt

.PHONY: picture demo test check docs bench clean

picture: .venv/demo.stamp
	$(BIN)/polyrelu count data/compas_2.npz --box -1 1 --out out/first

demo: .venv/demo.stamp
	$(BIN)/polyrelu count data/compas_4.npz --box -1 1 --out out/demo

test: .venv/test.stamp
	$(BIN)/python -m pytest -n 2 --dist worksteal

check: .venv/test.stamp
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

docs: .venv/docs.stamp
	$(BIN)/python -m sphinx -W --keep-going -q -b html docs out/docs
	$(BIN)/python tests/docs/check_site.py out/docs

bench: .venv/test.stamp
	$(BIN)/python benchmarks/forward_pass.py
	$(BIN)/python benchmarks/certificate.py --quick
	$(BIN)/python benchmarks/scaling.py
	$(BIN)/python benchmarks/cold_start.py
	$(BIN)/python benchmarks/against_tools.py
	$(BIN)/python benchmarks/oracles.py --nets 5

clean:
	rm -rf .venv out build *.egg-info docs/_made docs/lessons docs/reference/modules

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "polyrelu needs Python 3.11 or later; try: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	$(PYTHON) -m venv .venv

.venv/demo.stamp: .venv/bin/python setup.cfg constraints.txt
	$(PIP) -e .
	@touch $@

.venv/test.stamp: .venv/bin/python setup.cfg constraints.txt
	$(PIP) -e '.[onnx,torch,test]'
	@command -v chromium >/dev/null || { [ "$$(id -u)" = 0 ] && apt-get -qq update && \
	  DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends chromium; } >/dev/null 2>&1 || \
	  echo "no chromium here: tests of the explorer in a browser are skipped"
	@touch $@ .venv/demo.stamp

.venv/docs.stamp: .venv/test.stamp
	$(PIP) -e '.[docs]'
	@touch $@
