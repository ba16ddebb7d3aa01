# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# The front of the tool chain. Every target sets up what it needs; only git, make and Python 3.11 to 3.13 are expected.

export LC_ALL := C.UTF-8

BIN := .venv/bin
# A virtual environment is bound to its path: in a copy or a moved tree this stamp is missing.
READY := .venv/ready-$(shell pwd | cksum | cut -d' ' -f1)
NOX := $(BIN)/python -m nox --no-error-on-missing-interpreters
REPORT = $(BIN)/python tests/utils/summary.py

.PHONY: help set-up demo test lint fix matrix mutations soak docs bench emulator clean mariadb chromium errors-page emulator-page picture

help:
	@echo "make demo      run the main job on the emulator"
	@echo "make test      run all tests and checks"
	@echo "make lint      run the fast checks: format, style, types, YAML, licence headers, doc fragments"
	@echo "make fix       correct what ruff can correct, and write the generated pages anew"
	@echo "make matrix    run sanity, unit and integration tests on every other ansible-core a Python is found for"
	@echo "make mutations break the code in a copy, one promise at a time, and check that a test notices"
	@echo "make soak      run the long tests"
	@echo "make docs      build the documentation site into build/docs"
	@echo "make bench     measure, side by side with peers, into build/bench.json"
	@echo "make emulator  run the emulator in the foreground, and say what to export and to try"
	@echo "make clean     remove everything that make has made"

set-up: $(READY)

$(READY): requirements-dev.txt constraints.txt $(wildcard tests/utils/pins/*.txt) \
		tests/utils/set-up.sh tests/utils/find-python.sh \
		tests/emulator/pyproject.toml tests/emulator/requirements-test.txt
	@sh tests/utils/set-up.sh
	@touch $@

# A real server for the tests of MySQL, where it can be had.
mariadb:
	@sh tests/utils/mariadb.sh

# A browser for the tests of the report, where it can be had.
chromium:
	@sh tests/utils/chromium.sh

demo: $(READY) mariadb
	@$(BIN)/python demo/run.py

test: $(READY) mariadb
	@rm -rf build/results && mkdir -p build/results
	@$(BIN)/python tests/utils/all_sessions.py build/results; $(REPORT) build/results

lint: $(READY)
	@$(NOX) -e format types lint license-check extra-checks

fix: $(READY)
	@$(NOX) -e format -- fix
	@$(BIN)/python tests/utils/errors_page.py
	@$(BIN)/python tests/utils/emulator_page.py

matrix: $(READY) mariadb
	@rm -rf build/results && mkdir -p build/results
	@$(NOX) --report build/results/report.json -t matrix; $(REPORT) build/results

mutations: $(READY)
	@$(NOX) -e mutations

# The longest first. Playbooks wait for most of their time, so that four at once keep two processors busy.
SOAK = soak-stories-dts soak-reliability soak-units soak-stories-roles soak-stories-modules soak-docs mutations
soak: $(READY) mariadb
	@rm -rf build/results && mkdir -p build/results
	@$(BIN)/python tests/utils/all_sessions.py --at-once 4 build/results $(SOAK); $(REPORT) build/results

# The documentation shows the report of the demo.
build/demo/report.html: $(READY)
	@$(MAKE) demo

# The page of errors and remedies, from the texts of the code.
errors-page: $(READY)
	@$(BIN)/python tests/utils/errors_page.py

# The page that says how faithful the emulator is, from its code.
emulator-page: $(READY)
	@$(BIN)/python tests/utils/emulator_page.py

# The picture that README shows.
picture: $(READY) chromium build/demo/report.html
	@$(BIN)/python tests/utils/screenshot.py --width=1200 --height=1240 build/demo/report.html docs/report.png

docs: $(READY) chromium build/demo/report.html
	@$(NOX) -e docs

bench: $(READY)
	@$(BIN)/python tests/bench/run.py

emulator: $(READY)
	@$(BIN)/python -m apsara_emulator --host 127.0.0.1 --port 0 --speed 60

clean:
	rm -rf .nox .venv build tests/output
