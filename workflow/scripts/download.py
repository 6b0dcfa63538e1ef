"""Fetch one source file, verify it, and record what vouches for it."""

from pathlib import Path

from leaveout.download import Wanted, obtain
from leaveout.job import job
from leaveout.mirror import Mirror

with job(snakemake):
    params, settings = snakemake.params, snakemake.config
    wanted = Wanted(snakemake.wildcards.source, params.entry, Path(snakemake.output.file), Path(params.lock))
    mirror = Mirror(settings["mirror"]) if settings["mirror"] else None
    obtain(wanted, mirror, settings["accept_unverified"])
