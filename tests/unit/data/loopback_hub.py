"""A hub in miniature: the few endpoints that downloads use, with faults to order."""

import contextlib
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any

REPO, REVISION = "owner/name", "5" * 40


@dataclass
class Hub:
    """What the server has and how it misbehaves."""

    files: dict[str, bytes] = field(default_factory=dict)
    etags: dict[str, str] = field(default_factory=dict)
    cuts: int = 0
    downloads: int = 0

    def handler(self) -> type[BaseHTTPRequestHandler]:
        hub = self

        class Handler(BaseHTTPRequestHandler):
            def do_HEAD(self) -> None:
                hub.answer(self)

            def do_GET(self) -> None:
                hub.answer(self)

            def log_message(self, *_: Any) -> None:
                pass

        return Handler

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        if request.path.startswith(f"/api/models/{REPO}/revision/{REVISION}"):
            siblings = [{"rfilename": name} for name in self.files]
            content = json.dumps({"id": REPO, "siblings": siblings}).encode()
            self.send(request, 200, content, {"Content-Type": "application/json"})
            return
        name = request.path.partition(f"{REPO}/resolve/{REVISION}/")[2]
        if name not in self.files:
            code = "EntryNotFound" if name else "RevisionNotFound"
            self.send(request, 404, b"", {"X-Error-Code": code, "X-Repo-Commit": REVISION})
            return
        content = self.files[name]
        etag = self.etags.get(name, hashlib.sha256(content).hexdigest())
        headers = {"X-Repo-Commit": REVISION, "ETag": f'"{etag}"'}
        start = int(request.headers.get("Range", "bytes=0-")[6:].partition("-")[0])
        if start:
            headers["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
        self.send(request, 206 if start else 200, content[start:], headers)

    def send(self, request: BaseHTTPRequestHandler, status: int, content: bytes, headers: Mapping[str, str]) -> None:
        request.send_response(status)
        for key, value in {**headers, "Content-Length": str(len(content))}.items():
            request.send_header(key, value)
        request.end_headers()
        if request.command == "HEAD":
            return
        cut = "/resolve/" in request.path and self.downloads < self.cuts
        self.downloads += "/resolve/" in request.path
        with contextlib.suppress(ConnectionError):
            request.wfile.write(content[: len(content) // 2] if cut else content)
