"""The judge of the reviews world as a server that speaks OpenAI's chat completions."""

import asyncio
import json
import time
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from lossgrid.judging.serving.chat_completions import RequestError, build_completion, read_body
from lossgrid.judging.serving.ports import LOOPBACK
from lossgrid.worlds.reviews.judge_case import UnreadablePromptError
from lossgrid.worlds.reviews.oracle import OracleSettings, answer_request

# A client may keep a connection for its whole job; a server that closes idle ones breaks the call after a pause.
KEEP_ALIVE_SECONDS = 3600


def serve_oracle(port: int, model: str, settings: OracleSettings, latency: float = 0.0) -> None:
    """Serve until the process is asked to end.

    Args:
        port: Port of the loopback interface.
        model: Name that requests must give.
        settings: How the judge errs.
        latency: Seconds that every answer takes at least; calls wait beside each other.
    """
    uvicorn.run(
        build_app(model, settings, latency),
        host=LOOPBACK,
        port=port,
        access_log=False,
        log_level="warning",
        lifespan="off",
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=1,
    )


def build_app(model: str, settings: OracleSettings, latency: float = 0.0) -> Starlette:
    """The application behind `serve_oracle`, with `GET /v1/models` and `POST /v1/chat/completions`."""
    entry = {"id": model, "object": "model", "created": int(time.time()), "owned_by": "lossgrid"}

    async def list_models(request: Request) -> Response:
        return _respond(200, {"object": "list", "data": [entry]})

    async def complete(request: Request) -> Response:
        if latency:
            await asyncio.sleep(latency)
        try:
            body = read_body(await request.body(), model)
            return _respond(200, build_completion(body, answer_request(body, settings)))
        except UnreadablePromptError as error:
            return _refuse(400, f"messages: {error}", "messages")
        except RequestError as error:
            return _refuse(error.status, str(error), error.parameter)

    async def refuse(request: Request, error: HTTPException) -> Response:
        return _refuse(error.status_code, f"{request.method} {request.url.path}: {error.detail}")

    routes = [
        Route("/v1/models", list_models),
        Route("/v1/chat/completions", complete, methods=["POST"]),
    ]
    return Starlette(routes=routes, exception_handlers={HTTPException: refuse})


def _refuse(status: int, message: str, parameter: str | None = None) -> Response:
    code = "model_not_found" if status == 404 and parameter == "model" else None
    error = {"message": message, "type": "invalid_request_error", "param": parameter, "code": code}
    return _respond(status, {"error": error})


def _respond(status: int, body: dict[str, Any]) -> Response:
    return Response(json.dumps(body), status, media_type="application/json")
