"""Rank the training samples as they are by how suspicious they look, and retrain without the most suspicious ones."""

import numpy as np

from leaveout.embeddings import read_embeddings
from leaveout.job import job
from leaveout.linear_algebra import placed
from leaveout.model_file import read_model
from leaveout.result_rows import table, write
from leaveout.seeds import generator
from leaveout.suspicion import SCHEMA, rank_samples

with job(snakemake):
    seed, dataset = snakemake.params.training["seed"], snakemake.params.training["dataset"]
    training = read_embeddings(snakemake.input).subsample(**snakemake.params.training).training
    X = placed(training.X, snakemake.resources.device)
    model = read_model(snakemake.input.model, snakemake.input.factor, X, training.y)
    labels = snakemake.params.labels | {"n_train": model.n, "draw": 0}
    nothing, draws = np.zeros(model.n, dtype=np.bool_), generator(seed, dataset, model.n, "suspects")
    found = rank_samples(model, training.ids, nothing, snakemake.params.retrained, draws, labels)
    write(table(found, SCHEMA), snakemake.output.rows)
