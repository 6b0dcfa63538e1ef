"""Embed small vectors by random Fourier features."""

from pathlib import Path

from leaveout.datasets import parser
from leaveout.embed.fourier import embed
from leaveout.embeddings import parts_of, write_embeddings
from leaveout.job import job
from leaveout.provenance import versions
from leaveout.records import labelled
from leaveout.sources import describe

with job(snakemake) as log:
    raw, params = [Path(file) for file in snakemake.input.raw], snakemake.params
    records, y = labelled(parser(params.parser)(*raw), params.classes)
    X = embed(records.payload, **{key: value for key, value in params.embedding.items() if key != "method"})
    parts = parts_of(records, params.split)
    log.info("%d samples, %d features, %d for training", *X.shape, parts.count("train"))
    about = {"sources": [describe(file) for file in raw], "embedding": params.embedding, "versions": versions()}
    write_embeddings(snakemake.output, X, y, records.ids, parts, about)
