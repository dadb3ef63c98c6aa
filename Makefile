# make demo    serve the page on http://127.0.0.1:7860; HOST=… and PORT=… change that
# make test    run the tests, two at a time
# make test-fast   those that need no browser and are not slow
# make lint    ruff and mypy
# make check   lint and test: what CI runs
# make bench   time and memory of a song of 30 s, 3 min and 10 min, as a Markdown table
# make fuzz     540 damaged, hostile and odd files, each tried three ways
# make soak     1, 5 and 20 people on the page at once, ten minutes each
# make faults   killed, full, damaged and missing things, and what people then see
# make golden  rewrite what the golden tests compare with
# make clean   remove .venv and all caches
#
# Everything is installed into .venv, the first time it is needed and again when a requirements file changes.
# PYTHON=… names another interpreter to make it with.

PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python

.PHONY: demo test test-fast lint check bench fuzz soak faults golden clean
.DELETE_ON_ERROR:

demo: $(VENV)/demo.stamp
	$(RUN) app.py

test: $(VENV)/dev.stamp
	$(RUN) -m pytest --numprocesses 2 --dist loadfile --durations 25

test-fast: $(VENV)/dev.stamp
	$(RUN) -m pytest --numprocesses 2 --dist loadfile -m "not e2e and not slow"

lint: $(VENV)/dev.stamp
	$(RUN) -m ruff check
	$(RUN) -m ruff format --check
	$(RUN) -m mypy

check: lint test

bench: $(VENV)/demo.stamp
	$(RUN) -m mtinst.bench

fuzz: $(VENV)/dev.stamp
	$(RUN) -m tests.abuse.hard_use files

soak: $(VENV)/dev.stamp
	$(RUN) -m tests.abuse.soak

faults: $(VENV)/dev.stamp
	$(RUN) -m tests.abuse.faults

golden: $(VENV)/dev.stamp
	MTINST_REWRITE_GOLDEN=1 $(RUN) -m pytest -k golden

clean:
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/demo.stamp: requirements.txt $(VENV)/venv.stamp
	@echo "Installing what the page needs into $(VENV): about 2 GB, some minutes the first time."
	$(RUN) -m pip install --quiet --disable-pip-version-check -r $<
	@touch $@

$(VENV)/dev.stamp: requirements-dev.txt $(VENV)/demo.stamp
	@echo "Installing what the tests need into $(VENV)."
	$(RUN) -m pip install --quiet --disable-pip-version-check -r $<
	@touch $@

$(VENV)/venv.stamp:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo 'mtinst needs Python 3.11 or newer, and "$(PYTHON)" is not; name one: make $(MAKECMDGOALS) PYTHON=python3.12' >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) || \
		{ echo '"$(PYTHON) -m venv" failed; on Debian and Ubuntu, install the package python3-venv' >&2; exit 1; }
	@touch $@
