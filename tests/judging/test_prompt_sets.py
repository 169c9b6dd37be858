"""What every run of a study is asked so that a judge can see its answers."""

import json
import shutil
import urllib.request
from pathlib import Path

import pytest
from judged_study import load_judged, read_lines

from lossgrid.judging.prompt_sets import read_instructions, read_posts, write_prompt_sets
from lossgrid.studies import Study

# FastChat's table, as the paper's appendix has it.
TEMPERATURES = {
    "writing": 0.7, "roleplay": 0.7, "extraction": 0.0, "math": 0.0, "coding": 0.0, "reasoning": 0.0, "stem": 0.1,
    "humanities": 0.1,
}  # fmt: skip
ALL = {"mt_bench": {}, "alpaca_eval": {"prompts": 12}, "summaries": {"rows": 16}}


def write(folder: Path, **evaluations) -> tuple[dict[str, int], list[dict]]:
    """Write the sets of a study, and read the chats."""
    counts = write_prompt_sets(
        load_judged(folder / "study", **evaluations), folder / "prompts", folder / "downloads"
    )
    return counts, read_lines(folder / "prompts" / "chats.jsonl")


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Where all sets of the world were written."""
    folder = tmp_path_factory.mktemp("sets")
    counts, _ = write(folder, **ALL)
    assert counts == {"mt_bench": 80, "alpaca_eval": 12, "summaries": 16}
    return folder / "prompts"


@pytest.fixture(scope="module")
def chats(folder) -> dict[str, list[dict]]:
    """The chats by set."""
    lines = read_lines(folder / "chats.jsonl")
    return {name: [line for line in lines if line["set"] == name] for name in ALL}


def test_mt_bench_is_answered_in_two_turns_at_its_category_s_temperature(folder, chats):
    """Maths at 0.7 is another benchmark, and a question of one turn has no second score."""
    questions = read_lines(folder / "mt_bench" / "question.jsonl")
    assert chats["mt_bench"] == [
        {
            "set": "mt_bench",
            "id": question["question_id"],
            "category": question["category"],
            "turns": question["turns"],
            "temperature": TEMPERATURES[question["category"]],
        }
        for question in questions
    ]
    assert len({chat["id"] for chat in chats["mt_bench"]}) == 80
    assert {len(chat["turns"]) for chat in chats["mt_bench"]} == {2}
    assert {chat["category"] for chat in chats["mt_bench"]} == set(TEMPERATURES)


def test_an_instruction_is_a_chat_of_one_turn(folder, chats):
    """Answers find their instruction and its reference output by the place in the file."""
    instructions = read_instructions(folder)
    assert [row["id"] for row in instructions] == list(range(12))
    assert chats["alpaca_eval"] == [
        {"set": "alpaca_eval", "id": row["id"], "turns": [row["instruction"]]} for row in instructions
    ]
    assert all(row["output"] for row in instructions)


def test_a_post_is_a_chat_with_its_history(folder, chats):
    """A model that saw the last message alone would summarise a post that it never read."""
    posts = read_posts(folder)
    assert len(posts) == 16
    for chat, post in zip(chats["summaries"], posts, strict=True):
        assert set(chat) == {"set", "id", "history", "turns"}
        assert chat["id"] == post["id"]
        asked = [*chat["history"], {"role": "user", "content": chat["turns"][0]}]
        assert asked == post["prompt"]
        assert len(asked) == 3
        assert [message["role"] for message in asked] == ["user", "assistant", "user"]


def test_only_what_is_asked_for_is_written(tmp_path):
    """Every chat costs an answer of every run."""
    counts, chats = write(tmp_path, alpaca_eval={"prompts": 10})
    assert counts == {"alpaca_eval": 10}
    assert {chat["set"] for chat in chats} == {"alpaca_eval"}
    assert {file.name for file in (tmp_path / "prompts").iterdir()} == {"alpaca_eval.json", "chats.jsonl"}


def test_a_length_of_its_own_reaches_the_set_alone(tmp_path):
    """Two evaluations of one study want answers of very different lengths."""
    _, chats = write(tmp_path, alpaca_eval={"prompts": 10, "max_new_tokens": 300}, summaries={"rows": 10})
    lengths = {(chat["set"], chat.get("max_new_tokens")) for chat in chats}
    assert lengths == {("alpaca_eval", 300), ("summaries", None)}


def test_the_sets_are_a_function_of_the_study(folder, tmp_path):
    """Prompts made again must be the same bytes, or every answer in the ledger is to another question."""
    write(tmp_path, **ALL)
    again = tmp_path / "prompts"
    files = {file.relative_to(folder) for file in folder.rglob("*") if file.is_file()}
    assert len(files) == 6
    assert files == {file.relative_to(again) for file in again.rglob("*") if file.is_file()}
    assert all((folder / file).read_bytes() == (again / file).read_bytes() for file in files)


def prepare_fastchat(fixtures: Path, folder: Path, references: str) -> Study:
    """A study of FastChat's questions whose files were put there by hand, under their published names."""
    (folder / "downloads" / "mt_bench").mkdir(parents=True)
    for source in ("question.jsonl", "judge_prompts.jsonl", references):
        name = source.removeprefix("reference_").replace("_PR3158", "")
        shutil.copy(fixtures / "mt_bench" / source, folder / "downloads" / "mt_bench" / name)
    choice = "corrected" if "PR3158" in references else "original"
    return load_judged(folder / "study", mt_bench={"questions": "fastchat", "references": choice})


@pytest.mark.parametrize("references", ["reference_gpt-4.jsonl", "reference_gpt-4-0125-preview_PR3158.jsonl"])
def test_published_questions_are_taken_from_a_filled_folder(fixtures, tmp_path, monkeypatch, references):
    """The 80 questions of FastChat, without a network, and beside the world's other sets none of its MT-Bench."""
    asked = []
    monkeypatch.setattr(urllib.request, "urlopen", lambda url, **_: asked.append(url))
    study = prepare_fastchat(fixtures, tmp_path, references)
    assert write_prompt_sets(study, tmp_path / "prompts", tmp_path / "downloads") == {"mt_bench": 80}
    assert asked == []
    chats = read_lines(tmp_path / "prompts" / "chats.jsonl")
    assert [chat["id"] for chat in chats] == list(range(81, 161))
    assert all(chat["temperature"] == TEMPERATURES[chat["category"]] for chat in chats)
    assert chats[0]["turns"][1] == ("Rewrite your previous response. Start every sentence with the letter A.")
    for source, name in (("question.jsonl",) * 2, (references, "reference_answer.jsonl")):
        copied = tmp_path / "prompts" / "mt_bench" / name
        assert copied.read_bytes() == (fixtures / "mt_bench" / source).read_bytes()


INSTRUCTIONS = [
    {"instruction": f"Name {n} films.", "output": "No.", "dataset": "d", "generator": "g"} for n in range(11)
]


def test_instructions_of_a_file_take_the_place_of_the_world_s(tmp_path):
    """AlpacaEval's own 805 must be asked as they are, the first ones where fewer are wanted."""
    file = tmp_path / "own.json"
    file.write_text(json.dumps(INSTRUCTIONS))
    counts, chats = write(tmp_path, alpaca_eval={"instructions": str(file), "prompts": 10})
    assert counts == {"alpaca_eval": 10}
    assert [chat["turns"] for chat in chats] == [[row["instruction"]] for row in INSTRUCTIONS[:10]]
    assert read_instructions(tmp_path / "prompts") == [
        {"id": place, **row} for place, row in enumerate(INSTRUCTIONS[:10])
    ]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "own.json: no JSON"),
        ("{}", "own.json: no list of instructions, and alpaca_eval.prompts asks for 10"),
        (json.dumps(INSTRUCTIONS[:9]), "own.json: 9 instructions, and alpaca_eval.prompts asks for 10"),
        (
            json.dumps([*INSTRUCTIONS[:3], {"instruction": "a"}, *INSTRUCTIONS]),
            "own.json: instruction 3 has no output",
        ),
        (json.dumps(["a", *INSTRUCTIONS]), "own.json: instruction 0 has no instruction"),
    ],
)
def test_a_file_that_holds_no_instructions_is_refused(tmp_path, content, message):
    """Found after the training, it would cost a night."""
    file = tmp_path / "own.json"
    file.write_text(content)
    with pytest.raises(ValueError, match=message):
        write(tmp_path, alpaca_eval={"instructions": str(file), "prompts": 10})
