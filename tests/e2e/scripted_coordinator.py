"""A coordinator as operators' commands see it: answers from a state that a test sets, and keeps what was asked."""

import http.server
import json
import threading
import urllib.parse

from harness import free_address


def rollout(**members):
    """The answer about a rollout, as a coordinator gives it."""
    counts = dict.fromkeys(
        ("waiting", "fetching", "ready", "told", "healthy", "failed", "back_told", "back_done", "back_failed", "away"), 0)
    counts.update(members.pop("counts", {"healthy": 2, "ready": 1}))
    return {"app": "shop", "tag": "v42", "info_hash": "ab" * 20, "number": 17, "state": "running", "why": "",
            "by": "ann@laptop", "started_s": 1795969872, "wave": 1, "waves": 2, "waves_began_s": [1795969872],
            "ended_s": 0, "counts": counts, "unsettled": [], "unsettled_count": 0,
            "plan": {"groups": [], "waves": ["1", "100%"]}, **members}


def release(**members):
    return {"app": "shop", "tag": "v42", "number": 2, "info_hash": "ab" * 20, "serial": 7, "revoked": False,
            "by": "ann@laptop", "at_s": 1795969872, "total_bytes": 1048576, "copy": "complete",
            "copy_bytes": 1048576, "hosts_ready": 3, "hosts_active": 2, **members}


class ScriptedCoordinator:
    """`answers` maps (method, path) to what is answered: a value, (status, value), or a function of the Asked."""

    def __init__(self, case, answers=None):
        self.answers = answers or {}
        self.asked = []
        owner = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_any(self):
                owner.handle(self)

            do_GET = do_POST = do_PUT = do_any

            def log_message(self, *arguments):
                pass

        self.server = http.server.ThreadingHTTPServer((free_address(), 0), Handler)
        self.server.daemon_threads = True
        self.place = "{}:{}".format(*self.server.server_address)
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True)
        self.thread.start()
        case.addCleanup(self.close)

    def close(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    def handle(self, request):
        parts = urllib.parse.urlsplit(request.path)
        body = request.rfile.read(int(request.headers.get("Content-Length") or 0))
        asked = Asked(request.command, parts.path, dict(urllib.parse.parse_qsl(parts.query)), body, request.path)
        self.asked.append(asked)
        answer = self.answers.get((asked.method, asked.path), (404, {"error": "there is no such thing"}))
        if callable(answer):
            answer = answer(asked)
        status, value = answer if isinstance(answer, tuple) else (200, answer)
        text = value if isinstance(value, bytes) else json.dumps(value).encode()
        request.send_response(status)
        request.send_header("Content-Length", str(len(text)))
        request.end_headers()
        request.wfile.write(text)

    def orders(self):
        """What was asked for besides reading: (method, path, query without who asks)."""
        return [(each.method, each.path) for each in self.asked if each.method != "GET"]


class Asked:
    def __init__(self, method, path, query, body, target):
        self.method, self.path, self.query, self.body, self.target = method, path, query, body, target

    @property
    def json(self):
        return json.loads(self.body)
