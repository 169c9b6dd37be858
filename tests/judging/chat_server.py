"""A policy's server without a model: `python chat_server.py PORT FOLDER CALLS`.

It answers a chat with the last message's words in reverse order, after the number of the request's seed, cut to
`max_tokens`; the later a call comes, the sooner it is answered. What it was asked, and what it found in its model's
folder, goes to the folder CALLS. A message with `refuse` in it is refused.
"""

import asyncio
import json
import sys
from itertools import count
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

number = count()


async def list_models(request) -> JSONResponse:
    return JSONResponse({"object": "list", "data": []})


async def complete(request) -> JSONResponse:
    body = await request.json()
    place = next(number)
    (CALLS / f"{place}.json").write_text(json.dumps(body))
    await asyncio.sleep(0.2 / (1 + place))
    question = body["messages"][-1]["content"]
    if "refuse" in question:
        return JSONResponse({"error": {"message": "no such words"}}, 400)
    words = [str(body["seed"]), *reversed(question.split())]
    cut = len(words) >= body["max_tokens"]
    choice = {
        "index": 0,
        "message": {"role": "assistant", "content": " ".join(words[: body["max_tokens"]])},
        "finish_reason": "length" if cut else "stop",
    }
    return JSONResponse(
        {"id": "1", "object": "chat.completion", "created": 1, "model": body["model"], "choices": [choice]}
    )


if __name__ == "__main__":
    port, folder, CALLS = int(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3])
    found = {file.name: file.read_bytes().hex() for file in folder.iterdir()}
    (CALLS / "folder").write_text(json.dumps(found))
    routes = [
        Route("/v1/models", list_models),
        Route("/v1/chat/completions", complete, methods=["POST"]),
    ]
    uvicorn.run(Starlette(routes=routes), host="127.0.0.1", port=port, log_level="warning")
