"""Embed: source files -> features, ids, labels and split; one rule a modality, one form for all.

Reads   resources/raw/{source}/{file}, resources/raw/{source}/{file}.origin.json
Writes  resources/embeddings/{dataset}/{X.npy,samples.parquet,about.json}
Keeps   resources/embeddings/{dataset}/.chunks/, what is encoded, for the next attempt
"""

SAMPLES = LINEAGE.product(
    "resources/embeddings/{dataset}/samples.parquet",
    entry=preparation_entry,
    sources=source_files,
    package=weights_package,
    library=embedding_digest,
)


rule embed_features:
    """Take the source's own features as they are."""
    input:
        raw=raw_files,
        weights=weights_files,
        origins=origins,
        outdated=SAMPLES.outdated,
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
    resources:
        **EMBEDDING,
    params:
        **SAMPLES.params,
    message:
        "Reading the features of {wildcards.dataset}"
    script:
        "../scripts/embed.py"


use rule embed_features as embed_fourier with:
    wildcard_constraints:
        dataset=one_of(embedded_by("fourier")),
    message:
        "Embedding {wildcards.dataset} by random Fourier features"


use rule embed_features as embed_bow with:
    wildcard_constraints:
        dataset=one_of(embedded_by("bow")),
    conda:
        "../../envs/bow.yaml"
    threads: 8
    message:
        "Embedding {wildcards.dataset} by a bag of words"


use rule embed_features as embed_logmel with:
    wildcard_constraints:
        dataset=one_of(embedded_by("logmel")),
    conda:
        "../../envs/logmel.yaml"
    threads: 8
    message:
        "Embedding {wildcards.dataset} by log-mel spectrograms"


use rule embed_features as embed_audio with:
    wildcard_constraints:
        dataset=one_of(embedded_by("audio")),
    conda:
        "../../envs/audio.yaml"
    threads: 8
    resources:
        **OPENL3,
    message:
        "Embedding {wildcards.dataset} by OpenL3"


use rule embed_features as embed_text with:
    wildcard_constraints:
        dataset=one_of(embedded_by("text")),
    conda:
        "../../envs/text.yaml"
    threads: 8
    resources:
        **EMBEDDING,
        **GPU,
    message:
        "Embedding {wildcards.dataset} by a text encoder"


use rule embed_features as embed_vision with:
    wildcard_constraints:
        dataset=one_of(embedded_by("vision")),
    conda:
        "../../envs/vision.yaml"
    threads: 8
    resources:
        **EMBEDDING,
        **GPU,
    message:
        "Embedding {wildcards.dataset} by an image classifier"
