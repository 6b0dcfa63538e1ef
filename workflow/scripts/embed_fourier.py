"""Embed small vectors by random Fourier features."""

from pathlib import Path

from leaveout.datasets import parser
from leaveout.embed.fourier import embed
from leaveout.embeddings import split, write_embeddings
from leaveout.job import job
from leaveout.provenance import versions
from leaveout.records import labelled
from leaveout.sources import describe

with job(snakemake) as log:
    dataset, raw = snakemake.params.dataset, Path(snakemake.input.raw)
    records, y = labelled(parser(dataset["parser"])(raw), dataset["classes"])
    X = embed(records.payload, **snakemake.params.features)
    parts = split(len(y), **dataset["split"])
    log.info("%d samples, %d features, %d for training", *X.shape, parts.count("train"))
    about = {"source": describe(raw), "embedding": dataset["embedding"], "versions": versions()}
    write_embeddings(snakemake.output, X, y, records.ids, parts, about)
