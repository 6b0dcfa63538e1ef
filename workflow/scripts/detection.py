"""Plant test samples with the wrong label, and rank all training samples by how suspicious they are; several draws."""

from leaveout.detection import detect
from leaveout.embeddings import read_embeddings
from leaveout.job import job
from leaveout.linear_algebra import placed
from leaveout.model_file import read_model
from leaveout.result_rows import table, write
from leaveout.suspicion import SCHEMA

with job(snakemake):
    embeddings = read_embeddings(snakemake.input).subsample(**snakemake.params.training)
    device, seed = snakemake.resources.device, snakemake.params.training["seed"]
    X = placed(embeddings.training.X, device)
    clean = read_model(snakemake.input.model, snakemake.input.factor, X, embeddings.training.y)
    labels = snakemake.params.labels | {"n_train": clean.n}
    found = detect(clean, embeddings, snakemake.params.settings, seed, device, labels)
    write(table(found, SCHEMA), snakemake.output.rows)
