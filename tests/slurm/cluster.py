"""A SLURM cluster of one machine, for tests: two nodes, one of them with fake graphics cards.

``python tests/slurm/cluster.py`` starts one and ends it on Ctrl-C. It needs root (in a container, say) and Debian's
packages slurm-wlm and munge; it listens on the loopback address only, and every wait has a limit.
"""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

#: Where the programs of SLURM look for their configuration; inside jobs the environment cannot name another place.
CONFIGURED = Path("/etc/slurm/slurm.conf")
DAEMONS = ("munged", "slurmctld", "slurmd")
PACKAGES = "slurm-wlm munge"
NODES = ("cpu1", "gpu1")
CARDS = 2
#: States of a node that takes jobs.
TAKING = {"idle", "mixed", "allocated", "completing"}
#: File of a cluster's folder with the process that started it.
OWNER = "owner.pid"
#: What ends a cluster that was started by hand.
ENDING = {signal.SIGINT, signal.SIGTERM}
#: Seconds that a daemon may take to start or to end.
PATIENCE = 30
CONFIGURATION = """\
ClusterName={name}
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket,cred_expire=5
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool.%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
JobAcctGatherParams=OverMemoryKill
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/filetxt
JobCompLoc={folder}/completed.log
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
SchedulerParameters=batch_sched_delay=0,sched_interval=1,sched_min_interval=0,bf_interval=1
SlurmdParameters=config_overrides
ReturnToService=2
MinJobAge=600
KillWait=5
Waittime=0
GresTypes=gpu
NodeName=cpu1 NodeHostname={host} NodeAddr=127.0.0.1 Port={cpu1} CPUs={cores} RealMemory={memory_mb} State=UNKNOWN
NodeName=gpu1 NodeHostname={host} NodeAddr=127.0.0.1 Port={gpu1} CPUs={cores} RealMemory={memory_mb} Gres=gpu:{cards} \
State=UNKNOWN
PartitionName=cpu Nodes=cpu1 Default=YES MaxTime=INFINITE State=UP
PartitionName=gpu Nodes=gpu1 MaxTime=INFINITE State=UP
"""


class ClusterError(Exception):
    """The cluster cannot be started here, or does not come up; the message says what is missing."""


@dataclass(frozen=True)
class Cluster:
    """A running cluster, and what its administrator and its users tell it."""

    folder: Path

    def queue(self, state: str = "") -> list[str]:
        """Ids of the submissions in the queue, of one state (``running``, ``pending``) or all."""
        chosen = [f"--states={state}"] if state else []
        return _said("squeue", "--noheader", "--format=%A", *chosen).split()

    def cards(self) -> list[str]:
        """What submissions in the queue ask for beside cores and memory: ``gres:gpu:1`` for a graphics card."""
        return _said("squeue", "--noheader", "--Format=tres-per-job:80").split()

    def cancel(self, job: str) -> None:
        """End a submission, as its user might."""
        _said("scancel", job)

    def empty(self) -> None:
        """End all submissions, and wait until they are gone."""
        _end_jobs()

    def take_down(self, node: str) -> None:
        """Set a node down, as if it had failed."""
        _said("scontrol", "update", f"nodename={node}", "state=down", "reason=test")

    def bring_back(self, node: str) -> None:
        """Let a node take jobs again, if it has not come back by itself."""
        _succeeds("scontrol", "update", f"nodename={node}", "state=resume")
        _wait(node, lambda: _said("sinfo", "--noheader", "-n", node, "-o", "%T").strip() in TAKING, self.folder)

    def completed(self) -> list[dict[str, str]]:
        """What SLURM recorded of each submission that ended, in this order: JobState, Partition, TimeLimit and more."""
        file = self.folder / "completed.log"
        lines = file.read_text().splitlines() if file.exists() else []
        return [dict(item.split("=", 1) for item in line.split(" ") if "=" in item) for line in lines]


@contextmanager
def running(cores: int = 2, memory_mb: int = 8000) -> Iterator[Cluster]:
    """Start a cluster whose nodes pretend to have so many cores and so much memory; in the end, end what was started.

    Raises
    ------
    ClusterError
        No root, no such programs, a SLURM configuration of the machine's own, or a daemon that does not answer.
    """
    _refuse_unfit_machine()
    with ExitStack() as stack:
        # not pytest's folders: a socket's path has at most 107 characters
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="slurm-", ignore_cleanup_errors=True)))
        _configure(folder, cores, memory_mb)
        stack.callback(_remove_link, folder)
        stack.callback(_end_leftovers, folder)
        stack.callback(_end_daemons, folder)
        _start(folder)
        stack.callback(_end_jobs)
        yield Cluster(folder)


def _refuse_unfit_machine() -> None:
    if os.geteuid() != 0:
        raise ClusterError("a SLURM cluster needs root: run this in a container")
    if missing := [name for name in DAEMONS if shutil.which(name) is None]:
        raise ClusterError(f"not installed: {', '.join(missing)}; on Debian: apt-get install {PACKAGES}")
    if CONFIGURED.is_symlink():
        folder = CONFIGURED.readlink().parent
        if (folder / OWNER).exists():
            _remove_abandoned(folder)
        elif not folder.exists():
            CONFIGURED.unlink()
    if CONFIGURED.exists():
        raise ClusterError(f"{CONFIGURED} is there: this machine has SLURM already, and it is not replaced")


def _remove_abandoned(folder: Path) -> None:
    """Remove a cluster of this module whose process is gone: it was killed, and could not."""
    owner = int((folder / OWNER).read_text())
    if psutil.pid_exists(owner) and owner != os.getpid():
        raise ClusterError(f"process {owner} has such a cluster, in {folder}")
    _end_daemons(folder)
    _end_leftovers(folder)
    _remove_link(folder)
    shutil.rmtree(folder, ignore_errors=True)


def _configure(folder: Path, cores: int, memory_mb: int) -> None:
    """Write all configuration, and link it to where SLURM looks."""
    folder.chmod(0o755)
    (folder / OWNER).write_text(str(os.getpid()))
    for name in ("state", *(f"spool.{node}" for node in NODES)):
        (folder / name).mkdir()
    host = socket.gethostname().split(".")[0]
    ports = dict(zip(("controller", *NODES), _free_ports(1 + len(NODES)), strict=True))
    values = {
        "name": _name(folder),
        "folder": folder,
        "host": host,
        "cores": cores,
        "memory_mb": memory_mb,
        "cards": CARDS,
        **ports,
    }
    (folder / "slurm.conf").write_text(CONFIGURATION.format(**values))
    (folder / "cgroup.conf").write_text("CgroupAutomount=no\n")
    cards = [folder / f"card{i}" for i in range(CARDS)]
    for card in cards:  # SLURM insists on a device for each card: these are null devices
        os.mknod(card, 0o20666, os.makedev(1, 3))
    gres = f"NodeName=gpu1 Name=gpu File={folder}/card[0-{CARDS - 1}]"
    (folder / "gres.conf").write_text(f"AutoDetect=off\n{gres}\n")
    key = folder / "munge.key"
    key.touch(0o600)
    key.write_bytes(os.urandom(128))
    CONFIGURED.parent.mkdir(parents=True, exist_ok=True)
    CONFIGURED.symlink_to(folder / "slurm.conf")


def _name(folder: Path) -> str:
    """The cluster's name, which its jobs have in their environment."""
    return folder.name.replace("_", "").replace("-", "").lower()


def _free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


def _start(folder: Path) -> None:
    """Start the daemons, each when the one that it needs answers."""
    files = {"key-file": "munge.key", "pid-file": "munged.pid", "log-file": "munged.log", "seed-file": "munged.seed"}
    options = [f"--{name}={folder / file}" for name, file in files.items()]
    _said("munged", "--force", f"--socket={folder}/munge.socket", *options)
    _wait("munged", lambda: _succeeds("munge", "-n", "-S", f"{folder}/munge.socket"), folder)
    # by the file's own path: they look for gres.conf beside it
    _said("slurmctld", "-c", "-f", f"{folder}/slurm.conf")
    _wait("slurmctld", lambda: _succeeds("scontrol", "ping"), folder)
    for node in NODES:
        _said("slurmd", "-N", node, "-f", f"{folder}/slurm.conf")
    _wait("nodes", lambda: _said("sinfo", "--noheader", "-N", "-o", "%T").split() == ["idle"] * len(NODES), folder)


def _wait(what: str, ready: Callable[[], bool], folder: Path) -> None:
    end = time.monotonic() + PATIENCE
    while not ready():
        if time.monotonic() > end:
            logs = "\n".join(f"{log.name}: {log.read_text()[-2000:]}" for log in folder.glob("*.log"))
            raise ClusterError(f"{what}: no answer in {PATIENCE} s\n{logs}")
        time.sleep(0.2)


def _succeeds(*command: str) -> bool:
    try:
        _said(*command)
    except subprocess.SubprocessError:
        return False
    return True


def _said(*command: str) -> str:
    """Run a command that is to end at once; return what it prints."""
    return subprocess.run(
        command, capture_output=True, text=True, check=True, timeout=PATIENCE, stdin=subprocess.DEVNULL
    ).stdout


def _end_jobs() -> None:
    """Cancel all submissions, and wait for their processes."""
    _succeeds("scancel", "--user=root", "--full")
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end and _said("squeue", "--noheader").strip():
        time.sleep(0.2)


def _end_daemons(folder: Path) -> None:
    """End the processes that this cluster's own files name, nodes first."""
    files = [folder / f"slurmd.{node}.pid" for node in NODES]
    for file in (*files, folder / "slurmctld.pid", folder / "munged.pid"):
        if file.exists() and (pid := file.read_text().strip()):
            with suppress(psutil.NoSuchProcess):
                daemon = psutil.Process(int(pid))
                if any(str(folder) in argument for argument in daemon.cmdline()):  # the number may be another's by now
                    _end_process(daemon)


def _end_leftovers(folder: Path) -> None:
    """Kill what jobs left: nobody ends the processes of a node that was set down but is alive."""
    for process in psutil.process_iter(["environ"]):
        if (process.info["environ"] or {}).get("SLURM_CLUSTER_NAME") == _name(folder):
            with suppress(psutil.NoSuchProcess):
                process.kill()


def _end_process(daemon: psutil.Process) -> None:
    daemon.terminate()
    try:
        daemon.wait(PATIENCE / 3)
    except psutil.TimeoutExpired:
        daemon.kill()


def _remove_link(folder: Path) -> None:
    if CONFIGURED.is_symlink() and CONFIGURED.readlink() == folder / "slurm.conf":
        CONFIGURED.unlink()


if __name__ == "__main__":
    with running() as started:
        print(f"A cluster in {started.folder}: partitions cpu and gpu. Ctrl-C ends it.")  # noqa: T201
        signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)
        signal.sigwait(ENDING)
