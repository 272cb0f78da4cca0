"""An agent as docs/protocol.md has it, written anew: its link to a coordinator, and what a test has it report."""

import base64
import json
import re
import secrets
import socket
import struct

import fleet_keys
from signing import armour_of, make_key, public_key

NAMESPACE = "murder-agent"
LEASE_SECONDS = 90


class Refused(Exception):
    """The coordinator's words."""


def hello_of(challenge, host, session, key, sign_as=None):
    """`sign_as`: the members that are signed, where they are others than those that are sent."""
    text = "murder-agent 1\ncoordinator {coordinator}\nhost {host}\nsession {session}\nnonce {nonce}\n".format(
        **{**challenge, "host": host, "session": session, **(sign_as or {})})
    armour = armour_of(text.encode(), key, NAMESPACE).decode()
    signature = re.search(r"-----BEGIN SSH SIGNATURE-----\n(.*)\n-----END", armour, re.DOTALL)[1].replace("\n", "")
    base64.b64decode(signature)
    return {"type": "hello", "host": host, "version": "0.1.0", "key": public_key(key), "signature": signature,
            "session": session}


class Link:
    """One connection that was upgraded; messages are dictionaries."""

    def __init__(self, coordinator, target="/control/agent", source="127.0.0.1", secret=None):
        """`secret`: the fleet key of a closed one, of whose member `target` is."""
        self.seal = None
        if secret is not None:
            to_prove = fleet_keys.link_hello(secret)
            target = fleet_keys.signed_target(secret, f"{target}?link={to_prove}")
        host, port = coordinator.rsplit(":", 1)
        self.socket = socket.create_connection((host, int(port)), timeout=30, source_address=(source, 0))
        self.socket.sendall(f"GET {target} HTTP/1.1\r\nHost: {coordinator}\r\nConnection: Upgrade\r\n"
                            "Upgrade: murder-agent/1\r\n\r\n".encode())
        self.bytes = b""
        while b"\r\n\r\n" not in self.bytes:
            self._receive()
        head, self.bytes = self.bytes.split(b"\r\n\r\n", 1)
        self.status = int(head.split()[1])
        if self.status != 101:
            length = int(re.search(rb"content-length: (\d+)", head.lower())[1])
            while len(self.bytes) < length:
                self._receive()
            self.close()
            raise Refused(f"{self.status} {self.bytes.decode()}")
        if secret is not None:
            self.challenge = self.read()
            proof = self.challenge["proof"]
            assert proof == fleet_keys.link_answer(secret, to_prove, self.challenge["nonce"], self.challenge["coordinator"])
            self.seal = fleet_keys.LinkSeal(secret, proof, "agent")

    def _receive(self):
        got = self.socket.recv(65536)
        if not got:
            raise EOFError("the coordinator closed the link")
        self.bytes += got

    def send(self, message):
        self.send_bytes(json.dumps(message).encode())

    def send_bytes(self, text, length=None):
        text = self.seal.seal(text) if self.seal else text
        self.socket.sendall(struct.pack(">I", len(text) if length is None else length) + text)

    def read(self, seconds=30):
        """The next message."""
        self.socket.settimeout(seconds)
        while len(self.bytes) < 4 or len(self.bytes) < 4 + struct.unpack(">I", self.bytes[:4])[0]:
            self._receive()
        size = struct.unpack(">I", self.bytes[:4])[0]
        text, self.bytes = self.bytes[4:4 + size], self.bytes[4 + size:]
        message = json.loads(self.seal.open(text) if self.seal else text)
        if message["type"] == "refused":
            raise Refused(message["text"])
        return message

    def read_to_end(self):
        """What is refused, or nothing: until the coordinator closes."""
        text = ""
        try:
            while True:
                self.read()
        except Refused as error:
            text = str(error)
        except (EOFError, ConnectionError):
            pass
        self.close()
        return text

    def close(self):
        self.socket.close()


class FakeAgent:
    """Knows each release that it is told of at once, and activates when it is told to, unless `obeys` is False."""

    def __init__(self, directory, host, apps=("shop",), groups=(), rack="", obeys=True, free_bytes=10 ** 9):
        directory.mkdir(parents=True, exist_ok=True)
        self.key = make_key(directory, f"key-{host}-{secrets.token_hex(4)}")
        self.host, self.groups, self.rack, self.obeys, self.free_bytes = host, list(groups), rack, obeys, free_bytes
        self.apps = {app: {"app": app, "phase": "idle", "active": None, "is_healthy": False, "is_unconfirmed": False,
                           "ready": [], "progress": 0, "attempt": 0, "failed_attempt": 0, "failure": "none",
                           "text": ""} for app in apps}
        self.link = None
        self.wanted = None
        self.revision = 0

    def connect(self, coordinator, target="/control/agent", keeps_old=False, source="127.0.0.1", secret=None, **hello):
        """A new process of the agent: its number counts anew. `hello`: members of that, instead of the right ones."""
        if not keeps_old:
            self.close()
        self.session, self.number, self.greeting_number = secrets.randbits(60), 0, 0
        self.link = Link(coordinator, target, source, secret=secret)
        challenge = self.link.challenge if secret else self.link.read()
        assert challenge["type"] == "challenge", challenge
        self.challenge = challenge
        self.link.send({**hello_of(challenge, self.host, self.session, self.key), **hello})
        self.link.send({"type": "facts", "version": "0.1.0", "free_bytes": self.free_bytes})
        self.report()
        return self

    def make_report(self):
        self.number += 1
        return {"type": "report", "host": self.host, "rack": self.rack, "groups": self.groups,
                "apps": list(self.apps.values()), "number": self.number,
                "greeting": {"session": self.session, "number": self.greeting_number}}

    def report(self):
        self.link.send(self.make_report())

    def hear(self, seconds=30):
        """One message: does what it says, and reports what changed. Returns what is wanted."""
        wanted = self.link.read(seconds)
        assert wanted["type"] == "wanted", wanted
        assert wanted["revision"] >= self.revision, (wanted, self.revision)
        self.revision, self.wanted = wanted["revision"], wanted
        changed = wanted["greeting"]["number"] > self.greeting_number
        self.greeting_number = max(self.greeting_number, wanted["greeting"]["number"])
        for want in wanted["apps"]:
            changed = (self.obeys and self._follow(self.apps[want["app"]], want)) or changed
        if changed:
            self.report()
        return wanted

    def _follow(self, app, want):
        before = dict(app, ready=list(app["ready"]))
        if want["release"] and want["release"] not in app["ready"] and want["release"] not in want["revoked"]:
            app["ready"] = app["ready"] + [want["release"]]
        if want["activate"] and app["attempt"] < want["attempt"]:
            app.update(attempt=want["attempt"], active=want["release"], is_healthy=True)
        return app != before

    def hear_until(self, condition, what):
        """Hears messages until condition(agent)."""
        for _ in range(200):
            if condition(self):
                return self
            self.hear()
        raise AssertionError(f"{self.host} waited in vain: {what}")

    def active(self, app="shop"):
        return self.apps[app]["active"]

    def close(self):
        if self.link is not None:
            self.link.close()
            self.link = None
