"""How much did a set of training samples matter? From data to figures.

Paths
-----
resources/raw/{source}/{file}                                source files, verified
resources/raw/{source}/{file}.origin.json                    where each came from, and what vouches for it
resources/checksums/{source}/{file}.json                     first downloads of what has no published checksum
resources/embeddings/{dataset}/{X.npy,samples.parquet,about.json}
results/{study}/{dataset}/{variant}/{fit.npz,factor.npy}     the full model, its certificate, its factored Hessian
results/{study}/{dataset}/{variant}/removal_sets.parquet     which samples are left out
results/{study}/{dataset}/{variant}/effects/{shard}.parquet  shards: predictions and certified retrains
results/{study}/{dataset}/{variant}/poisoning.parquet        test samples added with the wrong label, one at a time
results/{study}/{dataset}/{variant}/detection/{draw}.parquet many planted at once, and all samples ranked by suspicion
results/{study}/{dataset}/{variant}/suspects.parquet         the samples as they are, ranked by suspicion
results/{study}/{dataset}/{variant}/influential.parquet      samples that each evaluation function hangs on most
results/{study}/{dataset}/{variant}/influential_groups.parquet  the first of these together: predicted, and retrained
results/{study}/{dataset}/{variant}/audit/{removal_sets,effects,...}.parquet  the audit's own sets, and what it knows of them
results/{study}/scaling/synthetic.parquet                    how errors grow on made-up designs
results/{study}/effects.parquet                              all shards of a study
results/{study}/figures/{figure}.{pdf,png,svg,csv}          drawings, and the numbers of their points
results/{study}/tables/{table}.{csv,md,tex,html}
results/{study}/run.yaml                                     configuration and versions
"""

from snakemake.utils import min_version

min_version("9.25")


configfile: "config/config.yaml"
configfile: "config/datasets.yaml"


report: "workflow/report/workflow.rst"


include: "workflow/rules/common.smk"
include: "workflow/rules/demand.smk"
include: "workflow/rules/presented.smk"


rule all:
    """All studies."""
    default_target: True
    input:
        [products(study) for study in CONFIG.studies],


include: "workflow/rules/download.smk"
include: "workflow/rules/embed.smk"
include: "workflow/rules/fit.smk"
include: "workflow/rules/removal_sets.smk"
include: "workflow/rules/effects.smk"
include: "workflow/rules/poisoning.smk"
include: "workflow/rules/suspects.smk"
include: "workflow/rules/aggregate.smk"
include: "workflow/rules/calibration.smk"
include: "workflow/rules/influential.smk"
include: "workflow/rules/audit.smk"
include: "workflow/rules/audit_convergence.smk"
include: "workflow/rules/audit_scaling.smk"
include: "workflow/rules/audit_predictions.smk"
include: "workflow/rules/audit_theorem.smk"
include: "workflow/rules/audit_separability.smk"
include: "workflow/rules/figures.smk"
include: "workflow/rules/tables.smk"
include: "workflow/rules/studies.smk"
