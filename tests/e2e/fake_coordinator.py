"""A coordinator that does what a test says: it speaks the frames of an agent's link, hands torrents out, and passes
announces on to a real tracker. One thread a connection."""

import contextlib
import http.client
import json
import os
import socket
import struct
import threading
import time

import fleet_keys


def frame(message, seal=None):
    text = json.dumps(message).encode()
    text = seal.seal(text) if seal else text
    return struct.pack(">I", len(text)) + text


def read_exactly(connection, count):
    data = b""
    while len(data) < count:
        part = connection.recv(count - len(data))
        if not part:
            raise EOFError
        data += part
    return data


def read_frame(connection, seal=None):
    (size,) = struct.unpack(">I", read_exactly(connection, 4))
    text = read_exactly(connection, size)
    return json.loads(seal.open(text) if seal else text)


def wanted_app(app, release=None, **members):
    """What is wanted of one app."""
    known = {
        "app": app, "release": release, "serial": 1, "attempt": 0 if release is None else 1, "activate": False,
        "confirmed": False, "allow_older": False, "min_healthy_ms": 0, "healthy_deadline_ms": 20_000,
        "confirm_within_ms": 0, "revoked": [],
    }
    assert set(members) <= set(known), members
    return {**known, **members}


class FakeCoordinator:
    def __init__(self, address="127.0.0.1", tracker=None, port=0):
        self.tracker = tracker  # HOST:PORT
        self.torrents = {}  # info hash -> bytes
        self.wanted = []
        self.revision = 1
        self.origin = 7
        self.reports = []  # all that were heard, in their order
        self.hellos = []
        self.facts = []
        self.requests = []  # heads of whatever was asked
        self.outcomes = []
        self.refusal = None  # (status line, body) in place of the upgrade
        self.gate = None  # a function of the target: None, or such a refusal
        self.secret = None  # the fleet key of a closed one
        self.seals = {}
        self.is_deaf = False  # hears, and answers nothing any more
        self.takes_alive = False  # from the next connection on
        self.alive = []  # heartbeats that said nothing new
        self.greetings = {}
        self.links = {}  # connection -> lock for sending
        self.lock = threading.Condition()
        self.server = socket.socket()
        self.server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.server.bind((address, port))
        self.server.listen(64)
        self.address = "%s:%d" % self.server.getsockname()[:2]
        self.is_closed = False
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self):
        self.is_closed = True
        self.server.close()
        self.drop()

    def drop(self):
        """Ends all connections to agents."""
        with self.lock:
            links = list(self.links)
        for link in links:
            try:
                link.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def end(self, text="done"):
        """Tells all agents that their deploy is over."""
        with self.lock:
            links = list(self.links.items())
        for link, lock in links:
            with lock:
                link.sendall(frame({"type": "ended", "text": text}, self.seals.get(link)))

    def want(self, *apps):
        """From now on; told at once to who is connected."""
        with self.lock:
            self.wanted = list(apps)
            self.revision += 1
            links = list(self.links)
        for link in links:
            self._tell(link)

    def wait_for(self, condition, what, seconds=90):
        """The first report from now on, or the last one so far, for which condition(report) holds."""
        deadline = time.monotonic() + seconds
        seen = max(0, len(self.reports) - 1)
        with self.lock:
            while True:
                for report in self.reports[seen:]:
                    if condition(report):
                        return report
                seen = len(self.reports)
                left = deadline - time.monotonic()
                if left <= 0:
                    last = json.dumps(self.reports[-1]) if self.reports else "none"
                    raise AssertionError(f"waited in vain: {what}; the last report: {last}")
                self.lock.wait(left)

    def wait_for_app(self, condition, what, app="shop", seconds=90):
        """The same for the report of one app, which is returned."""
        def holds(report):
            return any(each["app"] == app and condition(each) for each in report["apps"])

        report = self.wait_for(holds, what, seconds)
        return next(each for each in report["apps"] if each["app"] == app)

    # --- connections ---

    def _accept(self):
        while not self.is_closed:
            try:
                connection, _ = self.server.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        try:
            head = b""
            while b"\r\n\r\n" not in head:
                part = connection.recv(4096)
                if not part:
                    return
                head += part
            text = head.split(b"\r\n\r\n")[0].decode()
            self.requests.append(text)
            target = text.split(" ")[1]
            refusal = self.gate(target) if self.gate is not None else None
            if refusal is not None:
                self._answer(connection, *refusal)
                return
            if target.startswith("/control/agent"):
                self._serve_agent(connection, target)
            elif target.startswith("/control/torrent"):
                self._serve_torrent(connection, target)
            else:
                self._pass_on(connection, target)
        except (OSError, EOFError, ValueError):
            pass
        finally:
            with self.lock:
                self.links.pop(connection, None)
            connection.close()

    @staticmethod
    def _answer(connection, status, body):
        connection.sendall(
            f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode() + body)

    def _serve_torrent(self, connection, target):
        torrent = self.torrents.get(target.partition("info_hash=")[2][:40])
        if torrent is None:
            self._answer(connection, "404 Not Found", b"no such torrent\n")
        else:
            self._answer(connection, "200 OK", torrent)

    def _pass_on(self, connection, target):
        with contextlib.closing(http.client.HTTPConnection(self.tracker, timeout=10)) as client:
            client.request("GET", target)
            reply = client.getresponse()
            self._answer(connection, f"{reply.status} OK", reply.read())

    def _serve_agent(self, connection, target):
        if self.refusal is not None:
            self._answer(connection, *self.refusal)
            return
        connection.sendall(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: murder-agent/1\r\n\r\n")
        challenge = {"type": "challenge", "nonce": os.urandom(32).hex(), "coordinator": self.address}
        if self.takes_alive:
            challenge["alive"] = True
        if self.secret is not None:
            to_hello = target.partition("link=")[2].partition("&")[0]
            challenge["proof"] = fleet_keys.link_answer(self.secret, to_hello, challenge["nonce"], self.address)
            self.seals[connection] = fleet_keys.LinkSeal(self.secret, challenge["proof"], "coordinator")
        connection.sendall(frame(challenge))
        with self.lock:
            self.links[connection] = threading.Lock()
        while True:
            message = read_frame(connection, self.seals.get(connection))
            with self.lock:
                if message["type"] == "hello":
                    self.hellos.append(message)
                elif message["type"] == "facts":
                    self.facts.append(message)
                elif message["type"] == "report":
                    self.reports.append(message)
                elif message["type"] == "alive":
                    self.alive.append(message)
                else:
                    self.outcomes.append(message)
                self.lock.notify_all()
            if message["type"] == "report":
                self._tell(connection, message)
            elif message["type"] == "alive" and not self.is_deaf:
                with self.links[connection]:
                    connection.sendall(frame({"type": "heard", "heard_number": message["number"]},
                                             self.seals.get(connection)))

    def _tell(self, connection, report=None):
        if self.is_deaf:
            return
        with self.lock:
            if report is not None:
                session = report["greeting"]["session"]
                number = self.greetings.setdefault(connection, len(self.greetings) + 1)
                self.last = {**getattr(self, "last", {}), connection: (session, number, report["number"])}
            known = getattr(self, "last", {}).get(connection)
            if known is None or connection not in self.links:
                return
            session, number, heard = known
            message = {
                "type": "wanted", "origin": self.origin, "revision": self.revision,
                "greeting": {"session": session, "number": number}, "heard_number": heard, "apps": self.wanted,
            }
            lock = self.links[connection]
        with lock:
            try:
                connection.sendall(frame(message, self.seals.get(connection)))
            except OSError:
                pass
