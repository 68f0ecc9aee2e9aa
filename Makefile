# `make html` builds the site, `make test` tests everything; each sets up what it needs.
VENV := .venv
PYTHON := $(VENV)/bin/python
SPHINX := $(VENV)/bin/sphinx-build -W --keep-going -q -c .
READY := $(VENV)/ready

.PHONY: html test check sign serve lint clean
.DEFAULT_GOAL := html

$(READY): requirements.txt
	python3 -m venv $(VENV)
	$(PYTHON) -m pip install --quiet --requirement requirements.txt
	touch $@

# Both languages, each strict; the Chinese build finds what the English one ran.
html: check build/locale/zh_CN/LC_MESSAGES/sphinx.mo
	$(SPHINX) -d build/doctrees/en docs/en build/html/en
	$(SPHINX) -t zh -d build/doctrees/zh docs/zh build/html/zh
	@echo "The site is in build/html; 'make serve' shows it."

# The theme's words that have no Chinese translation of its own.
build/locale/zh_CN/LC_MESSAGES/sphinx.mo: docs/_locale/zh_CN.po $(READY)
	mkdir -p $(@D)
	$(VENV)/bin/pybabel --quiet compile --input-file $< --output-file $@ --locale zh_CN

# The tests read the built site, run every script and execute every notebook.
test: html
	$(PYTHON) -m pytest --numprocesses auto $(ARGS)

check: $(READY)
	$(PYTHON) docs/_ext/bilingual.py

# After an author has brought the Chinese up to date: make sign FILES=tutorials/basics/x.py
sign: $(READY)
	$(PYTHON) docs/_ext/bilingual.py --sign $(FILES)

serve: html
	$(PYTHON) -m http.server --bind 127.0.0.1 --directory build/html 8000

lint: $(READY)
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .

clean:
	rm -rf build docs/en/tutorials docs/zh/tutorials
