"""Plant test samples with the wrong label, and rank all training samples by how suspicious they are: one draw."""

from leaveout.detection import detect
from leaveout.job import job
from leaveout.memory import Allowance
from leaveout.result_rows import write
from leaveout.runs import read_run

with job(snakemake):
    params, device = snakemake.params, snakemake.resources.device
    allowance = Allowance.of(params.demand, snakemake.resources.mem_mb)
    embeddings, clean = read_run(snakemake.input, params.training, device, allowance)
    words = params.training["seed"], params.training["dataset"], int(snakemake.wildcards.draw)
    labels = params.labels | {"n_train": clean.n}
    write(detect(clean, embeddings, params.settings, words, device, labels), snakemake.output.rows, params.stamp)
