# `make html` builds the site, `make test` tests everything; each sets up what it needs.
VENV := .venv
PYTHON := $(VENV)/bin/python
READY := $(VENV)/ready

.PHONY: html live test browser audit bench mutants check sign serve calls links lint prune clean
.DEFAULT_GOAL := html

$(READY): requirements.txt
	python3 -m venv $(VENV)
	$(PYTHON) -m pip install --quiet --requirement requirements.txt
	touch $@

# Code runs once for both languages, and not at all if it has not changed.
html: $(READY)
	$(PYTHON) docs/_ext build
	@echo "The site is in build/html; 'make serve' shows it."

# The tests read the built site in a browser, run every script and execute every notebook;
# epubcheck, which reads the books, is a Java program.
test: html browser
	@command -v java >/dev/null || { apt-get update && apt-get install --yes default-jre-headless; } || \
		echo "install Java: the tests check the books with it"
	$(PYTHON) -m pytest --numprocesses auto $(ARGS)

# Chromium opens the pages; where there is none, Debian's is installed if that is allowed.
browser:
	@for name in $$CHROME_PATH chromium chromium-browser google-chrome; do \
		command -v $$name >/dev/null && exit; done; \
		apt-get update && apt-get install --yes chromium fonts-noto-cjk || \
		echo "install Chromium: the tests and the audit open the pages in it"

# Pages held to their bounds; PAGES="en/index.html" or ALL=1 chooses them, RUNS=1 is quick.
audit: html browser
	$(PYTHON) tests/audit.py $(PAGES) $(if $(ALL),--all) $(if $(RUNS),--runs $(RUNS))

# Builds measured against stock Sphinx-Gallery; TIMES=10 multiplies the tutorials.
bench: $(READY)
	$(PYTHON) tests/bench.py $(TIMES)

# Lessons changed in one place at a time: do their checks notice? FILES="tutorials/..." chooses.
mutants: $(READY)
	$(PYTHON) tests/mutants.py $(FILES)

check: $(READY)
	$(PYTHON) docs/_ext check

# After an author has brought the Chinese up to date: make sign FILES=tutorials/basics/x.py
sign: $(READY)
	$(PYTHON) docs/_ext sign $(FILES)

serve: html
	$(PYTHON) -m http.server --bind 127.0.0.1 --directory build/html 8000

# Serve, build again on every save, and reload the browser.
live: $(READY)
	$(PYTHON) docs/_ext live

# The share of autograd's calls that the tutorials use, by the records of their runs.
calls: $(READY)
	$(PYTHON) docs/_ext calls

# Write down the addresses that pages lead to, official pages above all; look at what has changed.
links: html
	$(PYTHON) docs/_ext links

lint: $(READY)
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .

# Remove the records of code that has changed since.
prune: $(READY)
	$(PYTHON) docs/_ext prune

clean:
	rm -rf build docs/en/tutorials docs/zh/tutorials
