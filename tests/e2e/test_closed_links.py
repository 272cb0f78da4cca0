"""The link of an agent in a closed fleet: both sides prove the fleet's key, and what passes cannot be changed, repeated
or sent back by whoever is on the path."""

import contextlib
import json
import os
import pathlib
import signal
import socket
import struct
import subprocess
import threading
import unittest

from agent_case import AgentCase, wait_until, wanted_app
from control_case import ControlCase
from coordinator_case import CoordinatorCase
from fake_agent import Link, Refused, hello_of
from fleet_keys import LinkSeal, key_line, link_answer, link_hello, new_secret, signed_target, write_keys
from harness import PROGRAM


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


    def test_a_key_that_is_removed_ends_links_that_were_proven_by_it(self):
        old, new = new_secret(), new_secret()
        path = write_keys(self.path("two.key"), key_line(new), key_line(old))
        self.path("tracker.toml").write_text("")
        self.start_coordinator("--config", self.path("tracker.toml"), "--fleet-key", path)
        agent = self.agent("w1", connect=False)
        agent.connect(self.coordinator, secret=old)
        agent.hear_until(lambda each: each.greeting_number > 0, "a greeting")
        # Another order of both changes nothing.
        write_keys(path, key_line(old), key_line(new))
        self.tracker.signal(signal.SIGHUP)
        wait_until(lambda: (self.tracker.output + self.tracker.error).count("configuration read again") == 1, "it is read")
        agent.report()
        agent.hear_until(lambda each: each.wanted["heard_number"] == each.number, "it is heard still")
        write_keys(path, key_line(new))
        self.tracker.signal(signal.SIGHUP)
        self.assertIn("the fleet's key was changed", agent.link.read_to_end())
        with self.assertRaisesRegex(Refused, "403"):
            Link(self.coordinator, secret=old)
        agent.connect(self.coordinator, secret=new)
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


    # --- What it starts ---

    def words_of_peer(self):
        """The command line of the peer that it started, once there is one."""
        def find():
            for place in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
                with contextlib.suppress(OSError):
                    words = place.read_bytes().decode(errors="replace").split("\0")
                    if words[1:2] == ["peer"] and any(str(self.directory) in word for word in words):
                        return words
            return None
        return wait_until(find, "it starts a peer")

    def test_its_peers_are_closed_also_when_the_key_file_is_gone(self):
        self.coordinator.secret = self.secret
        release = self.release("v1")  # for everybody
        self.configure()
        key = self.path("fleet.key")
        self.environment["MURDER_FLEET_KEY"] = str(key)
        self.start_agent()
        wait_until(lambda: self.coordinator.reports, "it reports")
        key.unlink()
        self.coordinator.want(wanted_app("shop", release, attempt=3, activate=True))
        failed = self.coordinator.wait_for_app(lambda app: app["failed_attempt"] == 3, "nothing is fetched from everybody")
        self.assertIn("cannot open the fleet key", failed["text"])

    def begin_once(self, own_key, transport=""):
        """`murder agent --once`, with the key of a deploy, on a host that has this key file."""
        self.coordinator.secret = self.secret
        self.configure(**({"transport": json.dumps(transport)} if transport else {}))
        lines = [line for line in self.config_path.read_text().splitlines() if not line.startswith("state ")]
        process = subprocess.Popen([PROGRAM, "agent", "--once"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.PIPE, text=True, env=dict(self.environment, MURDER_FLEET_KEY=str(own_key)))
        self.addCleanup(process.stderr.close)
        process.stdin.write("\n".join([key_line(self.secret), *lines]) + "\n")
        process.stdin.close()
        return process

    def test_a_deploy_is_encrypted_where_the_key_file_of_the_host_says_so(self):
        own_key = write_keys(self.path("own.key"), key_line(new_secret()), "transport tls")
        process = self.begin_once(own_key)
        wait_until(lambda: self.coordinator.reports, "it reports")
        self.coordinator.want(wanted_app("shop", self.release("v1", serve=False), attempt=3))
        words = self.words_of_peer()
        self.assertEqual(words[words.index("--transport") + 1], "tls", words)
        self.coordinator.end()
        self.assertEqual(process.wait(30), 0)
        # It says of no deploy that it passes in the clear.
        process = self.begin_once(own_key, transport="plain")
        self.assertEqual(process.wait(30), 1)
        self.assertIn('says "transport tls"', process.stderr.read())


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
