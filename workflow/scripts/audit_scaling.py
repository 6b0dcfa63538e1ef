"""Measure the errors of predictions on random sets of one run, of every size."""

from leaveout import result_rows, scaling
from leaveout.job import job
from leaveout.memory import Allowance
from leaveout.runs import read_run

with job(snakemake):
    params = snakemake.params
    allowance = Allowance.of(params.demand, snakemake.resources.mem_mb)
    model = read_run(snakemake.input, params.training, snakemake.resources.device, allowance)[1]
    labels = params.labels | {"n_train": model.n}
    rows = scaling.measure(model, params.draws, params.training["seed"], labels, iteration_limit=params.iteration_limit)
    result_rows.write(result_rows.table(rows, scaling.SCHEMA), snakemake.output.rows, params.stamp)
