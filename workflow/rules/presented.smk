"""What figures and tables ask for: titles, rows, fits and records of a study's data sets. No rule.

Reads   the configuration, as common.smk has it
"""


def titles(datasets):
    """Titles of some data sets."""
    return {name: CONFIG.datasets[name]["title"] for name in datasets}


def abouts(datasets):
    """Records of how some data sets were embedded, in their order."""
    return [f"resources/embeddings/{name}/about.json" for name in datasets]


def base_titles(wildcards):
    """Titles of a study's data sets, in the order of the columns."""
    return titles(run.dataset for run in study_of(wildcards).base_runs)


def base_abouts(wildcards):
    """Records of how these were embedded."""
    return abouts(base_titles(wildcards))


def base_suspects(wildcards):
    """Samples of a study's data sets, ranked by suspicion."""
    return expand("results/{{study}}/{run}/suspects.parquet", run=base_folders(study_of(wildcards)))


def base_influential(wildcards):
    """Most influential samples of a study's data sets."""
    return expand("results/{{study}}/{run}/influential.parquet", run=base_folders(study_of(wildcards)))


def base_influential_groups(wildcards):
    """Effects of the first of these together."""
    return expand("results/{{study}}/{run}/influential_groups.parquet", run=base_folders(study_of(wildcards)))


def swept_titles(wildcards):
    """Titles of the data sets that a study varies."""
    return titles(sweep.dataset for sweep in study_of(wildcards).sweeps)


def swept_abouts(wildcards):
    """Records of how these were embedded."""
    return abouts(swept_titles(wildcards))


def sweeps_of(wildcards):
    """What a study varies: data set, settings, and the variants in the order of their values."""
    return [
        {"dataset": sweep.dataset, "settings": list(sweep.settings), "variants": [run.variant for run in sweep.runs]}
        for sweep in study_of(wildcards).sweeps
    ]


def poisoned_dataset(wildcards):
    """The data set that a study poisons."""
    return study_of(wildcards).poisoning["dataset"]


def poisoned_titles(wildcards):
    """Its title."""
    return titles([poisoned_dataset(wildcards)])


def poisoned_abouts(wildcards):
    """The record of how it was embedded."""
    return abouts([poisoned_dataset(wildcards)])


def poisoned_raw_files(wildcards):
    """Its source files."""
    return files_of(CONFIG.datasets[poisoned_dataset(wildcards)]["source"])


def poisoned_design(wildcards):
    """What its samples are made by, if they are made up."""
    return design_of(poisoned_dataset(wildcards))


def poisoned_parser(wildcards):
    """What reads its source files."""
    return CONFIG.datasets[poisoned_dataset(wildcards)]["parser"]


def poisoned_classes(wildcards):
    """Its task: the classes of each label; None where they are 0 and 1."""
    return CONFIG.datasets[poisoned_dataset(wildcards)].get("classes")


def poisoned_poisoning(wildcards):
    """What samples that join this run's with the wrong label change, and what removing them would."""
    return expand("results/{{study}}/{run}/poisoning.parquet", run=poisoned_folders(study_of(wildcards)))


def poisoned_detection(wildcards):
    """Rankings of the run that a study plants samples in, all draws."""
    return drawn_detections(study_of(wildcards))


def exhibit_digest(wildcards):
    """Digest of the library files behind Figure 3, the data set's parser among them."""
    return planned_digest("poisoning_figure", [f"datasets.{poisoned_parser(wildcards)}"], wildcards)


def listed_datasets(wildcards):
    """All data sets of a study, those that it only varies last."""
    return [run.dataset for run in study_of(wildcards).listed_runs]


def listed_fits(wildcards):
    """A fit of each: under its own settings where the study has them."""
    study = study_of(wildcards)
    return [f"results/{study.name}/{run.dataset}/{run.variant}/fit.npz" for run in study.listed_runs]


def listed_samples(wildcards):
    """Their embedded samples, in the same order."""
    return [f"resources/embeddings/{name}/samples.parquet" for name in listed_datasets(wildcards)]


def listed_abouts(wildcards):
    """Records of how these were made, in the same order."""
    return abouts(listed_datasets(wildcards))


def dataset_entries(wildcards):
    """Their entries, in the same order."""
    return [config["datasets"][name] for name in listed_datasets(wildcards)]


def source_entries(wildcards):
    """Entries of their sources."""
    names = sorted({name for dataset in listed_datasets(wildcards) for name in sources_of(dataset)})
    return {name: config["sources"][name] for name in names}


def audited_runs(wildcards):
    """Runs of a study that are audited: one of each data set."""
    return study_of(wildcards).listed_runs


def audited_names(wildcards):
    """Their data sets and variants."""
    return [(run.dataset, run.variant) for run in audited_runs(wildcards)]


def audited_fits(wildcards):
    """Their models, in the same order."""
    study = study_of(wildcards)
    return [f"results/{study.home(*names)}/{'/'.join(names)}/fit.npz" for names in audited_names(wildcards)]


def audited(file):
    """What an audit knows of each data set, a file a run."""
    return partial(audited_files, file)


def audited_files(file, wildcards):
    """The same for one job."""
    folder = f"results/{wildcards.study}"
    return [f"{folder}/{run.dataset}/{run.variant}/audit/{file}.parquet" for run in audited_runs(wildcards)]


def audited_scaling(wildcards):
    """How errors grow with the samples of a study."""
    return scaling_rows(study_of(wildcards))


def scaled_titles(wildcards):
    """Titles of the data sets among them."""
    return titles(sweep.dataset for sweep in subsampled(study_of(wildcards)))


def scaled_abouts(wildcards):
    """Records of how these were embedded."""
    return abouts(scaled_titles(wildcards))


def recorded_rows(wildcards):
    """What a study measures first of all."""
    study = study_of(wildcards)
    return audited_files("effects", wildcards) if study.runs_of else [f"results/{study.name}/effects.parquet"]


def audited_titles(wildcards):
    """Titles of the audited data sets, in the order of the columns."""
    return titles(run.dataset for run in audited_runs(wildcards))


def audited_abouts(wildcards):
    """Records of how these were embedded."""
    return abouts(audited_titles(wildcards))
