"""Writes what a dry run would submit to a cluster, a JSON object a line: a plugin that Snakemake finds by its name.

Snakemake prints the resources of jobs, not those of groups; for these its own rule of adding them up is applied, as it
follows it when it really submits.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Optional

from snakemake.resources import GroupResources
from snakemake_interface_logger_plugins.base import LogHandlerBase
from snakemake_interface_logger_plugins.common import LogEvent
from snakemake_interface_logger_plugins.settings import LogHandlerSettingsBase


@dataclass
class LogHandlerSettings(LogHandlerSettingsBase):
    """The plugin's own option."""

    path: Optional[Path] = field(default=None, metadata={"help": "file that is written", "required": True})  # noqa: UP045 (Snakemake reads it)


class LogHandler(LogHandlerBase):
    """Takes notice of jobs and groups, and of nothing else."""

    def __post_init__(self) -> None:
        """Begin an empty file."""
        self._file = Path(getattr(self.settings, "path"))  # noqa: B009 (its class is the plugin's own)
        self._file.write_text("")

    def emit(self, record: Any) -> None:
        """Write a line for a group, or for a job that is in none; and one with the number of all jobs."""
        event = getattr(record, "event", None)
        if event == LogEvent.RUN_INFO:
            self._write({"jobs": record.stats["total"]})
        elif event == LogEvent.GROUP_INFO:
            job = next(iter(record.jobs))
            group = job.dag.get_job_group(job)
            resources = GroupResources.basic_layered(group.toposorted, group.global_resources, run_local=False)
            self._write(_submission(sorted(each.rule.name for each in group.jobs), resources))
        elif event == LogEvent.JOB_INFO and not record.indent:
            self._write(_submission([record.rule_name], dict(record.resources.items())))

    def _write(self, line: Mapping[str, Any]) -> None:
        with self._file.open("a") as stream:
            stream.write(json.dumps(line) + "\n")

    writes_to_stream = writes_to_file = needs_rulegraph = False
    has_filter = has_formatter = True


def _submission(rules: list[str], resources: Mapping[str, Any]) -> dict[str, Any]:
    asked = {name: resources.get(name, 0) for name in ("gpu", "mem_mb", "runtime")}
    return {"rules": rules, "cores": resources["_cores"], **asked}
