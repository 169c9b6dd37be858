"""Splits as they come: columns, files that cannot be read, and rows that are not those of the lock."""

import json

import pytest
from datasets import Dataset

from lossgrid.studies.hub import HubData
from lossgrid.worlds.hub.repositories import HubError
from lossgrid.worlds.hub.rows import describe_split, load_locked_split, load_split

CONVERSATION = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]
ROWS = [{"chosen": CONVERSATION, "rejected": CONVERSATION}] * 3


def write_rows(folder, rows, split="train"):
    folder.mkdir(exist_ok=True)
    Dataset.from_list(rows).to_parquet(folder / f"{split}-00000-of-00001.parquet")
    return folder


@pytest.mark.parametrize(
    ("rows", "form", "message"),
    [
        ([{"question": "a", "chosen": "b"}], "texts", "no column prompt, rejected.*it has question, chosen"),
        ([{"chosen": "a", "rejected": "b"}], "conversations", "chosen holds str.*is it texts?"),
        (ROWS, "choice", "no column prompt, responses"),
        ([{"prompt": "a", "chosen": 1, "rejected": 0}], "texts", "chosen holds int.*is it choice?"),
    ],
)
def test_columns_of_another_format_are_refused_with_those_that_are_there(rows, form, message, tmp_path):
    with pytest.raises(HubError, match=message):
        load_split(write_rows(tmp_path / "data", rows), HubData(name="a/b", format=form), "train")


def test_an_unknown_split_is_refused_with_those_that_are_there(tmp_path):
    with pytest.raises(HubError, match=r"a/b training: Unknown split.*train.*correct world.data"):
        load_split(write_rows(tmp_path / "data", ROWS), HubData(name="a/b"), "training")


def test_an_unknown_configuration_is_refused(tmp_path):
    with pytest.raises(HubError, match="BuilderConfig 'other' not found"):
        load_split(write_rows(tmp_path / "data", ROWS), HubData(name="a/b", config="other"), "train")


def test_an_empty_split_is_refused(tmp_path):
    with pytest.raises(HubError, match="corresponds to no data"):
        load_split(write_rows(tmp_path / "data", ROWS), HubData(name="a/b"), "train[:0]")


def test_bytes_that_are_no_text_are_refused(tmp_path):
    """Half a data set that can be read is another data set."""
    folder = tmp_path / "data"
    folder.mkdir()
    line = json.dumps({"prompt": "caf\u00e9", "chosen": "a", "rejected": "b"}, ensure_ascii=False)
    (folder / "train.jsonl").write_bytes((line + "\n").encode("latin-1"))
    with pytest.raises(HubError, match=r"a/b train: its files cannot be read"):
        load_split(folder, HubData(name="a/b", format="texts"), "train")


def test_a_share_of_a_split_can_be_asked_for(tmp_path):
    rows = [{"prompt": str(index), "chosen": "a", "rejected": "b"} for index in range(20)]
    data = HubData(name="a/b", format="texts")
    read = load_split(write_rows(tmp_path / "data", rows), data, "train[5%:15%]")
    assert [row["prompt"] for row in read] == ["1", "2"]


def test_the_hash_is_of_the_rows_and_not_of_their_files(tmp_path):
    """A repository that is packed anew holds the same data."""
    rows = [{"prompt": "é\n", "chosen": "a", "rejected": None}]
    data = HubData(name="a/b", format="texts")
    parquet = load_split(write_rows(tmp_path / "one", rows), data, "train")
    (tmp_path / "two").mkdir()
    (tmp_path / "two" / "train.jsonl").write_text(json.dumps(rows[0]) + "\n")
    assert describe_split(load_split(tmp_path / "two", data, "train")) == describe_split(parquet)
    assert describe_split(parquet) != describe_split([{**rows[0], "chosen": "b"}])


def test_other_rows_than_those_of_the_lock_are_refused(offline_hub, load_hub_study):
    """A data set that changed under its name would change every number of a study, and nobody would see it."""
    study = load_hub_study()
    data = study.lock.datasets["shrunk/dpo-mix"]
    other = data.splits["train"].model_copy(update={"rows": 159})
    changed = data.model_copy(update={"splits": {**data.splits, "train": other}})
    lock = study.lock.model_copy(update={"datasets": {"shrunk/dpo-mix": changed}})
    assert len(load_locked_split(study.world, study.lock, "train")) == 160
    with pytest.raises(HubError, match=r"160 rows with hash .* and the lock file says 159"):
        load_locked_split(study.world, lock, "train")
    with pytest.raises(HubError, match=r"train\[:9\]: not in the study's lock file; run `snakemake prepare`"):
        load_locked_split(study.world, lock, "train[:9]")
