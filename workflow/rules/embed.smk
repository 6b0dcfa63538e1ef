"""Embed: source files -> features, ids, labels and split; one rule a modality, one form for all.

Reads   resources/raw/{source}/{file}, resources/raw/{source}/{file}.origin.json
Writes  resources/embeddings/{dataset}/{X.npy,samples.parquet,about.json}
"""


rule embed_fourier:
    """Embed small vectors by random Fourier features."""
    input:
        raw=raw_files,
        origins=raw_origins,
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
        parser=lookup(dpath="datasets/{dataset}/parser", within=config),
        classes=lookup(dpath="datasets/{dataset}/classes", within=config),
        embedding=lookup(dpath="datasets/{dataset}/embedding", within=config),
        split=lookup(dpath="datasets/{dataset}/split", within=config),
        library=embedding_digest,
    message:
        "Embedding {wildcards.dataset}"
    script:
        "../scripts/embed_fourier.py"


rule embed_features:
    """Take published features as they are."""
    input:
        raw=raw_files,
        origins=raw_origins,
    output:
        X="resources/embeddings/{dataset}/X.npy",
        samples="resources/embeddings/{dataset}/samples.parquet",
        about="resources/embeddings/{dataset}/about.json",
    log:
        "logs/embed/{dataset}.log",
    benchmark:
        "benchmarks/embed/{dataset}.jsonl"
    wildcard_constraints:
        dataset=one_of(embedded_by("features")),
    conda:
        "../../envs/core.yaml"
    params:
        parser=lookup(dpath="datasets/{dataset}/parser", within=config),
        classes=lookup(dpath="datasets/{dataset}/classes", within=config),
        embedding=lookup(dpath="datasets/{dataset}/embedding", within=config),
        split=lookup(dpath="datasets/{dataset}/split", within=config),
        library=embedding_digest,
    message:
        "Reading the features of {wildcards.dataset}"
    script:
        "../scripts/embed_features.py"
