"""Fetch one source file, verify it, and record what vouches for it."""

from pathlib import Path

from leaveout.download import Wanted, obtain
from leaveout.job import job
from leaveout.mirror import Mirror

with job(snakemake):
    names, params, settings = snakemake.wildcards, snakemake.params, snakemake.config
    wanted = Wanted(names.source, names.file, params.entry, Path(snakemake.output.file), Path(params.lock))
    mirror = Mirror(settings["mirror"]) if settings["mirror"] else None
    obtain(wanted, mirror, settings["accept_unverified"])
