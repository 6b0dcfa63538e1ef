"""Retrain without an audit's sets of the first seed as the published procedure does, and predict at its full model."""

from leaveout import published, result_rows
from leaveout.evaluation import bind
from leaveout.job import job
from leaveout.memory import Allowance
from leaveout.removal import first_sets, read_removal_sets
from leaveout.runs import read_run

with job(snakemake) as log:
    params = snakemake.params
    seed, dataset = params.training["seed"], params.training["dataset"]
    allowance = Allowance.of(params.demand, snakemake.resources.mem_mb)
    embeddings, model = read_run(snakemake.input, params.training, snakemake.resources.device, allowance)
    test = embeddings.test
    del embeddings  # the model has training samples of its own
    evaluations = bind(params.evaluations, model, test.X, test.y, seed, dataset)
    sets = first_sets(read_removal_sets(snakemake.input.sets))
    log.info("%d removal sets", len(sets))
    rows = published.measure(model, evaluations, sets, params.labels | {"n_train": model.n})
    result_rows.write(result_rows.table(rows, published.SCHEMA), snakemake.output.rows, params.stamp)
