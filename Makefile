# Short names; everything also works without make.
PYTHON ?= python3
ENV := .venv-check/bin/python

.PHONY: check lint types test bench docs

check:
	$(PYTHON) check.py

lint types:
	$(PYTHON) check.py --only $@

test:
	$(PYTHON) check.py --only tests

bench:
	@for file in benchmarks/*.py; do echo "\$$ $$file"; $(ENV) "$$file" || exit 1; done

docs:
	$(ENV) -c "from onefold.cli.reference import markdown; print(markdown(), end='')" > docs/cli.md
