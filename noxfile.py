# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# /// script
# dependencies = ["nox>=2025.02.09", "antsibull-nox"]
# ///

"""Every check of the project. Make is the front door: "make test" runs all of it, "nox -l" in .venv names the parts."""

from __future__ import annotations

import contextlib
import itertools
import os
import pathlib
import sys
from collections.abc import Iterable

import nox

try:
    import antsibull_nox
except ImportError:
    print("Run nox from .venv: make set-up && .venv/bin/nox", file=sys.stderr)
    sys.exit(1)

ROOT = pathlib.Path(__file__).resolve().parent
BIN = ROOT / ".venv" / "bin"
RESULTS = ROOT / "build" / "results"

sys.path.insert(0, str(ROOT / "tests" / "utils"))
import cores  # noqa: E402 - is found once its folder is
import library_bounds  # noqa: E402 - likewise

# Tools of sessions are named without a version; this pins them, and what they bring along, by hashes of all files.
# nox runs here, and pip splits the value at spaces, which the path of a checkout may have.
# A tool that is new in a session is installed once without, to be pinned then: APSARADB_UNPINNED=1 nox -e SESSION pin
unpinned = os.environ.get("APSARADB_UNPINNED")
os.environ["PIP_CONSTRAINT"] = "" if unpinned else "constraints.txt tests/utils/pins/sessions.txt"
os.environ["LC_ALL"] = "C.UTF-8"
# Hundreds of processes import the same code; a machine may be set to compile it for each of them.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
if not sys.stdout.isatty():
    os.environ.setdefault("NO_COLOR", "1")
# Tools of .venv call each other.
os.environ["PATH"] = os.pathsep.join([str(BIN), os.environ.get("PATH", os.defpath)])
# Scenarios of molecule start the emulator from here.
os.environ["APSARA_EMULATOR_PYTHON"] = str(BIN / "python")

nox.needs_version = ">=2025.02.09"
# Environments are kept; the packages in them are compared with the pins on every run.
nox.options.reuse_venv = "yes"
nox.options.default_venv_backend = "virtualenv"

antsibull_nox.load_antsibull_nox_toml()


def run(session: nox.Session, tool: str, *arguments: str | pathlib.Path) -> None:
    """Run a tool of .venv."""
    session.run(str(BIN / tool), *map(str, arguments), external=True)


@nox.session(name="format", venv_backend="none")
def check_format(session: nox.Session) -> None:
    """Check format and style of all Python (ruff); "-- fix" corrects what can be corrected."""
    config = ["--config", "ruff.toml"]
    if "fix" in session.posargs:
        run(session, "ruff", "check", *config, "--fix-only", ".")
        run(session, "ruff", "format", *config, ".")
    else:
        run(session, "ruff", "format", *config, "--check", ".")
        run(session, "ruff", "check", *config, ".")


def collection_tree() -> pathlib.Path:
    """Show the working tree as a collection in a tree of Ansible's shape, and name that tree."""
    tree = ROOT / ".nox" / "types"
    collection = tree / "ansible_collections" / "apsaradb" / "migration"
    collection.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(FileExistsError):
        collection.symlink_to(ROOT, target_is_directory=True)
    return tree


@nox.session(venv_backend="none")
def types(session: nox.Session) -> None:
    """Check types (mypy): strictly in module_utils, the emulator and the tools, and for consistency in modules."""
    # mypy finds the collection's own imports there.
    collection = collection_tree() / "ansible_collections" / "apsaradb" / "migration"
    paths = [collection / name for name in ("plugins", "demo", "tests/bench") if (ROOT / name).exists()]
    tools = sorted((ROOT / "tests" / "utils").glob("*.py"))
    run(session, "mypy", "--config-file=.mypy.ini", *paths, *tools, "tests/emulator/apsara_emulator")


@nox.session(venv_backend="none")
def changelog(session: nox.Session) -> None:
    """Check the changelog and the fragments for its next section."""
    run(session, "antsibull-changelog", "lint")
    run(session, "antsibull-changelog", "lint-changelog-yaml", "--strict", "changelogs/changelog.yaml")


@nox.session(name="execution-environment")
def execution_environment(session: nox.Session) -> None:
    """Check that ansible-builder finds what the modules need in an execution environment."""
    session.install("ansible-builder")
    place = antsibull_nox.sessions.prepare_collections(
        session, install_in_site_packages=False, install_out_of_tree=True
    )
    if place is None:
        session.skip("packages only")
    found = session.run("ansible-builder", "introspect", str(place.current_place), silent=True)
    if "requests" not in found:
        session.error(f"requests is not among what ansible-builder found:\n{found}")
    # As far as it goes without a container engine.
    example, context = ROOT / "docs" / "awx" / "execution-environment.yml", session.create_tmp()
    session.run("ansible-builder", "create", f"--file={example}", f"--context={context}")


@nox.session(venv_backend="none")
def emulator(session: nox.Session) -> None:
    """Run the emulator's own tests, those with the vendor's clients included."""
    report = f"--junitxml={RESULTS / 'emulator.xml'}"
    with session.chdir("tests/emulator"):
        run(session, "python", "-m", "pytest", "-q", "-n", "2", "-m", "not soak", report, *session.posargs)


@nox.session(venv_backend="none", default=False)
def mutations(session: nox.Session) -> None:
    """Break promises in a copy of the code, one at a time, and check that a test notices each."""
    run(session, "python", "tests/utils/mutations.py", *session.posargs)


@nox.session(name="some-mutations", venv_backend="none")
def some_mutations(session: nox.Session) -> None:
    """Every third of the mutations; "make mutations" and "make soak" try all of them."""
    run(session, "python", "tests/utils/mutations.py", "--every-third")


@nox.session(name="soak-units", venv_backend="none", default=False)
def soak_units(session: nox.Session) -> None:
    """Run the long unit tests and those of the emulator: more random worlds, longer histories, more kills."""
    session.env["PYTHONPATH"] = str(collection_tree())
    options = ["-q", "-n", "2", "-m", "soak", "--import-mode=importlib", "-p", "no:cacheprovider"]
    report = f"--junitxml={RESULTS / 'soak-units.xml'}"
    run(session, "python", "-m", "pytest", *options, report, "tests/unit", "tests/emulator/tests", *session.posargs)


@nox.session(name="soak-reliability", venv_backend="none", default=False)
def soak_reliability(session: nox.Session) -> None:
    """Run the long tests of faults, kills, load and hostile input."""
    # Playbooks that meet faults wait for most of their time.
    reliability_tests(session, "-n", "4", "-m", "soak", f"--junitxml={RESULTS / 'soak-reliability.xml'}")


@nox.session(name="soak-docs", venv_backend="none", default=False)
def soak_docs(session: nox.Session) -> None:
    """Run the guides to their ends."""
    docs_tests(session, "-m", "soak", f"--junitxml={RESULTS / 'soak-docs.xml'}")


def long_stories(session: nox.Session, targets: Iterable[str]) -> None:
    """Run integration tests with the long stories of the roles, and search everything that Ansible can say."""
    os.environ["APSARADB_LONG_STORIES"] = "1"
    ansible_test(session, cores.MAIN.version, *(f"--target={name}" for name in targets), "integration")


# Stories wait for most of their time: those of one role as long as those of all others.
LONG_ROLES = {
    "dts": ["dts_cross_account_role"],
    "roles": ["instance_import_role", "postgresql_cloud_role", "sqlserver_backup_role"],
}


@nox.session(name="soak-stories-dts", venv_backend="none", default=False)
def soak_stories_dts(session: nox.Session) -> None:
    """Run the long stories of dts_cross_account."""
    long_stories(session, LONG_ROLES["dts"])


@nox.session(name="soak-stories-roles", venv_backend="none", default=False)
def soak_stories_roles(session: nox.Session) -> None:
    """Run the long stories of the other roles that migrate."""
    long_stories(session, LONG_ROLES["roles"])


@nox.session(name="soak-stories-modules", venv_backend="none", default=False)
def soak_stories_modules(session: nox.Session) -> None:
    """Run all other integration tests, and search everything that Ansible can say."""
    folders = (path.name for path in (ROOT / "tests" / "integration" / "targets").iterdir())
    others = {name for name in folders if not name.startswith("setup_")} - {*itertools.chain(*LONG_ROLES.values())}
    long_stories(session, sorted(others))


def ansible_test(session: nox.Session, core: str, *stages: str) -> None:
    """Run stages of ansible-test on a core, or say why that cannot be."""
    results = RESULTS / f"{session.name}.json"
    run(session, "python", "tests/utils/core_tests.py", f"--core={core}", f"--results={results}", *stages)


@nox.session(venv_backend="none")
def sanity(session: nox.Session) -> None:
    """Run the sanity tests of ansible-test."""
    ansible_test(session, cores.MAIN.version, "sanity")


@nox.session(venv_backend="none")
def units(session: nox.Session) -> None:
    """Run all unit tests of the collection, those with real servers and killed processes included.

    On a busy machine a real server may be late: what fails is tried a second time, and the table says so.
    """
    session.env["PYTHONPATH"] = str(collection_tree())
    options = ["-q", "-n", "2", "-m", "not soak", "--import-mode=importlib", "-p", "no:cacheprovider"]
    options += ["--reruns", "1", "-rR"]
    report = f"--junitxml={RESULTS / 'units.xml'}"
    run(session, "python", "-m", "pytest", *options, report, "tests/unit", *session.posargs)


def reliability_tests(session: nox.Session, *options: str | pathlib.Path) -> None:
    """Run tests of tests/reliability; what they told stands at the end."""
    session.env["PYTHONPATH"] = str(collection_tree())
    usual = ["-q", "-n", "2", "--import-mode=importlib", "-p", "no:cacheprovider"]
    run(session, "python", "-m", "pytest", *usual, *options, "tests/reliability", *session.posargs)


@nox.session(venv_backend="none")
def reliability(session: nox.Session) -> None:
    """Faults, killed runs, load and hostile input across all paths: the short version."""
    reliability_tests(session, "-m", "not soak", f"--junitxml={RESULTS / 'reliability.xml'}")


def docs_tests(session: nox.Session, *options: str | pathlib.Path) -> None:
    """Run what README and the guides say, on the emulator."""
    session.env["PYTHONPATH"] = str(collection_tree())
    usual = ["-q", "--import-mode=importlib", "-p", "no:cacheprovider"]
    run(session, "python", "-m", "pytest", *usual, *options, "tests/docs", *session.posargs)


@nox.session(name="docs-examples", venv_backend="none")
def docs_examples(session: nox.Session) -> None:
    """Run README as it stands and the beginning of each guide, and check what the pages name."""
    docs_tests(session, "-m", "not soak", f"--junitxml={RESULTS / 'docs-examples.xml'}")


@nox.session(venv_backend="none")
def browser(session: nox.Session) -> None:
    """Open reports in Chromium, where there is one: sort, filter, print, with hostile names, for every reader.

    It is installed here, while other sessions run.
    """
    session.run("sh", "tests/utils/chromium.sh", external=True)
    session.env["PYTHONPATH"] = str(collection_tree())
    options = ["-q", "-rs", "--import-mode=importlib", "-p", "no:cacheprovider"]
    report = f"--junitxml={RESULTS / 'browser.xml'}"
    run(session, "python", "-m", "pytest", *options, report, "tests/browser", *session.posargs)


@nox.session(venv_backend="none")
def integration(session: nox.Session) -> None:
    """Run the integration tests of the collection on the emulator."""
    ansible_test(session, cores.MAIN.version, "integration")


@nox.session(name="core-main", venv_backend="none", default=False, tags=["matrix"])
def core_main(session: nox.Session) -> None:
    """Run the unit tests as ansible-test does, in the forks and with the import rules of modules.

    "units" runs every one of these on the same ansible-core, and "core-oldest" and "core-newest" in such forks.
    """
    ansible_test(session, cores.MAIN.version, "units")


@nox.session(name="core-oldest", venv_backend="none")
def core_oldest(session: nox.Session) -> None:
    """Run on the oldest ansible-core what depends most on it."""
    ansible_test(session, "oldest", "modules", "units")


@nox.session(name="core-newest", venv_backend="none")
def core_newest(session: nox.Session) -> None:
    """Run on the newest ansible-core what depends most on it."""
    ansible_test(session, "newest", "modules", "units")


def add_core(core: cores.Core) -> None:
    @nox.session(name=f"core-{core.version}", venv_backend="none", default=False, tags=["matrix"])
    def one_core(session: nox.Session) -> None:
        ansible_test(session, core.version, *(session.posargs or ("sanity", "units", "integration")))

    one_core.__doc__ = f"Run sanity, unit and integration tests on ansible-core {core.release}."


for other_core in (*cores.OLDER, *cores.NEWER):
    add_core(other_core)


def bounds(session: nox.Session, versions: str, *more: str) -> None:
    """Run what uses libraries with other versions of them."""
    if not library_bounds.WAYS[versions]():
        session.skip("its Python is not on this machine")
    options = ["-q", "-n", "2", "-m", "not soak and not processes", "--import-mode=importlib", "-p", "no:cacheprovider"]
    report = f"--junitxml={RESULTS / session.name}.xml"
    run(session, "python", "tests/utils/library_bounds.py", versions, collection_tree(), *options, report, *more)


@nox.session(venv_backend="none", default=False, tags=["matrix"])
def lowest(session: nox.Session) -> None:
    """Run the tests that use libraries with the lowest versions that the collection asks for, on the oldest Python."""
    bounds(session, "lowest")


@nox.session(venv_backend="none", default=False, tags=["matrix"])
def newest(session: nox.Session) -> None:
    """Run the tests that use libraries with the newest versions that the index has today, without pins."""
    # ansible-core 2.21 refuses a NUL itself, in words of its own.
    refused = "tests/unit/test_mssql_backup.py::test_options_that_cannot_be_meant[options6-character 0]"
    bounds(session, "newest", f"--deselect={refused}")


@nox.session(default=False)
def vulnerabilities(session: nox.Session) -> None:
    """Look up known vulnerabilities of everything that is pinned; fails if that cannot be done."""
    session.install("pip-audit")
    run(session, "python", "tests/utils/vulnerabilities.py", pathlib.Path(session.bin, "pip-audit"))


@nox.session
def release(session: nox.Session) -> None:
    """Build into build/ what is published of the commit that is checked out: the tarball and its bill of materials."""
    session.install("cyclonedx-python-lib[json-validation]", "packaging", "pyyaml")
    run(session, "python", "tests/utils/build_collection.py", "--output", ROOT / "build")
    tarball = max((ROOT / "build").glob("*.tar.gz"), key=lambda path: path.stat().st_mtime)
    session.run("python", "tests/utils/sbom.py", str(tarball))


@nox.session(default=False)
def pin(session: nox.Session) -> None:
    """Write constraints.txt and its like: the versions that are installed now, with the hashes of all their files."""
    session.install("uv")
    tool = pathlib.Path(session.bin, "uv")
    run(session, "python", "tests/utils/pin.py", tool)


def picture(session: nox.Session, pages: pathlib.Path) -> None:
    """Have the picture of a report, that of the demo, beside the page that shows it."""
    page = next(pages.rglob("rehearsal.rst"), None)
    if page is None:
        session.error("the guide that shows a report is missing")
    shot = [str(cores.VENV / "bin" / "python"), "tests/utils/screenshot.py", "--height=1700", "build/demo/report.html"]
    with session.chdir(ROOT):
        session.run(*shot, str(page.parent / "report.png"), external=True)


@nox.session(default=False)
def docs(session: nox.Session) -> None:
    """Build the documentation site into build/docs, without network."""
    for generated in ("errors_page.py", "emulator_page.py"):
        run(session, "python", ROOT / "tests" / "utils" / generated)
    session.install("ansible-core", "antsibull-docs", "sphinx", "sphinx-ansible-theme")
    source, target = ROOT / "build" / "docs-source", ROOT / "build" / "docs"
    place = antsibull_nox.sessions.prepare_collections(session, install_in_site_packages=True)
    if place is None:
        session.skip("packages only")
    # A collection that is installed for the user would come first.
    session.env["ANSIBLE_COLLECTIONS_PATH"] = str(
        next(pathlib.Path(session.virtualenv.location).glob("lib/*/site-packages"))
    )
    init = ["sphinx-init", "--use-current", "--squash-hierarchy", "--lenient", f"--dest-dir={source}"]
    session.run("rm", "-rf", str(source), str(target), external=True)
    source.mkdir(parents=True)
    session.run("antsibull-docs", *init, "apsaradb.migration")
    # The theme's links to other projects' inventories would need a network.
    run(session, "python", ROOT / "tests" / "utils" / "ansible_inventory.py", source / "ansible.inv")
    with (source / "conf.py").open("a") as configuration:
        mapping = {"ansible": ("https://docs.ansible.com/ansible/latest/", str(source / "ansible.inv"))}
        configuration.write(f"\nintersphinx_mapping = {mapping}\n")
    (source / "temp-rst").mkdir(exist_ok=True)
    (source / "rst").mkdir(exist_ok=True)
    with session.chdir(source):
        collection = ["collection", "--use-current", "--squash-hierarchy", "--fail-on-error", "--cleanup=everything"]
        session.run("antsibull-docs", *collection, f"--dest-dir={source / 'rst'}", "apsaradb.migration")
        picture(session, source / "rst")
        session.run("sphinx-build", "-M", "html", "rst", "build", "-c", ".", "--keep-going", "-q", "-W")
    session.run("cp", "-r", str(source / "build" / "html"), str(target), external=True)
    session.log(f"The site starts at {target / 'index.html'}")
