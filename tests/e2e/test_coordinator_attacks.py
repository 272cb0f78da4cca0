"""What agents and strangers may do to a coordinator: take their own time and memory, and nobody else's."""

import http.client
import json
import pathlib
import socket
import struct
import time
import unittest

from coordinator_case import CoordinatorCase
from fake_agent import Link, Refused, hello_of
from harness import is_alive, wait_until


class Attacks(CoordinatorCase):
    def resident_kib(self):
        status = pathlib.Path(f"/proc/{self.tracker.pid}/status").read_text()
        return int(status.split("VmRSS:")[1].split()[0])

    def round_trip(self, agent):
        """Reports, and waits until that is heard."""
        agent.report()
        number = agent.number
        agent.hear_until(lambda each: each.wanted and each.wanted["heard_number"] >= number, "its report is heard")

    def test_links_that_are_mute_or_send_half_of_something_are_closed(self):
        self.start_coordinator()
        good = self.agent("w1")
        mute, cut, trickle = Link(self.coordinator), Link(self.coordinator), self.agent("w2")
        known, says_hello = self.agent("w3", connect=False), Link(self.coordinator)
        says_hello.send(hello_of(says_hello.read(), "w3", 5, known.key))
        for link in (mute, cut):
            link.read()
        cut.send_bytes(b'{"type"', 1000)
        part = struct.pack(">I", 1000)
        waiting = {"mute": mute, "cut": cut, "trickle": trickle.link, "says hello alone": says_hello}
        ended = set()
        deadline = time.monotonic() + 60
        while ended != set(waiting) and time.monotonic() < deadline:
            if "trickle" not in ended:
                try:
                    trickle.link.socket.sendall(part[:1])
                    part = part[1:] or b" "
                except OSError:
                    ended.add("trickle")
            for name, link in waiting.items():
                link.socket.settimeout(0.2)
                try:
                    if link.socket.recv(65536) == b"":
                        ended.add(name)
                except TimeoutError:
                    pass
                except OSError:
                    ended.add(name)
        self.assertEqual(ended, set(waiting))
        for link in (mute, cut, says_hello):
            link.close()
        self.round_trip(good)

    def test_a_link_that_says_all_but_hello_is_closed(self):
        self.start_coordinator()
        link = Link(self.coordinator)
        link.read()
        link.socket.settimeout(2)
        deadline = time.monotonic() + 60
        is_open = True
        while is_open and time.monotonic() < deadline:
            try:
                link.send({"type": "of the future"})
                is_open = link.socket.recv(65536) != b""
            except TimeoutError:
                pass
            except OSError:
                is_open = False
        self.assertFalse(is_open)
        link.close()

    def test_a_flood_of_reports_waits_and_holds_up_nobody(self):
        self.start_coordinator()
        good, flood = self.agent("w1"), self.agent("w2")
        before = self.resident_kib()
        # More than the kernel holds of it.
        message = json.dumps({"type": "facts", "version": "1", "free_bytes": 1, "padding": "x" * 60_000}).encode()
        messages = (struct.pack(">I", len(message)) + message) * 500
        flood.link.socket.settimeout(2)
        try:
            flood.link.socket.sendall(messages)
            self.fail("all of it was read at once")
        except TimeoutError:
            pass  # it is not read any more
        for _ in range(5):
            self.round_trip(good)
        self.assertLess(self.resident_kib() - before, 8 * 1024)
        self.assertTrue(is_alive(self.tracker.pid))

    def test_agents_leave_room_for_operators_and_announces(self):
        config = self.path("tracker.toml")
        config.write_text("[limits]\nconnections = 64\n")
        self.start_coordinator("--config", config)
        links = []
        refused = None
        for _ in range(64):
            try:
                links.append(Link(self.coordinator))
            except Refused as error:
                refused = str(error)
                break
        self.assertEqual(len(links), 32)
        self.assertIn("503", refused)
        self.assertEqual(self.must("GET", "/control/agents")["count"], 0)
        self.assertEqual(self.ask("GET", "/status.json")[0], 200)
        for link in links:
            link.close()
        agent = wait_until(lambda: self.try_agent("w1"), "there is room again")
        self.round_trip(agent)

    def test_links_of_one_address_leave_room_for_agents_of_others(self):
        config = self.path("tracker.toml")
        config.write_text("[limits]\nconnections = 64\n")
        self.start_coordinator("--config", config)
        mute = [Link(self.coordinator) for _ in range(32)]
        with self.assertRaisesRegex(Refused, "503"):
            Link(self.coordinator)
        # One that has nobody yet takes the place of one of the many, which have not reported.
        first = self.agent("w0", connect=False).connect(self.coordinator, source="127.0.0.2")
        self.round_trip(first)
        for link in mute:
            link.close()
        # Agents that have all reported: 31 of one address.
        keys = [self.agent("key", connect=False).key for _ in range(2)]
        many = []
        for number in range(31):
            agent = self.agent(f"m{number}", connect=False)
            agent.key = keys[number % 2]
            many.append(wait_until(lambda agent=agent: self.try_connect(agent), "there is room again"))
            self.round_trip(agent)
        with self.assertRaisesRegex(Refused, "503"):
            Link(self.coordinator)
        other = self.agent("w1", connect=False).connect(self.coordinator, source="127.0.0.3")
        self.round_trip(other)
        self.round_trip(first)
        connected = [each["host"] for each in self.must("GET", "/control/agents")["agents"] if each["connected"]]
        self.assertGreaterEqual(len(connected), 20)  # some of the many made room
        self.assertTrue({"w0", "w1"} <= set(connected))

    def try_connect(self, agent):
        try:
            return agent.connect(self.coordinator)
        except Refused:
            return None

    def try_agent(self, host):
        try:
            return self.agent(host)
        except Refused:
            return None

    def test_one_that_never_reads_is_told_no_more_and_closed(self):
        self.start_coordinator()
        good, deaf = self.agent("w1"), self.agent("w2")
        deaf.link.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
        before = self.resident_kib()

        def is_closed():
            try:
                for _ in range(16):
                    deaf.report()
            except OSError:
                return True
            return not next(each for each in self.must("GET", "/control/agents")["agents"]
                            if each["host"] == "w2")["connected"]

        # It is either closed for not reading, or what it is sent fits into the kernel's buffers.
        for _ in range(100):
            if is_closed():
                break
        self.assertLess(self.resident_kib() - before, 8 * 1024)
        self.round_trip(good)

    def test_orders_that_are_cut_or_huge_do_no_harm(self):
        self.start_coordinator()
        host, port = self.coordinator.rsplit(":", 1)
        before = self.resident_kib()
        cut = []
        for _ in range(20):
            one = socket.create_connection((host, int(port)))
            one.sendall(b"PUT /control/release?app=shop&tag=v1 HTTP/1.1\r\nHost: x\r\nContent-Length: 16000000\r\n\r\n")
            one.sendall(b"x" * 100_000)
            cut.append(one)
        self.publish("v1")
        for one in cut:
            one.close()
        self.assertEqual(self.ask("POST", "/control/rollout?app=shop&tag=v1", b"[" * 60_000)[0], 400)
        self.assertEqual(self.ask("POST", "/control/rollout?app=shop&tag=v1", b"{" * 70_000)[0], 413)
        connection = http.client.HTTPConnection(host, int(port), timeout=30)
        connection.request("GET", "/control/agents?group=" + "a" * 20_000)
        self.assertEqual(connection.getresponse().status, 431)
        connection.close()
        self.assertLess(self.resident_kib() - before, 16 * 1024)
        self.assertTrue(is_alive(self.tracker.pid))


if __name__ == "__main__":
    unittest.main()
