"""MT-Bench: what is asked is what FastChat asks, and what is read is what FastChat reads, within its own scale."""

import json
from collections import Counter
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lossgrid.judging.asking.ledger import Record, store_reply
from lossgrid.judging.asking.request import Reply, UnreadableReply, judge_reply
from lossgrid.judging.evaluations import list_requests
from lossgrid.judging.mt_bench.fastchat import import_fastchat
from lossgrid.judging.mt_bench.files import load_files
from lossgrid.judging.mt_bench.requests import build_requests, choose_evenly, collect, get_temperature

RUNS = ("sft", "cells/dpo/beta~0.05/seed~1")
# FastChat knows gpt-4 and claude-2, takes two for local models, would load the adapter of another, and gives the
# first a conversation with an example in it.
JUDGES = ["oracle", "gpt-4", "Qwen/Qwen2.5-72B-Instruct", "vicuna-judge", "my-peft-judge", "claude-2"]
QUESTIONS = [
    {"question_id": 7, "category": "writing", "turns": ["Describe a hotel.", "Now {shorter}."]},
    {"question_id": 3, "category": "math", "turns": ["What is 2 + 2?", "And doubled?"]},
    {"question_id": 5, "category": "writing", "turns": ["Describe a meal.", "And the waiter."]},
]
REFERENCES = {3: {"question_id": 3, "choices": [{"turns": ["It is 4.", "It is 8."]}]}}
SLOTS = {
    "single": "U {question} A {answer}",
    "single-multi-turn": "U {question_1} A {answer_1} U {question_2} A {answer_2}",
    "pair": "U {question} A {answer_a} B {answer_b}",
    "pair-multi-turn": "U {question_1} {question_2} A {answer_a_1} {answer_a_2} B {answer_b_1} {answer_b_2}",
}


def make_prompts() -> dict[str, dict]:
    """The eight prompts that FastChat names, in short."""
    prompts = {}
    for kind, version in (("single", "v1"), ("pair", "v2")):
        for suffix, reference in (
            ("", " R {ref_answer_1}"),
            ("-multi-turn", " R {ref_answer_1} {ref_answer_2}"),
        ):
            for name, ending in ((f"{kind}-{version}{suffix}", ""), (f"{kind}-math-v1{suffix}", reference)):
                prompts[name] = {
                    "name": name,
                    "type": "single" if kind == "single" else "pairwise",
                    "system_prompt": f"Judge by {name}.",
                    "prompt_template": SLOTS[f"{kind}{suffix}"] + ending,
                    "output_format": "[[rating]]" if kind == "single" else "[[A]]",
                }
    return prompts


def make_answers(runs=RUNS) -> dict[str, list[dict]]:
    """An answer of its own for each run, question and turn, as the responses are on disk."""
    return {
        run: [
            {"id": each["question_id"], "turn": turn, "response": f"{run} says {each['question_id']}.{turn}"}
            for each in QUESTIONS
            for turn in (1, 2)
        ]
        for run in runs
    }


def ask(answers=None, prompts=None, references=REFERENCES, judge="oracle", questions=QUESTIONS, **options):
    """All judgments of the small benchmark."""
    return build_requests(
        questions, answers or make_answers(), prompts or make_prompts(), references, judge, **options
    )


def answer(judgments, reply_to, server="judge") -> dict[str, Record]:
    """Records of all requests; `reply_to` makes a reply (or a state's error) of a request."""
    records = {}
    for request in list_requests(judgments):
        key, reply = request.get_key(server), reply_to(request)
        if isinstance(reply, str):
            reply = Reply(reply, "stop", None, 1, 1)
        state, value, error = judge_reply(reply, request) if reply else ("api_error", None, "timed out")
        records[key] = Record(
            key, state, value, reply and store_reply(reply), error, False, 0.0, 1, "oracle", server,
            request.repeat, "2026-01-01T00:00:00+00:00",
        )  # fmt: skip
    return records


def dump(body: dict) -> str:
    """A body as text that can be sorted and compared."""
    return json.dumps(body, sort_keys=True)


@pytest.fixture(scope="module", autouse=True)
def fastchat():
    """FastChat's `common`, imported before anything is measured in time."""
    return import_fastchat()[0]


@pytest.fixture
def write_files(tmp_path):
    """Write the three files of a benchmark and return their folder."""

    def write(questions=QUESTIONS, prompts=None, references=REFERENCES):
        contents = {
            "question": questions,
            "judge_prompts": list((make_prompts() if prompts is None else prompts).values()),
            "reference_answer": list(references.values()),
        }
        for name, lines in contents.items():
            (tmp_path / f"{name}.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines))
        return tmp_path

    return write


@pytest.mark.parametrize("mode", ["single", "pairwise"])
def test_bodies_are_what_fastchat_sends(fastchat, monkeypatch, mode):
    """FastChat plays the same matches with a judge that it knows, through its own call, up to the openai package of
    its time; `n=1` is that package's default.
    """
    sent = []

    def create(**body):
        sent.append(body)
        return {"choices": [{"message": {"content": "[[5]] [[C]]"}}]}

    monkeypatch.setattr(fastchat.openai, "ChatCompletion", SimpleNamespace(create=create), raising=False)
    from fastchat.llm_judge import gen_judgment

    pairwise = mode == "pairwise"
    judges = (gen_judgment.make_judge_pairwise if pairwise else gen_judgment.make_judge_single)(
        "gpt-4", make_prompts()
    )
    responses = make_answers()
    answers = {
        run: {
            each["question_id"]: {
                "choices": [
                    {"turns": [f"{run} says {each['question_id']}.1", f"{run} says {each['question_id']}.2"]}
                ]
            }
            for each in QUESTIONS
        }
        for run in RUNS
    }
    for question in QUESTIONS:
        kind = "math" if question["category"] == "math" else "default"
        references = {"gpt-4": REFERENCES} if kind == "math" else None
        for suffix, multi_turn in (("", False), ("-mt", True)):
            make = gen_judgment.make_match if pairwise else gen_judgment.make_match_single
            play = gen_judgment.play_a_match_pair if pairwise else gen_judgment.play_a_match_single
            for match in make(
                [question],
                list(RUNS),
                answers,
                judges[kind + suffix],
                "sft",
                references,
                multi_turn=multi_turn,
            ):
                play(match, output_file=None)
    judgments = ask(responses, judge="gpt-4", mode=mode, baseline_run="sft" if pairwise else None)
    bodies = [{**request.body, "n": 1} for request in list_requests(judgments)]
    assert len(bodies) == (12 if not pairwise else 2 * 6)
    assert sorted(map(dump, bodies)) == sorted(map(dump, sent))


@pytest.mark.parametrize("judge", JUDGES)
@pytest.mark.parametrize("mode", ["single", "pairwise"])
def test_every_judge_reads_one_system_and_one_user_message(judge, mode):
    """FastChat reads a conversation's template, and for some a folder of weights, out of the judge's name."""
    prompts = make_prompts()
    for judgment in ask(judge=judge, mode=mode, baseline_run="sft"):
        for request in judgment.requests:
            assert request.body["model"] == judge
            assert [message["role"] for message in request.body["messages"]] == ["system", "user"]
            name = request.body["messages"][0]["content"].removeprefix("Judge by ").removesuffix(".")
            assert prompts[name]["type"] == mode
            assert name.endswith("-multi-turn") == (judgment.row["turn"] == 2)
            assert ("math" in name) == (judgment.row["category"] == "math")
            assert (request.body["temperature"], request.body["max_tokens"]) == (0, 2048)


@given(st.text(max_size=60), st.text(max_size=60))
@settings(deadline=None)
def test_texts_reach_the_judge_as_they_are(first, second):
    """Answers hold braces and format fields, which a template must not fill or fail on."""
    answers = make_answers(["sft"])
    answers["sft"][0]["response"], answers["sft"][1]["response"] = first, second
    by_turn = {
        judgment.row["turn"]: judgment.requests[0].body["messages"][1]["content"]
        for judgment in ask(answers)
        if judgment.row["question_id"] == 7
    }
    assert by_turn[1] == f"U Describe a hotel. A {first}"
    assert by_turn[2] == f"U Describe a hotel. A {first} U Now {{shorter}}. A {second}"


def test_references_stand_in_the_prompts_that_need_them():
    """A judge of mathematics without the solution believes the answer."""
    texts = {
        (each.row["question_id"], each.row["turn"]): each.requests[0].body["messages"][1]["content"]
        for each in ask(make_answers(["sft"]))
    }
    assert texts[3, 1].endswith(" R It is 4.")
    assert texts[3, 2].endswith(" R It is 4. It is 8.")
    assert not any(" R " in text for (question, _), text in texts.items() if question != 3)


pieces = st.sampled_from(
    ["[[7]]", "[[10]]", "[[1.5]]", "[7]", "[3.]", "[[11]]", "[[0]]", "[[9/10]]", "[[08]]", "[[٣]]", "[[", "]]",
     "[", "]", "8", ".", " ", "\n", "$ERROR$", "Rating: ", "[[A]]", "[[B]]", "[[C]]", "[[a]]"]
)  # fmt: skip
replies = st.lists(pieces | st.text(max_size=5), max_size=6).map("".join)


def play_in_fastchat(fastchat, run, text):
    """What FastChat's own function reads, with a judge that it knows; a failure is told from a value."""
    prompt = make_prompts()["pair-v2" if run is fastchat.run_judge_pair else "single-v1"]
    empty = {"choices": [{"turns": [""]}]}
    answers = (empty, empty) if run is fastchat.run_judge_pair else (empty,)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fastchat, "chat_completion_openai", lambda *_, **__: text)
        try:
            return run({"turns": [""]}, *answers, fastchat.Judge("gpt-4", prompt), None)[0]
        except (SyntaxError, ValueError):
            return "failed"


@given(replies, st.sampled_from([None, "stop"]))
@settings(deadline=None)
def test_ratings_are_fastchats_within_its_scale(fastchat, text, reason):
    """Whatever FastChat reads as 1 to 10 is that score, and nothing else is a score."""
    expected = play_in_fastchat(fastchat, fastchat.run_judge_single, text)
    request = ask(make_answers(["sft"]))[0].requests[0]
    state, value, error = judge_reply(Reply(text, reason, None, 1, 1), request)
    if expected != "failed" and 1 <= expected <= 10:
        assert (state, value, error) == ("ok", expected, None)
        assert type(value) is float
    else:
        assert (state, value) == ("parse_error", None)
        assert error


@given(replies)
@settings(deadline=None)
def test_verdicts_are_fastchats(fastchat, text):
    """In both orders, for the parser is told nothing of them."""
    expected = play_in_fastchat(fastchat, fastchat.run_judge_pair, text)
    for request in ask(mode="pairwise", baseline_run="sft")[0].requests:
        state, value, error = judge_reply(Reply(text, "stop", None, 1, 1), request)
        if expected == "error":
            assert (state, value) == ("parse_error", None)
            assert error
        else:
            assert (state, value, error) == ("ok", expected, None)


NINES = "9" * 5000


@pytest.mark.parametrize(
    ("text", "reason", "message"),
    [
        ("Good. [[11]]", "stop", "the rating [[11]] lies outside 1 to 10"),
        ("Bad. [[0.5]]", "stop", "the rating [[0.5]] lies outside 1 to 10"),
        ("See [0].", "stop", "the rating [0] lies outside 1 to 10"),
        ("Good. [[9/10]]", "stop", "no rating such as [[7]] in the reply; it says [[9/10]]"),
        ("Rating: [[True:]]", None, "no rating such as [[7]] in the reply; it says [[True:]]"),
        ("Good. [[08]]", "stop", "the rating [[08]] is no number that can be read"),
        (f"[[{NINES}]]", "stop", f"the rating [[{'9' * 38}… is no number that can be read"),
        ("Very good,\nwell done", "stop", "no rating such as [[7]] in the reply; it ends 'Very good, well done'"),
        ("I cannot", "content_filter",
         "no rating such as [[7]] in the reply (finish reason content_filter); it ends 'I cannot'"),
        ("", "stop", "the reply is empty"),
        (" \n", "length", "the reply is empty (finish reason length)"),
        ("$ERROR$", None, "$ERROR$ is FastChat's mark of a failed call, no reply"),
        ("4, " * 30, "length",
         "the reply was cut by max_tokens before a verdict (finish reason length); it ends "
         f"'…{('4, ' * 30).strip()[-40:]}'"),
        # In a reply that was cut this is an index, and the rating was still to come.
        ("The code reads a[3] and", "length",
         "the reply was cut by max_tokens before a verdict (finish reason length); it ends "
         "'The code reads a[3] and'"),
    ],
)  # fmt: skip
def test_what_is_no_rating_says_why(text, reason, message):
    """FastChat makes a score of 11, −1 or an exception of these."""
    with pytest.raises(UnreadableReply) as raised:
        ask()[0].requests[0].parse(Reply(text, reason, None, 1, 1))
    assert str(raised.value) == message


def test_a_rating_before_the_cut_counts():
    """The judge had said it."""
    assert ask()[0].requests[0].parse(Reply("[[4]] because it is", "length", None, 1, 1)) == 4.0


@pytest.mark.parametrize(
    ("text", "reason", "message"),
    [
        ("They differ.", "stop", "no verdict such as [[A]] in the reply; it ends 'They differ.'"),
        ("[[D]]", "stop", "no verdict such as [[A]] in the reply; it says [[D]]"),
        ("First, A", "length",
         "the reply was cut by max_tokens before a verdict (finish reason length); it ends 'First, A'"),
        ("$ERROR$", None, "$ERROR$ is FastChat's mark of a failed call, no reply"),
    ],
)  # fmt: skip
def test_what_is_no_verdict_says_why(text, reason, message):
    """FastChat calls all of these `error`."""
    request = ask(mode="pairwise", baseline_run="sft")[0].requests[0]
    with pytest.raises(UnreadableReply) as raised:
        request.parse(Reply(text, reason, None, 1, 1))
    assert str(raised.value) == message


def test_two_ratings_are_a_verdict_where_the_prompt_asks_for_them():
    """FastChat's other format: within 0.1 is a tie; a number that cannot be read is no verdict."""
    prompts = {
        name: {**prompt, "output_format": "[[rating_a,rating_b]]"} if prompt["type"] == "pairwise" else prompt
        for name, prompt in make_prompts().items()
    }
    request = ask(prompts=prompts, mode="pairwise", baseline_run="sft")[0].requests[0]
    replies = {"[[8,7]]": "A", "[[7, 7.05]]": "tie", "[[2,7]]": "B"}
    assert {text: request.parse(Reply(text, "stop", None, 1, 1)) for text in replies} == replies
    with pytest.raises(UnreadableReply, match="ratings that are no numbers that can be read; it says"):
        request.parse(Reply("[[08,7]]", "stop", None, 1, 1))


def test_fastchat_is_left_as_it_was(fastchat, capsys):
    """Another user of FastChat in this process must not get our replies, nor a log its lines."""
    names = ("chat_completion_openai", "OPENAI_MODEL_LIST", "get_conversation_template")
    before = [getattr(fastchat, name) for name in names]
    request = ask()[0].requests[0]
    for text in ("[[7]]", "[[08]]", ""):
        judge_reply(Reply(text, "stop", None, 1, 1), request)
    assert [getattr(fastchat, name) for name in names] == before
    assert "oracle" not in fastchat.OPENAI_MODEL_LIST
    assert capsys.readouterr() == ("", "")


def test_temperatures_are_fastchats(fastchat):
    """0.7 for a category that it does not know, and a question's own temperature before all."""
    assert {name: get_temperature(name) for name in fastchat.temperature_config} == {
        "writing": 0.7, "roleplay": 0.7, "extraction": 0.0, "math": 0.0, "coding": 0.0, "reasoning": 0.0,
        "stem": 0.1, "humanities": 0.1, "arena-hard-200": 0.0,
    }  # fmt: skip
    assert get_temperature("hotels") == 0.7
    assert get_temperature("writing", 0.0) == 0.0


def test_scores_come_in_the_order_of_runs_questions_and_turns():
    """Score files are compared line by line."""
    rows = collect(judgments := ask(), answer(judgments, lambda request: "[[6]]"), "judge")
    places = [(7, 1), (7, 2), (3, 1), (3, 2), (5, 1), (5, 2)]
    assert list(rows) == list(RUNS)
    for own in rows.values():
        assert [(row["question_id"], row["turn"]) for row in own] == places
        assert {row["score"] for row in own} == {6.0}


def test_a_row_says_what_became_of_its_judgment():
    """The three states, with all that a reader needs to see why."""
    replies = {"Describe a hotel": "Fine. [[6.5]]", "What is": "[[12]]", "Describe a meal": None}

    def reply_to(request):
        text = request.body["messages"][1]["content"]
        return next(reply for start, reply in replies.items() if f"U {start}" in text)

    judgments = ask(make_answers(["sft"]))
    rows = collect(judgments, answer(judgments, reply_to), "judge")["sft"]
    keys = [judgment.requests[0].get_key("judge") for judgment in judgments]
    assert rows[0] == {
        "question_id": 7, "category": "writing", "turn": 1, "repeat": 0, "state": "ok", "score": 6.5,
        "reply": "Fine. [[6.5]]", "error": None, "key": keys[0],
    }  # fmt: skip
    assert rows[3] == {
        "question_id": 3, "category": "math", "turn": 2, "repeat": 0, "state": "parse_error", "score": None,
        "reply": "[[12]]", "error": "the rating [[12]] lies outside 1 to 10", "key": keys[3],
    }  # fmt: skip
    assert rows[4] == {
        "question_id": 5, "category": "writing", "turn": 1, "repeat": 0, "state": "api_error", "score": None,
        "reply": None, "error": "timed out", "key": keys[4],
    }  # fmt: skip
    json.dumps(rows, allow_nan=False)


@pytest.mark.parametrize(
    ("first", "second", "verdicts", "winner", "inconsistent"),
    [
        ("[[A]]", "[[B]]", ["model", "model"], "model", False),
        ("[[B]]", "[[A]]", ["baseline", "baseline"], "baseline", False),
        ("[[C]]", "[[C]]", ["tie", "tie"], "tie", False),
        ("[[A]]", "[[A]]", ["model", "baseline"], "tie", True),
        ("[[B]]", "[[B]]", ["baseline", "model"], "tie", True),
        ("[[A]]", "[[C]]", ["model", "tie"], "tie", True),
        ("[[C]]", "[[A]]", ["tie", "baseline"], "tie", True),
    ],
)
def test_both_orders_make_one_verdict(first, second, verdicts, winner, inconsistent):
    """As FastChat's table of results counts them: verdicts that differ are a tie. The model's answer stands first
    in the first order.
    """
    judgments = ask(mode="pairwise", baseline_run="sft")
    model = RUNS[1]

    def reply_to(request):
        shown_first = request.body["messages"][1]["content"].split(" A ")[1].startswith(model)
        return first if shown_first else second

    rows = collect(judgments, answer(judgments, reply_to), "judge")
    assert list(rows) == [model]
    assert len(rows[model]) == 6
    for row in rows[model]:
        assert (row["verdicts"], row["winner"], row["inconsistent"]) == (verdicts, winner, inconsistent)
        assert (row["state"], row["score"], row["baseline"]) == ("ok", None, "sft")
        assert (row["reply"], len(set(row["key"]))) == ([first, second], 2)


@pytest.mark.parametrize(
    ("replies", "state", "error"),
    [
        (("[[A]]", None), "api_error", "timed out"),
        (("Hm.", "[[A]]"), "parse_error", "no verdict such as [[A]] in the reply; it ends 'Hm.'"),
        (("Hm.", None), "parse_error", "no verdict such as [[A]] in the reply; it ends 'Hm.'; timed out"),
    ],
)
def test_half_a_comparison_is_none(replies, state, error):
    """One order alone carries the whole bias of its position."""
    judgments = ask(mode="pairwise", baseline_run="sft")
    by_key = {
        request.get_key("judge"): reply
        for judgment in judgments
        for request, reply in zip(judgment.requests, replies, strict=True)
    }
    rows = collect(judgments, answer(judgments, lambda request: by_key[request.get_key("judge")]), "judge")
    for row in rows[RUNS[1]]:
        assert (row["state"], row["error"]) == (state, error)
        assert (row["winner"], row["verdicts"], row["inconsistent"]) == (None, None, False)


def test_second_questions_are_spread_over_the_categories():
    """Two of three questions: one of each category, not the first two of the file."""
    judgments = ask(consistency=2)
    repeated = [judgment.row for judgment in judgments if judgment.row["repeat"]]
    assert Counter((row["question_id"], row["turn"]) for row in repeated) == {
        (question, turn): len(RUNS) for question in (7, 3) for turn in (1, 2)
    }
    requests = list_requests(judgments)
    assert len({request.get_key("judge") for request in requests}) == len(requests) == 12 + 8
    assert {request.body.get("seed") for request in requests if request.repeat} == {1}
    assert [request.body.get("seed") for request in requests if not request.repeat] == [None] * 12


@given(st.lists(st.sampled_from(["a", "b", "c", "d"]), max_size=30), st.integers(0, 40))
@settings(deadline=None)
def test_no_category_is_asked_twice_as_often_as_another(categories, count):
    """Counts differ by at most one, but for a category that has no more questions."""
    questions = [{"question_id": place, "category": name} for place, name in enumerate(categories)]
    chosen = choose_evenly(questions, count)
    assert len(chosen) == min(count, len(questions))
    sizes, taken = Counter(categories), Counter(categories[place] for place in chosen)
    most = max(taken.values(), default=0)
    assert all(taken[name] >= min(most - 1, sizes[name]) for name in sizes)


def test_equal_answers_are_paid_for_once():
    """Two runs that say the same ask the same."""
    answers = make_answers(["sft"])
    judgments = ask({"sft": answers["sft"], "cells/twin": answers["sft"]})
    assert len(judgments) == 12
    assert len({request.get_key("judge") for request in list_requests(judgments)}) == 6


@pytest.mark.parametrize(
    "change",
    [
        {"judge": "oracle-2"},
        {"prompts": {name: {**each, "system_prompt": "Judge."} for name, each in make_prompts().items()}},
    ],
)
def test_another_judge_or_prompt_is_asked_anew(change):
    """A judgment by another judge must never be taken for this one's."""
    before = {request.get_key("judge") for request in list_requests(ask())}
    after = {request.get_key("judge") for request in list_requests(ask(**change))}
    assert len(before) == len(after) == 12
    assert not before & after


def test_a_judgment_without_a_record_is_refused():
    """A mean over what happens to be there would look whole."""
    judgments = ask()
    records = answer(judgments, lambda request: "[[6]]")
    records.pop(judgments[3].requests[0].get_key("judge"))
    with pytest.raises(ValueError, match="sft, question 3, turn 2: no record with the key"):
        collect(judgments, records, "judge")


def change_answers(run: str, change) -> dict[str, list[dict]]:
    """The answers with one run's changed."""
    answers = make_answers()
    change(answers[run])
    return answers


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"answers": change_answers("sft", lambda lines: lines.pop())},
         "sft: no answer to question 5, turn 2; regenerate its responses"),
        ({"answers": change_answers(RUNS[1], lambda lines: lines.__delitem__(slice(3)))},
         f"{RUNS[1]}: no answer to question 7, turn 1, and 2 more; regenerate its responses"),
        ({"answers": change_answers("sft", lambda lines: lines.append({**lines[0], "response": "Else."}))},
         "sft: question 7, turn 1 is answered twice; keep one answer"),
        ({"answers": change_answers("sft", lambda lines: lines.append({**lines[0], "id": 9}))},
         "sft: an answer to the unknown question 9, turn 1; regenerate its responses"),
        ({"mode": "pairwise", "baseline_run": "gpt-4"},
         f"baseline 'gpt-4' is none of the runs {', '.join(RUNS)}; name one of them"),
        ({"mode": "pairs"}, "mode 'pairs' is not known; choose single or pairwise"),
    ],
)  # fmt: skip
def test_wrong_answers_and_modes_are_refused(options, message):
    """FastChat fails on these with a bare KeyError, or in the middle."""
    with pytest.raises(ValueError) as raised:  # noqa: PT011
        ask(**options)
    assert str(raised.value) == message


def test_files_are_read_as_fastchat_reads_them(fastchat, write_files):
    """The same objects, references by question."""
    folder = write_files()
    files = load_files(folder, "pairwise")
    assert files.questions == fastchat.load_questions(folder / "question.jsonl", None, None) == QUESTIONS
    assert files.prompts == make_prompts()
    assert files.references == REFERENCES


def change_prompt(name: str, **changes) -> dict[str, dict]:
    """The prompts with one changed."""
    return {**make_prompts(), name: {**make_prompts()[name], **changes}}


def leave_out(name: str) -> dict[str, dict]:
    """The prompts without one."""
    return {key: prompt for key, prompt in make_prompts().items() if key != name}


@pytest.mark.parametrize(
    ("contents", "message"),
    [
        ({"prompts": leave_out("single-math-v1")},
         "judge_prompts.jsonl: no prompt single-math-v1; mode single needs it"),
        ({"prompts": change_prompt("single-v1", output_format="[[A]]")},
         "judge_prompts.jsonl: single-v1 has type single and output_format [[A]]; mode single reads type single and "
         "[[rating]]"),
        ({"prompts": change_prompt("single-v1", prompt_template="{question}")},
         "judge_prompts.jsonl: single-v1: placeholder {answer} is missing; correct prompt_template"),
        ({"prompts": change_prompt("single-v1", prompt_template="{question} {answer} {ref_answer_1}")},
         "judge_prompts.jsonl: single-v1: placeholder {ref_answer_1} is filled by nothing; correct "
         "prompt_template"),
        ({"prompts": change_prompt("single-v1", prompt_template="{question} {answer} }")},
         "judge_prompts.jsonl: single-v1: prompt_template: Single '}' encountered in format string; write { as {{"),
        ({"questions": [{**QUESTIONS[0], "turns": ["One."]}]},
         "question.jsonl: question 7: turns is no list of two texts but \"['One.']\"; both turns are judged"),
        ({"questions": [{"question_id": 7, "turns": ["One.", "Two."]}]},
         "question.jsonl: question 1 of the file has no category; add it"),
        ({"questions": [*QUESTIONS, QUESTIONS[0]]},
         "question.jsonl: question 7 stands there twice; give it an id of its own"),
        ({"questions": []}, "question.jsonl: no questions"),
        ({"references": {}},
         "reference_answer.jsonl: no reference for question 3; answers of the category math are judged beside one"),
        ({"references": {3: {"question_id": 3, "choices": [{"turns": ["It is 4."]}]}}},
         "reference_answer.jsonl: question 3: choices[0].turns is no list of two texts; both turns are judged "
         "beside a reference"),
        ({"references": {0: REFERENCES[3], 1: REFERENCES[3]}},
         "reference_answer.jsonl: question 3 has two references; keep one of them"),
    ],
)  # fmt: skip
def test_files_are_checked_before_anything_is_asked(write_files, contents, message):
    """FastChat skips a question of one turn without a word, and meets the rest in the middle of a paid run."""
    folder = write_files(**contents)
    with pytest.raises(ValueError) as raised:  # noqa: PT011
        load_files(folder)
    assert str(raised.value) == message


def test_a_torn_file_is_named(write_files):
    """A download that broke off."""
    folder = write_files()
    file = folder / "judge_prompts.jsonl"
    file.write_text(file.read_text()[:-30])
    with pytest.raises(ValueError, match=r"^judge_prompts.jsonl: a line is no JSON \(Unterminated string"):
        load_files(folder)


def test_prompts_of_the_other_mode_are_not_asked_for(write_files):
    """A benchmark of one's own need not have them."""
    singles = {name: prompt for name, prompt in make_prompts().items() if prompt["type"] == "single"}
    folder = write_files(prompts=singles)
    assert load_files(folder, "single").prompts == singles
    with pytest.raises(ValueError, match="no prompt pair-v2; mode pairwise needs it"):
        load_files(folder, "pairwise")
