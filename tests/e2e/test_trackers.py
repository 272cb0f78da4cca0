"""Trackers that fail, lie, are late, or come back: a peer goes on trying and says what is wrong."""

import contextlib
import http.client
import os
import random
import signal
import socket
import threading
import time
import unittest

from harness import MurderCase, free_address, free_port, is_alive, wait_until
from scripted import ScriptedPeer, ScriptedTracker
from torrents import Torrent, bencode

CONTENT = random.Random(8).randbytes(500_000)


class TrackerCase(MurderCase):
    def setUp(self):
        super().setUp()
        self.path("host", "to").mkdir(parents=True)

    def torrent_with(self, *urls):
        self.torrent = Torrent("data", CONTENT, 65536, urls)
        self.torrent_path = self.torrent.write(self.directory)
        self.seeder = ScriptedPeer(self, self.torrent)
        return self.torrent_path

    def assert_fetched(self, running):
        self.assertEqual(running.wait(), 0, running.error)
        self.assertEqual(self.path("host", "to", "data").read_bytes(), CONTENT)


class BadReplies(TrackerCase):
    def setUp(self):
        super().setUp()
        self.tracker = ScriptedTracker(self)
        self.torrent_with(self.tracker.url)
        self.tracker.peers = [self.seeder.address]

    def recovers_from(self, reply, says):
        """The peer tells people and `murder status` what is wrong, and goes on when it is right again."""
        for left in (self.path("host", "to", "data"), self.path("host", "temp", "data")):
            left.unlink(missing_ok=True)
        self.tracker.reply = reply
        running = self.start(*self.peer_arguments(self.torrent_path))
        wait_until(lambda: says in running.error, f"{says!r} is said; said was: {running.error}", 15)
        self.assertIn(self.tracker.endpoint, running.error)
        trouble = self.process_of_kind("peer")["details"].get("tracker_trouble", "")
        self.assertIn(says, trouble)
        self.tracker.reply = None
        self.assert_fetched(running)

    def test_5xx(self):
        self.recovers_from((500, b"oops"), "500")
        self.recovers_from((503, b""), "503")

    def test_404(self):
        self.recovers_from((404, b"<html>not here</html>"), "404")

    def test_garbage(self):
        for garbage in (b"<html>hello</html>", b"", b"d", random.Random(9).randbytes(3000), b"l" * 20_000, b"i1e"):
            with self.subTest(garbage=garbage[:20]):
                self.recovers_from((200, garbage), "not a tracker's")

    def test_a_failure_reason(self):
        self.recovers_from((200, bencode({"failure reason": "not today"})), "not today")

    def test_a_failure_reason_with_control_characters_does_not_reach_the_terminal(self):
        self.tracker.reply = (200, bencode({"failure reason": b"no\x1b[31m\x07\n\xff!"}))
        running = self.start(*self.peer_arguments(self.torrent_path))
        wait_until(lambda: "refuses" in running.error, "it is said")
        self.assertNotIn("\x1b", running.error)
        self.assertNotIn("\x07", running.error)

    def test_replies_with_odd_values(self):
        compact = self.tracker.peers_reply()
        for reply in ({"interval": 0, "peers": b""}, {"interval": -5, "peers": b""}, {"interval": 2**62, "peers": b""},
                      {"peers": b"12345"}, {"interval": 1, "peers": 5}, {"interval": 1, "peers": [1, 2]},
                      {"interval": 1, "peers": [{"ip": "x", "port": 99999}]}, {"interval": "x"},
                      {"interval": 1, "peers": b"", "external ip": b"123"}, {}):
            with self.subTest(reply=reply):
                self.tracker.reply = (200, bencode(reply))
                count = len(self.tracker.announces)
                running = self.start(*self.peer_arguments(self.torrent_path))
                wait_until(lambda: len(self.tracker.announces) > count, "it announces")
                time.sleep(0.1)
                self.assertIsNone(running.process.poll(), running.error)
                running.end()
        self.tracker.reply = (200, compact)
        self.peer(self.torrent_path)

    def test_events_are_told_once(self):
        report = self.peer_json(self.torrent_path, "--seed-for", "2s")
        wait_until(lambda: not is_alive(report["pid"]), "it stops")
        events = [each.get("event") for each in self.tracker.announces]
        for event in ("started", "completed", "stopped"):
            self.assertEqual(events.count(event), 1, events)
        self.assertEqual((events[0], events[-1]), ("started", "stopped"))


class SeedersTellOfThem(TrackerCase):
    def seed_in_the_background(self, *urls):
        torrent = self.torrent_with(*urls)
        self.torrent.write_content(self.temp_path)
        return self.murder("seed", torrent, self.temp_path / "data", "--ip", free_address(), "--background")

    def status(self):
        return self.murder("status").stdout

    def test_one_that_answers(self):
        result = self.seed_in_the_background(ScriptedTracker(self).url)
        self.assertIn("a tracker knows it", result.stdout)
        self.assertNotIn("warning", result.stderr)
        self.assertNotIn("no tracker", self.status())

    def test_one_that_is_not_there_until_later(self):
        address = free_address()
        endpoint = f"{address}:{free_port(address)}"
        result = self.seed_in_the_background(f"http://{endpoint}/announce")
        self.assertIn("seeding data", result.stdout)
        self.assertNotIn("a tracker knows it", result.stdout)
        self.assertRegex(result.stderr, rf"{endpoint}.*Connection refused")
        self.assertIn("warning: no tracker has answered", result.stderr)
        self.assertIn("seeding, no tracker works", self.status())
        self.murder("tracker", "--listen", endpoint, "--background")
        wait_until(lambda: "no tracker" not in self.status(), "the seeder has found the tracker")

    def test_one_that_says_nothing(self):
        with socket.create_server((free_address(), 0)) as silent:
            address, port = silent.getsockname()
            result = self.seed_in_the_background(f"http://{address}:{port}/announce")
            self.assertIn("no tracker has answered", result.stderr)
            self.assertIn("seeding, no tracker yet", self.status())

    def test_none_at_all(self):
        self.assertIn("names no tracker", self.seed_in_the_background().stderr)


class BadConnections(TrackerCase):
    def test_one_that_accepts_and_says_nothing_and_one_that_hangs_up(self):
        def hang_up(server):
            with contextlib.suppress(OSError):
                while True:
                    server.accept()[0].close()

        good = ScriptedTracker(self)
        with socket.create_server((free_address(), 0)) as silent, socket.create_server((free_address(), 0)) as rude:
            threading.Thread(target=hang_up, args=(rude,), daemon=True).start()
            urls = ["http://%s:%d/announce" % each.getsockname() for each in (silent, rude)]
            self.torrent_with(*urls, good.url)
            good.peers = [self.seeder.address]
            running = self.start(*self.peer_arguments(self.torrent_path))
            self.assert_fetched(running)
            rude.shutdown(socket.SHUT_RDWR)

    def test_an_endless_reply_is_given_up(self):
        def endless(server):
            with contextlib.suppress(OSError):
                while True:
                    connection = server.accept()[0]
                    with contextlib.suppress(OSError):
                        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
                        while True:
                            connection.sendall(b"5:hello" * 10_000)

        good = ScriptedTracker(self)
        with socket.create_server((free_address(), 0)) as server:
            threading.Thread(target=endless, args=(server,), daemon=True).start()
            self.torrent_with("http://%s:%d/announce" % server.getsockname(), good.url)
            running = self.start(*self.peer_arguments(self.torrent_path))
            wait_until(lambda: server.getsockname()[0] in running.error, "it is told")
            good.peers = [self.seeder.address]
            self.assert_fetched(running)
            server.shutdown(socket.SHUT_RDWR)

    def test_names_and_schemes_that_lead_nowhere(self):
        good = ScriptedTracker(self)
        self.torrent_with("http://no.such.host.invalid:80/announce", "udp://127.0.0.1:1/announce",
                          "https://127.0.0.1:1/announce", "http://", "nonsense", good.url)
        good.peers = [self.seeder.address]
        self.peer(self.torrent_path)
        self.assertEqual(self.path("host", "to", "data").read_bytes(), CONTENT)


class OurTracker(TrackerCase):
    def test_down_at_the_start_and_there_later(self):
        address = free_address()
        endpoint = f"{address}:{free_port(address)}"
        source = self.make_file("source", 500_000)
        torrent = self.create(source, "late", tracker=endpoint)
        self.seed(torrent)
        running = self.start(*self.peer_arguments(torrent))
        wait_until(lambda: endpoint in running.error, "it says that the tracker is down")
        self.assertRegex(running.error.lower(), "refused.*trying again")
        self.murder("tracker", "--listen", endpoint, "--background")
        self.assertEqual(running.wait(40), 0, running.error)

    def test_one_of_two_is_dead(self):
        address = free_address()
        dead = f"{address}:{free_port(address)}"
        source = self.make_file("source", 500_000)
        torrent = self.create(source, "two", "--tracker", dead, tracker=self.start_tracker())
        self.seed(torrent)
        result = self.peer(torrent)
        self.assertIn(dead, result.stderr)

    def test_after_a_restart_everybody_is_known_again(self):
        endpoint = self.start_tracker()
        torrent = self.create(self.make_file("source", 500_000), "again", tracker=endpoint)
        self.seed(torrent)
        self.peer(torrent, "--seed-for", "120s")
        wait_until(lambda: self.seeders_at(endpoint) == 2, "both are known")
        os.kill(self.process_of_kind("tracker")["pid"], signal.SIGKILL)
        wait_until(lambda: self.process_of_kind("tracker") is None, "the tracker is gone")
        self.murder("tracker", "--listen", endpoint, "--background")
        started = time.monotonic()
        wait_until(lambda: self.seeders_at(endpoint) == 2, "both are known again")
        self.assertLess(time.monotonic() - started, 20)

    def seeders_at(self, endpoint):
        with contextlib.closing(http.client.HTTPConnection(endpoint, timeout=10)) as connection:
            connection.request("GET", "/metrics")
            text = connection.getresponse().read().decode()
        return int(text.split('murder_tracker_peers{state="seeder"} ')[1].split()[0])

    def test_rubbish_does_not_end_it(self):
        endpoint = self.start_tracker()
        host, port = endpoint.split(":")
        generator = random.Random(10)
        for data in (generator.randbytes(5000), b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\n\r\n", b"\r\n" * 1000,
                     b"GET /announce HTTP/1.1\r\n\r\n", b"GET /announce?info_hash=x&port=99999999999 HTTP/1.1\r\n\r\n",
                     b"GET /announce?info_hash=%zz%0&peer_id=&port= HTTP/1.0\r\n\r\n", b"POST / HTTP/1.1\r\n\r\n",
                     b"GET / HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n", b"GET"):
            with self.subTest(data=data[:40]), socket.create_connection((host, int(port)), 10) as connection:
                with contextlib.suppress(ConnectionError):
                    connection.sendall(data)
                    connection.shutdown(socket.SHUT_WR)
                    while connection.recv(65536):
                        pass
        self.assertEqual(self.seeders_at(endpoint), 0)


if __name__ == "__main__":
    unittest.main()
