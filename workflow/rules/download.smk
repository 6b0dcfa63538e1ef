"""Download: sources -> verified files.

Reads   config/datasets.yaml
Writes  resources/raw/{source}/{file}
"""


rule download:
    """Fetch one source file and verify its checksum."""
    output:
        file="resources/raw/{source}/{file}",
    log:
        "logs/download/{source}/{file}.log",
    wildcard_constraints:
        file="[^/]+",
    conda:
        "../../envs/core.yaml"
    params:
        source=lookup(dpath="sources/{source}", within=config),
        library=library("download"),
    message:
        "Fetching {wildcards.source}"
    script:
        "../scripts/download.py"
