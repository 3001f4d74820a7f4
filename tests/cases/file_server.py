"""A server of files on the loopback, for tests of what is downloaded."""

import contextlib
import http.server
import re
import threading
import time
from collections.abc import Iterator


class Server(http.server.BaseHTTPRequestHandler):
    """Files with Range support; `cuts` says after how many bytes each next answer breaks off."""

    url: str
    files: dict[str, bytes]
    cuts: list[int]
    requested: list[str]
    ranges: list[str | None]
    honours_range: bool
    pause: float

    def do_GET(self) -> None:
        cls = type(self)
        wanted = self.headers.get("Range")
        cls.requested.append(self.path)
        cls.ranges.append(wanted)
        if self.path not in self.files:
            self.send_error(404)
            return
        content = self.files[self.path]
        start = int(re.match(r"bytes=(\d+)-", wanted)[1]) if wanted and self.honours_range else 0
        if start >= len(content) and start:
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{len(content)}")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        body = content[start:]
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        with contextlib.suppress(OSError):  # a client that gave up
            ends = [cls.cuts.pop(0)] if cls.cuts else [len(body) // 2, len(body)]
            for start, end in zip([0, *ends], ends, strict=False):
                self.wfile.write(body[start:end])
                time.sleep(cls.pause)

    def log_message(self, *args: object) -> None:
        pass


@contextlib.contextmanager
def serving(files: dict[str, bytes]) -> Iterator[type[Server]]:
    """A server of files by their paths; `requested` and `ranges` are of all requests to it."""
    state = {"files": files, "cuts": [], "requested": [], "ranges": []}
    handler = type("Handler", (Server,), {**state, "honours_range": True, "pause": 0})
    running = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=running.serve_forever, daemon=True).start()
    handler.url = f"http://127.0.0.1:{running.server_port}"
    yield handler
    running.shutdown()
    running.server_close()
