"""A closed tracker: members announce, viewers read, a stranger is told nothing."""

import http.client
import os
import socket
import time
import unittest
import urllib.parse

import fleet_keys
from fleet_keys import SwarmKeys, key_line, new_secret, signed_target, write_keys
from harness import MurderCase, free_address, is_alive, wait_until
from scripted import ScriptedPeer, ScriptedTracker, new_peer_id
from torrents import Torrent, bdecode

STRANGER = (403, b"forbidden\n")


class ClosedTracker(MurderCase):
    def setUp(self):
        super().setUp()
        self.secret = new_secret()
        self.key_path = write_keys(self.path("fleet.key"), key_line(self.secret))

    def start_closed(self, *arguments, keys=None):
        self.tracker = self.start_tracker("--fleet-key", keys or self.key_path, *arguments)
        self.pid = self.process_of_kind("tracker")["pid"]
        return self.tracker

    def get(self, target, headers=None, from_address=None):
        source = (from_address or free_address(), 0)
        connection = http.client.HTTPConnection(*self.tracker.split(":"), timeout=30, source_address=source)
        try:
            connection.request("GET", target, headers=headers or {})
            reply = connection.getresponse()
            return reply.status, reply.read()
        finally:
            connection.close()

    def announce_target(self, info_hash, port=4000, left=0, peer_id=None, more=""):
        return (f"/announce?info_hash={urllib.parse.quote(info_hash)}&peer_id={(peer_id or new_peer_id()).decode()}"
                f"&port={port}&uploaded=0&downloaded=0&left={left}&compact=1{more}")

    def announce(self, info_hash, secret=None, kind=b"fleet", time_s=None, **options):
        target = self.announce_target(info_hash, **options)
        status, body = self.get(signed_target(secret or self.secret, target, time_s, kind))
        self.assertEqual(status, 200, body)
        return bdecode(body)


class Members(ClosedTracker):
    def test_a_release_reaches_members(self):
        self.start_closed()
        source = self.make_file("data", 700_000)
        torrent = self.create(source, "v1", tracker=f"http://{self.tracker}/announce")
        self.seed(torrent, "--fleet-key", self.key_path)
        self.peer(torrent, "--fleet-key", self.key_path)
        self.assertEqual(self.path("host", "to").read_bytes(), source.read_bytes())

    def test_one_without_a_key_or_with_another_is_told_what_is_wrong(self):
        self.start_closed()
        torrent = self.create(self.make_file("data", 100_000), "v1", tracker=f"http://{self.tracker}/announce")
        self.seed(torrent, "--fleet-key", self.key_path)
        other = write_keys(self.path("other.key"), key_line(new_secret()))
        for arguments, says in ((("--open",), "if it is closed, give --fleet-key"),
                                (("--fleet-key", other), "it has another fleet key")):
            with self.subTest(says):
                running = self.start(*self.peer_arguments(torrent, *arguments, name=says[:5]))
                wait_until(lambda: says in running.error, f"{says!r} is said; said was: {running.error}")
                running.end()

    def test_a_closed_peer_of_an_open_tracker(self):
        self.tracker = self.start_tracker()
        source = self.make_file("data", 100_000)
        torrent = self.create(source, "v1", tracker=f"http://{self.tracker}/announce")
        self.seed(torrent, "--fleet-key", self.key_path)
        self.peer(torrent, "--fleet-key", self.key_path)
        self.assertEqual(self.path("host", "to").read_bytes(), source.read_bytes())

    def test_an_announce_by_another_hand(self):
        self.start_closed()
        info_hash = os.urandom(20)
        self.announce(info_hash, port=4001)
        self.assertIn(b"peers", self.announce(info_hash, port=4002))
        status, body = self.get(signed_target(self.secret, f"/scrape?info_hash={urllib.parse.quote(info_hash)}"))
        self.assertEqual(status, 200)
        self.assertEqual(bdecode(body)[b"files"][info_hash][b"complete"], 2)

    def test_peers_at_other_addresses_are_proven_by_the_key(self):
        """The tracker dials them: a member answers its hello, one of another fleet does not."""
        self.start_closed()
        info_hash = os.urandom(20)
        heard = []

        def member(_, wire):
            frame = wire.read(fleet_keys.FRAME_BYTES)
            heard.append(frame)
            self.assertEqual(fleet_keys.hello(SwarmKeys(self.secret, info_hash), frame[8:40]), frame)
            wire.send(fleet_keys.answer(SwarmKeys(self.secret, info_hash), frame))

        def other(_, wire):
            frame = wire.read(fleet_keys.FRAME_BYTES)
            heard.append(frame)
            wire.send(fleet_keys.answer(SwarmKeys(new_secret(), info_hash), frame))

        peers = [ScriptedPeer(self, None, script) for script in (member, other)]
        for peer in peers:
            target = self.announce_target(info_hash, port=peer.address[1], more=f"&ip={peer.address[0]}")
            self.assertEqual(self.get(signed_target(self.secret, target))[0], 200)

        def shown():
            reply = self.announce(info_hash, port=4009, left=5)
            compact = reply[b"peers"]
            return {(socket.inet_ntoa(compact[at:at + 4]), int.from_bytes(compact[at + 4:at + 6], "big"))
                    for at in range(0, len(compact), 6)}
        wait_until(lambda: peers[0].address in shown() and len(heard) == 2, "the member is told")
        self.assertNotIn(peers[1].address, shown())


class Strangers(ClosedTracker):
    def setUp(self):
        super().setUp()
        self.start_closed()
        self.info_hash = os.urandom(20)
        self.announce(self.info_hash)

    def test_whatever_a_stranger_asks_he_is_told_the_same(self):
        other = new_secret()
        known, unknown = self.announce_target(self.info_hash), self.announce_target(os.urandom(20))
        targets = ["/", "/status.json", "/metrics", "/scrape", "/nothing", known, unknown,
                   f"/scrape?info_hash={urllib.parse.quote(self.info_hash)}", f"/status.json?info_hash={self.info_hash.hex()}",
                   signed_target(other, known), signed_target(other, "/"), known + "&token=", "/announce?token=1-1",
                   f"/?viewer={fleet_keys.viewer_line(other)}", f"/?viewer={key_line(self.secret)}"]
        for target in targets:
            with self.subTest(target):
                self.assertEqual(self.get(target), STRANGER)
        for header in ("Bearer x", f"Bearer {key_line(self.secret)}", f"Bearer {fleet_keys.viewer_line(other)}", "Basic eDp5"):
            self.assertEqual(self.get("/metrics", {"Authorization": header}), STRANGER)

    def test_other_methods_are_told_no_more(self):
        for method in ("HEAD", "POST"):
            connection = http.client.HTTPConnection(*self.tracker.split(":"), timeout=30)
            connection.request(method, "/status.json")
            self.assertEqual(connection.getresponse().status, 403)
            connection.close()

    def test_his_peers_are_not_told_to_members(self):
        self.get(self.announce_target(self.info_hash, port=6666))
        self.get(signed_target(new_secret(), self.announce_target(self.info_hash, port=6666)))
        self.assertNotIn((6666).to_bytes(2, "big"), self.announce(self.info_hash, left=5)[b"peers"])

    def test_a_token_holds_for_one_request(self):
        target = signed_target(self.secret, self.announce_target(self.info_hash, port=4100))
        token = target[target.index("token="):]
        for other in (target.replace("port=4100", "port=4101"), target.replace("left=0", "left=1"),
                      target.replace("/announce", "/scrape"), self.announce_target(os.urandom(20)) + "&" + token,
                      target + "&ip=10.0.0.1", f"/status.json?{token}"):
            self.assertEqual(self.get(other), STRANGER)
        self.assertEqual(self.get(target)[0], 200)

    def test_an_old_token_is_of_no_use(self):
        for away in (-400, 400):
            target = signed_target(self.secret, self.announce_target(self.info_hash, port=4200), time.time() + away)
            status, body = self.get(target)
            self.assertEqual(status, 403)
            self.assertRegex(body, rb"\Aclock [0-9]+ [0-9a-f]{32}\n\Z")
        self.assertNotIn((4200).to_bytes(2, "big"), self.announce(self.info_hash, left=5)[b"peers"])

    def test_what_strangers_cost(self):
        """Counted and told, beside announces of members."""
        def seconds_of(target_of):
            def ticks():
                with open(f"/proc/{self.pid}/stat", encoding="latin-1") as stat:
                    fields = stat.read().rsplit(")", 1)[1].split()
                return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
            before = ticks()
            for _ in range(1000):
                self.get(target_of(), from_address="127.0.0.9")
            return ticks() - before

        costs = {"without a token": seconds_of(lambda: self.announce_target(self.info_hash)),
                 "a token by another key": seconds_of(
                     lambda: signed_target(new_secret(), self.announce_target(self.info_hash))),
                 "of a member": seconds_of(lambda: signed_target(self.secret, self.announce_target(self.info_hash)))}
        print("\nseconds of processor time for 1,000 announces:",
              ", ".join(f"{name} {cost:.2f}" for name, cost in costs.items()))
        self.assertTrue(is_alive(self.pid))


class Viewers(ClosedTracker):
    def test_a_viewer_reads_pages_and_does_nothing_else(self):
        self.start_closed()
        key = self.murder("key", "viewer", "--fleet-key", self.key_path).stdout.strip()
        self.assertEqual(key, fleet_keys.viewer_line(self.secret))
        for page in ("/", "/status.json", "/metrics"):
            self.assertEqual(self.get(f"{page}?viewer={key}")[0], 200)
            self.assertEqual(self.get(page, {"Authorization": f"Bearer {key}"})[0], 200)
        self.assertEqual(self.get(self.announce_target(os.urandom(20)), {"Authorization": f"Bearer {key}"}), STRANGER)
        self.assertEqual(self.get(f"/scrape?viewer={key}"), STRANGER)

    def test_a_member_reads_pages(self):
        self.start_closed()
        self.assertEqual(self.get(signed_target(self.secret, "/status.json"))[0], 200)

    def test_a_viewer_key_is_not_a_key_file(self):
        path = write_keys(self.path("viewer.key"), fleet_keys.viewer_line(self.secret))
        result = self.murder("tracker", "--fleet-key", path, "--background", code=1)
        self.assertIn("does not belong into a key file", result.stderr)


class Operators(ClosedTracker):
    def test_only_operators_open_releases_where_there_is_an_operator_key(self):
        operator = new_secret()
        key = self.murder("key", "new-operator").stdout.strip()
        self.assertRegex(key, r"\Amurder-operator-1-")
        both = write_keys(self.path("both.key"), key_line(self.secret), key_line(operator, "operator"))
        self.start_closed(keys=both)
        info_hash = os.urandom(20)
        self.assertIn(b"operator", self.announce(info_hash)[b"failure reason"])
        status, body = self.get(signed_target(self.secret, "/status.json"))
        self.assertNotIn(info_hash.hex().encode(), body)
        self.announce(info_hash, secret=operator, kind=b"operator")
        self.assertIn(b"peers", self.announce(info_hash))
        status, body = self.get(signed_target(self.secret, "/status.json"))
        self.assertEqual(status, 200)
        self.assertIn(info_hash.hex().encode(), body)

    def test_a_release_is_opened_by_its_seeder(self):
        both = write_keys(self.path("both.key"), key_line(self.secret), key_line(new_secret(), "operator"))
        self.start_closed(keys=both)
        source = self.make_file("data", 300_000)
        torrent = self.create(source, "v1", tracker=f"http://{self.tracker}/announce")
        early = self.start(*self.peer_arguments(torrent, "--fleet-key", self.key_path))
        wait_until(lambda: "does not know the release" in early.error, "the peer is told")
        self.seed(torrent, "--fleet-key", both)
        self.assertEqual(early.wait(), 0, early.error)
        self.assertEqual(self.path("host", "to").read_bytes(), source.read_bytes())


class Rotation(ClosedTracker):
    def test_old_and_new_key_while_both_are_valid_and_the_old_one_after(self):
        new = new_secret()
        config = self.path("tracker.toml")
        config.write_text(f'fleet_key = "{self.key_path}"\n')
        write_keys(self.key_path, key_line(new), key_line(self.secret))
        self.tracker = self.start_tracker("--config", config)
        pid = self.process_of_kind("tracker")["pid"]
        info_hash = os.urandom(20)
        self.announce(info_hash, secret=new)
        self.announce(info_hash)
        write_keys(self.key_path, key_line(new))
        os.kill(pid, 1)
        target = self.announce_target(info_hash)
        wait_until(lambda: self.get(signed_target(self.secret, target)) == STRANGER, "the old key is not taken any more")
        self.announce(info_hash, secret=new)
        # Without the file it stays as it is, rather than open.
        self.key_path.unlink()
        os.kill(pid, 1)
        time.sleep(0.3)
        self.assertEqual(self.get(target), STRANGER)
        self.announce(info_hash, secret=new)
        config.write_text("open = true\n")
        os.kill(pid, 1)
        time.sleep(0.3)
        self.assertEqual(self.get(target), STRANGER)

    def test_a_key_file_and_open_in_one_configuration(self):
        config = self.path("tracker.toml")
        for text, says in ((f'open = true\nfleet_key = "{self.key_path}"\n', "do not go together"),
                           ('open = "yes"\n', "open must be true or false"), ("fleet_key = 1\n", "must be the path of a file")):
            config.write_text(text)
            self.assertIn(says, self.murder("tracker", "--config", config, "--background", code=1).stderr)


class OtherClock(ScriptedTracker):
    """A closed tracker by another hand, whose clock is ahead of this machine's."""

    def __init__(self, case, secret, clock_secret, ahead_s):
        self.secret, self.clock_secret, self.ahead_s = secret, clock_secret, ahead_s
        super().__init__(case)

    @property
    def reply(self):
        now_s = int(time.time()) + self.ahead_s
        token = self.announces[-1]["token"]
        if abs(int(token.split("-")[0]) - now_s) <= 300:
            return None
        clock_key = fleet_keys.hkdf(self.clock_secret, b"", b"murder clock 1 fleet")
        return 403, b"clock %d %s\n" % (now_s, fleet_keys.mac(clock_key, b"%d\n%s" % (now_s, token.encode())).hex()[:32].encode())

    @reply.setter
    def reply(self, _):
        pass


class Clocks(ClosedTracker):
    def announce_to(self, tracker):
        torrent = Torrent("data", os.urandom(100_000), 65536, [tracker.url]).write(self.temp_path)
        return self.start(*self.peer_arguments(torrent, "--fleet-key", self.key_path))

    def test_a_host_whose_clock_is_wrong_by_days_takes_part(self):
        for ahead_s in (3 * 86400, -3 * 86400):
            tracker = OtherClock(self, self.secret, self.secret, ahead_s)
            running = self.announce_to(tracker)
            wait_until(lambda: tracker.announces and tracker.reply is None,
                       f"it announces by the tracker's clock; said was {running.error}")
            self.assertIn("clock differs from the tracker's", running.error)
            running.end()

    def test_who_has_no_key_cannot_set_a_clock(self):
        tracker = OtherClock(self, self.secret, new_secret(), 3 * 86400)
        running = self.announce_to(tracker)
        wait_until(lambda: len(tracker.announces) >= 3, "it announces again")
        self.assertIsNotNone(tracker.reply)
        self.assertNotIn("clock differs", running.error)


if __name__ == "__main__":
    unittest.main()
