"""What must never happen: code run from data, secrets told, files taken unverified, packages without their hashes."""

import ast
import hashlib
import json
import re
import runpy
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml
from tenacity import wait_none

from leaveout import transfer
from leaveout.config import load
from leaveout.download import Wanted, obtain
from leaveout.errors import ConfigError, SourceError
from leaveout.job import job
from leaveout.mirror import Mirror
from leaveout.redaction import HIDDEN
from leaveout.sources import origin_of
from serving import serving

pytestmark = pytest.mark.faults

ROOT = Path(__file__).parents[2]
SCRIPTS = ROOT / "workflow" / "scripts"
CODE = sorted(SCRIPTS.rglob("*.py"))
RULES = [ROOT / "Snakefile", *sorted((ROOT / "workflow" / "rules").glob("*.smk"))]

#: Calls that run text, or objects that a file names.
RUNNING = {
    "eval",
    "exec",
    "compile",
    "__import__",
    "os.system",
    "os.popen",
    "yaml.full_load",
    "yaml.unsafe_load",
}
RUNNING |= {f"subprocess.{name}" for name in ("getoutput", "getstatusoutput")}
#: What ``yaml.load`` may be given, and the name under which a module may import the first of them that is there.
SAFE_LOADERS, SAFE_LOADER = {"SafeLoader", "CSafeLoader"}, "SafeLoader"
#: Modules whose files run code when they are read; ``pickles`` alone may use the first, and look nothing up.
UNSAFE_MODULES = {"pickle", "marshal", "shelve", "dill", "cloudpickle", "joblib"}
RESTRICTED = {"pickles.py": {"pickle.Unpickler", "pickle.UnpicklingError"}, "vision.py": {"pickle.UnpicklingError"}}


def dotted(node):
    """``a.b.c`` of an expression, as far as it is one."""
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def _wrong_call(node):
    name, given = dotted(node.func), {keyword.arg: keyword.value for keyword in node.keywords}
    if name in RUNNING:
        yield name
    if name == "yaml.load" and [dotted(argument) for argument in node.args[1:]] != [SAFE_LOADER]:
        yield name
    for key in ("shell", "allow_pickle"):
        if key in given and not (isinstance(given[key], ast.Constant) and given[key].value is False):
            yield f"{key}={ast.unparse(given[key])}"
    safe = given.get("weights_only")
    if name == "torch.load" and not (isinstance(safe, ast.Constant) and safe.value is True):
        yield "torch.load without weights_only"
    if name.startswith("subprocess.") and node.args and not isinstance(node.args[0], ast.List | ast.Name):
        yield f"{name} of a string"


def dangers(source, file):
    """What a piece of code does that no file of this project may do."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            yield from _wrong_call(node)
        elif isinstance(node, ast.Attribute):
            name = dotted(node)
            if name.split(".")[0] in UNSAFE_MODULES and name not in RESTRICTED.get(file, ()):
                yield name
        elif isinstance(node, ast.Name) and node.id == SAFE_LOADER and isinstance(node.ctx, ast.Store):
            yield f"{SAFE_LOADER} ="  # what it is, its import says
        elif isinstance(node, ast.Import | ast.ImportFrom):
            yield from _wrong_import(node, file)


def _wrong_import(node, file):
    module = getattr(node, "module", None)
    names = [module] if module else [alias.name for alias in node.names]
    allowed = {name.split(".")[0] for name in RESTRICTED.get(file, ())} if not module else set()
    yield from (name for name in names if name.split(".")[0] in UNSAFE_MODULES - allowed)
    loaders = {alias.name for alias in node.names if SAFE_LOADER in (alias.name, alias.asname)}
    if loaders and not (module == "yaml" and loaders <= SAFE_LOADERS):
        yield f"{SAFE_LOADER} of {module}"


@pytest.mark.fault(
    "code that runs what a file says", "every call of the library and the scripts is looked at", "none is there"
)
def test_nothing_runs_what_files_say(record_property):
    assert len(CODE) > 90
    record_property("trials", len(CODE))
    found = {str(path): list(dangers(path.read_text(encoding="utf-8"), path.name)) for path in CODE}
    assert {path: wrong for path, wrong in found.items() if wrong} == {}


@pytest.mark.parametrize(
    "source",
    [
        "eval(text)",
        "exec(text)",
        "compile(text, '', 'eval')",
        "__import__(name)",
        "os.system(text)",
        "yaml.load(stream)",
        "yaml.load(stream, Loader=yaml.Loader)",
        "from yaml import UnsafeLoader as SafeLoader",
        "from other import SafeLoader",
        "SafeLoader = yaml.Loader",
        "np.load(path, allow_pickle=True)",
        "np.load(path, allow_pickle=trusted)",
        "torch.load(path)",
        "torch.load(path, weights_only=False)",
        "subprocess.run(command, shell=True)",
        "subprocess.run(f'ls {folder}')",
        "import marshal",
        "import pickle",
        "from pickle import loads",
        "pickle.loads(data)",
    ],
)
def test_the_walk_sees_what_it_is_for(source):
    assert list(dangers(source, "new.py"))
    assert not list(dangers("re.compile(text), np.load(path, allow_pickle=False), yaml.safe_load(text)", "new.py"))
    assert not list(dangers("from yaml import CSafeLoader as SafeLoader\nyaml.load(text, SafeLoader)", "new.py"))


@pytest.mark.fault("a shell that is given words of the configuration", "every rule is looked at", "no rule has a shell")
def test_no_rule_has_a_shell(record_property):
    record_property("trials", len(RULES))
    for path in RULES:
        assert not re.search(
            r"^\s*(shell|run)\s*:|\bshell\s*\(|subprocess|os\.system", path.read_text(), re.MULTILINE
        ), path


#: What no log, record, message or terminal may show.
PASSWORD, TOKEN = "hunter2", "t0ken-abc"
CONTENT = bytes(range(256)) * 40
SECRET = re.compile(f"{PASSWORD}|{TOKEN}")
KEPT = "shown nowhere"


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch):
    monkeypatch.setattr(transfer, "BACKOFF", wait_none())


@pytest.fixture
def server():
    with serving() as running:
        running.files[f"f.zip?token={TOKEN}"] = running.files["f.zip"] = CONTENT
        yield running


@pytest.fixture
def task(tmp_path):
    """A job, as far as Snakemake's part of it matters here."""
    return SimpleNamespace(
        rule="download", scriptdir=str(SCRIPTS), log=[str(tmp_path / "download.log")], threads=1, params={}
    )


def wanted(folder, address, **keys):
    (folder / "raw").mkdir(exist_ok=True)
    url = f"{address.replace('://', f'://me:{PASSWORD}@')}/f.zip?token={TOKEN}"
    return Wanted("source", "f.zip", {"url": url, **keys}, folder / "raw" / "f.zip", folder / "locks" / "f.zip.json")


def assert_nothing_told(folder, *texts):
    for file in filter(Path.is_file, folder.rglob("*")):
        assert not SECRET.search(file.read_bytes().decode("latin-1")), file
    for text in texts:
        assert not SECRET.search(text)


ADDRESS = "an address with user, password and token"


@pytest.mark.fault("a secret in an address", f"{ADDRESS} is fetched", KEPT)
@pytest.mark.parametrize(
    "state", ["whole", "cut", "cut for good", "gone", "another file", "plain http", "nobody there"]
)
def test_a_download_tells_no_secret(tmp_path, server, task, capfd, state):
    sha256 = hashlib.sha256(CONTENT).hexdigest()
    keys = {} if state == "plain http" else {"sha256": "0" * 64 if state == "another file" else sha256}
    server.moods = {"cut": [{"cut": 999}], "gone": [{"status": 403}]}.get(state, [])
    server.habit = {"cut": 0} if state == "cut for good" else {}
    address = "http://127.0.0.1:1" if state == "nobody there" else server.address
    told = ""
    try:
        with job(task):
            obtain(wanted(tmp_path, address, **keys))
    except SystemExit as ended:
        told = str(ended)
    assert bool(told) == (state not in ("whole", "cut"))
    assert_nothing_told(tmp_path, told, *capfd.readouterr())
    log = Path(task.log[0]).read_text()
    assert "f.zip" in log + told
    if state in ("whole", "cut"):
        assert Path(tmp_path / "raw" / "f.zip").read_bytes() == CONTENT
        assert json.loads(origin_of(tmp_path / "raw" / "f.zip").read_text())["origin"].startswith(
            f"http://{HIDDEN}@127"
        )


@pytest.mark.fault("a secret in an address", f"a mirror of {ADDRESS}", KEPT)
def test_a_mirror_tells_no_secret(tmp_path, server, task, capfd):
    place = server.address.replace("://", f"://me:{PASSWORD}@")
    told = ""
    try:
        with job(task):
            obtain(wanted(tmp_path, "https://e.org", sha256="0" * 64), Mirror(f"{place}/none"))
    except SystemExit as ended:
        told = str(ended)
    assert "404" in told
    assert_nothing_told(tmp_path, told, *capfd.readouterr())


@pytest.mark.fault(
    "a secret in an address", "a part of a file has arrived when the job ends", "not in the note beside it either"
)
def test_what_has_arrived_is_continued_and_its_note_tells_no_secret(tmp_path, server):
    task = wanted(tmp_path, server.address, sha256=hashlib.sha256(CONTENT).hexdigest())
    server.moods, server.habit = [{"cut": 999}], {"cut": 0}
    with pytest.raises(SourceError):
        obtain(task)
    assert (tmp_path / "raw" / ".partial.f.zip").stat().st_size > 0
    assert_nothing_told(tmp_path)
    server.habit, server.moods = {}, []
    obtain(task)
    assert server.asked[-1][1].get("Range") == "bytes=999-"


@pytest.mark.fault("a secret in an address", "the run's record holds the configuration", KEPT)
def test_the_record_of_a_run_tells_no_secret(tmp_path, task):
    url = f"https://me:{PASSWORD}@e.org/f?token={TOKEN}"
    task.params = SimpleNamespace(
        config={"sources": {"s": {"files": {"f": {"url": url}}}}}, library="0", get=lambda *_: {}
    )
    task.output = SimpleNamespace(record=str(tmp_path / "run.yaml"))
    runpy.run_path(str(SCRIPTS / "run_record.py"), init_globals={"snakemake": task})
    assert_nothing_told(tmp_path)
    record = yaml.safe_load((tmp_path / "run.yaml").read_text())
    assert record["config"]["sources"]["s"]["files"]["f"]["url"] == f"https://{HIDDEN}@e.org/f?token={HIDDEN}"


@pytest.mark.fault("a secret in an address", "the address is refused by the configuration", KEPT)
def test_a_refused_setting_tells_no_secret():
    schema = ROOT / "workflow" / "schemas" / "config.schema.yaml"
    url = f"ftp://me:{PASSWORD}@e.org/f?token={TOKEN}"
    source = {"license": "none", "files": {"f": {"url": url}}}
    config = {"seed": 0, "studies": {"demo": {"datasets": ["d"]}}, "datasets": {}, "sources": {"s": source}}
    with pytest.raises(ConfigError) as refused:
        load(config, schema, [])
    assert "sources.s.files.f.url = " in str(refused.value)
    assert_nothing_told(ROOT / "none", str(refused.value))


@pytest.mark.fault("a secret in an address", "an unexpected error with it, deep in a library", KEPT)
def test_a_traceback_tells_no_secret(tmp_path, task, capfd):
    with pytest.raises(SystemExit) as ended, job(task):
        raise RuntimeError(f"pool: Max retries exceeded with url: /f?token={TOKEN}, http://me:{PASSWORD}@e.org")
    assert "Traceback" in Path(task.log[0]).read_text()
    assert_nothing_told(tmp_path, str(ended.value), *capfd.readouterr())


UNVERIFIED = "refused, nothing is taken"


@pytest.mark.fault("a file that comes without encryption and without a checksum", "over plain http", UNVERIFIED)
def test_what_nothing_verifies_is_not_taken(tmp_path, server):
    with pytest.raises(SourceError, match="plain http and nobody states a checksum"):
        obtain(wanted(tmp_path, server.address))
    assert server.asked == []
    assert list((tmp_path / "raw").iterdir()) == []


@pytest.mark.fault("another file than the published one", "the server sends it", UNVERIFIED)
@pytest.mark.parametrize("algorithm, digits", [("sha256", 64), ("md5", 32)])
def test_another_file_is_not_taken(tmp_path, server, algorithm, digits):
    with pytest.raises(SourceError, match="it is not the published file"):
        obtain(wanted(tmp_path, server.address, **{algorithm: "0" * digits}))
    assert list((tmp_path / "raw").iterdir()) == []


HASHED = ("run", "slurm", "test", "snakemake", "environments")
PINNED = ("torch", "embed", "test-embed", "test-report", "test-conda")


@pytest.mark.fault(
    "a package that is another one than was tried",
    "every line of requirements/ is looked at",
    "pinned; by hash but where a card decides",
)
@pytest.mark.parametrize("name", [*HASHED, *PINNED])
def test_packages_are_pinned(name):
    text = (ROOT / "requirements" / f"{name}.txt").read_text().replace("\\\n", " ")
    lines = [line.split(" #")[0].strip() for line in text.splitlines()]
    lines = [line for line in lines if line and not line.startswith(("#", "--requirement"))]
    assert lines
    for line in lines:
        assert re.match(r"[A-Za-z0-9._\[\]-]+==\S+", line), line
        assert name not in HASHED or "--hash=sha256:" in line, line
    assert {path.stem for path in (ROOT / "requirements").glob("*.txt")} == {*HASHED, *PINNED}


@pytest.mark.fault(
    "a package whose file has changed", "what installs the run's packages is looked at", "refused by its hash"
)
def test_locked_packages_are_installed_by_hash():
    makefile = (ROOT / "Makefile").read_text()
    assert re.search(r"^LOCKED := .* --require-hashes ", makefile, re.MULTILINE)
    for name in ("run", "slurm", "test"):
        assert re.search(rf"requirements/{name}\.txt.*\n(\t@echo.*\n)?\t@\$\(PIP\) \$<", makefile), name


@pytest.mark.fault("an installed package that shadows the library", "the job finds it first", "refused before any work")
def test_a_library_from_elsewhere_is_refused(tmp_path, task):
    code = f"""
import sys
sys.path.insert(0, {str(SCRIPTS)!r})
from types import SimpleNamespace
from leaveout.job import job
with job(SimpleNamespace(rule="fit", scriptdir={str(tmp_path)!r}, log=["{tmp_path}/log"], threads=1, params={{}})):
    print("it worked")
"""
    done = subprocess.run([sys.executable, "-B", "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "an installed copy comes first" in done.stderr
    assert "it worked" not in done.stdout
