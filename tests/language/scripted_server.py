"""A server that plays a script of failures: each request gets the next scripted answer, and what it received is kept.

It stands in for no model. It plays what a healthy server cannot be made to do: be busy, refuse, redirect, break off.
"""

from __future__ import annotations

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


def status(number: int, message: str, headers: dict[str, str] | None = None, **body: Any) -> dict[str, Any]:
    error = {"error": {"message": message, "type": "error", **body}}
    return {"status": number, "data": json.dumps(error).encode(), "headers": headers or {}}


def raw(data: bytes, code: int = 200, kind: str = "text/html", **headers: str) -> dict[str, Any]:
    return {"status": code, "data": data, "headers": {"Content-Type": kind, **headers}}


def models(*names: str) -> dict[str, Any]:
    return raw(
        json.dumps({"object": "list", "data": [{"id": name} for name in names]}).encode(), kind="application/json"
    )


def words(text: str, finish: str | None = "stop", every: int = 7, then: Any = None) -> dict[str, Any]:
    """A streamed completion; `then`: "cut" breaks the connection, a number waits, a dict is sent as one more event."""
    events = [_event(text[place : place + every]) for place in range(0, len(text), every)]
    return {"events": [*events, *([_event("", finish)] if finish else [])], "then": then}


def answer(text: str = "A cup falls.", evidence: Any = (1,), confidence: float = 0.8, **more: Any) -> dict[str, Any]:
    form = {"in_evidence": True, "answer": text, "evidence": list(evidence), "confidence": confidence}
    return words(json.dumps(form | more, ensure_ascii=False))


def _event(text: str, finish: str | None = None) -> dict[str, Any]:
    return {"id": "x", "object": "chat.completion.chunk", "choices": [
        {"index": 0, "delta": {"content": text}, "finish_reason": finish}]}  # fmt: skip


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: ScriptedServer

    def do_GET(self) -> None:
        self._play(None)

    def do_POST(self) -> None:
        self._play(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

    def _play(self, body: Any) -> None:
        with self.server.turn:
            self.server.heard.append({"path": self.path, "headers": dict(self.headers), "body": body})
            act = self.server.script.pop(0) if self.server.script else status(418, "the script is at its end")
        if "events" in act:
            self._stream(act)
            return
        self.send_response(act["status"])
        for name, value in act["headers"].items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(act["data"])))
        self.end_headers()
        self.wfile.write(act["data"])

    def _stream(self, act: dict[str, Any]) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for event in act["events"]:
            self._event(json.dumps(event))
        if act["then"] == "cut":
            self.close_connection = True
            return
        if isinstance(act["then"], float):
            time.sleep(act["then"])
        elif act["then"] is not None:
            self._event(json.dumps(act["then"]))
        self._event("[DONE]")
        self.wfile.write(b"0\r\n\r\n")

    def _event(self, data: str) -> None:
        line = f"data: {data}\n\n".encode()
        self.wfile.write(f"{len(line):x}\r\n".encode() + line + b"\r\n")
        self.wfile.flush()

    def log_message(self, *_: Any) -> None:
        pass


class ScriptedServer(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, *script: dict[str, Any]) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.script, self.heard, self.turn = list(script), [], threading.Lock()
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/v1"

    def __exit__(self, *_: Any) -> None:
        self.shutdown()
        self.server_close()
