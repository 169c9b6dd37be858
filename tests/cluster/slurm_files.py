"""The files that a private cluster is configured with."""

import socket
import subprocess
import sys
from pathlib import Path

# Two nodes with eight A100s each, 80 GB and 40 GB, that are /dev/null, and two nodes without.
GPU_NODES, CPU_NODES = ("g1", "g2"), ("c1", "c2")
NODES = (*GPU_NODES, *CPU_NODES)

# Where each daemon listens, counted from the cluster's first port.
PORTS = {
    "slurmctld": 0,
    "slurmd": 1,
    "slurmdbd": 2,
    "mariadbd": 3,
    **{node: 4 + i for i, node in enumerate(NODES)},
}

# Partitions: `cpu` and `gpu` as on any cluster; jobs in `gpulow` are requeued, and those in `gpukill` cancelled, when
# a job in `urgent` wants their nodes. A job that takes more memory than it asked for is killed within two seconds.
CONFIGURATION = """\
ClusterName={name}
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={slurmctld}
SlurmdPort={slurmd}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.sock
CredType=cred/munge
MpiDefault=none
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
JobAcctGatherParams=OverMemoryKill
Epilog={folder}/epilog
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
GresTypes=gpu
SlurmdParameters=config_overrides
SchedulerParameters=batch_sched_delay=0,sched_interval=2,sched_min_interval=0,bf_interval=2
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
ReturnToService=2
MinJobAge=300
KillWait=2
SlurmdTimeout=15
SlurmctldTimeout=10
InactiveLimit=0
MaxArraySize=1001
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool/%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.%n.pid
SlurmctldLogFile={folder}/log/slurmctld.log
SlurmdLogFile={folder}/log/slurmd.%n.log
SlurmctldDebug=info
SlurmdDebug=info
{accounting}
NodeName=DEFAULT CPUs={cpus} RealMemory=128000
NodeName=c1 NodeHostname={host} NodeAddr=127.0.0.1 Port={c1}
NodeName=c2 NodeHostname={host} NodeAddr=127.0.0.1 Port={c2}
NodeName=DEFAULT CPUs={cpus} RealMemory=500000 Gres=gpu:a100:8
NodeName=g1 NodeHostname={host} NodeAddr=127.0.0.1 Port={g1} Feature=a100_80g
NodeName=g2 NodeHostname={host} NodeAddr=127.0.0.1 Port={g2} Feature=a100_40g
PartitionName=DEFAULT DefMemPerCPU=1000 MaxTime=1-00:00:00
PartitionName=cpu Nodes=c1,c2 Default=YES PriorityTier=10
PartitionName=gpu Nodes=g1,g2 PriorityTier=10
PartitionName=gpulow Nodes=g1,g2 PriorityTier=1 PreemptMode=REQUEUE
PartitionName=gpukill Nodes=g1,g2 PriorityTier=1 PreemptMode=CANCEL
PartitionName=urgent Nodes=g1,g2,c1,c2 PriorityTier=20 PreemptMode=OFF
"""
WITHOUT_ACCOUNTING = "AccountingStorageType=accounting_storage/none"
WITH_ACCOUNTING = """\
AccountingStorageType=accounting_storage/slurmdbd
AccountingStorageHost=127.0.0.1
AccountingStoragePort={slurmdbd}
AccountingStoragePass={folder}/munge.sock
AccountingStorageTRES=gres/gpu
AccountingStoreFlags=job_comment"""
# Without control groups Slurm loses sight of what a job's processes leave behind when they end.
EPILOG = """\
#!{python}
import os, sys
sys.path.insert(0, {here!r})
from processes import find_job_processes, kill
kill(find_job_processes({name!r}, "SLURM_JOB_ID=" + os.environ["SLURM_JOB_ID"]))
"""
DATABASE = """\
AuthType=auth/munge
AuthInfo=socket={folder}/munge.sock
DbdHost={host}
DbdAddr=127.0.0.1
DbdPort={slurmdbd}
SlurmUser=root
LogFile={folder}/log/slurmdbd.log
PidFile={folder}/slurmdbd.pid
StorageType=accounting_storage/mysql
StorageHost=127.0.0.1
StoragePort={mariadbd}
StorageUser=slurm
StoragePass=slurm
StorageLoc=slurm_acct_db
"""


def write_configuration(folder: Path, accounting: bool, cpus: int) -> Path:
    """Write slurm.conf and what belongs to it into a cluster's folder.

    The first port is found with the first call and kept in the folder.

    Args:
        folder: Of the cluster.
        accounting: Whether slurmdbd keeps what jobs did.
        cpus: Of each node.

    Returns:
        Path of slurm.conf.
    """
    first = get_first_port(folder)
    values = {"folder": folder, "cpus": cpus, "host": socket.gethostname().split(".")[0]}
    values["name"] = get_cluster_name(folder)
    values |= {name: first + offset for name, offset in PORTS.items()}
    values["accounting"] = (WITH_ACCOUNTING if accounting else WITHOUT_ACCOUNTING).format(**values)
    (folder / "slurm.conf").write_text(CONFIGURATION.format(**values))
    if accounting:
        database = folder / "slurmdbd.conf"
        # slurmdbd refuses to read a password that others may read.
        database.touch(mode=0o600)
        database.write_text(DATABASE.format(**values))
    epilog = folder / "epilog"
    epilog.write_text(
        EPILOG.format(python=sys.executable, here=str(Path(__file__).parent), name=values["name"])
    )
    epilog.chmod(0o755)
    devices = folder / "dev"
    devices.mkdir(exist_ok=True)
    for number in range(8):
        if not (devices / f"nvidia{number}").exists():
            subprocess.run(["mknod", str(devices / f"nvidia{number}"), "c", "1", "3"], check=True)
    (folder / "gres.conf").write_text(f"NodeName=g[1-2] Name=gpu Type=a100 File={devices}/nvidia[0-7]\n")
    (folder / "cgroup.conf").write_text("CgroupAutomount=no\n")
    return folder / "slurm.conf"


def get_cluster_name(folder: Path) -> str:
    """The name of a cluster, of which no other on this machine has the ports."""
    return f"lossgrid{get_first_port(folder)}"


def get_first_port(folder: Path) -> int:
    """The first of a cluster's ports: kept in the folder, or of a row that is free, below the ephemeral ones."""
    file = folder / "port"
    if not file.exists():
        rows = range(17000, 30000, len(PORTS))
        file.write_text(
            str(next(first for first in rows if all(_is_free(first + i) for i in PORTS.values())))
        )
    return int(file.read_text())


def _is_free(port: int) -> bool:
    with socket.socket() as listener:
        # As the daemons do: connections that have ended shall not count.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True
