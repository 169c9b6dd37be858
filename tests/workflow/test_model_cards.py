"""Every finished cell's policy is a model folder with a card, and writing it makes nothing else out of date."""

import os
import re
import shutil
import subprocess
import sys

import pandas as pd
import pytest
from huggingface_hub import ModelCard
from test_whole_study import ALIAS, DIVERGED, DLRML, DPO, LEARNED, TRAINED
from transformers import AutoModelForCausalLM, AutoTokenizer

from tests.cluster.working_copy import get_environment

POLICIES = [DPO, TRAINED, DIVERGED, DLRML, LEARNED]


def read_card(workflow, cell: str) -> ModelCard:
    """The card in a policy's folder, as the Hub's library reads it."""
    return ModelCard.load(workflow.get_cell(cell) / "policy" / "README.md")


@pytest.mark.parametrize("cell", POLICIES)
def test_a_policy_is_a_model_folder_with_a_card(finished, cell):
    """Whoever is handed the folder would have to ask how to load it and what it is."""
    card = read_card(finished, cell)
    assert card.data.library_name == "transformers"
    assert card.data.license == "unknown"
    assert card.data.model_name == f"tiny/{cell}"
    assert cell.split("/")[0] in card.data.tags
    copy = finished.results / "cards" / cell / "README.md"
    assert copy.read_text() == (finished.get_cell(cell) / "policy/README.md").read_text()
    policy = finished.get_cell(cell) / "policy"
    model, tokenizer = AutoModelForCausalLM.from_pretrained(policy), AutoTokenizer.from_pretrained(policy)
    prompt = tokenizer.apply_chat_template(
        [{"role": "user", "content": "hello ."}],
        add_generation_prompt=True,
        return_dict=True,
        return_tensors="pt",
    )
    assert model.generate(**prompt, max_new_tokens=4).shape[1] > prompt["input_ids"].shape[1]


def test_the_code_of_a_card_loads_its_policy_without_a_network(finished):
    """An example that does not run is worse than none; one with unknown words shows nonsense."""
    (code,) = re.findall(r"```python\n(.*?)```", read_card(finished, DLRML).text, re.S)
    code += "assert tokenizer.unk_token_id not in inputs['input_ids'][0].tolist(), inputs\n"
    process = subprocess.run(
        [sys.executable, "-c", code],
        cwd=finished.folder,
        env={**get_environment(), "HF_HUB_OFFLINE": "1"},
        capture_output=True,
        text=True,
    )
    assert process.returncode == 0, process.stderr
    assert process.stdout


def test_numbers_of_a_card_are_those_of_the_tables(finished):
    """A card travels without its study: a wrong number there is never found."""
    results = {result.metric_type: result for result in read_card(finished, DPO).data.eval_results}
    cells = pd.read_csv(finished.results / "tables/cells.csv").set_index("cell")
    assert results["reward"].metric_value == cells.loc[DPO, "reward"]
    assert results["kl"].metric_value == cells.loc[DPO, "kl"]
    board = pd.read_csv(finished.results / "tables/leaderboard.csv").set_index("cell")
    assert results["lc_win_rate_study"].metric_value == board.loc[DPO, "lc_study"]
    ratings = pd.read_csv(finished.results / "tables/mt_bench.csv").query(
        "category == 'all' and turn == 'all'"
    )
    assert results["mt_bench"].metric_value == ratings.set_index("cell").loc[DPO, "score"]
    text = read_card(finished, DPO).text
    assert f"{cells.loc[DPO, 'n']} responses in {cells.loc[DPO, 'chats']} chats" in text
    assert "The judge of ratings and win rates is oracle" in text


def test_a_diverged_policy_says_so_on_top(finished):
    """Its weights would be taken for those of a finished training, and a list would rank it."""
    card = read_card(finished, DIVERGED)
    first, second = [line for line in card.text.splitlines() if line][:2]
    assert first.startswith("# DiscoPOP")
    assert second.startswith("> **This run diverged** after ")
    assert "diverged" in card.data.tags
    assert not card.data.eval_results
    assert "diverged**" not in read_card(finished, DPO).text


def test_a_card_names_its_aliases_and_identity(finished):
    """The folder of an alias is this one: its reader would think that the card is another cell's."""
    text = read_card(finished, TRAINED).text
    assert f"`{ALIAS}`" in text
    assert f"{pd.read_json(finished.get_cell(TRAINED) / 'health.json', typ='series')['identity']}" in text


def test_cards_make_nothing_out_of_date(workflow):
    """A file in another rule's folder could have every cell answered and judged again."""
    assert workflow.plan() == {}
    card = workflow.get_cell(DPO) / "policy" / "README.md"
    # Written now, long after all that was made from the policy.
    card.write_text(card.read_text())
    os.utime(card.parent)
    assert workflow.plan() == {}
    card.unlink()
    assert workflow.plan() == {}


@pytest.mark.slow
def test_cards_of_removed_policies_are_kept(workflow):
    """Most policies of a sweep are removed, and nobody trains them again for a card."""
    shutil.rmtree(workflow.get_cell(DPO) / "policy")
    shutil.rmtree(workflow.results / "cards")
    assert workflow.plan() == {"write_cards": 1}
    workflow.run()
    assert (workflow.results / "cards" / DPO / "README.md").exists()
    assert not (workflow.get_cell(DPO) / "policy").exists()
    assert workflow.plan() == {}
