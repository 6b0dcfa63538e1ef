"""Download: sources -> verified files, each with a record of its origin.

Reads   config/datasets.yaml; the file's address, mirror or package
Writes  resources/raw/{source}/{file}, resources/raw/{source}/{file}.origin.json
Keeps   resources/checksums/{source}/{file}.json, the first download of what has no published checksum;
        resources/raw/{source}/.partial.{file}, what has arrived, for the next attempt
"""


rule download:
    """Fetch one source file, verify it, and record what vouches for it."""
    output:
        # update: a file that is there is verified, not deleted and fetched anew
        file=update("resources/raw/{source}/{file}"),
        origin=update("resources/raw/{source}/{file}.origin.json"),
    log:
        "logs/download/{source}/{file}.log",
    wildcard_constraints:
        file=one_of(source_file_patterns()),
    # what a mirror holds may be other files: it is not passed on to other workflows
    cache: False if CONFIG.mirror else "omit-software"
    localrule: True
    conda:
        "../../envs/core.yaml"
    params:
        entry=file_entry,
        lock="resources/checksums/{source}/{file}.json",
        library=library("download"),
    message:
        "Fetching {wildcards.source}/{wildcards.file}"
    script:
        "../scripts/download.py"
