"""Hold Theorem 3.1 against an audit's removal sets: its constants, its bounds, and what they are about."""

from leaveout import result_rows, theorem
from leaveout.evaluated_runs import read_evaluated_run
from leaveout.job import job
from leaveout.memory import Allowance
from leaveout.removal import read_removal_sets

with job(snakemake) as log:
    params = snakemake.params
    where, allowance = snakemake.resources.device, Allowance.of(params.demand, snakemake.resources.mem_mb)
    model, bound = read_evaluated_run(snakemake.input, params.training, params.evaluations, where, allowance)
    sets = read_removal_sets(snakemake.input.sets)
    log.info("%d removal sets", len(sets))
    rows = theorem.theorem_rows(model, bound, sets, params.labels | {"n_train": model.n})
    result_rows.write(result_rows.table(rows, theorem.SCHEMA), snakemake.output.rows, params.stamp)
