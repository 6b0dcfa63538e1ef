"""Measure an audit's removal sets under each convention: predictions and certified retrains."""

from leaveout import conventions, result_rows
from leaveout.evaluation import bind
from leaveout.job import job
from leaveout.memory import Allowance
from leaveout.removal import read_removal_sets
from leaveout.runs import read_run

with job(snakemake) as log:
    params = snakemake.params
    seed, dataset = params.training["seed"], params.training["dataset"]
    allowance = Allowance.of(params.demand, snakemake.resources.mem_mb)
    embeddings, model = read_run(snakemake.input, params.training, snakemake.resources.device, allowance)
    test = embeddings.test
    del embeddings  # the model has training samples of its own
    sets = read_removal_sets(snakemake.input.sets)
    log.info("%d removal sets", len(sets))
    rows = conventions.measure_conventions(
        model,
        lambda variant: bind(params.evaluations, variant, test.X, test.y, seed, dataset),
        sets,
        params.labels | {"n_train": model.n},
        params.iteration_limit,
    )
    result_rows.write(result_rows.table(rows, conventions.SCHEMA), snakemake.output.rows, params.stamp)
