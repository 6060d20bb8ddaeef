"""A stand-in for the Hugging Face Hub on this machine: the part of its HTTP interface that its own library uses."""

import base64
import hashlib
import json
import re
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@contextmanager
def small_hub(root: Path):
    """Serve the folders ``ROOT/ORG/NAME`` as repositories; gives the address, and a list of the paths asked for."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_HEAD(self):
            self.do_GET()

        def do_GET(self):
            asked.append(f"{self.command} {self.path}")
            path = self.path.partition("?")[0]
            if found := re.fullmatch(r"/api/models/([\w.-]+/[\w.-]+)(?:/revision/([\w.-]+))?", path):
                self._info(found[1])
            elif found := re.fullmatch(r"/api/models/([\w.-]+/[\w.-]+)/tree/[\w.-]+", path):
                self._json(
                    [
                        {
                            "type": "file",
                            "path": one.relative_to(root / found[1]).as_posix(),
                            "size": one.stat().st_size,
                            "oid": hashlib.sha1(one.read_bytes()).hexdigest(),
                        }
                        for one in sorted((root / found[1]).rglob("*"))
                        if one.is_file()
                    ]
                )
            elif found := re.fullmatch(r"/([\w.-]+/[\w.-]+)/resolve/[\w.-]+/(.+)", path):
                self._file(root / found[1] / found[2])
            else:
                self._json({"error": "not found"}, 404)

        def do_POST(self):
            asked.append(f"POST {self.path}")
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            path = self.path.partition("?")[0]
            if path == "/api/repos/create":
                wanted = json.loads(body)
                name = "/".join(part for part in (wanted.get("organization"), wanted["name"]) if part)
                (root / name).mkdir(parents=True, exist_ok=True)
                self._json({"url": f"http://{self.headers['Host']}/{name}", "id": name})
            elif path.endswith("/preupload/main"):
                files = [
                    {"path": one["path"], "uploadMode": "regular", "shouldIgnore": False}
                    for one in json.loads(body)["files"]
                ]
                self._json({"files": files})
            elif found := re.fullmatch(r"/api/models/([\w.-]+/[\w.-]+)/commit/main", path):
                for line in body.splitlines():
                    entry = json.loads(line)
                    if entry["key"] == "file":
                        target = root / found[1] / entry["value"]["path"]
                        target.parent.mkdir(parents=True, exist_ok=True)
                        target.write_bytes(base64.b64decode(entry["value"]["content"]))
                address = f"http://{self.headers['Host']}/{found[1]}"
                self._json(
                    {
                        "success": True,
                        "commitOid": COMMIT,
                        "commitUrl": f"{address}/commit/{COMMIT}",
                        "hookOutput": "",
                    }
                )
            else:
                self._json({})

        def _info(self, name):
            folder = root / name
            if not folder.is_dir():
                self._json({"error": "Repository not found"}, 404, {"X-Error-Code": "RepoNotFound"})
                return
            files = [
                {"rfilename": path.relative_to(folder).as_posix()}
                for path in sorted(folder.rglob("*"))
                if path.is_file()
            ]
            self._json(
                {"id": name, "modelId": name, "sha": COMMIT, "siblings": files, "private": False, "tags": []}
            )

        def _file(self, path):
            if not path.is_file():
                self._json({"error": "Entry not found"}, 404, {"X-Error-Code": "EntryNotFound"})
                return
            content = path.read_bytes()
            etag = hashlib.sha1(content).hexdigest()
            self._answer(200, content, {"ETag": f'"{etag}"', "X-Repo-Commit": COMMIT})

        def _json(self, content, status=200, headers=None):
            headers = {"Content-Type": "application/json", **(headers or {})}
            self._answer(status, json.dumps(content).encode(), headers)

        def _answer(self, status, content, headers):
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(content)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        server.server_close()
