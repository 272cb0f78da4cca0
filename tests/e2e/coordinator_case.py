"""What the tests of the coordinator share: a tracker with one, its HTTP for operators, and agents that are made up."""

import hashlib
import http.client
import json
import os
import secrets
import signal
import threading
import urllib.parse

from fake_agent import FakeAgent
from fleet_keys import signed_target
from harness import MurderCase, free_address, free_port, is_alive, wait_until


class CoordinatorCase(MurderCase):
    def setUp(self):
        super().setUp()
        self.agents = []
        self.operator_secret = None
        self.serving = []
        self.addCleanup(self._end_agents)

    def _end_agents(self):
        for agent in self.agents:
            agent.close()
        for thread in self.serving:
            thread.join(30)

    # --- The coordinator ---

    def start_coordinator(self, *arguments, state="memory:", endpoint=None):
        """In the foreground; `self.coordinator` is its HOST:PORT."""
        address = free_address()
        self.coordinator = endpoint or f"{address}:{free_port(address)}"
        self.tracker = self.start("tracker", "--listen", self.coordinator, "--state", state, *arguments)
        wait_until(lambda: "listens on" in self.tracker.output or not is_alive(self.tracker.pid), "the tracker listens")
        self.assertTrue(is_alive(self.tracker.pid), self.tracker.error)
        return self.coordinator

    def kill_coordinator(self, number=signal.SIGKILL):
        os.kill(self.tracker.pid, number)
        return self.tracker.wait()

    def ask(self, method, target, body=None, headers=None, source="127.0.0.1"):
        """(status, what was answered: JSON where it is some)."""
        data = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        if self.operator_secret is not None:
            if method != "GET":
                joint = "&" if "?" in target else "?"
                target += f"{joint}nonce={secrets.token_hex(8)}&body_sha256={hashlib.sha256(data).hexdigest()}"
            target = signed_target(self.operator_secret, target, kind=b"operator")
        host, port = self.coordinator.rsplit(":", 1)
        connection = http.client.HTTPConnection(host, int(port), timeout=60, source_address=(source, 0))
        try:
            connection.request(method, target, body=None if body is None else data, headers=headers or {})
            reply = connection.getresponse()
            text = reply.read()
        finally:
            connection.close()
        try:
            return reply.status, json.loads(text)
        except ValueError:
            return reply.status, text

    def must(self, method, target, body=None, status=200):
        got, answer = self.ask(method, target, body)
        self.assertEqual(got, status, answer)
        return answer

    def query(self, **parameters):
        return urllib.parse.urlencode(parameters)

    # --- Releases and rollouts ---

    def make_torrent(self, tag, size=20_000, seed=1):
        """The bytes of a release's torrent."""
        source = self.make_file(f"source-{tag}-{seed}", size, seed)
        return self.create(source, tag, "--temp-path", self.path(f"made-{seed}"),
                           tracker=f"http://{self.coordinator}/announce").read_bytes()

    def publish(self, tag, app="shop", status=200, torrent=None, **parameters):
        parameters = self.query(app=app, tag=tag, by="ann@test", **parameters)
        return self.must("PUT", f"/control/release?{parameters}", torrent or self.make_torrent(tag), status)

    def order(self, what, app="shop", status=200, **parameters):
        path = "/control/rollout" if what == "start" else f"/control/rollout/{what}"
        tag = {"tag": parameters.pop("tag")} if "tag" in parameters else {}
        return self.must("POST", f"{path}?{self.query(app=app, **tag)}", {"by": "ann@test", **parameters}, status)

    def rollout(self, app="shop"):
        found = self.must("GET", f"/control/rollouts?app={app}")["rollouts"]
        return found[0] if found else None

    def wait_for_state(self, state, app="shop"):
        return wait_until(lambda: (self.rollout(app) or {}).get("state") == state and self.rollout(app),
                          f"the rollout is {state}: {self.rollout(app)}")

    # --- Agents ---

    def agent(self, host, connect=True, known=True, **options):
        """`known`: the coordinator knows it when this returns."""
        agent = FakeAgent(self.path("agents"), host, **options)
        self.agents.append(agent)
        if not connect:
            return agent
        agent.connect(self.coordinator)
        return agent.hear_until(lambda each: each.greeting_number > 0, "a greeting") if known else agent

    def serve(self, *agents):
        """Each hears what it is told, on a thread, until its link ends."""
        for agent in agents:
            thread = threading.Thread(target=self._serve, args=(agent, agent.link), daemon=True)
            self.serving.append(thread)
            thread.start()

    @staticmethod
    def _serve(agent, link):
        try:
            while agent.link is link:
                try:
                    agent.hear(seconds=5)
                except TimeoutError:
                    agent.report()
        except Exception:  # pylint: disable=broad-except
            pass  # the test, or the coordinator, ended the link
