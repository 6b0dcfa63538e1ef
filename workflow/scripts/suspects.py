"""Rank the training samples as they are by how suspicious they look, and retrain without the most suspicious ones."""

from leaveout.job import job
from leaveout.memory import Allowance
from leaveout.result_rows import write
from leaveout.runs import read_run
from leaveout.seeds import generator
from leaveout.suspicion import rank_samples

with job(snakemake):
    params = snakemake.params
    allowance = Allowance.of(params.demand, snakemake.resources.mem_mb)
    embeddings, model = read_run(snakemake.input, params.training, snakemake.resources.device, allowance)
    draws = generator(params.training["seed"], params.training["dataset"], model.n, "suspects")
    labels = params.labels | {"n_train": model.n, "draw": 0}
    rows = rank_samples(model, embeddings.training, 0, params.retrained, draws, labels, params.iteration_limit)
    write(rows, snakemake.output.rows, params.stamp)
