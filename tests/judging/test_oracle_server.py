"""The oracle over HTTP: what OpenAI's own client reads, and what it is told when it asks wrongly."""

import http.client
import json
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import openai
import pytest

from lossgrid.judging.serving.server import serve
from lossgrid.worlds.reviews.judge_prompts import get_judge_prompts
from lossgrid.worlds.reviews.oracle import OracleSettings, answer_request

ROOT = Path(__file__).resolve().parents[2]
COMMAND = f"{sys.executable} {ROOT / 'workflow_scripts' / 'serve_oracle.py'} --port {{port}}"
REPLY = "the plot is superb . the cast is awful . the twist was very thrilling ."


@pytest.fixture(scope="module")
def urls(tmp_path_factory):
    """Two servers with different options."""
    folder = tmp_path_factory.mktemp("oracles")
    options = {
        "plain": "",
        "other": " --model judge-2 --seed 3 --noise 0.5 --length-bias 0.1 --position-bias -0.2 --malformed 0.1 "
        "--temperature 2 --latency-ms 5",
    }
    environment = {"PYTHONPATH": str(ROOT)}
    with (
        serve(COMMAND + options["plain"], folder / "plain.log", environment=environment) as plain,
        serve(COMMAND + options["other"], folder / "other.log", environment=environment) as other,
    ):
        yield {"plain": plain, "other": other}


@pytest.fixture(scope="module")
def client(urls):
    """OpenAI's SDK, to the plain server."""
    return openai.OpenAI(base_url=urls["plain"], api_key="none", max_retries=0)


def rate(number: int = 0, **more) -> dict:
    """A question for a rating; the number makes it another one."""
    prompt = get_judge_prompts()[0]
    film = ["pellwick", "istrelle", "ostermere"][number % 3]
    text = prompt["prompt_template"].format(
        question=f"what about the plot in {film} ?", answer=REPLY + " the story is neat ." * (number // 3)
    )
    messages = [{"role": "system", "content": prompt["system_prompt"]}, {"role": "user", "content": text}]
    return {"model": "oracle", "messages": messages, "temperature": 0, **more}


def choose(**more) -> dict:
    """A question for the better of two."""
    text = (
        f'"instruction": """did you like the plot of ebberwyn ?""", "output": """{REPLY}""", '
        '"output": """the plot is dull ."""'
    )
    return {"model": "oracle", "messages": [{"role": "user", "content": text}], **more}


def post(url: str, body: bytes, path: str = "/v1/chat/completions") -> tuple[int, dict]:
    """Status and body of the answer to a raw request."""
    connection = http.client.HTTPConnection(url.split("/")[2], timeout=30)
    try:
        connection.request("POST", path, body, {"Content-Type": "application/json"})
        response = connection.getresponse()
        return response.status, json.loads(response.read())
    finally:
        connection.close()


def test_a_rating_is_read_by_openai_s_client(client):
    """Every line that will call a paid judge is tried here; its reply must look like one."""
    request = rate()
    completion = client.chat.completions.create(**request, max_tokens=2048, n=1)
    (choice,) = completion.choices
    assert choice.message.content == answer_request(request, OracleSettings()).text
    assert choice.message.role == "assistant"
    assert choice.finish_reason == "stop"
    assert choice.logprobs is None
    assert completion.model == "oracle"
    assert completion.object == "chat.completion"
    words = sum(len(message["content"].split()) for message in request["messages"])
    assert completion.usage.prompt_tokens == words
    assert completion.usage.completion_tokens == len(choice.message.content.split())
    assert completion.usage.total_tokens == words + completion.usage.completion_tokens


def test_log_probabilities_come_as_alpaca_eval_asks_for_them(client):
    """AlpacaEval's weighted preference is read from the first token's alternatives, of one token allowed."""
    request = choose(temperature=1, max_tokens=1, logprobs=True, top_logprobs=5)
    (choice,) = client.chat.completions.create(**request).choices
    assert choice.message.content in ("m", "M")
    assert choice.finish_reason == "length"
    (token,) = choice.logprobs.content
    listed = [(each.token, each.logprob) for each in token.top_logprobs]
    assert tuple(listed) == answer_request(request, OracleSettings()).first_tokens[:5]
    assert token.token == choice.message.content
    assert (token.token, token.logprob) in listed
    assert bytes(token.bytes) == token.token.encode()


def test_only_as_many_alternatives_come_as_are_asked_for(client):
    """A client that relied on more would fail at another server."""
    for most in (0, 1, 20):
        choice = client.chat.completions.create(**choose(logprobs=True, top_logprobs=most)).choices[0]
        assert len(choice.logprobs.content[0].top_logprobs) == most
    assert client.chat.completions.create(**choose()).choices[0].logprobs is None


def test_a_long_reply_is_cut_and_has_log_probabilities_too(client):
    """A rating that was cut off must look like one."""
    request = rate(max_tokens=4, logprobs=True, top_logprobs=1)
    completion = client.chat.completions.create(**request)
    (choice,) = completion.choices
    whole = answer_request(request, OracleSettings()).text
    assert choice.message.content.split() == whole.split()[:4]
    assert choice.finish_reason == "length"
    assert completion.usage.completion_tokens == 4
    assert "".join(entry.token for entry in choice.logprobs.content) == choice.message.content
    assert [entry.logprob for entry in choice.logprobs.content] == [0.0] * 4


def test_replies_without_words_have_no_tokens(urls):
    """An empty reply is one of the ways to fail: it must arrive as one, and as a whole answer."""
    settings = OracleSettings(
        seed=3, noise=0.5, length_bias=0.1, position_bias=-0.2, malformed=0.1, temperature=2
    )
    bodies = [choose(model="judge-2", seed=seed, logprobs=True, top_logprobs=5) for seed in range(300)]
    empty = next(body for body in bodies if not answer_request(body, settings).text)
    status, completion = post(urls["other"], json.dumps(empty).encode())
    assert status == 200
    (choice,) = completion["choices"]
    assert choice["message"]["content"] == ""
    assert choice["logprobs"]["content"] == []
    assert choice["finish_reason"] == "stop"
    assert completion["usage"]["completion_tokens"] == 0


def test_the_model_is_listed(client):
    """A server counts as ready when it answers this."""
    assert [model.id for model in client.models.list()] == ["oracle"]


def test_options_reach_the_judge_and_calls_in_any_order_agree(urls):
    """An option that were lost on the way would make every study of it wrong; so would answers by arrival."""
    settings = OracleSettings(
        seed=3, noise=0.5, length_bias=0.1, position_bias=-0.2, malformed=0.1, temperature=2
    )
    bodies = [rate(number, model="judge-2", seed=number) for number in range(40)]
    bodies += [choose(model="judge-2", seed=number) for number in range(40)]

    def ask(body: dict) -> str:
        status, completion = post(urls["other"], json.dumps(body).encode())
        assert status == 200
        return completion["choices"][0]["message"]["content"]

    with ThreadPoolExecutor(8) as threads:
        backwards = list(threads.map(ask, bodies[::-1]))
    assert backwards[::-1] == [answer_request(body, settings).text for body in bodies]
    assert len(set(backwards)) > 10


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"n": 2}, "n: 2 is not supported; the value must be 1"),
        ({"stream": True}, "stream: true is not supported; the value must be false"),
        ({"top_logprobs": 5}, "top_logprobs: needs logprobs: true"),
        (
            {"logprobs": True, "top_logprobs": 21},
            "top_logprobs: 21 is not supported; the value must be 0 to 20",
        ),
        ({"logprobs": 5}, "logprobs: 5 is not true or false"),
        ({"temperature": 2.5}, "temperature: 2.5 is not supported; the value must be 0 to 2"),
        ({"temperature": "warm"}, "temperature: 'warm' is not a number"),
        ({"max_tokens": 0}, "max_tokens: 0 is not supported; the value must be at least 1"),
        ({"seed": 1.5}, "seed: 1.5 is not an integer"),
        ({"n": True}, "n: True is not an integer"),
        ({"tools": []}, "tools: unknown; this server takes model, messages"),
        ({"messages": None}, "messages: missing"),
        ({"messages": []}, "messages: the last one must be the user's"),
        (
            {"messages": [{"role": "user", "content": ["a"]}]},
            "messages[0]: needs role and content, both strings",
        ),
        ({"messages": ["plot"]}, "messages[0]: needs role and content, both strings"),
        ({"messages": [{"role": "bot", "content": "a"}]}, "messages[0].role: 'bot' is unknown"),
        ({"messages": [{"role": "user", "content": "hello"}]}, "messages: no question with its replies"),
        ({"model": None}, "model: missing"),
    ],
    ids=str,
)
def test_what_is_not_understood_is_a_clear_error(urls, change, message):
    """A judge that guesses answers a question that nobody asked; the client must see 400 and not try again."""
    status, body = post(urls["plain"], json.dumps({**rate(), **change}).encode())
    assert status == 400
    assert body["error"]["message"].startswith(message)
    assert body["error"]["type"] == "invalid_request_error"
    assert body["error"]["param"] == next(iter(reversed(change)))


@pytest.mark.parametrize("raw", [b"", b"{", b"\xff", b"[" * 100_000, b"[]", b'"model"'])
def test_what_is_no_request_is_an_error(urls, raw):
    """A client of another protocol must be told, not meet an internal error."""
    status, body = post(urls["plain"], raw)
    assert status == 400
    assert body["error"]["message"].startswith("the body is no JSON")


def test_another_model_is_not_found(client, urls):
    """A judge under a wrong name would put its numbers beside those of another one."""
    with pytest.raises(openai.NotFoundError, match=r"'gpt-4' is not served here; ask for 'oracle'") as caught:
        client.chat.completions.create(**rate(model="gpt-4"))
    assert caught.value.code == "model_not_found"
    status, body = post(urls["plain"], b"{}", "/v1/completions")
    assert status == 404
    assert body["error"]["message"] == "POST /v1/completions: Not Found"


def test_the_server_listens_on_the_loopback_interface_alone(urls):
    """Other machines of the network have no business with a job's judge; `serve` would refuse it, too."""
    port = int(urls["plain"].split(":")[2].split("/")[0])
    listening = [
        line.split()[1]
        for table in ("tcp", "tcp6")
        for line in Path(f"/proc/{os.getpid()}/net/{table}").read_text().splitlines()[1:]
        if line.split()[3] == "0A" and line.split()[1].endswith(f":{port:04X}")
    ]
    assert listening == [f"{int.from_bytes(bytes([127, 0, 0, 1]), sys.byteorder):08X}:{port:04X}"]
