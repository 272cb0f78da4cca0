"""The link of an agent in a closed fleet: both sides prove the fleet's key, and what passes cannot be changed, repeated
or sent back by whoever is on the path."""

import contextlib
import json
import os
import socket
import struct
import threading
import unittest

from agent_case import AgentCase, wait_until
from control_case import ControlCase
from coordinator_case import CoordinatorCase
from fake_agent import Link, Refused, hello_of
from fleet_keys import LinkSeal, key_line, link_answer, link_hello, new_secret, signed_target, write_keys


class AtTheCoordinator(CoordinatorCase):
    def setUp(self):
        super().setUp()
        self.secret = new_secret()
        self.start_coordinator("--fleet-key", write_keys(self.path("fleet.key"), key_line(self.secret)))

    def target(self, hello):
        return signed_target(self.secret, f"/control/agent?link={hello}")

    def test_an_agent_that_leaves_the_proof_out_is_refused(self):
        for target in ("/control/agent", "/control/agent?link=", f"/control/agent?link={link_hello(new_secret())}"):
            with self.assertRaisesRegex(Refused, "403 .*proves the fleet's key"):
                Link(self.coordinator, signed_target(self.secret, target))

    def test_whoever_recorded_a_request_gets_nothing_by_it(self):
        """Its token is right, its hello as well; what it needs for the rest it cannot make."""
        hello = link_hello(self.secret)
        recorded = self.target(hello)
        agent = self.agent("w1", connect=False)
        for seal in (None, LinkSeal(new_secret(), "0" * 64, "agent")):
            link = Link(self.coordinator, recorded)
            challenge = link.read()
            self.assertEqual(challenge["proof"], link_answer(self.secret, hello, challenge["nonce"], challenge["coordinator"]))
            link.seal = seal
            link.send(hello_of(challenge, "w1", 5, agent.key))
            link.seal = None
            with self.assertRaises((EOFError, ConnectionError)):
                link.read()
            link.close()

    def test_a_message_that_is_repeated_or_sent_back_ends_the_link(self):
        for attack in ("repeated", "sent back"):
            agent = self.agent("w1", connect=False)
            agent.connect(self.coordinator, secret=self.secret)
            agent.hear_until(lambda each: each.greeting_number > 0, "a greeting")
            message = json.dumps(agent.make_report()).encode()
            frames = [agent.link.seal.seal(message)] * 2
            if attack == "sent back":
                proof = agent.link.challenge["proof"]
                frames = [LinkSeal(self.secret, proof, "coordinator").seal(message)]
            for frame in frames:
                agent.link.socket.sendall(struct.pack(">I", len(frame)) + frame)
            with self.assertRaises((EOFError, ConnectionError)):
                while True:
                    agent.link.read()
            agent.close()
            self.must_forget("w1")

    def must_forget(self, host):
        """The next agent of that name has a key of its own."""
        self.operator_secret = None
        target = signed_target(self.secret, f"/control/agents/forget?host={host}&nonce={os.urandom(8).hex()}"
                               "&body_sha256=44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a")
        self.assertEqual(self.ask("POST", target, {})[0], 200)

    def test_keys_change_while_agents_stay(self):
        """One who has the new key alone, and one who has the old one, are let in while both are valid."""
        old, new = new_secret(), new_secret()
        path = write_keys(self.path("two.key"), key_line(new), key_line(old))
        self.start_coordinator("--fleet-key", path)
        for host, secret in (("w1", old), ("w2", new)):
            agent = self.agent(host, connect=False)
            agent.connect(self.coordinator, secret=secret)
            agent.hear_until(lambda each: each.greeting_number > 0, "a greeting")


class AtTheAgent(AgentCase):
    def setUp(self):
        super().setUp()
        self.secret = new_secret()
        key = write_keys(self.path("fleet.key"), key_line(self.secret))
        self.configure(fleet_key=json.dumps(str(key)))

    def test_who_has_not_the_key_is_told_nothing_and_believed_nothing(self):
        agent = self.start_agent()
        wait_until(lambda: "does not prove that it has this fleet's key" in agent.error, "it says why")
        self.coordinator.secret = new_secret()
        wait_until(lambda: "has this fleet's key is wrong" in agent.error, "it says why")
        self.assertEqual(self.coordinator.hellos, [])
        self.coordinator.secret = self.secret
        wait_until(lambda: self.coordinator.reports, "it reports to one that has the key")

    def test_an_answer_that_was_recorded_proves_nothing(self):
        real = self.coordinator
        real.secret = self.secret
        recorded = []
        listening = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(listening.close)

        def replay():
            """Passes the first link on, then says to others what was said to that one."""
            with contextlib.suppress(OSError):
                while True:
                    agent, _ = listening.accept()
                    with agent:
                        agent.settimeout(10)
                        head = b""
                        while b"\r\n\r\n" not in head:
                            head += agent.recv(4096)
                        if not recorded:
                            host, port = real.address.rsplit(":", 1)
                            with socket.create_connection((host, int(port)), timeout=10) as upstream:
                                upstream.sendall(head)
                                while b'"proof"' not in b"".join(recorded):
                                    recorded.append(upstream.recv(65536))
                        agent.sendall(b"".join(recorded))

        threading.Thread(target=replay, daemon=True).start()
        address = "%s:%d" % listening.getsockname()
        self.configure(coordinators=[address], fleet_key=json.dumps(str(self.path("fleet.key"))))
        agent = self.start_agent()
        # The first time it was an answer to this agent; the connection led nowhere all the same.
        wait_until(lambda: "has this fleet's key is wrong" in agent.error, "the second time it is none", 60)

    def test_a_message_that_was_changed_on_its_way_ends_the_link(self):
        self.coordinator.secret = self.secret
        agent = self.start_agent()
        wait_until(lambda: self.coordinator.reports, "it reports")
        seal = next(iter(self.coordinator.seals.values()))
        seal.own = os.urandom(32)
        self.coordinator.want()
        wait_until(lambda: "was changed on its way" in agent.error, "it says why")


class Encrypted(ControlCase):
    """Releases pass by TLS where each side is told so; no key file says it."""

    def start_coordinator(self, *arguments):
        self.key = write_keys(self.path("fleet.key"), key_line(new_secret()))
        self.agent_keys = f'fleet_key = "{self.key}"\ntransport = "tls"'
        config = self.path("tracker.toml")
        config.write_text(f'fleet_key = "{self.key}"\ntransport = "tls"\n')
        super().start_coordinator("--config", config, *arguments)

    def ask(self, *arguments, **options):
        return super().ask(*arguments, "--operator-key", self.key, **options)

    def test_a_release_goes_from_the_publisher_to_the_hosts(self):
        self.path("murder.toml").write_text('[murder]\ntransport = "tls"\n')
        self.publish("v1")
        self.add_hosts(2)
        self.roll_out("v1")
        self.wait_for_current("v1")


if __name__ == "__main__":
    unittest.main()
