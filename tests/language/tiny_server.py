"""A small OpenAI-compatible server for one tiny real model: chat completions with pictures, streamed; a list of models.

    python tests/language/tiny_server.py FOLDER --port 8000

The model lies in FOLDER (tiny_lessons.py makes one); without a folder its weights are random. The address is printed
when it is ready. With `--many`, each line of standard input starts a server over the same model in its own process,
by options such as `--key K --context 512 --pause 0.1 --no-vision --no-forms`; its address is printed, and
all end with the input. Refusals are worded as vLLM words them.
"""

from __future__ import annotations

import argparse
import codecs
import json
import os
import shlex
import signal
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "src"), str(Path(__file__).parent)]


class Refusal(Exception):
    def __init__(self, status: int, message: str, code: str | None = None) -> None:
        super().__init__(message)
        self.status, self.body = status, {"error": {"message": message, "type": "invalid_request_error", "code": code}}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: TinyServer

    def do_GET(self) -> None:
        self._guarded(self._models)

    def do_POST(self) -> None:
        self._guarded(self._completion)

    def _guarded(self, act: Any) -> None:
        try:
            key = self.server.options.key
            if key and self.headers.get("Authorization") != f"Bearer {key}":
                raise Refusal(401, "Unauthorized")
            act()
        except Refusal as refusal:
            self._json(refusal.status, refusal.body)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def _models(self) -> None:
        if self.path != "/v1/models":
            raise Refusal(404, "Not Found")
        names = self.server.options.name or ["tiny"]
        self._json(200, {"object": "list", "data": [{"id": name, "object": "model"} for name in names]})

    def _completion(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))))
        if self.path != "/v1/chat/completions":
            raise Refusal(404, "Not Found")
        pieces = self.server.pieces(body)
        first = next(pieces, None)  # refusals come before the head
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        if first is not None:
            self._event(first)
        for piece in pieces:
            self._event(piece)
        self._chunk(b"data: [DONE]\n\n")
        self._chunk(b"")

    def _event(self, piece: dict[str, Any]) -> None:
        self._chunk(b"data: " + json.dumps(piece).encode() + b"\n\n")

    def _chunk(self, data: bytes) -> None:
        self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
        self.wfile.flush()

    def _json(self, status: int, value: dict[str, Any]) -> None:
        data = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: Any) -> None:
        pass


class TinyServer(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, tiny: Any, options: argparse.Namespace) -> None:
        super().__init__(("127.0.0.1", options.port), Handler)
        self.tiny, self.options, self.turn = tiny, options, threading.Lock()

    def handle_error(self, *_: Any) -> None:
        """A client that goes away is no trouble of the server's."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(*_)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/v1"

    def pieces(self, body: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """The chunks of a streamed completion."""
        from tiny_served_model import Writing

        limit = int(body.get("max_tokens") or 256)
        tokens = self._checked(body, limit)
        form = body.get("response_format", {}).get("json_schema", {}).get("schema")
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        with self.turn:
            writing = Writing(self.tiny, body["messages"], limit)
            for written in writing.in_form(form) if form else writing.freely():
                time.sleep(self.options.pause)
                if writing.count == self.options.unplugged_after:
                    os.kill(os.getpid(), signal.SIGKILL)
                yield _chunk(decoder.decode(written.data), _logprobs(written, body))
        yield _chunk("", None, "stop" if writing.count < limit else "length")
        yield {
            "object": "chat.completion.chunk",
            "choices": [],
            "usage": {
                "prompt_tokens": tokens,
                "completion_tokens": writing.count,
                "total_tokens": tokens + writing.count,
            },
        }

    def _checked(self, body: dict[str, Any], limit: int) -> int:
        options = self.options
        if body.get("model") not in (options.name or ["tiny"]):
            raise Refusal(404, f"The model `{body.get('model')}` does not exist.", "model_not_found")
        if options.no_forms and "response_format" in body:
            raise Refusal(400, "response_format is not supported by this server")
        parts = [p for m in body["messages"] if isinstance(m["content"], list) for p in m["content"]]
        if options.no_vision and any(part["type"] == "image_url" for part in parts):
            raise Refusal(400, f"{body['model']} is not a multimodal model")
        tokens = len(self.tiny.prompt(body["messages"])[0])
        if tokens + limit > options.context:
            raise Refusal(
                400,
                f"This model's maximum context length is {options.context} tokens. However, you requested "
                f"{tokens + limit} tokens ({tokens} in the messages, {limit} in the completion).",
                "context_length_exceeded",
            )
        return tokens


def _chunk(text: str, logprobs: dict[str, Any] | None, finish: str | None = None) -> dict[str, Any]:
    choice = {"index": 0, "delta": {"content": text}, "logprobs": logprobs, "finish_reason": finish}
    return {"id": "tiny", "object": "chat.completion.chunk", "created": 0, "model": "tiny", "choices": [choice]}


def _logprobs(written: Any, body: dict[str, Any]) -> dict[str, Any] | None:
    if not body.get("logprobs"):
        return None
    most = int(body.get("top_logprobs") or 0)
    return {"content": [_token(written.data, written.logprob, [_token(*other) for other in written.others[:most]])]}


def _token(data: bytes, logprob: float, others: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    token = {"token": data.decode(errors="replace"), "logprob": logprob, "bytes": list(data)}
    return token if others is None else token | {"top_logprobs": others}


def parser() -> argparse.ArgumentParser:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("folder", type=Path, nargs="?")
    options.add_argument("--port", type=int, default=0)
    options.add_argument("--name", action="append", help="what the model is called; again: one more name for it")
    options.add_argument("--context", type=int, default=4096)
    options.add_argument("--key", default="")
    options.add_argument("--pause", type=float, default=0.0, help="seconds before each token")
    options.add_argument("--unplugged-after", type=int, help="end this process without a word after so many tokens")
    options.add_argument("--no-vision", action="store_true")
    options.add_argument("--many", action="store_true", help="start servers as standard input asks for them")
    options.add_argument("--no-forms", action="store_true", help="takes no response_format")
    return options


def main() -> None:
    import torch
    from tiny_served_model import TinyModel

    torch.set_num_threads(1)
    options = parser().parse_args()
    tiny = TinyModel.load(options.folder) if options.folder else TinyModel.random()
    if options.many:
        print("ready", flush=True)
        for line in sys.stdin:
            start(tiny, parser().parse_args(shlex.split(line)))
        os._exit(0)
    else:
        server = TinyServer(tiny, options)
        print(server.address, flush=True)
        server.serve_forever()


def start(tiny: Any, options: argparse.Namespace) -> None:
    """A server in a process of its own: it ends with its parent, or when it is unplugged."""
    server, parent = TinyServer(tiny, options), os.getpid()
    child = os.fork()
    if child == 0:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        while os.getppid() == parent:
            time.sleep(0.2)
        os._exit(0)
    server.server_close()
    print(server.address, flush=True)


if __name__ == "__main__":
    main()
