"""Configurations that nobody meant: refused with file, key, value and what is allowed, before anything runs."""

import unicodedata
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from checkout import copy_of_the_checkout
from leaveout.config import Config, load
from leaveout.errors import ConfigError, LeaveoutError

pytestmark = pytest.mark.faults

ROOT = Path(__file__).parents[2]
SCHEMA = ROOT / "workflow" / "schemas" / "config.schema.yaml"
SHIPPED = yaml.safe_load((ROOT / "config" / "datasets.yaml").read_text())
#: A part of what the project ships: reading all of it takes longer than all else here.
OURS = {
    "seed": 0,
    "studies": {"demo": {"datasets": ["digits"]}},
    "datasets": {"digits": SHIPPED["datasets"]["digits"]},
    "sources": {name: SHIPPED["sources"][name] for name in ("digits", "cifar10")},
}


def over(below, above):
    """Mappings merged as Snakemake does."""
    both = {key for key in above if isinstance(above[key], dict) and isinstance(below.get(key), dict)}
    return {**below, **above, **{key: over(below[key], above[key]) for key in both}}


def refusal(tmp_path, written):
    """What is said of a user's file."""
    ours, mine = tmp_path / "ours.yaml", tmp_path / "mine.yaml"
    ours.write_text(yaml.safe_dump(OURS))
    mine.write_text(yaml.safe_dump(written, allow_unicode=True), encoding="utf-8")
    read = yaml.safe_load(mine.read_text(encoding="utf-8"))
    with pytest.raises(ConfigError) as refused:
        load(over(OURS, read), SCHEMA, [ours, mine])
    message = str(refused.value)
    assert message.startswith(f"{mine}: ")
    assert message.isprintable()
    return message.removeprefix(f"{mine}: ")


def demo(**changes):
    return {"studies": {"demo": changes}}


def digits(**changes):
    return {"datasets": {"digits": changes}}


def removal(**changes):
    return demo(removal=changes)


def source(name="f", **file):
    return {"sources": {"mine": {"license": "none", "files": {name: file}}}}


#: What is wrong: (what the user writes, how the message begins, what it says is allowed).
KINDS = {
    "an unknown key": [
        ({"sede": 1}, "sede: unknown key", "did you mean seed?"),
        (demo(dataset=["digits"]), "studies.demo.dataset: unknown key", "did you mean datasets?"),
        (removal(size={}), "studies.demo.removal.size: unknown key", "did you mean sizes?"),
        (digits(lamda=1), "datasets.digits.lamda: unknown key", "regularization"),
        (source(uri="https://e.org"), "sources.mine.files.f.uri: unknown key", "did you mean url?"),
    ],
    "a value of another type": [
        ({"seed": "zero"}, "seed = 'zero'", "integer, >= 0"),
        ({"seed": 1.5}, "seed = 1.5", "integer"),
        ({"seed": True}, "seed = True", "integer"),
        ({"seed": [1]}, "seed = [1]", "integer"),
        ({"studies": []}, "studies = []", "object"),
        (demo(datasets="digits"), "studies.demo.datasets = 'digits'", "array"),
        (digits(title=3), "datasets.digits.title = 3", "string"),
        (digits(regularization="small"), "datasets.digits.regularization = 'small'", "number, > 0"),
    ],
    "a lambda that is not positive": [
        (digits(regularization=0), "datasets.digits.regularization = 0", "number, > 0"),
        (digits(regularization=-1e-5), "datasets.digits.regularization = -1e-05", "number, > 0"),
        (digits(regularization=float("nan")), "datasets.digits.regularization = nan", "finite numbers"),
        (digits(regularization=float("inf")), "datasets.digits.regularization = inf", "finite numbers"),
        (
            demo(vary=[{"dataset": "digits", "regularization": [1, 0]}]),
            "studies.demo.vary.0.regularization.1 = 0",
            "number, > 0",
        ),
    ],
    "removal sets of 100 % or more, or of nothing": [
        (removal(sizes={"max": 140}), "studies.demo.removal.sizes.max = 140", "< 100"),
        (removal(sizes={"max": 100}), "studies.demo.removal.sizes.max = 100", "< 100"),
        (removal(sizes={"min": 0}), "studies.demo.removal.sizes.min = 0", "> 0"),
        (removal(sizes={"min": -5}), "studies.demo.removal.sizes.min = -5", "> 0"),
        (removal(sizes={"min": 9, "max": 3}), "studies.demo.removal.sizes.min = 9.0", "at most max = 3.0"),
        (removal(sizes={"count": 0}), "studies.demo.removal.sizes.count = 0", ">= 1"),
    ],
    "more sets or samples than there are": [
        (removal(repeats=1438), "studies.demo.removal.repeats = 1438", "the different sets of 1 of 1437 samples"),
        (
            demo(vary=[{"dataset": "digits", "n_train": [1438]}]),
            "studies.demo.vary.0.n_train.0 = 1438",
            "expected.n_train = 1437",
        ),
        (
            over(removal(repeats=46), demo(vary=[{"dataset": "digits", "n_train": [10]}])),
            "studies.demo.removal.repeats = 46",
            "at most 10",
        ),
    ],
    "numbers that no plan could hold": [
        (removal(sizes={"count": 10**9}), "studies.demo.removal.sizes.count = 1000000000", "<= 10000"),
        (removal(repeats=10**9), "studies.demo.removal.repeats = 1000000000", "<= 10000"),
        (demo(bootstrap=10**12), "studies.demo.bootstrap = 1000000000000", "<= 1000000"),
        (
            demo(poisoning={"dataset": "digits", "draws": 10**9}),
            "studies.demo.poisoning.draws = 1000000000",
            "<= 10000",
        ),
    ],
    "an unknown strategy, evaluation, data set, source or parser": [
        (removal(strategies=["nearest"]), "studies.demo.removal.strategies.0 = 'nearest'", "one of random, "),
        (demo(evaluations=["accuracy"]), "studies.demo.evaluations.0 = 'accuracy'", "one of test_prediction"),
        (demo(datasets=["digit"]), "studies.demo.datasets.0 = digit", "did you mean digits?"),
        (digits(source="nowhere"), "datasets.digits.source = nowhere", "cifar10"),
        (digits(parser="digit"), "datasets.digits.parser = 'digit'", "digits"),
    ],
    "a study named like a rule": [
        ({"studies": {name: {"datasets": ["digits"]}}}, f"studies.{name}", "anything but aggregate, all")
        for name in ("all", "fit", "effects", "table1")
    ],
    "a name that leads out of its folder": [
        ({kind: {name: {}}}, f"{kind}.{name}: ", "string, matching")
        for kind in ("studies", "datasets", "sources")
        for name in ("../x", "a/b", "/etc", "..", ".", "a\\b", "~", "C:x", "{x}", "a b", "-x", "a" * 101)
    ],
    "a file's name that leads out of its folder": [
        (source(name, url="https://e.org"), f"sources.mine.files.{name}: ", "string, matching")
        for name in ("../f", "a/../f", "/etc/passwd", "a/b/c", ".hidden", "..")
    ],
    "a path that leads out of its package": [
        (
            source(package="numpy", path=path, sha256="0a" * 32),
            f"sources.mine.files.f.path = {path}",
            "a path inside the package",
        )
        for path in ("../../etc/passwd", "/etc/passwd", "a/../../f")
    ],
    "a name of letters that only look alike, or that can be written in two ways": [
        ({"datasets": {name: {}}}, f"datasets.{name}: ", "string, matching")
        for name in (
            "\u0430bc",
            "caf\u00e9",
            unicodedata.normalize("NFD", "caf\u00e9"),
            "\u05d0\u05d1",
            "数据",
            "ﬁle",
            "①",
        )
    ],
    "signs that a terminal obeys, in names and values": [
        ({"datasets": {"a\n": {}}}, r"datasets.a\n: ", "string, matching"),
        ({"studies": {"\u202egnp": {}}}, r"studies.\u202egnp: ", "string, matching"),
        ({"sources": {"a\u200b": {}}}, r"sources.a\u200b: ", "string, matching"),
        (digits(title="a\u202eb"), r"datasets.digits.title = 'a\u202eb'", "string, matching"),
        (digits(title="a\x1b[31m"), r"datasets.digits.title = 'a\x1b[31m'", "string, matching"),
        (demo(datasets=["a\x1b"]), r"studies.demo.datasets.0 = a\x1b", "digits"),
        (source(url="https://e.org/\n"), r"sources.mine.files.f.url = 'https://e.org/\n'", "string, matching"),
        (source(path="a\x00b"), r"sources.mine.files.f.path = 'a\x00b'", "string, matching"),
        ({"mirror": "a\x00b"}, r"mirror = 'a\x00b'", "string, null, matching"),
    ],
    "a way that nothing encrypts or verifies": [
        (source(url="ftp://e.org/f"), "sources.mine.files.f.url = 'ftp://e.org/f'", "string, matching ^https?://"),
        (source(url="file:///etc/passwd"), "sources.mine.files.f.url = 'file:///etc/passwd'", "string, matching"),
        (source(package="numpy", path="f"), "sources.mine.files.f = {", "package and path with sha256"),
        ({"mirror": "s3://bucket"}, "mirror = 's3://bucket'", "string, null, matching"),
    ],
}
TRIALS = [(kind, *case) for kind, cases in KINDS.items() for case in cases]
SAID = "refused: file, key, value and what is allowed"


def trials():
    for number, (kind, written, begins, allowed) in enumerate(TRIALS):
        mark = pytest.mark.fault(kind, "a user's configuration file has it", SAID)
        yield pytest.param(written, begins, allowed, marks=mark, id=f"{number}")


@pytest.mark.parametrize("written, begins, allowed", list(trials()))
def test_what_nobody_meant_is_refused_by_file_key_value_and_what_is_allowed(tmp_path, written, begins, allowed):
    message = refusal(tmp_path, written)
    assert message.startswith(begins)
    assert "allowed: " in message
    assert allowed in message


@pytest.mark.fault("a setting that holds itself, or others too deep", "written with & and *, or nested", SAID)
@pytest.mark.parametrize("text", ["studies: &all {demo: *all}", f"seed: {'[' * 300}{']' * 300}"])
def test_settings_without_end_are_refused(tmp_path, text):
    (tmp_path / "mine.yaml").write_text(text)
    with pytest.raises(LeaveoutError, match=r"mine\.yaml: (a setting holds itself|seed = )"):
        load(over(OURS, yaml.safe_load(text)), SCHEMA, [tmp_path / "mine.yaml"])


ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from(["1e999", "1e-5", "digits", ".."]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text() | st.integers() | st.none(), inner, max_size=3)
    ),
    max_leaves=6,
)
KEYS = st.sampled_from(["seed", "studies", "datasets", "sources", "mirror", "device", "accept_unverified"])


@pytest.mark.fault(
    "anything at all in the place of settings", "made up by hypothesis", "accepted, or refused by a typed error"
)
def test_whatever_is_written_is_accepted_or_refused(record_property):
    made = []

    @settings(max_examples=40, deadline=None)
    @given(st.dictionaries(KEYS, ANYTHING, min_size=1, max_size=3))
    def one(changes):
        made.append(1)
        try:
            assert isinstance(load(over(OURS, changes), SCHEMA, []), Config)
        except ConfigError as error:
            assert str(error).startswith("--config: ")  # noqa: PT017

    one()
    record_property("trials", len(made))


NAMED_ALIKE = """
datasets:
  digits_study: {extends: digits}
  tables: {extends: digits}
studies:
  digits: {datasets: [digits, tables]}
  digits_study: {datasets: [digits_study]}
"""


@pytest.mark.fault(
    "a data set named like a study, or like a folder of results", "both in one file", "each has its own files"
)
def test_a_data_set_may_be_named_like_a_study(tmp_path):
    checkout = copy_of_the_checkout(tmp_path)
    (tmp_path / "mine.yaml").write_text(NAMED_ALIKE)
    targets = [f"results/{name}/effects.parquet" for name in ("digits", "digits_study")]
    done = checkout.snakemake(*targets, config=tmp_path / "mine.yaml", options=["--dry-run", "--quiet", "rules"])
    assert done.returncode == 0, done.stdout


@pytest.mark.fault("a name that leads out of its folder", "asked for as a target", "no rule makes it")
@pytest.mark.parametrize(
    "target",
    [
        "resources/embeddings/../../x/X.npy",
        "results/demo/../../x/base/fit.npz",
    ],
)
def test_targets_outside_their_folders_are_nobodys(checkout_once, target):
    done = checkout_once.snakemake(target, config=None, options=["--dry-run"])
    assert done.returncode != 0
    assert "MissingRuleException" in done.stdout


@pytest.fixture(scope="module")
def checkout_once(tmp_path_factory):
    return copy_of_the_checkout(tmp_path_factory.mktemp("targets"))
