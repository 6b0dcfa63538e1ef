"""The library digest: it changes with what a script reaches by import, and with nothing else."""

import ast
import re
from pathlib import Path

import pytest

from leaveout import provenance
from leaveout.provenance import library_digest

SCRIPTS = Path(__file__).parents[1] / "workflow" / "scripts"
RULES = SCRIPTS.parent / "rules"

PACKAGE = {
    "__init__.py": "",
    "direct.py": "import numpy\nfrom leaveout import sibling\n",
    "sibling.py": "def f():\n    from leaveout.sub.lazy import g\n    return g\n",
    "sub/__init__.py": "",
    "sub/lazy.py": "import leaveout.last as last\n",
    "sub/named.py": "",
    "sub/unreached.py": "",
    "last.py": "if False:\n    import leaveout.direct\n",
    "unreached.py": "from leaveout import direct\n",
    "numpy.py": "",
}
REACHED = ("__init__.py", "direct.py", "sibling.py", "sub/__init__.py", "sub/lazy.py", "last.py")


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A small library in place of the real one."""
    folder = tmp_path / "leaveout"
    for name, text in PACKAGE.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    monkeypatch.setattr(provenance, "PACKAGE", folder)
    library_digest.cache_clear()
    yield folder
    library_digest.cache_clear()


@pytest.fixture
def script(tmp_path):
    file = tmp_path / "script.py"
    file.write_text("import json\nfrom leaveout.direct import something\n")
    return file


def changes(file, script, *modules):
    """Whether one more byte in a file changes the digest."""
    before = library_digest(script, *modules)
    file.write_bytes(file.read_bytes() + b"#")
    library_digest.cache_clear()
    return library_digest(script, *modules) != before


@pytest.mark.parametrize("name", REACHED)
def test_the_digest_follows_every_import(package, script, name):
    assert changes(package / name, script)


@pytest.mark.parametrize("name", sorted(set(PACKAGE) - set(REACHED)))
def test_the_digest_ignores_what_no_import_reaches(package, script, name):
    assert not changes(package / name, script)


def test_a_module_named_by_the_configuration_counts(package, script):
    assert changes(package / "sub/named.py", script, "sub.named")


def test_a_renamed_module_changes_the_digest(package, script):
    before = library_digest(script)
    (package / "last.py").rename(package / "final.py")
    (package / "sub/lazy.py").write_text("import leaveout.final as last\n")
    library_digest.cache_clear()
    assert library_digest(script) != before


def test_the_digest_does_not_depend_on_where_the_library_is(package, script, tmp_path, monkeypatch):
    before = library_digest(script)
    moved = package.rename(tmp_path / "elsewhere")
    (tmp_path / "new").mkdir()
    monkeypatch.setattr(provenance, "PACKAGE", moved.rename(tmp_path / "new" / "leaveout"))
    library_digest.cache_clear()
    assert library_digest(script) == before


def test_a_script_that_reaches_nothing_is_an_error(package, script):
    script.write_text("import numpy, leaveouts\nfrom pathlib import Path\n")
    with pytest.raises(ValueError, match=r"script\.py: imports nothing from leaveout"):
        library_digest(script)


@pytest.mark.parametrize("file", sorted(SCRIPTS.glob("*.py")), ids=lambda file: file.stem)
def test_every_script_of_the_workflow_reaches_modules_of_the_library(file):
    assert library_digest(file)
    # `import leaveout; leaveout.fit` would hide from the digest what is loaded lazily
    imported = [name for name in provenance._imported(file) if name.count(".")]
    assert imported
    assert all(list(provenance._files(name))[1:] for name in imported)


def test_the_library_imports_itself_by_full_names():
    """The digest does not follow ``from . import x``."""
    files = list(provenance.PACKAGE.rglob("*.py"))
    assert files
    for file in files:
        relative = [node for node in ast.walk(ast.parse(file.read_text())) if getattr(node, "level", 0)]
        assert not relative, file


def test_every_computing_rule_carries_the_digest_of_its_own_script():
    found = 0
    for file in sorted(RULES.glob("*.smk")):
        text = file.read_text()
        products = dict(re.findall(r"^(\w+) = LINEAGE\.product\((.+?)^\)", text, flags=re.MULTILINE | re.DOTALL))
        for body in re.split(r"^rule ", text, flags=re.MULTILINE)[1:]:
            own = re.split(r"^(?:use rule |\w+ = )", body, flags=re.MULTILINE)[0]
            if product := re.search(r"\*\*(\w+)\.params,", own):
                own += products[product.group(1)]
                assert f"outdated={product.group(1)}.outdated," in own
            script = re.search(r'script:\s+"\.\./scripts/(\w+)\.py"', own)
            digest = re.search(r'library=(?:library\("(\w+)"\)|(\w+)),', own)
            assert script, (file, own)
            assert digest, (file, own)
            # run_record states the digest of the results that it describes
            assert digest.group(1) in (script.group(1), None) or script.group(1) == "run_record"
            found += 1
    assert found == len(list(SCRIPTS.glob("*.py")))


def test_versions_are_those_of_the_installed_packages():
    import numpy as np

    found = provenance.versions()
    assert found["numpy"] == np.__version__
    assert set(found) <= {"python", *provenance.PACKAGES}


def test_packages_that_are_not_installed_have_no_version(monkeypatch):
    monkeypatch.setattr(provenance, "PACKAGES", ("numpy", "no-such-package"))
    assert set(provenance.versions()) == {"python", "numpy"}
