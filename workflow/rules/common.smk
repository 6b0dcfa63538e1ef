"""What all rules share: the checked configuration, wildcards, and what jobs look up in it.

Reads   config/config.yaml, config/datasets.yaml, workflow/schemas/config.schema.yaml
"""

import re
import sys
from functools import partial, reduce
from operator import getitem
from pathlib import Path

SCRIPTS = Path(workflow.current_basedir.get_path_or_uri(secret_free=True)).parent / "scripts"
sys.path.insert(0, str(SCRIPTS))

from leaveout.config import load
from leaveout.defaults import users_own
from leaveout.errors import ConfigError
from leaveout.lineage import Lineage
from leaveout.plotted import PUBLISHED_STRATEGIES
from leaveout.provenance import library_digest
from leaveout.redaction import redacted
from leaveout.studies import BASE
from leaveout.weights import files_in, installed


def config_files():
    """Configuration files, later ones overriding earlier ones: those of the command line come last."""
    given = workflow.overwrite_configfiles
    return [*workflow.configfiles[len(given) :], *given]


try:
    CONFIG = load(config, SCRIPTS.parent / "schemas" / "config.schema.yaml", config_files())
except ConfigError as error:
    raise WorkflowError(str(error)) from None

config.update(CONFIG.merged)  # defaults filled in: what rules look up and captions read


#: Figures of every study, of those that vary settings, and of those that poison a data set.
FIGURES, SWEEP_FIGURES, POISONING_FIGURES = ["figure1", "figure4"], ["figure2"], ["figure3", "detection"]
TABLES = [
    "calibration",
    "certificates",
    "influential",
    "influential_groups",
    "suspects",
    "table1",
    "table2",
    "table3",
]
RANKINGS = ["influential", "influential_groups", "suspects"]
#: Of every audit: figures, tables, and what it knows of each data set.
AUDIT_FIGURES = ["conventions", "convergence", "scaling", "predictions"]
AUDIT_FIGURES += ["failures", "failing_sets", "theorem", "separability"]
AUDIT_TABLES = ["conventions", "seeds", "paired", "convergence", "scaling", "predictions"]
AUDIT_TABLES += ["failures", "theorem", "theorem_constants", "separability"]
AUDIT_ROWS = ["removal_sets", "effects", "convergence", "predictions", "theorem"]


def one_of(names):
    """Pattern that matches one of some names, and nothing if there are none."""
    return "|".join(names) or "(?!)"


#: What decides each result: a rule's product, before the rule, has its settings; their stamp is in the files themselves.
LINEAGE = Lineage()


wildcard_constraints:
    study=one_of(CONFIG.studies),
    dataset=one_of(CONFIG.datasets),
    source=one_of(CONFIG.sources),
    variant=one_of(sorted({re.escape(run.variant) for study in CONFIG.studies.values() for run in study.runs})),
    shard=r"[a-z0-9_]+(-[0-9.e+-]+)?",


#: Studies that vary settings, those that poison a data set, and those that are audited.
SWEPT = one_of([name for name, study in CONFIG.studies.items() if study.sweeps])
POISONED = one_of([name for name, study in CONFIG.studies.items() if study.poisoning])
AUDITED = one_of([name for name, study in CONFIG.studies.items() if study.audit])


def library(script):
    """Digest, when a job is planned, of the library files that its script reaches: a change of these reruns it."""
    return partial(planned_digest, script, [])


def planned_digest(script, modules, wildcards):
    """Digest of the library files behind a script and modules that the configuration names."""
    return library_digest(SCRIPTS / f"{script}.py", *modules)


def study_of(wildcards):
    """The study of a job."""
    return CONFIG.studies[wildcards.study]


def run_of(wildcards):
    """The run of a job."""
    return study_of(wildcards).run(wildcards.dataset, wildcards.variant)


def study_setting(*keys):
    """What the configuration says of a job's study, when the job is planned."""
    return partial(setting_of_study, keys)


def setting_of_study(keys, wildcards):
    """One setting of a study; Snakemake's ``lookup`` would walk through the whole configuration for each job."""
    return reduce(getitem, keys, config["studies"][wildcards.study])


def training_settings(wildcards):
    """Which training samples a run uses, and what seeds its draws."""
    return {
        "n_train": run_of(wildcards).settings["n_train"],
        "seed": CONFIG.seed,
        "dataset": wildcards.dataset,
    }


def global_seed(wildcards):
    """What seeds every draw."""
    return CONFIG.seed


def model_settings(wildcards):
    """Regulariser and intercept of a run."""
    settings = run_of(wildcards).settings
    return {key: settings[key] for key in ("regularization", "regularizer", "intercept")}


def planting_settings(wildcards):
    """How many samples a draw plants, and how many models it retrains for the truth in how many iterations at most."""
    settings = study_of(wildcards).poisoning
    limit = setting_of_study(["iteration_limit"], wildcards)
    return {"planted": settings["planted"], "retrained": settings["retrained"], "iteration_limit": limit}


def shards(study, runs, strategies):
    """Effects of some runs of a study, a file a shard."""
    return [
        f"results/{study.name}/{run.dataset}/{run.variant}/effects/{shard.name}.parquet"
        for run in runs
        for shard in study.shards(strategies)
    ]


def shard_of(wildcards):
    """The removal sets of a job."""
    shard = study_of(wildcards).shard(wildcards.shard)
    return {"strategy": shard.strategy, **shard.sizes}


def audited_model(wildcards):
    """The model of an audit's job, which may be another study's."""
    return [file_at_home("fit.npz", wildcards)]


def audit_removal(wildcards):
    """How an audit draws its sets: the study's strategies that figures show, and the published selection."""
    study = study_of(wildcards)
    drawn = {"strategies": list(study.plotted_strategies), "repeats": study.audit["repeats"]}
    return {"sizes": study.audit["sizes"], "drawn": drawn, "published": PUBLISHED_STRATEGIES}


def study_shards(wildcards):
    """All shards of a study."""
    study = study_of(wildcards)
    return shards(study, study.runs, study.strategies)


def calibrated_shards(wildcards):
    """Shards of all runs of a study, plotted strategies only."""
    study = study_of(wildcards)
    return shards(study, study.runs, study.plotted_strategies)


def plotted_shards(wildcards):
    """Shards of a study's data sets under their own settings, plotted strategies only."""
    study = study_of(wildcards)
    return shards(study, study.base_runs, study.plotted_strategies)


def swept_shards(wildcards):
    """Shards of the runs that a study varies, plotted strategies only."""
    study = study_of(wildcards)
    return shards(study, study.swept_runs, study.plotted_strategies)


def figures_of(study):
    """Names of a study's figures."""
    further = [*(SWEEP_FIGURES if study.sweeps else []), *(POISONING_FIGURES if study.poisoning else [])]
    return [*FIGURES, *further]


def base_folders(study):
    """Folders of a study's data sets under their own settings, below that of the study."""
    return [f"{run.dataset}/{run.variant}" for run in study.base_runs]


def poisoned_folders(study):
    """Folder of the run that a study poisons, if it does, below that of the study."""
    return [f"{study.poisoning['dataset']}/{BASE}"] if study.poisoning else []


def drawn_detections(study):
    """Rankings of the run that a study plants samples in, a file a draw."""
    draws = range(study.poisoning["draws"]) if study.poisoning else []
    return expand(f"results/{study.name}/{{run}}/detection/{{draw}}.parquet", run=poisoned_folders(study), draw=draws)


def home_file(file):
    """A file of a job's run in the folder of the study whose models it uses: its own, or that of ``runs_of``."""
    return partial(file_at_home, file)


def file_at_home(file, wildcards):
    """The same for one job."""
    home = study_of(wildcards).home(wildcards.dataset, wildcards.variant)
    return f"results/{home}/{wildcards.dataset}/{wildcards.variant}/{file}"


def subsampled(study):
    """Sweeps of runs that keep fewer and fewer of their training samples."""
    return [sweep for sweep in study.sweeps if "n_train" in sweep.settings]


def scaling_rows(study):
    """How errors grow on made-up designs, and with the training samples of runs, each once."""
    runs = dict.fromkeys(f"{run.dataset}/{run.variant}" for sweep in subsampled(study) for run in sweep.runs)
    measured = expand(f"results/{study.name}/{{run}}/audit/scaling.parquet", run=runs)
    return [f"results/{study.name}/scaling/synthetic.parquet", *measured]


def audit_products(study):
    """What an audit is asked for."""
    folder, forms = f"results/{study.name}", ["pdf", "png", "svg", "csv"]
    rows = [f"{folder}/{run.dataset}/{run.variant}/audit" for run in study.listed_runs]
    return [
        *expand("{run}/{file}.parquet", run=rows, file=AUDIT_ROWS),
        *scaling_rows(study),
        *expand(f"{folder}/figures/audit_{{figure}}.{{form}}", figure=AUDIT_FIGURES, form=forms),
        *expand(f"{folder}/tables/audit_{{table}}.{{form}}", table=AUDIT_TABLES, form=["csv", "md", "tex", "html"]),
    ]


def products(name):
    """What a study is asked for by its name."""
    study, folder = CONFIG.studies[name], f"results/{name}"
    audited = audit_products(study) if study.audit else []
    if study.runs_of:
        return [*audited, f"{folder}/run.yaml"]
    tables = [*TABLES, *(["detection"] if study.poisoning else [])]
    return [
        # shards too: Snakemake does not miss an intermediate file when what was made from it is there
        *shards(study, study.runs, study.strategies),
        *expand(f"{folder}/{{run}}/{{file}}.parquet", run=base_folders(study), file=RANKINGS),
        *expand(f"{folder}/{{run}}/poisoning.parquet", run=poisoned_folders(study)),
        *drawn_detections(study),
        f"{folder}/effects.parquet",
        *expand(f"{folder}/figures/{{figure}}.{{form}}", figure=figures_of(study), form=["pdf", "png", "svg", "csv"]),
        *expand(f"{folder}/tables/{{table}}.{{form}}", table=tables, form=["csv", "md", "tex", "html"]),
        *audited,
        f"{folder}/run.yaml",
    ]


def embedded_by(method):
    """Names of the data sets that an embedding is used for."""
    return [name for name, dataset in CONFIG.datasets.items() if dataset["embedding"]["method"] == method]


def source_file_patterns():
    """Patterns of the names that fetched files have."""
    entries = [entry for source in CONFIG.sources.values() for entry in source["files"].items()]
    return sorted({re.escape(name) for name, entry in entries if fetched(entry)})


def file_entry(wildcards):
    """What the configuration says of a source file."""
    return CONFIG.sources[wildcards.source]["files"][wildcards.file]


def files_of(source):
    """The files of a source, in the order of the configuration: downloaded ones, or the user's own where they are.

    A design has none.
    """
    if not isinstance(source, str):
        return []
    entries = CONFIG.sources[source]["files"]
    return [f"resources/raw/{source}/{name}" if fetched(entry) else entry["path"] for name, entry in entries.items()]


def fetched(entry):
    """Whether a source file is downloaded or comes from a package: it is verified, and has a record of its origin."""
    return not users_own(entry)


def design_of(dataset):
    """What the samples of a data set are made by; None for those of a source."""
    source = CONFIG.datasets[dataset]["source"]
    return None if isinstance(source, str) else source


def raw_files(wildcards):
    """The source files of a data set."""
    return files_of(CONFIG.datasets[wildcards.dataset]["source"])


def weights_of(dataset):
    """What a data set's entry says of the weights of its model; nothing for an embedding without."""
    return CONFIG.datasets[dataset]["embedding"].get("weights", {})


def weights_files(wildcards):
    """The weights of the model that a data set is embedded by, if they are files."""
    weights = weights_of(wildcards.dataset)
    if isinstance(weights, str):
        return files_of(weights)
    return files_in(weights["path"]) if "path" in weights and "package" not in weights else []


def weights_package(wildcards):
    """Name and version of the package that ships the weights, if one does and is installed where jobs are planned."""
    return installed(weights_of(wildcards.dataset))


def origins(wildcards):
    """What vouches for a data set's source files and weights: there when they are verified."""
    names = sources_of(wildcards.dataset)
    return [
        f"resources/raw/{name}/{file}.origin.json"
        for name in names
        for file, entry in CONFIG.sources[name]["files"].items()
        if fetched(entry)
    ]


def source_files(wildcards):
    """What the configuration says of a data set's source files and its model's: published checksums, or where they are."""
    names = sources_of(wildcards.dataset)
    return {name: {file: stated(entry) for file, entry in CONFIG.sources[name]["files"].items()} for name in names}


def stated(entry):
    """The checksums of a source file; where nobody states any, its place."""
    checksums = {key: entry[key] for key in ("sha256", "md5") if key in entry}
    return checksums or {key: redacted(entry[key]) for key in ("url", "path") if key in entry}


def sources_of(dataset):
    """Keys of the sources of a data set: its samples', and its model's if its weights come from one."""
    return [key for key in (CONFIG.datasets[dataset]["source"], weights_of(dataset)) if isinstance(key, str)]


def preparation_entry(wildcards):
    """The part of a data set's entry that decides its embedding."""
    entry = CONFIG.datasets[wildcards.dataset]
    embedding = {key: value for key, value in entry["embedding"].items() if key != "workers"}
    if isinstance(embedding.get("weights"), dict):
        embedding["weights"] = {key: value for key, value in embedding["weights"].items() if key != "license"}
    return {key: entry.get(key) for key in ("source", "parser", "classes", "split")} | {"embedding": embedding}


def embedding_digest(wildcards):
    """Digest of the library files behind an embedding, the data set's parser and its method's module among them."""
    entry = CONFIG.datasets[wildcards.dataset]
    modules = [f"datasets.{entry['parser']}", f"embed.{entry['embedding']['method']}"]
    return planned_digest("embed", modules, wildcards)


def row_labels(wildcards):
    """Columns that all rows of a shard share."""
    names = {"study": wildcards.study, "dataset": wildcards.dataset, "variant": wildcards.variant}
    return names | model_settings(wildcards)


def study_settings(wildcards):
    """The part of the configuration that a study depends on."""
    names = sorted({run.dataset for run in study_of(wildcards).runs})
    datasets = {name: config["datasets"][name] for name in names}
    sources = {source: config["sources"][source] for name in names for source in sources_of(name)}
    studies = {wildcards.study: config["studies"][wildcards.study]}
    return {"seed": CONFIG.seed, "studies": studies, "datasets": datasets, "sources": sources}
