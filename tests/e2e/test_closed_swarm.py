"""Peers of a closed swarm: who has the key takes part, who has not learns nothing, whatever he sends."""

import os
import random
import socket
import threading
import time
import unittest

import fleet_keys
from fleet_keys import SwarmKeys, key_line, new_secret, write_keys
from harness import MurderCase, free_address, is_alive, wait_until
from scripted import (FAST_AND_EXTENDED, HAVE_ALL, INTERESTED, PROTOCOL, REQUEST, UNCHOKE, ScriptedPeer, ScriptedTracker, Wire,
                      bitfield, block, handshake, message)
from torrents import Torrent

CONTENT = random.Random(7).randbytes(600_000)
PIECE_BYTES = 65536
BLOCK = 16384


class ClosedSwarm(MurderCase):
    def setUp(self):
        super().setUp()
        self.secret = new_secret()
        self.key_path = write_keys(self.path("fleet.key"), key_line(self.secret))
        self.torrent = Torrent("data", CONTENT, PIECE_BYTES)
        self.keys = SwarmKeys(self.secret, self.torrent.info_hash)

    def seed_closed(self, *arguments):
        path = self.torrent.write(self.temp_path)
        self.torrent.write_content(self.temp_path)
        self.seeder = self.seed(path, "--fleet-key", self.key_path, *arguments)
        self.pid = self.process_of_kind("seeder")["pid"]
        return self.seeder

    def connect(self):
        wire = Wire.connect(self.seeder, free_address())
        self.addCleanup(wire.socket.close)
        return wire

    def fetch_as_member(self, keys=None):
        with Wire.connect(self.seeder, free_address()) as wire:
            fleet_keys.dial(wire, keys or self.keys, handshake(self.torrent.info_hash))
            wire.send(message(INTERESTED))
            wire.read_until(UNCHOKE)
            self.assertEqual(wire.fetch(1, 0, BLOCK), self.torrent.piece(1)[:BLOCK])

    def assert_refused(self, *parts, pause=0.0):
        """Not a byte comes back, and the connection ends."""
        wire = self.connect()
        try:
            for part in parts:
                wire.send(part)
                time.sleep(pause)
        except ConnectionError:
            pass
        received = b""
        try:
            while part := wire.socket.recv(65536):
                received += part
        except ConnectionError:
            pass
        self.assertEqual(received, b"")

    def torrent_for(self, *peers):
        """The torrent with a tracker that names these peers."""
        tracker = ScriptedTracker(self, peers)
        directory = self.path(f"torrent-{tracker.endpoint}")
        directory.mkdir()
        return Torrent("data", CONTENT, PIECE_BYTES, [tracker.url]).write(directory)


class Members(ClosedSwarm):
    def test_members_exchange_a_release(self):
        self.seed_closed()
        host, port = self.seeder.rsplit(":", 1)
        torrent = self.torrent_for((host, int(port)))
        self.peer(torrent, "--fleet-key", self.key_path)
        self.assertEqual(self.path("host", "to").read_bytes(), CONTENT)

    def test_a_member_of_the_same_protocol_by_another_hand(self):
        self.seed_closed()
        self.fetch_as_member()

    def test_a_peer_dials_a_member_by_another_hand(self):
        torrent = self.torrent

        def script(peer, wire):
            fleet_keys.accept(wire, SwarmKeys(self.secret, torrent.info_hash), handshake(torrent.info_hash, peer.peer_id))
            wire.send(bitfield(torrent.piece_count))
            wire.read_until(INTERESTED)
            wire.send(message(UNCHOKE))
            while True:
                _, payload = wire.read_until(REQUEST)
                piece, offset, size = (int.from_bytes(payload[at:at + 4], "big") for at in (0, 4, 8))
                wire.send(block(piece, offset, torrent.piece(piece)[offset:offset + size]))

        peer = ScriptedPeer(self, torrent, script)
        self.peer(self.torrent_for(peer.address), "--fleet-key", self.key_path)
        self.assertEqual(self.path("host", "to").read_bytes(), CONTENT)

    def test_with_several_shards(self):
        self.seed_closed("--shards", "2")
        for _ in range(6):
            self.fetch_as_member()
        host, port = self.seeder.rsplit(":", 1)
        self.peer(self.torrent_for((host, int(port))), "--fleet-key", self.key_path, "--shards", "2")
        self.assertEqual(self.path("host", "to").read_bytes(), CONTENT)

    def test_frames_that_come_byte_by_byte(self):
        self.seed_closed()
        with Wire.connect(self.seeder) as wire:
            def send_slowly(data):
                wire.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                for byte in data:
                    wire.socket.sendall(bytes([byte]))
            frames = fleet_keys.hello(self.keys)
            send_slowly(frames)
            frames += wire.read(fleet_keys.FRAME_BYTES)
            send_slowly(fleet_keys.sealed(self.keys.dialler_seal, frames, handshake(self.torrent.info_hash)))
            reply = wire.read(fleet_keys.SEALED_BYTES)
            self.assertEqual(fleet_keys.sealed(self.keys.acceptor_seal, frames, reply[32:]), reply)
            wire.send(message(INTERESTED))
            wire.read_until(UNCHOKE)

    def test_messages_may_follow_the_sealed_handshake_at_once(self):
        self.seed_closed()
        with Wire.connect(self.seeder) as wire:
            frames = fleet_keys.hello(self.keys)
            wire.send(frames)
            frames += wire.read(fleet_keys.FRAME_BYTES)
            wire.send(fleet_keys.sealed(self.keys.dialler_seal, frames, handshake(self.torrent.info_hash)) +
                      message(INTERESTED))
            wire.read(fleet_keys.SEALED_BYTES)
            wire.read_until(UNCHOKE)


class BadMember(ClosedSwarm):
    """One who has the key, and is believed no more than a stranger is in an open swarm."""

    def serve_as_member(self, data_of):
        """A scripted seeder that proves the key; data_of(piece, offset, size) is what it sends."""
        def script(peer, wire):
            fleet_keys.accept(wire, self.keys, handshake(self.torrent.info_hash, peer.peer_id))
            wire.send(bitfield(self.torrent.piece_count))
            wire.read_until(INTERESTED)
            wire.send(message(UNCHOKE))
            while True:
                _, payload = wire.read_until(REQUEST)
                piece, offset, size = (int.from_bytes(payload[at:at + 4], "big") for at in (0, 4, 8))
                wire.send(block(piece, offset, data_of(piece, offset, size)))
        return ScriptedPeer(self, self.torrent, script)

    def test_one_who_sends_wrong_pieces_is_dropped_for_good(self):
        self.seed_closed()
        liar = self.serve_as_member(lambda piece, offset, size: bytes(size))
        tracker = ScriptedTracker(self, [liar.address])
        directory = self.path("torrent")
        directory.mkdir()
        torrent = Torrent("data", CONTENT, PIECE_BYTES, [tracker.url]).write(directory)
        running = self.start(*self.peer_arguments(torrent, "--fleet-key", self.key_path))
        wait_until(liar.closed.is_set, "the liar had its turn")
        self.assertIsNone(running.process.poll(), running.error)
        host, port = self.seeder.rsplit(":", 1)
        tracker.peers.append((host, int(port)))
        self.assertEqual(running.wait(), 0, running.error)
        self.assertEqual(self.path("host", "to").read_bytes(), CONTENT)
        self.assertIn("wrong data", running.error)
        self.assertEqual(liar.connections, 1, "it was dialled again")


class Strangers(ClosedSwarm):
    def setUp(self):
        super().setUp()
        self.seed_closed()
        self.addCleanup(self.assert_still_serves)

    def assert_still_serves(self):
        self.assertTrue(is_alive(self.pid))
        self.fetch_as_member()

    def test_whatever_a_stranger_names_he_is_sent_nothing(self):
        frame = fleet_keys.hello(SwarmKeys(new_secret(), self.torrent.info_hash))
        for name, parts in {
                "the right info hash": [handshake(self.torrent.info_hash)],
                "another info hash": [handshake(bytes(20))],
                "with extensions": [handshake(self.torrent.info_hash, reserved=FAST_AND_EXTENDED)],
                "the first byte of BitTorrent": [PROTOCOL[:1]],
                "a hello by another key": [frame],
                "a hello of another swarm": [fleet_keys.hello(SwarmKeys(self.secret, bytes(20)))],
                "a hello and a handshake": [frame + handshake(self.torrent.info_hash)],
                "HTTP": [b"GET / HTTP/1.1\r\n\r\n"],
                "noise": [os.urandom(5000)],
                "the head alone, then noise": [fleet_keys.HEAD, os.urandom(64)],
                "the version before": [b"murder\x00\x00" + frame[8:]],
                "the version after": [b"murder\x00\x02" + frame[8:]],
        }.items():
            with self.subTest(name):
                self.assert_refused(*parts)

    def test_a_version_that_was_changed_on_the_way(self):
        frame = fleet_keys.hello(self.keys)
        for version in (b"\x00\x00", b"\x00\x02", b"\x01\x01"):
            self.assert_refused(frame[:6] + version + frame[8:])

    def test_a_hello_with_any_byte_changed(self):
        frame = fleet_keys.hello(self.keys)
        for position in range(len(frame)):
            changed = bytearray(frame)
            changed[position] ^= 1 << position % 8
            self.assert_refused(bytes(changed))

    def test_a_sealed_handshake_with_any_byte_changed(self):
        for position in range(0, fleet_keys.SEALED_BYTES, 3):
            wire = self.connect()
            frames = fleet_keys.hello(self.keys)
            wire.send(frames)
            frames += wire.read(fleet_keys.FRAME_BYTES)
            changed = bytearray(fleet_keys.sealed(self.keys.dialler_seal, frames, handshake(self.torrent.info_hash)))
            changed[position] ^= 1
            wire.send(bytes(changed))
            self.assertEqual(wire.socket.recv(1000), b"")

    def test_a_plain_handshake_after_a_right_hello(self):
        wire = self.connect()
        wire.send(fleet_keys.hello(self.keys))
        wire.read(fleet_keys.FRAME_BYTES)
        wire.send(handshake(self.torrent.info_hash) + bytes(32))
        self.assertTrue(wire.is_closed_by_peer())

    def test_a_recorded_connection_is_of_no_use(self):
        wire = self.connect()
        frames = fleet_keys.hello(self.keys)
        wire.send(frames)
        frames += wire.read(fleet_keys.FRAME_BYTES)
        sealed = fleet_keys.sealed(self.keys.dialler_seal, frames, handshake(self.torrent.info_hash))
        wire.send(sealed)
        wire.read(fleet_keys.SEALED_BYTES)
        again = self.connect()
        again.send(frames[:72])
        self.assertNotEqual(again.read(fleet_keys.FRAME_BYTES), frames[72:])
        again.send(sealed)
        self.assertEqual(again.socket.recv(1000), b"")

    def test_what_is_sent_back_is_of_no_use(self):
        """Its answer as a hello, and as the seal of a handshake."""
        wire = self.connect()
        wire.send(fleet_keys.hello(self.keys))
        answer = wire.read(fleet_keys.FRAME_BYTES)
        self.assert_refused(answer)
        wire.send(answer[40:] + handshake(self.torrent.info_hash))
        self.assertEqual(wire.socket.recv(1000), b"")

    def test_who_sends_nothing_or_a_part_is_closed_after_a_moment(self):
        frame = fleet_keys.hello(self.keys)
        wires = []
        for begin in (b"", frame[:5], frame[:71], frame):
            wires.append(self.connect())
            wires[-1].send(begin)
        self.assertEqual(len(wires[3].read(fleet_keys.FRAME_BYTES)), fleet_keys.FRAME_BYTES)
        for wire in wires:
            self.assertEqual(wire.socket.recv(1000), b"")

    def test_who_keeps_sending_a_byte_is_closed_all_the_same(self):
        """Sends on until the other end is gone; no byte makes the time longer."""
        wire = self.connect()
        frame = fleet_keys.hello(self.keys)
        with self.assertRaises(OSError):
            for index in range(60):
                wire.send(frame[index:index + 1])
                time.sleep(0.25)
            self.fail("it was waited for")

    def test_members_come_in_soon_after_strangers_took_all_connections(self):
        """They hold them for a moment only, from however many addresses they come."""
        idle = [self.connect() for _ in range(300)]
        for wire in idle[::2]:
            try:
                wire.send(fleet_keys.HEAD)
            except ConnectionError:
                pass

        def comes_in():
            try:
                self.fetch_as_member()
            except (EOFError, ConnectionError):
                return False
            return True
        wait_until(comes_in, "a member comes in")

    def test_what_strangers_cost(self):
        """Counted and told: their share of the process's time, beside a plain connection that is closed."""
        def ticks():
            with open(f"/proc/{self.pid}/stat", encoding="latin-1") as stat:
                fields = stat.read().rsplit(")", 1)[1].split()
            return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

        frame = fleet_keys.hello(SwarmKeys(new_secret(), self.torrent.info_hash))
        costs = {}
        for name, data in (("a plain handshake", handshake(self.torrent.info_hash)), ("a hello by another key", frame)):
            before = ticks()
            for _ in range(500):
                self.assert_refused(data)
            costs[name] = (ticks() - before) * 2
        print("\nseconds of processor time for 1,000 connections:",
              ", ".join(f"{name} {cost:.2f}" for name, cost in costs.items()))


class Downgrade(ClosedSwarm):
    def test_a_closed_peer_says_nothing_to_an_open_one(self):
        """It dials, sends its hello, and nothing else: neither a handshake nor the info hash."""
        received = []

        def script(peer, wire):
            data = wire.read(fleet_keys.FRAME_BYTES)
            wire.send(handshake(self.torrent.info_hash, peer.peer_id) + message(HAVE_ALL))
            try:
                while True:
                    data += wire.read(1)
            except EOFError:
                received.append(data)

        peer = ScriptedPeer(self, self.torrent, script)
        running = self.start(*self.peer_arguments(self.torrent_for(peer.address), "--fleet-key", self.key_path))
        data = wait_until(lambda: received, "the connection ends")[0]
        self.assertEqual(len(data), fleet_keys.FRAME_BYTES)
        self.assertNotIn(self.torrent.info_hash, data)
        self.assertNotIn(PROTOCOL, data)
        wait_until(lambda: "without this fleet's key" in running.error, "it is told")

    def test_a_hello_that_is_sent_back_is_no_answer(self):
        closed = threading.Event()

        def script(_, wire):
            wire.send(wire.read(fleet_keys.FRAME_BYTES))
            if wire.socket.recv(1000) == b"":
                closed.set()

        peer = ScriptedPeer(self, self.torrent, script)
        self.start(*self.peer_arguments(self.torrent_for(peer.address), "--fleet-key", self.key_path))
        self.assertTrue(closed.wait(20))

    def test_an_acceptor_whose_seal_is_wrong_is_asked_for_nothing(self):
        closed = threading.Event()

        def script(peer, wire):
            frames = wire.read(fleet_keys.FRAME_BYTES)
            frames += fleet_keys.answer(self.keys, frames)
            wire.send(frames[72:])
            wire.read(fleet_keys.SEALED_BYTES)
            wire.send(bytes(32) + handshake(self.torrent.info_hash, peer.peer_id))
            if wire.socket.recv(1000) == b"":
                closed.set()

        peer = ScriptedPeer(self, self.torrent, script)
        self.start(*self.peer_arguments(self.torrent_for(peer.address), "--fleet-key", self.key_path))
        self.assertTrue(closed.wait(20))

    def test_an_open_peer_gets_nothing_of_a_closed_seeder(self):
        self.seed_closed()
        host, port = self.seeder.rsplit(":", 1)
        result = self.peer(self.torrent_for((host, int(port))), "--open", "--give-up-after", "2s", code=1)
        self.assertIn("no data received", result.stderr)


class Relay(ClosedSwarm):
    """Between two members: all bytes pass, or one of them is changed."""

    def setUp(self):
        super().setUp()
        self.seed_closed()

    def relay(self, change=None):
        """A peer that fetches through a relay; `change(direction, position, data)` may alter what passes."""
        def script(_, wire):
            with Wire.connect(self.seeder) as other:
                def pump(source, target, direction):
                    position = 0
                    try:
                        while data := source.socket.recv(65536):
                            target.send(change(direction, position, data) if change else data)
                            position += len(data)
                    except OSError:
                        pass
                    for each in (source, target):
                        try:
                            each.socket.shutdown(socket.SHUT_RDWR)
                        except OSError:
                            pass
                back = threading.Thread(target=pump, args=(other, wire, "back"), daemon=True)
                back.start()
                pump(wire, other, "forth")
                back.join(20)

        peer = ScriptedPeer(self, self.torrent, script)
        return self.torrent_for(peer.address)

    def test_who_changes_nothing_is_a_wire(self):
        self.peer(self.relay(), "--fleet-key", self.key_path)
        self.assertEqual(self.path("host", "to").read_bytes(), CONTENT)

    def test_nothing_of_the_handshakes_can_be_changed(self):
        def changer(changed_direction, at):
            def change(direction, position, data):
                data = bytearray(data)
                if direction == changed_direction and position <= at < position + len(data):
                    data[at - position] ^= 4
                return bytes(data)
            return change

        # The reserved bits, and the peer id: behind frames of 72 bytes and seals of 32.
        for direction, at in (("forth", 72 + 32 + 25), ("forth", 72 + 32 + 60), ("back", 72 + 32 + 25), ("back", 72 + 32 + 60)):
            with self.subTest(direction=direction, at=at):
                torrent = self.relay(changer(direction, at))
                self.peer(torrent, "--fleet-key", self.key_path, "--give-up-after", "2s", code=1, name=f"{direction}{at}")


class Rotation(ClosedSwarm):
    def test_old_and_new_key_while_both_are_valid(self):
        new = new_secret()
        write_keys(self.key_path, key_line(new), key_line(self.secret))
        self.seed_closed()
        self.fetch_as_member(self.keys)
        self.fetch_as_member(SwarmKeys(new, self.torrent.info_hash))

    def test_an_old_key_after_the_rotation(self):
        write_keys(self.key_path, key_line(new_secret()))
        self.seed_closed()
        self.assert_refused(fleet_keys.hello(self.keys))


class KeyFile(ClosedSwarm):
    def assert_not_used(self, text, *arguments):
        torrent = self.torrent.write(self.temp_path)
        self.torrent.write_content(self.temp_path)
        result = self.murder("seed", torrent, "--background", *(arguments or ("--fleet-key", self.key_path)), code=None)
        self.assertIn(result.returncode, (1, 2))
        self.assertIn(text, result.stderr)
        self.assertNotIn(self.secret.hex()[:16], result.stderr)
        self.assertEqual(self.processes(), [])

    def test_one_that_others_may_read(self):
        for mode in (0o640, 0o604, 0o660, 0o610):
            self.key_path.chmod(mode)
            self.assert_not_used(f"others may read {self.key_path}")

    @unittest.skipUnless(os.geteuid() == 0, "needs root to give a file away")
    def test_one_of_another_user(self):
        os.chown(self.key_path, 12345, 0)
        self.assert_not_used("belongs to another user")

    def test_one_that_is_damaged(self):
        write_keys(self.key_path, key_line(self.secret)[:-1] + "x")
        self.assert_not_used("line 1: a damaged key")

    def test_one_that_is_empty_or_not_there_or_no_file(self):
        write_keys(self.key_path)
        self.assert_not_used("has no fleet key")
        self.key_path.unlink()
        self.assert_not_used("cannot open the fleet key")
        os.mkfifo(self.key_path, 0o600)
        self.assert_not_used("is not a regular file")

    def test_open_and_a_key_do_not_go_together(self):
        self.assert_not_used("do not go together", "--open", "--fleet-key", self.key_path)

    def test_new_keys_differ_and_are_used(self):
        one, other = (self.murder("key", "new-fleet").stdout for _ in range(2))
        self.assertNotEqual(one, other)
        self.assertRegex(one, r"\Amurder-fleet-1-[0-9a-f]{64}-[0-9a-f]{8}\n\Z")
        self.assertRegex(self.murder_json("key", "new-fleet")["key"], r"\Amurder-fleet-1-")
        write_keys(self.key_path, one.strip())
        self.seed_closed()
        self.fetch_as_member(SwarmKeys(bytes.fromhex(one.split("-")[3]), self.torrent.info_hash))


if __name__ == "__main__":
    unittest.main()
