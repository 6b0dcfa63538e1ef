"""Bound the errors of predictions without retraining, beside the certified errors, for an audit's removal sets."""

from leaveout import predictions, result_rows
from leaveout.job import job
from leaveout.memory import Allowance
from leaveout.removal import first_sets, read_removal_sets
from leaveout.runs import read_run

with job(snakemake) as log:
    params = snakemake.params
    allowance = Allowance.of(params.demand, snakemake.resources.mem_mb)
    embeddings, model = read_run(snakemake.input, params.training, snakemake.resources.device, allowance)
    del embeddings  # the model has training samples of its own
    sets = first_sets(read_removal_sets(snakemake.input.sets))
    log.info("%d removal sets", len(sets))
    labels = params.labels | {"n_train": model.n}
    rows = predictions.measure_predictions(model, sets, labels, params.iteration_limit)
    result_rows.write(result_rows.table(rows, predictions.SCHEMA), snakemake.output.rows, params.stamp)
