"""What can go wrong, one exception a kind; every message says what to do, and no secret."""

from leaveout.redaction import redacted


class LeaveoutError(Exception):
    """Anything this library raises on purpose."""

    def __str__(self) -> str:
        return redacted(super().__str__())


class InvalidData(LeaveoutError, ValueError):
    """Features, labels or settings that no model can be fitted to."""


class InvalidSet(LeaveoutError, ValueError):
    """A removal set that is not a set of training samples."""


class NoOptimum(LeaveoutError):
    """The objective has no minimiser, or no unique one."""


class NotConverged(LeaveoutError):
    """The base fit could not be certified."""


class NotRemovable(LeaveoutError):
    """Without this set the model's parameters are not determined."""


class ConfigError(LeaveoutError):
    """A setting of the configuration that is not allowed."""


class DeviceUnavailable(LeaveoutError):
    """A device to compute on that this machine or this environment does not have."""


class PackageMissing(LeaveoutError):
    """A package that only some embeddings need, and that this environment does not have."""


class WorkerLost(LeaveoutError):
    """A process that shared a job's work was ended by somebody else."""


class InvalidModel(LeaveoutError):
    """Weights or a network that cannot serve as an embedding."""


class SourceError(LeaveoutError):
    """A source file that is missing, or not the expected one."""


class StaleLibrary(LeaveoutError):
    """The library that was imported is not the one beside the workflow's scripts."""


class InvalidResults(LeaveoutError):
    """A results file that is not what its reader was promised."""


class NotWritten(LeaveoutError, OSError):
    """A file that the system did not let be written; what was there before is as it was."""


class OtherSettings(InvalidResults):
    """A results file that other settings made, or another version of the library."""


class NotEnoughMemory(LeaveoutError):
    """A job that would take more memory than it was given."""
