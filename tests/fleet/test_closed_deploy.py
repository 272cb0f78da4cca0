"""`murder deploy` makes a key for itself: what a stranger on the network learns of it, deploys side by side, and deploys that
continue what another one left."""

import hashlib
import json
import pathlib
import re
import signal
import stat
import sys
import unittest

from deploy_case import SLOW_BYTES, SMALL_BYTES, DeployCase
from rack_case import ROOT, wait_until
from rack_of_hosts.rack import CONTROL

sys.path.insert(0, str(ROOT / "tests" / "e2e"))

import fleet_keys  # noqa: E402

KEY = re.compile(rb"murder-fleet-1-[0-9a-f]{64}-[0-9a-f]{8}")
TRACKER_PORT = 8998

# On another host: what each of these is answered. A handshake of BEP 3 is for the release itself, whose info hash he knows.
STRANGER = """
import http.client, json, socket, sys
tracker, peer, port, info_hash = sys.argv[1], sys.argv[2], int(sys.argv[3]), bytes.fromhex(sys.argv[4])
told = {}
query = "info_hash=" + "".join("%%%02x" % each for each in info_hash)
for target in ("/", "/status.json", "/metrics", "/scrape?" + query, "/nothing", "/control/agents", "/control/torrent?" + query,
               "/announce?" + query + "&peer_id=-XX0001-abcdefghijkl&port=6881&uploaded=0&downloaded=0&left=1&compact=1"):
    connection = http.client.HTTPConnection(tracker, 8998, timeout=30)
    connection.request("GET", target)
    reply = connection.getresponse()
    told[target] = [reply.status, reply.read().decode("latin-1")]
for name, sent in (("handshake", b"\\x13BitTorrent protocol" + bytes(8) + info_hash + b"-XX0001-abcdefghijkl"), ("silence", b"")):
    wire = socket.create_connection((peer, port), timeout=8)  # a closed peer ends it after 3 s
    got = b""
    try:
        wire.sendall(sent)
        while part := wire.recv(4096):
            got += part
    except (ConnectionError, TimeoutError):
        pass
    told[name] = got.hex()
print(json.dumps(told))
"""


# On a host: what the coordinator answers to a request; with a body it is an order.
ASK = """
import http.client, sys
connection = http.client.HTTPConnection(sys.argv[1], 8998, timeout=30)
connection.request("POST" if len(sys.argv) > 3 else "GET", sys.argv[2], *sys.argv[3:])
reply = connection.getresponse()
print(reply.status, reply.read().decode())
"""


class ClosedDeploy(DeployCase):
    HOST_COUNT = 4

    def address(self, host):
        return self.rack.addresses[host]

    def peer_port(self, host):
        """Where the peer of a host listens for others."""
        peers = [pid for pid, command in self.processes(host).items() if "murder peer" in command]  # and their shells
        return next((port for pid in peers for port in self.listening_ports(host, pid) - {TRACKER_PORT}), None)

    def start_slow(self, source, *words, tag="v1"):
        """A deploy that is at work for some seconds, by commands unless words say other; h04 has a peer."""
        self.slow_down(self.hosts[1:])
        way = [] if "--coordinate" in words else ["--no-coordinate"]
        deploy = self.start_murder("deploy", source, "--tag", tag, *way, *words)
        wait_until(lambda: self.process("h04", "murder peer"), "a peer on h04")
        return deploy

    def info_hash_on(self, host):
        def ask():
            shown = json.loads(self.on(host, "/opt/murder/murder", "status", "--json").stdout)
            return next((each["info_hash"] for each in shown["processes"] if each["kind"] == "peer"), None)
        return wait_until(ask, "the peer's status")

    def agent_directory(self, host):
        return next((self.rack.files_of(host) / "run" / "murder").glob("agent-*/"))

    def ask_as_stranger(self, info_hash=None):
        info_hash = info_hash or self.info_hash_on("h04")
        port = wait_until(lambda: self.peer_port("h04"), "the peer's port")
        return json.loads(
            self.on("h03", "python3", "-c", STRANGER, self.address("h01"), self.address("h04"), port, info_hash).stdout)

    def keys_in_sight(self):
        """Keys in command lines and environments of all processes that there are."""
        found = set()
        for host in [*self.hosts, CONTROL]:
            for pid in self.processes(host):
                for name in ("cmdline", "environ"):
                    try:
                        found.update(KEY.findall(pathlib.Path(f"/proc/{pid}/{name}").read_bytes()))
                    except OSError:
                        pass
        return found

    def test_a_stranger_learns_nothing_at_tracker_and_peer(self):
        source = self.make_release("build", SLOW_BYTES)
        deploy = self.start_slow(source)
        self.assertEqual(self.keys_in_sight(), set())
        told = self.ask_as_stranger()
        self.assertEqual(told.pop("handshake"), "")
        self.assertEqual(told.pop("silence"), "")
        self.assertEqual({answer[0] for answer in told.values()}, {403}, told)
        self.assertEqual({answer[1] for answer in told.values()}, {"forbidden\n"}, told)
        self.speed_up(self.hosts[1:])
        self.finish(deploy)
        self.assert_release(source, "/srv/app/v1")
        self.assert_nothing_left()

    def test_by_a_coordinator_it_is_closed_and_no_host_gives_orders(self):
        source = self.make_release("build", SLOW_BYTES)
        deploy = self.start_slow(source, "--coordinate", "--activate", "--transport", "tls")
        self.assertEqual(self.keys_in_sight(), set())
        agent = self.agent_directory("h04")
        torrent = wait_until(lambda: next(agent.glob("apps/*/torrents/*.torrent"), None), "a torrent")
        told = self.ask_as_stranger(torrent.stem)
        self.assertEqual((told.pop("handshake"), told.pop("silence")), ("", ""))
        self.assertEqual({tuple(answer) for answer in told.values()}, {(403, "forbidden\n")})
        # A host that has the deploy's key sees what is rolled out, and changes nothing of it.
        key_path = agent / "fleet.key"
        self.assertEqual(stat.S_IMODE(key_path.stat().st_mode), 0o600)
        self.assertNotIn("operator", key_path.read_text())
        secret = bytes.fromhex(key_path.read_text().split("-")[3])
        order = f"/control/rollout/abort?app=deploy&nonce=1&body_sha256={hashlib.sha256(b'{}').hexdigest()}"
        for target, body, answer in (("/control/rollouts", [], r"^200 .*\"tag\":\s*\"v1\""), (order, ["{}"], "^403 .*operator's key")):
            said = self.on("h04", "python3", "-c", ASK, self.address("h01"), fleet_keys.signed_target(secret, target), *body)
            self.assertRegex(said.stdout, answer)
        self.speed_up(self.hosts[1:])
        self.finish(deploy)
        self.assert_release(source, "/srv/app/v1")
        self.assertEqual([self.current(host) for host in self.hosts], ["v1"] * 4)
        self.assert_nothing_left()

    def test_open_shows_what_a_stranger_may_see(self):
        source = self.make_release("build", SLOW_BYTES)
        deploy = self.start_slow(source, "--open")
        # A peer that is at its bounds may turn one connection away.
        told = wait_until(lambda: (now := self.ask_as_stranger())["handshake"] and now, "the peer answers a stranger's handshake")
        self.assertEqual(told["/status.json"][0], 200)
        self.speed_up(self.hosts[1:])
        self.finish(deploy)
        self.assert_release(source, "/srv/app/v1")
        self.assert_nothing_left()

    def test_two_deploys_share_a_tracker_and_not_their_keys(self):
        first = self.make_release("first", SLOW_BYTES)
        second = self.make_release("second", SMALL_BYTES, seed=2)
        deploy = self.start_slow(first)
        self.murder("deploy", second, "--tag", "v2", "--to", "/srv/app/two")
        self.assert_release(second, "/srv/app/two/v2")
        self.speed_up(self.hosts[1:])
        self.finish(deploy)
        self.assert_release(first, "/srv/app/v1")
        self.assert_nothing_left()

    def test_a_deploy_continues_what_a_killed_one_left(self):
        source = self.make_release("build", SLOW_BYTES)
        deploy = self.start_slow(source)
        seeder = self.process("h01", r"murder seed")
        self.send_to_deploy(signal.SIGKILL)
        self.finish(deploy, None)
        self.speed_up(self.hosts[1:])
        self.age_what_was_packed()
        again = self.start_murder("deploy", source, "--tag", "v1")
        output = self.finish(again)
        self.assertIn("since an earlier attempt", output.stdout + output.stderr)
        self.assertIsNotNone(seeder)
        self.assert_release(source, "/srv/app/v1")
        self.assert_nothing_left()

    def test_a_tracker_that_runs_already_takes_the_key_and_gives_it_up(self):
        self.murder("fleet", "distribute-files")
        self.murder("fleet", "start-tracker")
        source = self.make_release("build", SLOW_BYTES)
        deploy = self.start_slow(source)
        told = self.ask_as_stranger()
        self.assertEqual(told["handshake"], "")
        announce = next(answer for target, answer in told.items() if target.startswith("/announce"))
        self.assertIn("key of its deploy", announce[1])
        self.assertEqual(told["/status.json"][0], 200)  # it was started open
        self.speed_up(self.hosts[1:])
        self.finish(deploy)
        self.assert_release(source, "/srv/app/v1")
        self.murder("fleet", "stop-tracker")
        self.assert_nothing_left()

    def test_a_seeder_on_this_machine_has_the_key_as_well(self):
        source = self.make_release("build", SMALL_BYTES)
        self.murder("deploy", source, "--tag", "v1", "--local-seeder")
        self.assert_release(source, "/srv/app/v1")
        self.assert_nothing_left()


if __name__ == "__main__":
    unittest.main()
