"""What `prepare` reads once, and keeps."""

import shutil

import pytest
from huggingface_hub import constants

from lossgrid.studies import StudyError, load_study
from lossgrid.studies.lock import get_lock_file, read_lock, spell_lock
from lossgrid.worlds.hub.locking import lock_study
from lossgrid.worlds.hub.repositories import HubError


def test_what_is_locked_stays_when_the_default_branch_moves_on(
    shrunk_hub, load_hub_study, monkeypatch, tmp_path
):
    """The lock exists so that half of a study's cells are not trained on other data than the rest."""
    copy = tmp_path / "hub"
    shutil.copytree(shrunk_hub / "hub", copy)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(copy))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    study = load_hub_study()
    repository = copy / "datasets--shrunk--dpo-mix"
    (old,) = (repository / "snapshots").iterdir()
    new = "0123456789abcdef" * 2 + "01234567"
    shutil.copytree(old, old.with_name(new))
    (repository / "refs" / "main").write_text(new)
    again, lines = lock_study(study)
    assert again == study.lock
    assert all(line.endswith("(as locked)") for line in lines)
    fresh, _ = lock_study(study.model_copy(update={"lock": None}))
    assert fresh.datasets["shrunk/dpo-mix"].revision == new


def test_a_study_that_names_another_revision_is_locked_anew(offline_hub, load_hub_study):
    study = load_hub_study()
    assert study.find_unlocked() == []
    data = study.world.data.model_copy(update={"revision": "v1"})
    other = study.model_copy(update={"world": study.world.model_copy(update={"data": data})})
    assert other.find_unlocked() == ["shrunk/dpo-mix train", "shrunk/dpo-mix test"]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "name: shrunk/dpo-mix",
            "name: shrunk/dpo-mix, train_rows: 161",
            "has 160 rows, and the study says 161",
        ),
        ("name: shrunk/dpo-mix", "name: shrunk/dpo-mix, heldout_rows: 95", "world.data.heldout_rows"),
        ("layers: 2", "layers: 3", "has layers 2, and the study says 3; correct world.model.shape.layers"),
        ("name: shrunk/dpo-mix", "name: shrunk/nothing", "shrunk/nothing .*: not on this machine"),
        ("name: shrunk/mistral-instruct", "name: shrunk/nothing", "shrunk/nothing .*: not on this machine"),
    ],
)
def test_what_is_not_as_the_study_says_is_refused_before_any_job(
    old, new, message, offline_hub, load_hub_study
):
    with pytest.raises(HubError, match=message):
        load_hub_study((old, new))


def test_a_lock_survives_its_file(offline_hub, load_hub_study, tmp_path):
    lock = load_hub_study().lock
    file = tmp_path / "x.lock.yaml"
    file.write_text(spell_lock(lock, "A heading: with a colon."))
    assert read_lock(file) == lock


@pytest.mark.parametrize("text", ["models: [", "models: {a/b: {asked: null, revision: main}}", "nonsense: 1"])
def test_a_spoiled_lock_is_an_error_of_the_study(text, offline_hub, load_hub_study, tmp_path):
    load_hub_study()
    file = tmp_path / "stand_in.yaml"
    get_lock_file(file).write_text(text)
    with pytest.raises(StudyError, match=r"stand_in.lock.yaml: .*restore it from version control"):
        load_study(file)


def test_the_judge_is_served_at_the_commit_of_the_lock(offline_hub, load_hub_study):
    """Another commit of the same name is another judge: its answers must not mix with the first one's."""
    judge = """\
        judge:
          model: shrunk/mistral-instruct
          command: vllm serve shrunk/mistral-instruct --revision {revision} --port {port}
        mt_bench: {questions: fastchat}
        """
    study = load_hub_study(added=judge)
    commit = study.lock.models["shrunk/mistral-instruct"].revision
    assert f"--revision {commit} --port {{port}}" in study.judge.command
    assert commit in study.judge.get_server()
    # Once more, the lock still holds it.
    assert lock_study(study)[0] == study.lock
