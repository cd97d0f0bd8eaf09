# On a bare Debian machine `make run` and `make test` install what is missing and do everything.
SHELL := /bin/bash
PYTHON := .venv/bin/python
# In Debian 13 the parallel h5py also needs the serial one's package of shared modules.
PACKAGES := python3-venv python3-dev python3-numpy python3-scipy python3-matplotlib python3-mpi4py python3-petsc4py-real python3-dolfinx-real \
	python3-h5py-mpi python3-h5py python3-lammps liblammps-dev lammps-data libopenmpi-dev openmpi-bin cmake ninja-build pkg-config libeigen3-dev g++ git
SUDO := $(shell [ $$(id -u) = 0 ] || echo sudo)

.PHONY: run test lint docs clean install

run: install
	$(PYTHON) -m suture run cases/couette
	$(PYTHON) -m suture verify --no-run cases/couette

# Half of the time goes into the start of processes, so two tests run at once; what is held to a time runs alone. In the
# folders' order: files with many tests first would leave one core idle at the end, as those with few are the long ones.
ALONE := $(patsubst %,tests/suture/test_%.py,failures join killed stopping)
test: install
ifdef PYTEST_ARGS
	$(PYTHON) -m pytest $(PYTEST_ARGS)
else
	$(PYTHON) -m pytest -n 2 --dist loadfile --no-loadscope-reorder $(addprefix --ignore=,$(ALONE))
	$(PYTHON) -m pytest $(ALONE)
endif

lint: install
	$(PYTHON) -m pip install -q --disable-pip-version-check -c .venv/constraints.txt 'ruff==0.8.4' 'pyright[nodejs]==1.1.391'
	.venv/bin/ruff check . && .venv/bin/ruff format --check . && .venv/bin/pyright

docs: install
	$(PYTHON) -m pip install -q --disable-pip-version-check 'mkdocs>=1.6' 'mkdocs-material>=9.5'
	.venv/bin/mkdocs build --strict

install: .venv/.installed

# Debian's compiled stack shares one MPI; PyPI's pure-Python packages go into an environment that sees it.
.venv/.installed: pyproject.toml CMakeLists.txt Makefile $(shell find couplers adapters solvers -name '*.[ch]pp' 2>/dev/null)
	@missing=$$(for p in $(PACKAGES); do dpkg-query -W -f '$${Status}' $$p 2>/dev/null | grep -q 'ok installed' || echo $$p; done); \
	if [ -n "$$missing" ]; then echo "installing $$missing"; \
	$(SUDO) apt-get update -qq && DEBIAN_FRONTEND=noninteractive $(SUDO) apt-get install -y -qq --no-install-recommends $$missing >/dev/null; fi
	/usr/bin/python3 -m venv --system-site-packages .venv
	@# Debian keeps petsc4py beside its PETSc, off Python's path.
	dpkg -L $$(dpkg-query -W -f '$${Package}\n' 'python3-petsc4py-real3.*') | grep -m1 'dist-packages$$' > $$(echo .venv/lib/python3.*/site-packages)/petsc.pth
	@# pip knows Debian's h5py by no name, and would put its own, with another HDF5, before it.
	version=$$(.venv/bin/python -c 'import h5py; print(h5py.__version__)') && folder=$$(echo .venv/lib/python3.*/site-packages)/h5py-$$version.dist-info && \
	mkdir -p $$folder && printf 'Metadata-Version: 2.1\nName: h5py\nVersion: %s\n' $$version > $$folder/METADATA
	@# Debian's builds of these stay: pip must not replace them by its own.
	.venv/bin/python -m pip list --format=freeze 2>/dev/null | grep -iE '^(numpy|scipy|mpi4py|petsc4py|h5py|matplotlib)==' > .venv/constraints.txt
	@# The tools that build stand beside the rest: in pip's own environment each build would compile everything anew.
	.venv/bin/python -m pip install -q --disable-pip-version-check 'scikit-build-core>=0.10' 'pybind11>=2.11'
	.venv/bin/python -m pip install -q --disable-pip-version-check -c .venv/constraints.txt --no-build-isolation -e '.[test]'
	@touch $@

clean:
	rm -rf build dist site .venv .pytest_cache .ruff_cache; find . -name RUN -type d -prune -exec rm -rf {} +
