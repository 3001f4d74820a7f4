# Needs python3 (3.11 or newer) and make; everything else goes into .venv.
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.synced
# Waiting threads of OpenMP sleep and leave the cores to other work; a value that is set stands.
export OMP_WAIT_POLICY ?= passive
# Python writes compiled modules: where it may not, each process compiles PyTorch for seconds.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: setup start reproduce test quick faults lint docs lab lock

setup: $(STAMP)

$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "mmhash-nb needs Python 3.11 or newer, and $(PYTHON) is not: run make PYTHON=python3.11" >&2; \
	  exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv || { \
	  echo "$(PYTHON) cannot make virtual environments: install its venv package (on Debian, python3-venv)" >&2; \
	  exit 1; }
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip sync --python $(BIN)/python --require-hashes requirements.lock
	$(BIN)/uv pip install --python $(BIN)/python --no-deps -e .
	touch $@

# A first result: the environment, and notebook 0 with its report.
start: setup
	$(BIN)/python -m mmhash_nb reproduce --notebook 0_start_here

reproduce: setup
	$(BIN)/python -m mmhash_nb reproduce

lint: setup
	$(BIN)/ruff check .
	$(BIN)/mypy

# The site, in docs/_build/html. A page with a warning is not read again: what was read is removed.
docs: setup
	$(BIN)/python -m sphinx -W -q -c docs -d docs/_build/read . docs/_build/html || \
	  { rm -rf docs/_build/read; exit 1; }

# One process a core, each of one thread: small networks do not share their work out well. Browsers
# wait for what they click, so they have the machine to themselves.
PARALLEL := OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n auto --maxprocesses 8 --dist loadfile

test: lint docs
	$(PARALLEL) -m "not browser and not faults" tests
	$(BIN)/python -m pytest -m browser tests
	$(PARALLEL) --nbval --nbval-current-env \
	  --nbval-sanitize-with tests/nbval_sanitize.cfg notebooks

# The tests that a change touches, those that execute least first, until one fails.
quick: setup
	touched="$$($(BIN)/python tests/quick.py)" && \
	  { test -z "$$touched" || $(PARALLEL) -x -m "not browser and not faults" $$touched; }

# Trainings that are killed at random moments, and whose disk fills, for some minutes.
faults: setup
	$(BIN)/python -m pytest -m faults tests

# The loopback interface only, with the token of Jupyter. The root holds the pictures of the texts.
lab: setup
	$(BIN)/jupyter lab --ip=127.0.0.1 --ServerApp.root_dir="$(CURDIR)" \
	  --LabApp.default_url=/lab/tree/notebooks/0_start_here.ipynb

# Pins anew from pyproject.toml; environment.yml takes its pins from the same lock.
lock:
	$(BIN)/uv pip compile --universal --generate-hashes --no-emit-index-url --no-emit-find-links \
	  --no-header --extra docs --extra test --extra sentences --python-version 3.11 --upgrade pyproject.toml -o requirements.lock
	$(BIN)/uv pip compile --no-deps --no-annotate --no-header --no-emit-index-url \
	  --no-emit-find-links --extra docs --extra test --extra sentences --python-version 3.11 -c requirements.lock --quiet \
	  pyproject.toml -o .venv/direct.txt
	sed -i.old '/^      - [^-]/d; /^      - -e /d' environment.yml && rm environment.yml.old
	sed 's/^/      - /' .venv/direct.txt >> environment.yml
	echo '      - -e .' >> environment.yml
