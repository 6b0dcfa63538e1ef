"""Hidden states of a text encoder of the transformers library; the network is never reached for."""

import os
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import AutoModel, AutoTokenizer
from transformers.utils import logging

from leaveout.embed import Encoder, Features, Machine
from leaveout.embed.networks import Network
from leaveout.errors import InvalidData, InvalidModel

CHUNK = 512  # a minute of BERT on eight cores; sorted, its batches of 32 are padded by 6 % (1024 texts: 4 %)
#: Files of which a folder must hold one each, as patterns.
PARTS: Mapping[str, Sequence[str]] = {
    "configuration": ("config.json",),
    "tokenizer": ("tokenizer.json", "vocab.*", "*.model"),
    "weights": (
        "model.safetensors",
        "model.safetensors.index.json",
        "pytorch_model.bin",
        "pytorch_model.bin.index.json",
    ),
}


class Pooled(torch.nn.Module):
    """``h_1``, or ``sum_t m_t h_t / sum_t m_t``: one row a text, of the last layer's hidden states h and the mask m.

    Parameters
    ----------
    model : torch.nn.Module
        Gives ``last_hidden_state``, (texts, tokens, d).
    pooling : "cls" | "mean"
    """

    def __init__(self, model: torch.nn.Module, pooling: str) -> None:
        super().__init__()
        self._model = model
        self._pooling = pooling

    def forward(self, attention_mask: torch.Tensor, **tokens: torch.Tensor) -> torch.Tensor:
        """Rows, (texts, d), of texts padded on the right."""
        states = self._model(attention_mask=attention_mask, **tokens).last_hidden_state
        if self._pooling == "cls":
            return states[:, 0]
        mask = attention_mask.unsqueeze(-1)
        return (states.float() * mask).sum(1) / mask.sum(1)


def encoder(settings: Mapping[str, Any], weights: Path | None, machine: Machine) -> Encoder:
    """Return the encoder of texts that these settings describe.

    Parameters
    ----------
    settings : mapping
        ``pooling``, ``max_tokens``, ``batch``, ``mixed_precision``.
    weights : Path
        Folder with the model's configuration, weights and tokenizer.
    machine : Machine

    Raises
    ------
    InvalidModel
        Something is missing in the folder, or cannot be read; or the model has no such features.
    """
    os.environ["RAYON_NUM_THREADS"] = str(machine.threads)  # the tokenizer's threads
    folder = complete_folder(weights)
    tokenizer, model = loaded(folder)
    refuse_unfit(folder, tokenizer, model, settings["pooling"])
    longest = min(settings["max_tokens"], tokenizer.model_max_length, positions(model))
    network = Network(Pooled(model, settings["pooling"]), machine, settings["mixed_precision"])
    about = {
        **network.about,
        "architecture": type(model).__name__,
        "hidden_layers": model.config.num_hidden_layers,
        "max_tokens": longest,
    }
    encode = partial(embed, tokenizer=tokenizer, network=network, longest=longest, batch=settings["batch"])
    return Encoder(encode, CHUNK, about=about, packages=("torch", "transformers", "tokenizers"))


def embed(texts: Sequence[str], tokenizer: Any, network: Network, longest: int, batch: int) -> Features:
    """Rows of texts, (n, d), in their order.

    Batches are made of texts of about the same length, and each is padded to its own longest: the network computes
    little else than real tokens. Long texts come first, so that too large a batch fails at once.

    Parameters
    ----------
    texts : sequence of str
    tokenizer : transformers' tokenizer
    network : Network
        Takes what the tokenizer makes, and returns a row a text.
    longest : int
        Tokens, special ones included, after which texts are cut.
    batch : int
        Texts that pass the network together.

    Raises
    ------
    InvalidData
        The tokenizer makes no token of a text.
    """
    tokens = tokenizer(list(texts), truncation=True, max_length=longest)
    counts = np.array([len(ids) for ids in tokens["input_ids"]])
    if not counts.all():
        text = texts[int(np.argmin(counts))]
        raise InvalidData(f"the tokenizer makes no token of the text {text[:40]!r}: it has no features (leave it out)")
    order = np.argsort(-counts, kind="stable").tolist()
    batches = (order[first : first + batch] for first in range(0, len(order), batch))
    rows = [network(**_padded(tokenizer, tokens, members)) for members in batches]
    features: Features = np.concatenate(rows)[np.argsort(order)]
    return features


def _padded(tokenizer: Any, tokens: Mapping[str, list[list[int]]], members: Sequence[int]) -> Mapping[str, Any]:
    """Tensors, (texts, tokens of the longest), of some of the texts."""
    chosen = {name: [values[i] for i in members] for name, values in tokens.items()}
    padded: Mapping[str, Any] = tokenizer.pad(chosen, return_attention_mask=True, return_tensors="pt")
    return padded


def complete_folder(weights: Path | None) -> Path:
    """Return the folder of the weights.

    Raises
    ------
    InvalidModel
        It is none, or lacks a part; names what is missing.
    """
    if weights is None or not weights.is_dir():
        raise InvalidModel(f"weights: {weights}: not a folder (give the one that holds {', '.join(PARTS)})")
    for part, patterns in PARTS.items():
        if not any(file for pattern in patterns for file in weights.glob(pattern)):
            raise InvalidModel(f"weights: {weights}: no {part} (expected {' or '.join(patterns)})")
    return weights


def loaded(folder: Path) -> tuple[Any, Any]:
    """Tokenizer and model of a folder, in single precision; code that the folder brings is not run.

    Raises
    ------
    InvalidModel
        They cannot be read, or weights are missing: the library would draw them at random, and warn.
    """
    logging.set_verbosity_error()  # it would warn of weights that are left over
    logging.disable_progress_bar()
    where: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
    try:
        tokenizer = AutoTokenizer.from_pretrained(folder, padding_side="right", **where)
        model, found = AutoModel.from_pretrained(folder, dtype=torch.float32, output_loading_info=True, **where)
    except Exception as error:  # the readers of half a dozen formats raise what they like, bare Exception included
        raise InvalidModel(f"weights: {folder}: transformers cannot read this model: {error}") from error
    missing = sorted(name for name in found["missing_keys"] if "pooler" not in name.split("."))  # which is not used
    if missing:
        raise InvalidModel(
            f"weights: {folder}: {len(missing)} tensors of {type(model).__name__} are missing, among them {missing[0]}"
        )
    model.config.use_cache = False  # of generated text; a decoder would keep all keys and values
    return tokenizer, model


def refuse_unfit(folder: Path, tokenizer: Any, model: Any, pooling: str) -> None:
    """Raise InvalidModel for a model whose hidden states are no features of a text under this pooling.

    A decoder's states know the text up to their own token only: the mean over them is a feature, the first is not.
    """
    name = f"weights: {folder}: {type(model).__name__}"
    if model.config.is_encoder_decoder:
        raise InvalidModel(f"{name} is an encoder with a decoder, and neither's last layer stands for the text")
    if pooling == "cls":
        first = tokenizer("a")["input_ids"][0]
        if tokenizer.cls_token_id is None or first != tokenizer.cls_token_id:
            raise InvalidModel(f"{name}: its tokenizer begins no text with a token for the whole (pooling: mean)")
        if getattr(model.config, "is_decoder", False):
            raise InvalidModel(f"{name} is a decoder: the first token knows nothing of the text (pooling: mean)")
    if tokenizer.pad_token is None:
        if tokenizer.eos_token is None:
            raise InvalidModel(f"{name}: its tokenizer has no padding token (give it one in tokenizer_config.json)")
        tokenizer.pad_token = tokenizer.eos_token  # any will do: padding is masked


def positions(model: Any) -> float:
    """Tokens that the model has positions for; RoBERTa's and its kin begin to count after the padding's own."""
    embeddings = getattr(getattr(model, "embeddings", None), "position_embeddings", None)
    skipped = getattr(embeddings, "padding_idx", None)
    limit = getattr(model.config, "max_position_embeddings", float("inf"))
    return limit if skipped is None else limit - skipped - 1
