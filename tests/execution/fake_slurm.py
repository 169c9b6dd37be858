"""A Slurm made of a text file: small programs on PATH that answer from it and note what they were asked."""

from dataclasses import dataclass
from pathlib import Path

# Columns of the queue, and the letters by which squeue's format calls them.
COLUMNS = {"i": 1, "j": 2, "T": 3, "r": 4, "Z": 5, "k": 6}
NAME = "0ef2e46e-855f-4537-bdfe-70febb9e00a3"

# What a program notes: its name and arguments, and each variable that would narrow what it shows.
NOTE = """\
#!/bin/sh
here={folder}
echo "$(basename "$0")" "$@" >> "$here/calls"
env | grep -E '^(SQUEUE|SINFO)_' >> "$here/variables"
if [ -e "$here/down" ]; then
    echo 'slurm_load_jobs error: Unable to contact slurm controller' >&2
    exit 1
fi
"""
SQUEUE = """\
for answer in "$here"/answers/*; do
    [ -e "$answer" ] && mv "$answer" "$here/queue"
    break
done
while [ $# -gt 0 ]; do
    case "$1" in
    --format) form="$2"; shift ;;
    --format=*) form="${1#--format=}" ;;
    esac
    shift
done
awk -F '\\t' -v form="$form" '{ line = form; REPLACE print line }' "$here/queue"
"""
SCANCEL = """\
for job in "$@"; do
    grep -v "^$job	" "$here/queue" > "$here/kept"
    mv "$here/kept" "$here/queue"
done
"""
SINFO = """\
case "$*" in
*%G*) cat "$here/nodes" ;;
*) cat "$here/sinfo" ;;
esac
"""
SCONTROL = """\
case "$1" in
show) echo 'MinJobAge               = 300 sec' ;;
requeue) test ! -e "$here/refused" || { echo 'Requested operation is presently disabled' >&2; exit 1; } ;;
esac
"""
# A number that no other has, and a queue that knows what was submitted even where the answer gets lost.
SBATCH = """\
[ -e "$here/refusal" ] && { cat "$here/refusal" >&2; exit 1; }
for word in "$@"; do
    case "$before" in
    --job-name) name="$word" ;;
    --comment) comment="$word" ;;
    esac
    before="$word"
done
[ -e "$here/lost" ] && { number=$(cat "$here/lost"); rm "$here/lost"; lost=yes; }
number="${number:-$$}"
printf '%s\\t%s\\tPENDING\\tNone\\t%s\\t%s\\n' "$number" "$name" "$PWD" "$comment" >> "$here/queue"
[ -z "$lost" ] || { echo 'sbatch: error: Socket timed out on send/recv operation' >&2; exit 1; }
echo "$number"
"""


@dataclass(frozen=True)
class FakeSlurm:
    """The programs' folder and what they answer from.

    Attributes:
        folder: Holds `bin`, which is to be on PATH, and their notes.
    """

    folder: Path

    def install(self) -> "FakeSlurm":
        """Write the programs."""
        (self.folder / "answers").mkdir(parents=True)
        (self.folder / "queue").touch()
        (self.folder / "sinfo").write_text("cpu\t1-00:00:00\ngpu\tinfinite\n")
        replace = "".join(f'gsub("%{letter}", ${column}, line); ' for letter, column in COLUMNS.items())
        self.add_program("squeue", SQUEUE.replace("REPLACE", replace))
        self.add_program("scancel", SCANCEL)
        self.add_program("scontrol", SCONTROL)
        self.add_program("sbatch", SBATCH)
        (self.folder / "nodes").write_text("cpu|64000|(null)|(null)\ngpu|512000|gpu:a100:8(S:0-1)|small\n")
        self.add_program("sinfo", SINFO)
        return self

    @property
    def programs(self) -> Path:
        """What is to be on PATH."""
        return self.folder / "bin"

    def add_program(self, name: str, script: str) -> None:
        """Write one program."""
        self.programs.mkdir(exist_ok=True)
        file = self.programs / name
        file.write_text(NOTE.format(folder=self.folder) + script)
        file.chmod(0o755)

    def set_queue(self, *jobs: str) -> None:
        """What squeue shows from now on."""
        (self.folder / "queue").write_text("".join(f"{job}\n" for job in jobs))

    def then(self, *jobs: str) -> None:
        """What squeue shows from its next call on, or from the one after those that are already set."""
        answers = self.folder / "answers"
        (answers / f"{len(list(answers.iterdir())):03}").write_text("".join(f"{job}\n" for job in jobs))

    def set_nodes(self, *nodes: str) -> None:
        """What sinfo shows of the nodes: partition, memory, generic resources and features."""
        (self.folder / "nodes").write_text("".join(f"{node}\n" for node in nodes))

    def stop_answering(self) -> None:
        """As a controller that is down."""
        (self.folder / "down").touch()

    def answer_again(self) -> None:
        """As a controller that is back."""
        (self.folder / "down").unlink()

    def lose_answer(self, number: int) -> None:
        """Let the next sbatch submit this job and time out before its number is known."""
        (self.folder / "lost").write_text(f"{number}")

    def refuse_jobs(self, reason: str) -> None:
        """Let sbatch refuse."""
        (self.folder / "refusal").write_text(f"sbatch: error: {reason}\n")

    def refuse(self) -> None:
        """Let scontrol refuse everything."""
        (self.folder / "refused").touch()

    def get_calls(self, program: str = "") -> list[str]:
        """Command lines of the programs that were called, or of one of them."""
        return [line for line in self.read("calls") if line.startswith(program)]

    def read(self, name: str) -> list[str]:
        """Lines of one of the notes."""
        file = self.folder / name
        return file.read_text().splitlines() if file.exists() else []


def write_job(
    number: object,
    folder: Path,
    state: str = "RUNNING",
    name: str = NAME,
    comment: str = "rule_train_cell_wildcards_mini_dpo_beta~0.1_1",
    reason: str = "None",
) -> str:
    """A job as the queue holds it."""
    return "\t".join((str(number), name, state, reason, str(folder), comment))
