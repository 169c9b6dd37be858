"""A private Slurm on this machine: two nodes with eight fake A100s each, two nodes without, and ways to break it.

As a program: `python tests/cluster/slurm_cluster.py up FOLDER` starts one and prints the line that a shell needs,
`… down FOLDER` ends it. install.sh installs what it needs; it runs as root, as slurmd does.
"""

import argparse
import os
import secrets
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

from daemons import Daemons
from default_place import claim_default_place, release_default_place
from processes import find_job_processes, find_node_processes, kill
from slurm_files import NODES, get_cluster_name, get_first_port, write_configuration

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch")
ACCOUNTING_PROGRAMS = ("slurmdbd", "mariadbd")
# Seconds for one command of Slurm's.
TIMEOUT = 60
# Sockets lie in the folder, and their paths may have 107 characters.
LONGEST_FOLDER = 70


def find_missing_programs(accounting: bool = False) -> list[str]:
    """The programs that a cluster needs and that are not installed."""
    programs = (*PROGRAMS, *(ACCOUNTING_PROGRAMS * accounting))
    return [name for name in programs if not shutil.which(name, path=get_path())]


def get_path() -> str:
    """Where programs lie: also where root's PATH alone looks."""
    return os.pathsep.join([os.environ["PATH"], "/usr/sbin", "/sbin"])


class Cluster:
    """One cluster in a folder, whose daemons can be ended and started one by one.

    Daemons are called munged, slurmctld, slurmd-g1, slurmd-g2, slurmd-c1, slurmd-c2, slurmdbd and mariadbd.

    Args:
        folder: Of its state and logs; made with the first start.
        accounting: Whether slurmdbd keeps what jobs did.
        cpus: Of each node, however many the machine has; so many jobs of one thread run there at once.
        patience: Seconds to wait for another private cluster on this machine to end.
    """

    def __init__(self, folder: Path, accounting: bool = False, cpus: int = 64, patience: float = 600):
        self.folder, self.accounting = Path(folder).resolve(), accounting
        self.cpus, self.patience = cpus, patience
        self.configuration = self.folder / "slurm.conf"
        self.daemons = Daemons(self.folder, self.get_environment())
        if len(str(self.folder)) > LONGEST_FOLDER:
            raise ValueError(
                f"{self.folder}: longer than {LONGEST_FOLDER} characters; sockets need a shorter path"
            )

    def __enter__(self) -> "Cluster":
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_) -> None:
        self.stop()

    def get_environment(self) -> dict[str, str]:
        """What a shell needs to speak to it."""
        return {**os.environ, "PATH": get_path(), "SLURM_CONF": str(self.configuration)}

    def start(self) -> None:
        """Start what does not run.

        Raises:
            FileNotFoundError: Slurm is not installed.
            RuntimeError: Another cluster is there.
            TimeoutError: Something does not come up.
        """
        if missing := find_missing_programs(self.accounting):
            argument = " accounting" * self.accounting
            raise FileNotFoundError(
                f"{', '.join(missing)}: not installed; run tests/cluster/install.sh{argument}"
            )
        for name in ("log", "state", *(f"spool/{node}" for node in NODES)):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        write_configuration(self.folder, self.accounting, self.cpus)
        self._start_munge()
        # After the first daemon, which shows that this cluster is alive.
        claim_default_place(self.configuration, _is_alive, self.patience)
        if self.accounting:
            self.start_database()
        self.start_controller()
        for node in NODES:
            self.start_node(node)
        self.daemons.wait_until(lambda: self.list_ready() == set(NODES), "slurmctld")

    def stop(self) -> None:
        """Cancel all jobs, end all daemons and what they started."""
        if not self.configuration.exists():
            return
        if self.daemons.is_running("slurmctld"):
            self.attempt("scancel", "--user=root")
            deadline = time.monotonic() + 10
            while self.attempt("squeue", "-h") and time.monotonic() < deadline:
                time.sleep(0.1)
        for node in NODES:
            self.fail_node(node)
        for name in ("slurmctld", "slurmdbd", "mariadbd", "munged"):
            self.end(name)
        kill(find_job_processes(get_cluster_name(self.folder)))
        release_default_place(self.configuration)

    def start_controller(self) -> None:
        """Start slurmctld."""
        self.daemons.start("slurmctld", "slurmctld", "-D", "-f", str(self.configuration))
        self.daemons.wait_until(lambda: "is UP" in (self.attempt("scontrol", "ping") or ""), "slurmctld")

    def start_node(self, node: str) -> None:
        """Start the slurmd of a node."""
        self.daemons.start(f"slurmd-{node}", "slurmd", "-D", "-f", str(self.configuration), "-N", node)

    def start_database(self) -> None:
        """Start MariaDB and slurmdbd."""
        data, sock, first = self.folder / "mysql", self.folder / "mysql.sock", get_first_port(self.folder)
        if not (data / "mysql").is_dir():
            create = [
                "mariadb-install-db",
                "--no-defaults",
                "--user=root",
                "--skip-test-db",
                f"--datadir={data}",
            ]
            subprocess.run(
                [*create, "--auth-root-authentication-method=normal"], check=True, capture_output=True
            )
        small = ("--innodb-buffer-pool-size=64M", "--innodb-flush-log-at-trx-commit=0")
        self.daemons.start(
            *(
                "mariadbd",
                "mariadbd",
                "--no-defaults",
                "--user=root",
                f"--datadir={data}",
                f"--socket={sock}",
            ),
            *("--bind-address=127.0.0.1", f"--port={first + 3}", f"--pid-file={self.folder}/mysql.pid"),
            *("--innodb-lock-wait-timeout=900", *small),
        )
        users = "".join(
            f"CREATE USER IF NOT EXISTS slurm@'{host}' IDENTIFIED BY 'slurm'; "
            f"GRANT ALL ON slurm_acct_db.* TO slurm@'{host}'; "
            for host in ("localhost", "127.0.0.1")
        )
        sql = ("mariadb", "--no-defaults", "-uroot", "-S", str(sock), "-e", users)
        self.daemons.wait_until(lambda: self.attempt(*sql) is not None, "mariadbd")
        self.daemons.start("slurmdbd", "slurmdbd", "-D")
        self.daemons.wait_until(
            lambda: self.attempt("sacctmgr", "-n", "list", "cluster") is not None, "slurmdbd"
        )
        if not self.call("sacctmgr", "-n", "list", "associations", "account=lab", "user=root"):
            for what in (f"cluster {get_cluster_name(self.folder)}", "account lab", "user root account=lab"):
                self.call("sacctmgr", "-i", "add", *what.split())

    def end(self, name: str, how: signal.Signals = signal.SIGTERM) -> None:
        """End a daemon, and wait until it is gone."""
        self.daemons.end(name, how)

    def fail_node(self, node: str) -> None:
        """End a node as a power cut does: its slurmd and all processes of its jobs at once."""
        processes = find_node_processes(self.folder, get_cluster_name(self.folder), node)
        self.end(f"slurmd-{node}", signal.SIGKILL)
        kill(processes)

    def list_ready(self) -> set[str]:
        """Names of the nodes that take jobs."""
        return set((self.attempt("sinfo", "-h", "-N", "-t", "idle,mix,alloc", "-o", "%N") or "").split())

    def call(self, *command: str) -> str:
        """What a command of Slurm's prints.

        Raises:
            subprocess.CalledProcessError: It failed.
        """
        environment = self.get_environment()
        process = subprocess.run(
            command, env=environment, check=True, capture_output=True, text=True, timeout=TIMEOUT
        )
        return process.stdout

    def attempt(self, *command: str) -> str | None:
        """What a command prints, None where it failed."""
        try:
            return self.call(*command)
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
            return None

    def _start_munge(self) -> None:
        munge, sock = self.folder / "munge", self.folder / "munge.sock"
        munge.mkdir(mode=0o700, exist_ok=True)
        key = munge / "key"
        if not key.exists():
            key.touch(mode=0o600)
            key.write_bytes(secrets.token_bytes(1024))
        self.daemons.start(
            *("munged", "munged", "--foreground", "--force", "--num-threads=2", f"--key-file={key}"),
            *(f"--socket={sock}", f"--pid-file={munge}/pid", f"--seed-file={munge}/seed"),
            f"--log-file={self.folder}/log/munged.log",
        )
        self.daemons.wait_until(sock.is_socket, "munged")


def _is_alive(configuration: Path) -> bool:
    return bool(Daemons(configuration.parent, {}).list_running())


def main() -> None:
    """Start or end a cluster from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("action", choices=["up", "down"])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--accounting", action="store_true")
    arguments = parser.parse_args()
    cluster = Cluster(arguments.folder, arguments.accounting)
    if arguments.action == "down":
        cluster.stop()
        return
    try:
        cluster.start()
    except (FileNotFoundError, RuntimeError, TimeoutError) as error:
        sys.exit(str(error))
    print(f"export SLURM_CONF={cluster.configuration}")


if __name__ == "__main__":
    main()
