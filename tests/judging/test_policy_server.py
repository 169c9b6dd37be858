"""A policy behind a server answers as it does in this process: in order, in the same shape, by its own weights."""

import json
import os
import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")

import pytest
import torch
from transformers import GenerationConfig

from lossgrid.generation import responses
from lossgrid.generation.responses import generate_responses
from lossgrid.generation.sampling import sample_responses
from lossgrid.judging.serving.policy_server import serve_policy
from lossgrid.training.policies import load_policy
from lossgrid.worlds.reviews.corpus import make_heldout_chats
from lossgrid.worlds.reviews.policy import build_policy
from lossgrid.worlds.reviews.tokenizer import build_tokenizer

SERVER = Path(__file__).with_name("chat_server.py")
SETTINGS = SimpleNamespace(max_new_tokens=12, temperature=1.0, batch_size=4, seed=3, reference_kl=False)


@pytest.fixture(scope="module")
def tokenizer():
    """The tokenizer of the reviews world."""
    return build_tokenizer()


@pytest.fixture(scope="module")
def model(tokenizer):
    """A random policy whose answers differ and mostly end: its layers speak up against the embedding, which would
    repeat the last word for ever. Its likeliest tokens are words: a text does not tell of special ones inside it.
    """
    torch.set_num_threads(1)
    model = build_policy(
        tokenizer, layers=2, hidden_size=32, heads=2, intermediate_size=64, seed=1, max_position=256
    )
    with torch.no_grad():
        for weights in model.model.layers.parameters():
            if weights.ndim == 2:
                weights.mul_(8)
        embedding = model.model.embed_tokens.weight
        embedding[tokenizer.eos_token_id].mul_(2)
        embedding[[token for token in tokenizer.all_special_ids if token != tokenizer.eos_token_id]] = 0
    return model


@pytest.fixture(scope="module")
def policy(model, tokenizer, tmp_path_factory) -> Path:
    """Its folder, which says of sampling what a published model's may say."""
    folder = tmp_path_factory.mktemp("a policy")
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    GenerationConfig(
        do_sample=True, top_k=1, repetition_penalty=1.5, eos_token_id=tokenizer.eos_token_id
    ).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def prompts():
    """First questions, and chats that go on."""
    chats = make_heldout_chats(1, 12)
    prompts = [[{"role": "user", "content": chat["turns"][0]}] for chat in chats]
    answer = {"role": "assistant", "content": "the plot is superb ."}
    return [*prompts, *([*prompt, answer, *prompt] for prompt in prompts[:3])]


@pytest.fixture
def calls(tmp_path) -> Path:
    """Where the server without a model writes what it was asked."""
    folder = tmp_path / "calls"
    folder.mkdir()
    return folder


@pytest.fixture
def command(calls) -> str:
    """The command of the server without a model."""
    return f"{sys.executable} {shlex.quote(str(SERVER))} {{port}} {{model}} {shlex.quote(str(calls))}"


def read_bodies(calls: Path) -> list[dict]:
    """What was asked, in the order in which it arrived."""
    files = sorted(calls.glob("*.json"), key=lambda file: int(file.stem))
    return [json.loads(file.read_text()) for file in files]


def test_answers_come_in_the_order_and_shape_of_local_ones(
    command, calls, policy, model, tokenizer, prompts, tmp_path
):
    """An answer beside another one's prompt would score every cell alike, and nothing would look wrong."""
    with serve_policy(command, policy, tmp_path / "log") as sample:
        served = sample(prompts, max_new_tokens=12, temperature=0.5, seed=100)
    local = sample_responses(
        model, tokenizer, prompts, max_new_tokens=12, temperature=0.5, batch_size=4, seed=1
    )
    for place, (prompt, response, other) in enumerate(zip(prompts, served, local, strict=True)):
        words = [str(100 + place), *reversed(prompt[-1]["content"].split())]
        assert response.text == " ".join(words[:12])
        assert response.prompt_ids == other.prompt_ids
        assert response.finished == (len(words) < 12)
        spoken = response.response_ids[:-1] if response.finished else response.response_ids
        # A word a token, the seed among them as an unknown one.
        assert len(spoken) == min(len(words), 12)
        assert tokenizer.convert_ids_to_tokens(spoken)[1:] == words[1:12]
        assert (response.response_ids[-1] == tokenizer.eos_token_id) == response.finished
        for name, value in vars(response).items():
            assert type(value) is type(getattr(other, name))
    assert {response.finished for response in served} == {True, False}


def test_what_the_server_is_asked(command, calls, policy, prompts, tmp_path):
    """A temperature or length lost on the way is another evaluation; one seed for all would tie answers together."""
    with serve_policy(command, policy, tmp_path / "log") as sample:
        sample(prompts, max_new_tokens=8, temperature=0.0, seed=5)
        sample(prompts[:2], max_new_tokens=9, temperature=0.7, seed=5)
    bodies = read_bodies(calls)
    assert len(bodies) == len(prompts) + 2
    first = sorted(bodies[: len(prompts)], key=lambda body: body["seed"])
    assert [body["messages"] for body in first] == prompts
    assert [body["seed"] for body in first] == list(range(5, 5 + len(prompts)))
    assert {(body["temperature"], body["max_tokens"], body["top_p"]) for body in first} == {(0.0, 8, 1.0)}
    assert {(body["temperature"], body["max_tokens"]) for body in bodies[len(prompts) :]} == {(0.7, 9)}
    assert len({body["model"] for body in bodies}) == 1


def test_the_server_sees_the_policy_without_its_settings(
    command, calls, policy, tokenizer, prompts, tmp_path
):
    """Servers take what a request leaves open from there: KL would be that of a policy that nobody trained."""
    with serve_policy(command, policy, tmp_path / "log") as sample:
        sample(prompts[:1], max_new_tokens=8, temperature=1.0, seed=5)
    found = {
        name: bytes.fromhex(content) for name, content in json.loads((calls / "folder").read_text()).items()
    }
    own = {file.name: file.read_bytes() for file in policy.iterdir()}
    settings = json.loads(found.pop("generation_config.json"))
    assert json.loads(own.pop("generation_config.json"))["repetition_penalty"] == 1.5
    assert found == own
    settings.pop("transformers_version")
    assert settings == {
        "do_sample": True,
        "top_k": 0,
        "top_p": 1.0,
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
    }
    # It was a view of the folder, and is gone; the folder is not.
    (body,) = read_bodies(calls)
    assert Path(body["model"]) != policy
    assert not Path(body["model"]).exists()
    assert (policy / "model.safetensors").is_file()


def test_a_prompt_without_an_answer_ends_the_job(command, policy, prompts, tmp_path):
    """A missing answer would silently leave the mean of this cell alone."""
    refused = [{"role": "user", "content": "please refuse"}]
    with (
        serve_policy(command, policy, tmp_path / "log") as sample,
        pytest.raises(RuntimeError, match=r"the policy's server gave no response: .*400.*no such words"),
    ):
        sample([prompts[0], refused, prompts[1]], max_new_tokens=8, temperature=1.0, seed=1)


def generate(policy: Path, server, output: Path) -> tuple[list[dict], list[dict]]:
    """Answer three held-out chats, one of a single turn, and two chats for a judge."""
    chats = make_heldout_chats(1, 3)
    chats[1] = {**chats[1], "turns": chats[1]["turns"][:1]}
    question = chats[0]["turns"][0]
    judged = [
        {"set": "a", "id": 0, "turns": [question], "temperature": 0.0, "max_new_tokens": 3},
        {"set": "a", "id": 1, "turns": chats[2]["turns"]},
    ]
    outputs = (output / "heldout.jsonl", output / "judged.jsonl")
    counts = generate_responses(policy, policy, chats, judged, outputs, SETTINGS, threads=1, server=server)
    lines = tuple([json.loads(line) for line in file.read_text().splitlines()] for file in outputs)
    assert counts == tuple(map(len, lines))
    return lines


def check_lines(policy: Path, served: tuple, own: tuple) -> None:
    """Every line of a server has the keys and questions of a local one, and its response is weighed."""
    for lines, others in zip(served, own, strict=True):
        assert [(line["id"], line["turn"]) for line in lines] == [
            (line["id"], line["turn"]) for line in others
        ]
        for line, other in zip(lines, others, strict=True):
            assert set(line) == set(other)
            assert line["prompt"][-1] == other["prompt"][-1]
            if line["turn"] == 2:
                (first,) = (each for each in lines if (each["id"], each["turn"]) == (line["id"], 1))
                assert line["prompt"][:-1] == [
                    *first["prompt"],
                    {"role": "assistant", "content": first["response"]},
                ]
    # Policy and reference are the same here.
    assert [line["policy_logp"] for line in served[0]] == [line["reference_logp"] for line in served[0]]
    assert all(line["policy_logp"] < 0 for line in served[0])


def test_responses_of_a_server_are_written_like_local_ones(command, calls, policy, tmp_path, monkeypatch):
    """Scores, judges and figures read both alike; a server that still holds the GPU leaves the weighing no room."""
    left = []

    @contextmanager
    def watch() -> Iterator:
        with serve_policy(command, policy, tmp_path / "log") as sample:
            yield sample
        left.append(True)

    loaded = []

    def load(*arguments, **options):
        loaded.append(bool(left))
        return load_policy(*arguments, **options)

    monkeypatch.setattr(responses, "load_policy", load)
    served = generate(policy, watch(), tmp_path / "served")
    assert loaded == [True, True]
    own = generate(policy, None, tmp_path / "own")
    check_lines(policy, served, own)
    ways = {(body["temperature"], body["max_tokens"]) for body in read_bodies(calls)}
    assert ways == {(1.0, 12), (0.0, 3)}
    (short,) = (line for line in served[1] if line["id"] == 0)
    assert (short["tokens"], short["finished"]) == (3, False)


@pytest.fixture(scope="module")
def transformers_serve(policy, tmp_path_factory):
    """The policy behind `transformers serve`."""
    folder = tmp_path_factory.mktemp("transformers")
    program = Path(sys.executable).with_name("transformers")
    command = f"{program} serve {{model}} --host 127.0.0.1 --port {{port}} --device cpu"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HF_HOME", str(folder / "hub"))
        with serve_policy(command, policy, folder / "log") as sample:
            yield sample


@pytest.mark.slow
def test_transformers_serve_takes_the_likeliest_tokens_of_the_policy(
    transformers_serve, model, tokenizer, prompts
):
    """Another chat template, a penalty or a lost end token would be another policy than the one that was trained.

    None of these answers ends at the very last place, which this server calls a cut.
    """
    options = {"max_new_tokens": 18, "temperature": 0.0, "seed": 1}
    local = sample_responses(model, tokenizer, prompts, batch_size=4, **options)
    assert transformers_serve(prompts, **options) == local
    assert {response.finished for response in local} == {True, False}
    assert len({response.text for response in local}) > 10


@pytest.mark.slow
def test_transformers_serve_samples_from_the_whole_policy(transformers_serve, model, prompts):
    """By its own defaults it takes the likeliest token at any temperature, and samples from 50 when told to sample.

    The first token's distribution is broad: 150 draws give some 80 different words.
    """
    drawn = transformers_serve([prompts[0]] * 150, max_new_tokens=2, temperature=1.0, seed=1)
    assert len({response.text.split()[0] for response in drawn if response.text}) > 50


@pytest.mark.slow
def test_transformers_serve_answers_the_chats_of_a_study(transformers_serve, policy, tmp_path):
    """The whole of a generation job with its server."""

    @contextmanager
    def lend() -> Iterator:
        yield transformers_serve

    served = generate(policy, lend(), tmp_path / "served")
    check_lines(policy, served, generate(policy, None, tmp_path / "own"))
