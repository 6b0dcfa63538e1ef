"""Measure the removal sets of one strategy: predictions and certified retrains."""

from leaveout.effects import table, write
from leaveout.embeddings import read_embeddings
from leaveout.evaluation import bind
from leaveout.job import job
from leaveout.measurement import measure
from leaveout.model_file import read_model
from leaveout.removal import read_removal_sets

with job(snakemake) as log:
    seed, dataset = snakemake.params.training["seed"], snakemake.params.training["dataset"]
    embeddings = read_embeddings(snakemake.input).subsample(**snakemake.params.training)
    training, test = embeddings.training, embeddings.test
    model = read_model(snakemake.input.model, training.X, training.y)
    evaluations = bind(snakemake.params.evaluations, model, test.X, test.y, seed, dataset)
    sets = read_removal_sets(snakemake.input.sets, snakemake.wildcards.strategy)
    labels = snakemake.params.labels | {"n_train": model.n}
    log.info("%d removal sets", len(sets))
    write(table(measure(model, evaluations, sets, labels)), snakemake.output.rows)
