"""The warnings at parse time: they must agree with the audit, and cost nothing."""

import re
import subprocess
import sys

from lossgrid.audit import audit_study
from lossgrid.studies import load_study
from lossgrid.studies.start_warnings import describe_starts

OBJECTIVES = (
    "dpo:",
    "discopop: {beta: [0.05, 0.25], seeds: [1, 2]}",
    # r = β_mix/0.0025: 4, 9.1, 9.2, 9.7, 9.8, 80.
    "dlrml: {beta_kl: 0.05, beta_mix: [0.01, 0.02275, 0.023, 0.02425, 0.0245, 0.2]}",
    "dlrml_learned: {beta_kl: 0.05, beta_mix: 0.2}",
)


def test_the_lines_name_how_many_and_which(write_study):
    """Each setting once, whatever its seeds, with its r; the study can be mended by name."""
    wrong, beside = describe_starts(load_study(write_study(*OBJECTIVES)))
    assert wrong == (
        "study small: 5 of 10 settings have a wrong sign of the slope at the start, r > 9.777: training first lowers "
        "the margin: discopop/beta~0.05__tau~0.05 (r=20), discopop/beta~0.25__tau~0.05 (r=20), "
        "dlrml/beta_kl~0.05__beta_mix~0.0245__tau~0.05 (r=9.8), dlrml/beta_kl~0.05__beta_mix~0.2__tau~0.05 (r=80), "
        "1 more"
    )
    assert beside == (
        "study small: 2 of 10 settings have a trap to the left of the start, 9.109 < r ≤ 9.777, though the start is "
        "right: dlrml/beta_kl~0.05__beta_mix~0.023__tau~0.05 (r=9.2), "
        "dlrml/beta_kl~0.05__beta_mix~0.02425__tau~0.05 (r=9.7)"
    )


def test_they_are_silent_where_nothing_is_wrong(write_study):
    """A warning that always comes is read by nobody."""
    safe = load_study(write_study("dpo:", "dlrml: {beta_kl: 0.05, beta_mix: [0.0025, 0.01]}"))
    assert describe_starts(safe) == []


def test_the_audit_counts_the_same(write_study):
    """The warning before the run and the table after it would contradict each other."""
    study = load_study(write_study(*OBJECTIVES))
    wrong, beside = (int(re.search(r": (\d+) of", line).group(1)) for line in describe_starts(study))
    table = audit_study(study)
    assert (table["start"] == "wrong").sum() == wrong
    assert ((table["start"] == "right") & table["trap_rho"].notna()).sum() == beside


def test_no_torch_is_imported():
    """Every job of the workflow parses the studies, and prints these lines, first."""
    code = (
        "import lossgrid.studies.start_warnings, sys; print('torch' in sys.modules, 'scipy' in sys.modules)"
    )
    finished = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert finished.stdout.split() == ["False", "False"]
