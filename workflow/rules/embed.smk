"""Embed: source files -> features, ids, labels and split; one rule a modality, one form for all.

Reads   resources/raw/{source}/{file}
Writes  resources/embeddings/{dataset}/{X.npy,samples.parquet,about.json}
"""


def embedded_by(method):
    """Names of the data sets that an embedding is used for."""
    return [
        name
        for name, dataset in CONFIG.datasets.items()
        if dataset["embedding"]["method"] == method
    ]


def raw_file(wildcards):
    """The source file of a data set."""
    source = CONFIG.datasets[wildcards.dataset]["source"]
    return f"resources/raw/{source}/{Path(CONFIG.sources[source]['file']).name}"


def dataset_of(wildcards):
    """Preparation, embedding and split of a data set: what its features depend on."""
    dataset = CONFIG.datasets[wildcards.dataset]
    return {key: dataset[key] for key in ("parser", "classes", "embedding", "split")}


def feature_settings(wildcards):
    """Parameters of a data set's embedding."""
    embedding = CONFIG.datasets[wildcards.dataset]["embedding"]
    return {key: value for key, value in embedding.items() if key != "method"}


def parser_digest(wildcards):
    """Digest of the library files behind an embedding, the data set's parser among them."""
    parser = CONFIG.datasets[wildcards.dataset]["parser"]
    return planned_digest("embed_fourier", [f"datasets.{parser}"], wildcards)


rule embed_fourier:
    """Embed small vectors by random Fourier features."""
    input:
        raw=raw_file,
    output:
        X="resources/embeddings/{dataset}/X.npy",
        samples="resources/embeddings/{dataset}/samples.parquet",
        about="resources/embeddings/{dataset}/about.json",
    log:
        "logs/embed/{dataset}.log",
    benchmark:
        "benchmarks/embed/{dataset}.jsonl"
    wildcard_constraints:
        dataset=one_of(embedded_by("fourier")),
    conda:
        "../../envs/core.yaml"
    params:
        dataset=dataset_of,
        features=feature_settings,
        library=parser_digest,
    script:
        "../scripts/embed_fourier.py"
