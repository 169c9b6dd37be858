"""A server on the loopback interface that answers as the hub does: one data set, and every refusal."""

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import urlsplit

COMMIT = "0123456789abcdef0123456789abcdef01234567"
FILES = {"README.md": b"---\n---\n", "train.jsonl": b'{"prompt": "a", "chosen": "b", "rejected": "c"}\n'}
# Status and error code by the owner of the repository.
REFUSALS = {
    "gated": (403, "GatedRepo"),
    "private": (401, "RepoNotFound"),
    "moved": (404, "RevisionNotFound"),
    "broken": (500, ""),
}


class _Handler(BaseHTTPRequestHandler):
    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        parts = urlsplit(self.path).path.strip("/").split("/")
        owner = parts[2] if parts[0] == "api" else parts[1] if parts[0] == "datasets" else parts[0]
        if owner in REFUSALS:
            status, code = REFUSALS[owner]
            self._send(status, b"", {"X-Error-Code": code} if code else {})
        elif parts[0] == "api" and "tree" in parts:
            tree = [
                {"type": "file", "path": name, "size": len(data), "oid": hashlib.sha1(data).hexdigest()}
                for name, data in FILES.items()
            ]
            self._send(200, json.dumps(tree).encode(), {})
        elif parts[0] == "api":
            siblings = [{"rfilename": name} for name in FILES]
            self._send(200, json.dumps({"id": "open/data", "sha": COMMIT, "siblings": siblings}).encode(), {})
        else:
            data = FILES[parts[-1]]
            self._send(200, data, {"X-Repo-Commit": COMMIT, "ETag": f'"{hashlib.sha1(data).hexdigest()}"'})

    def _send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    def log_message(self, *_arguments) -> None:
        """Say nothing."""


@contextmanager
def serve_hub() -> Iterator[str]:
    """Serve as long as the context lasts; yields the address for HF_ENDPOINT."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as server:
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
