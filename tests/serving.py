"""A real HTTP server on the loopback interface that serves files, and misbehaves as it is told."""

import hashlib
import re
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Server:
    """Files by their names, what was asked, and how the next answers go wrong.

    ``moods`` are used up, one a request; ``habit`` is how all other answers are. Each is a dict of

    status : int, answer with this and nothing else; ``headers`` go with it
    cut : int, close the connection after that many bytes of the body
    wrong : bool, another byte at the end
    ranges : bool, whether ranges are honoured
    compares : bool, whether If-Range is
    etag, date : bool, whether the version is named, and how
    length : int or None, what to add to Content-Length; None: leave it out
    location : str, redirect to there
    encoding : str, call the file's own compression an encoding
    becomes : bytes, what the file is afterwards
    """

    def __init__(self):
        self.files, self.moods, self.habit, self.asked = {}, [], {}, []
        self.address = ""

    def ranges_of(self, name):
        """Range headers of the requests for a file, in their order."""
        return [headers.get("Range") for path, headers in self.asked if path == f"/{name}"]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        server = self.server.told
        server.asked.append((self.path, dict(self.headers)))
        mood = {"ranges": True, "compares": True, "etag": True, "date": False, "length": 0} | server.habit
        mood |= server.moods.pop(0) if server.moods else {}
        self.close_connection = True
        if "location" in mood:
            return self.empty(302, {"Location": mood["location"]})
        if "status" in mood:
            return self.empty(mood["status"], mood.get("headers", {}))
        if self.path[1:] not in server.files:
            return self.empty(404, {})
        content = server.files[self.path[1:]]
        return self.file(content, mood)

    def empty(self, status, headers):
        self.send_response(status)
        for key, value in (headers | {"Content-Length": "0", "Connection": "close"}).items():
            self.send_header(key, value)
        self.end_headers()

    def file(self, content, mood):
        tag = f'"{hashlib.md5(content).hexdigest()}"'  # noqa: S324
        first = self.first(tag, mood)
        if first is not None and first >= len(content):
            return self.empty(416, {"Content-Range": f"bytes */{len(content)}"})
        body = content[first or 0 :]
        if mood.get("wrong"):
            body = body[:-1] + bytes([body[-1] ^ 1])
        self.send_response(200 if first is None else 206)
        if first is not None:
            self.send_header("Content-Range", f"bytes {first}-{len(content) - 1}/{len(content)}")
        if mood["etag"]:
            self.send_header("ETag", tag)
        if mood["date"]:
            self.send_header("Last-Modified", "Sun, 01 Nov 2026 00:00:00 GMT")
        if mood["length"] is not None:
            self.send_header("Content-Length", str(len(body) + mood["length"]))
        if mood.get("encoding"):
            self.send_header("Content-Encoding", mood["encoding"])
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body[: mood.get("cut", len(body))])
        if "becomes" in mood:
            self.server.told.files[self.path[1:]] = mood["becomes"]
        return None

    def first(self, tag, mood):
        """First byte that is asked for, None for a whole answer."""
        asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        condition = self.headers.get("If-Range")
        if asked is None or not mood["ranges"] or (mood["compares"] and condition not in (None, tag)):
            return None
        return int(asked[1])

    def log_message(self, *_):
        """Say nothing."""


@contextmanager
def serving():
    """A server, and its address."""
    told = Server()
    with ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as server:
        server.told, server.daemon_threads = told, True
        told.address = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield told
        finally:
            server.shutdown()
            thread.join()
