"""A real SLURM of one node on this machine, in a folder of its own: munged, slurmctld, slurmd, two pretended GPUs."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "srun", "squeue", "scontrol", "scancel")
# Debian keeps daemons where users do not look for programs.
PATH = f"{os.environ['PATH']}:/usr/sbin:/sbin"

CONFIGURATION = """\
ClusterName=settling
SlurmctldHost={host}(127.0.0.1)
SlurmUser={user}
SlurmdUser={user}
SlurmctldPort={controller_port}
SlurmdPort={node_port}
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SchedulerParameters=sched_interval=2
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
JobAcctGatherParams=OverMemoryKill
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/none
GresTypes=gpu
MpiDefault=none
MinJobAge=3600
ReturnToService=2
SlurmdTimeout=20
SlurmdParameters=config_overrides
KillWait=3
NodeName={host} NodeAddr=127.0.0.1 CPUs={cpus} RealMemory={memory} Gres=gpu:2 State=UNKNOWN
PartitionName=main Nodes={host} Default=YES MaxTime=INFINITE State=UP
"""
SRUN = """\
#!/bin/sh
SLURM_CONF={folder}/slurm.conf exec {srun} "$@"
"""
GPUS = "NodeName={host} Name=gpu File=/dev/null,/dev/zero\n"


def missing() -> list[str]:
    """Return the programs of SLURM that this machine lacks."""
    return [program for program in PROGRAMS if not shutil.which(program, path=PATH)]


class Cluster:
    """The daemons of one cluster and the commands that speak to them; its node says that it has `cpus`."""

    def __init__(self, folder: Path, cpus: int) -> None:
        self.folder, self.cpus = folder, cpus
        configuration = str(folder / "slurm.conf")
        self.environment = {**os.environ, "PATH": f"{folder}/bin:{PATH}", "SLURM_CONF": configuration}
        self.daemons: dict[str, subprocess.Popen[bytes]] = {}

    def start(self) -> None:
        """Write the configuration and start the daemons; raise RuntimeError where the node does not come up."""
        folder, host = self.folder, socket.gethostname().split(".")[0]
        for name in ("state", "spool", "bin"):
            (folder / name).mkdir()
        # Within a job the plugin drops what begins with SLURM_, also where SLURM's configuration is.
        (folder / "bin" / "srun").write_text(SRUN.format(folder=folder, srun=shutil.which("srun")))
        (folder / "bin" / "srun").chmod(0o755)
        (folder / "munge.key").write_bytes(os.urandom(128))
        (folder / "munge.key").chmod(0o400)
        controller_port, node_port = free_ports(2)
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20
        (folder / "slurm.conf").write_text(
            CONFIGURATION.format(
                folder=folder,
                host=host,
                user=subprocess.check_output(["id", "-un"], text=True).strip(),
                controller_port=controller_port,
                node_port=node_port,
                memory=memory,
                cpus=self.cpus,
            )
        )
        (folder / "gres.conf").write_text(GPUS.format(host=host))
        files = [f"--{option}={folder}/munge.{option.split('-')[0]}" for option in ("key-file", "log-file", "pid-file")]
        self._daemon(
            "munged", "--foreground", "--force", f"--socket={folder}/munge.socket", f"--seed-file={folder}/seed", *files
        )
        wait("munged", lambda: (folder / "munge.socket").exists(), 10)
        self._daemon("slurmctld", "-D")
        self.start_node()

    def start_node(self) -> None:
        """Start the node's daemon and wait until it takes jobs."""
        self._daemon("slurmd", "-D")
        wait("the node", lambda: self.ask("sinfo", "--noheader", "--format=%t").strip() in ("idle", "mix", "alloc"), 60)

    def dead(self) -> list[str]:
        """Return the daemons that have ended by themselves."""
        return [name for name, daemon in self.daemons.items() if daemon.poll() is not None]

    def revive(self) -> None:
        """Start again what has ended by itself, and cancel what a test has left."""
        for name in self.dead():
            self._daemon(name, "-D")
        wait("the controller", lambda: self.ask("sinfo", "--noheader"), 60)
        self.ask("scancel", "--user", str(os.getuid()))
        wait("the jobs left", lambda: not self.jobs(), 120)

    def kill_node(self) -> None:
        """End the node's daemon and all that its jobs run, as a power cut does."""
        daemon = self.daemons.pop("slurmd")
        daemon.kill()
        daemon.wait()
        for step in self.steps():
            for process in (step, *below(step, processes())):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(process, signal.SIGKILL)

    def steps(self) -> list[int]:
        """Return the processes of SLURM below which this cluster's jobs run."""
        found = [process for process, (_, name) in processes().items() if name == "slurmstepd"]
        return [step for step in found if str(self.folder) in of_process(step, "environ")]

    def stop(self) -> None:
        """Cancel what still runs and end the daemons."""
        if "slurmctld" in self.daemons:
            subprocess.run(["scancel", "--user", str(os.getuid())], env=self.environment, capture_output=True)
            with contextlib.suppress(RuntimeError):
                wait("the jobs", lambda: not self.jobs(), 30)
        for daemon in reversed(self.daemons.values()):
            daemon.terminate()
        for daemon in self.daemons.values():
            daemon.wait(30)

    def ask(self, *command: str) -> str:
        """Run a command of SLURM and return what it prints; an empty text where it fails."""
        return subprocess.run(command, env=self.environment, capture_output=True, text=True).stdout

    def jobs(self, *states: str) -> dict[str, str]:
        """Return the jobs that wait or run, or those in `states`, by number: what snakemake calls each."""
        lines = self.ask(
            "squeue", "--noheader", "--format=%i|%k", *([f"--states={','.join(states)}"] if states else [])
        )
        return dict(line.split("|", 1) for line in lines.splitlines())

    def process(self, argument: str) -> int:
        """Return the process of a job that was started with an argument, not the shells and srun around it."""
        for step in self.steps():
            for process in below(step, processes()):
                arguments = of_process(process, "cmdline").split("\0")
                if "train" in arguments[:3] and any(found.endswith(argument) for found in arguments):
                    return process
        raise RuntimeError(f"no process of a job has the argument {argument}")

    def submitted(self) -> int:
        """Return how many jobs the cluster was given so far; an array counts once."""
        return (self.folder / "slurmctld.log").read_text().count("_slurm_rpc_submit_batch_job: JobId=")

    def seconds(self) -> dict[str, int]:
        """Return how long each job has run, of those that SLURM remembers, by number."""
        lines = self.ask("squeue", "--noheader", "--states=all", "--format=%i|%M").splitlines()
        return {job: in_seconds(spent) for job, spent in (line.split("|") for line in lines)}

    def _daemon(self, name: str, *arguments: str) -> None:
        log = (self.folder / f"{name}.out").open("ab")
        command = [shutil.which(name, path=PATH) or name, *arguments]
        # Apart from the terminal's interrupts, which are for the tests.
        self.daemons[name] = subprocess.Popen(
            command, env=self.environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )


@contextlib.contextmanager
def running(folder: Path, cpus: int) -> Iterator[Cluster]:
    """Yield a cluster that has started in an empty folder; stop it at the end."""
    cluster = Cluster(folder, cpus)
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.stop()


def wait(what: str, done: Callable[[], object], seconds: float) -> None:
    """Wait until `done` returns something true; raise RuntimeError after `seconds`."""
    end = time.monotonic() + seconds
    while not done():
        if time.monotonic() > end:
            raise RuntimeError(f"{what}: nothing after {seconds:.0f} seconds")
        time.sleep(0.1)


def in_seconds(spent: str) -> int:
    """Return the seconds of SLURM's [days-[hours:]]minutes:seconds."""
    days, _, clock = spent.rpartition("-")
    seconds = 0
    for part in clock.split(":"):
        seconds = 60 * seconds + int(part)
    return 86400 * int(days or 0) + seconds


def free_ports(number: int) -> list[int]:
    """Return ports on which nothing listens."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(number)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


def processes() -> dict[int, tuple[int, str]]:
    """Return the parent and the name of each process of this machine."""
    found = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            # A name may hold spaces and brackets.
            front, _, back = path.read_text().rpartition(")")
            found[int(path.parent.name)] = (int(back.split()[1]), front.partition("(")[2])
    return found


def of_process(process: int, file: str) -> str:
    """Return what a file of /proc says of a process; an empty text where it has just ended."""
    try:
        return Path(f"/proc/{process}/{file}").read_text(errors="replace")
    except OSError:
        return ""


def below(parent: int, tree: dict[int, tuple[int, str]]) -> list[int]:
    """Return all processes that descend from one."""
    own = [process for process, (above, _) in tree.items() if above == parent]
    return [*own, *(other for process in own for other in below(process, tree))]
