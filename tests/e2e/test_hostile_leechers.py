"""A seeder among those who ask wrongly, send rubbish, or stay: it goes on serving everyone else."""

import random
import socket
import struct
import time
import unittest

from harness import WAIT_SECONDS_MAX, MurderCase, free_address, is_alive, wait_until
from scripted import (BITFIELD, EXTENDED, FAST_AND_EXTENDED, HAVE, INTERESTED, PIECE, REJECT, UNCHOKE, Wire, block,
                      handshake, message, request)
from torrents import Torrent

CONTENT = random.Random(2).randbytes(2_000_000)
BLOCK = 16384
CONNECTIONS_MAX = 200  # of one shard
IDLE_AT_ADDRESS_MAX = CONNECTIONS_MAX // 8  # connections from one address that exchange nothing


class HostileLeecher(MurderCase):
    def setUp(self):
        super().setUp()
        self.torrent = Torrent("data", CONTENT, 65536)
        path = self.torrent.write(self.temp_path)
        self.torrent.write_content(self.temp_path)
        self.seeder = self.seed(path)
        self.pid = self.process_of_kind("seeder")["pid"]

    def connect(self):
        wire = Wire.connect(self.seeder)
        self.addCleanup(wire.socket.close)
        return wire

    def open_wire(self):
        wire = self.connect()
        wire.send(handshake(self.torrent.info_hash))
        wire.read_handshake()
        return wire

    def assert_still_serves(self, from_address=None):
        self.assertTrue(is_alive(self.pid))
        with Wire.connect(self.seeder, from_address) as wire:
            wire.get_unchoked(self.torrent.info_hash)
            piece = random.randrange(self.torrent.piece_count - 1)
            self.assertEqual(wire.fetch(piece, BLOCK, BLOCK), self.torrent.piece(piece)[BLOCK : 2 * BLOCK])

    def assert_dropped(self, *messages, after_handshake=True):
        wire = self.open_wire() if after_handshake else self.connect()
        try:
            wire.send(b"".join(messages))
        except ConnectionError:
            pass
        self.assertTrue(wire.is_closed_by_peer(), "the connection was kept")
        self.assert_still_serves()

    # --- Handshakes ---

    def test_another_info_hash(self):
        self.assert_dropped(handshake(bytes(20)), after_handshake=False)

    def test_random_bytes(self):
        generator = random.Random(3)
        for size in (1000, 68, 100_000):
            self.assert_dropped(generator.randbytes(size), after_handshake=False)

    def test_an_encrypted_handshake(self):
        # As BEP-less "message stream encryption" begins: a public key of 96 bytes, then padding.
        self.assert_dropped(random.Random(4).randbytes(96 + 300), after_handshake=False)

    def test_http_on_the_peer_port(self):
        self.assert_dropped(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" + b"x" * 68, after_handshake=False)

    def test_a_handshake_that_is_wrong_in_one_byte(self):
        for position in range(20):
            with self.subTest(position=position):
                wrong = bytearray(handshake(self.torrent.info_hash))
                wrong[position] ^= 1
                wire = self.connect()
                wire.send(bytes(wrong))
                self.assertTrue(wire.is_closed_by_peer())
        self.assert_still_serves()

    def test_a_second_connection_with_the_same_peer_id(self):
        first = self.open_wire()
        wire = self.connect()
        peer_id = b"-XX0001-abcdefghijkl"
        wire.get_unchoked(self.torrent.info_hash, peer_id)
        twin = self.connect()
        twin.send(handshake(self.torrent.info_hash, peer_id))
        self.assertTrue(twin.is_closed_by_peer())
        self.assertEqual(wire.fetch(0, 0, BLOCK), CONTENT[:BLOCK])
        first.socket.close()

    # --- Messages ---

    def test_lengths_beyond_any_limit(self):
        for size in (2**32 - 1, 2**31, 2**24):
            for kind in (BITFIELD, EXTENDED, 7, 99):
                with self.subTest(size=size, kind=kind):
                    self.assert_dropped(struct.pack(">IB", size, kind) + bytes(4096))

    def test_lengths_beyond_what_a_message_of_its_kind_may_have(self):
        """Dropped by the head alone, before there is anything to keep."""
        bitfield_bytes = -(-self.torrent.piece_count // 8)
        for kind, size in ((EXTENDED, 64 * 1024 + 1), (HAVE, 500_000), (99, 64 * 1024 + 1), (BITFIELD, bitfield_bytes + 100)):
            with self.subTest(kind=kind):
                self.assert_dropped(struct.pack(">IB", size, kind))

    def test_messages_of_a_wrong_size(self):
        for kind, size in ((HAVE, 3), (HAVE, 5), (6, 11), (6, 13), (8, 0), (INTERESTED, 1), (7, 4), (UNCHOKE, 2)):
            with self.subTest(kind=kind, size=size):
                self.assert_dropped(message(kind, bytes(size)))

    def wrong_requests(self):
        last = self.torrent.piece_count - 1
        return [(last + 1, 0, BLOCK), (2**32 - 1, 0, BLOCK), (0, 65536, BLOCK), (0, 65536 - 1, 2),
                (0, 2**32 - 1, BLOCK), (0, 0, 2**32 - 1), (0, 0, 0), (0, 0, 2**20), (last, 65535, 1)]

    def test_requests_beyond_the_content_are_refused(self):
        wire = self.connect()
        wire.send(handshake(self.torrent.info_hash, reserved=FAST_AND_EXTENDED) + message(INTERESTED))
        wire.read_handshake()
        wire.read_until(UNCHOKE)
        for wrong in self.wrong_requests():
            wire.send(request(*wrong))
            self.assertEqual(struct.unpack(">III", wire.read_until(REJECT, PIECE)[1][:12]), wrong)
        self.assertEqual(wire.fetch(1, 0, BLOCK), self.torrent.piece(1)[:BLOCK])

    def test_requests_beyond_the_content_are_passed_over_without_the_fast_extension(self):
        wire = self.connect()
        wire.get_unchoked(self.torrent.info_hash)
        wire.send(b"".join(request(*wrong) for wrong in self.wrong_requests()))
        wire.send(request(1, 0, BLOCK))
        self.assertEqual(wire.read_until(PIECE)[1][8:], self.torrent.piece(1)[:BLOCK])

    def test_who_goes_on_asking_beyond_the_content_is_dropped(self):
        self.assert_dropped(message(INTERESTED), request(2**32 - 1, 0, BLOCK) * 5000)

    def test_bitfields_that_do_not_fit(self):
        size = -(-self.torrent.piece_count // 8)
        for wrong in (bytes(size - 1), bytes(size + 1), b"", b"\xff" * size):
            with self.subTest(wrong=wrong):
                self.assert_dropped(message(BITFIELD, wrong))

    def test_a_bitfield_that_comes_late_and_twice(self):
        wire = self.connect()
        wire.get_unchoked(self.torrent.info_hash)
        wire.send(message(BITFIELD, bytes(-(-self.torrent.piece_count // 8))) * 2)
        self.assertEqual(wire.fetch(0, 0, BLOCK), CONTENT[:BLOCK])
        self.assert_still_serves()

    def test_haves_out_of_range(self):
        for index in (self.torrent.piece_count, 2**31, 2**32 - 1):
            self.assert_dropped(message(HAVE, struct.pack(">I", index)))

    def test_pieces_nobody_asked_for(self):
        self.assert_dropped(block(0, 0, bytes(BLOCK)) * 300)

    def test_rubbish_in_extension_messages(self):
        for payload in (b"\0", b"\0d", b"\0" + b"l" * 10000, b"\0i" + b"9" * 1000 + b"e", b"\0d1:mi1ee", b"\x63abc",
                        b"\0d1:md11:ut_metadatai999999eee", b"\0d4:reqqi-1ee"):
            with self.subTest(payload=payload[:20]):
                wire = self.connect()
                wire.send(handshake(self.torrent.info_hash, reserved=FAST_AND_EXTENDED) + message(EXTENDED, payload))
                self.assert_still_serves()
        self.assert_dropped(message(EXTENDED, b"\0" + b"x" * 70_000))

    def test_unknown_messages_are_passed_over(self):
        wire = self.open_wire()
        wire.send(b"".join(message(kind, b"ab") for kind in (9, 30, 99, 255)) + bytes(4) * 100 + message(INTERESTED))
        wire.read_until(UNCHOKE)
        self.assertEqual(wire.fetch(1, 0, BLOCK), self.torrent.piece(1)[:BLOCK])

    # --- Amounts ---

    def test_a_flood_of_requests_from_one_who_does_not_read(self):
        wire = self.connect()
        wire.get_unchoked(self.torrent.info_hash)
        try:
            wire.send(b"".join(request(index % 30, 0, BLOCK) for index in range(20_000)))
        except (ConnectionError, TimeoutError):
            pass
        self.assert_still_serves()
        self.assertLess(self.resident_bytes(), 200 << 20)

    def test_a_flood_of_tiny_requests(self):
        wire = self.connect()
        wire.get_unchoked(self.torrent.info_hash)
        for start in range(0, 2000, 200):
            wire.send(b"".join(request(0, offset, 1) for offset in range(start, start + 200)))
            received = b""
            for _ in range(200):
                received += wire.read_until(7)[1][8:]
            self.assertEqual(sorted(received), sorted(CONTENT[start : start + 200]))
        self.assert_still_serves()

    def test_requests_that_are_cancelled_at_once(self):
        wire = self.connect()
        wire.get_unchoked(self.torrent.info_hash)
        for index in range(2000):
            asked = struct.pack(">III", index % 30, 0, BLOCK)
            wire.send(message(6, asked) + message(8, asked))
        self.assert_still_serves()

    def test_connections_opened_and_left_are_closed_in_time(self):
        half = self.connect()
        half.send(handshake(self.torrent.info_hash)[:60])
        wires = [self.connect() for _ in range(CONNECTIONS_MAX * 2)]
        left_open = wires[:20]
        for wire in wires[20:]:
            wire.socket.close()
        wait_until(self.is_served, "there is room again")
        for wire in (half, *left_open):
            self.assertTrue(wire.is_closed_by_peer())
        self.assert_still_serves()

    def test_many_connections_from_one_address_that_do_nothing(self):
        address = free_address()
        wires = []
        for number in range(CONNECTIONS_MAX + 60):
            wire = Wire.connect(self.seeder, address)
            self.addCleanup(wire.socket.close)
            if number % 2:  # the others do not even say who they are
                try:
                    wire.send(handshake(self.torrent.info_hash))
                except ConnectionError:
                    pass
            wires.append(wire)
        self.assert_still_serves()
        with Wire.connect(self.seeder, free_address()) as wire:
            wire.get_unchoked(self.torrent.info_hash)
            self.assertEqual(wire.fetch(3, 0, BLOCK), self.torrent.piece(3)[:BLOCK])
            self.assertLessEqual(self.process_of_kind("seeder")["peers"], IDLE_AT_ADDRESS_MAX + 2)
        closed = 0
        for wire in wires:
            wire.socket.setblocking(False)
            try:
                while wire.socket.recv(65536):
                    pass
                closed += 1
            except BlockingIOError:
                pass
            except ConnectionError:
                closed += 1
        self.assertGreaterEqual(closed, len(wires) - IDLE_AT_ADDRESS_MAX)

    def is_served(self):
        try:
            self.assert_still_serves()
        except (EOFError, OSError):
            return False
        return True

    def test_connections_that_end_in_the_middle_of_a_message(self):
        whole = handshake(self.torrent.info_hash) + message(INTERESTED) + request(0, 0, BLOCK)
        for size in range(0, len(whole) + 1):
            wire = self.connect()
            wire.send(whole[:size])
            if size % 2:  # with a reset
                wire.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            wire.socket.close()
        self.assert_still_serves(free_address())
        # At that address the connections before it may still be counted: a newcomer dials again.
        deadline = time.monotonic() + WAIT_SECONDS_MAX
        while True:
            try:
                self.assert_still_serves()
                break
            except (EOFError, ConnectionError):
                self.assertLess(time.monotonic(), deadline, "the address is kept out")
                time.sleep(0.05)

    def test_messages_cut_at_every_byte(self):
        whole = handshake(self.torrent.info_hash) + message(INTERESTED)
        wire = self.connect()
        wire.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for position in range(len(whole)):
            wire.send(whole[position : position + 1])
            time.sleep(0.001)
        wire.read_handshake()
        wire.read_until(UNCHOKE)
        asked = request(2, BLOCK, BLOCK) + request(3, 0, 100)
        for position in range(len(asked)):
            wire.send(asked[position : position + 1])
            time.sleep(0.001)
        parts = sorted(wire.read_until(7)[1] for _ in range(2))
        self.assertEqual(parts[0][8:], self.torrent.piece(2)[BLOCK : 2 * BLOCK])
        self.assertEqual(parts[1][8:], self.torrent.piece(3)[:100])

    def test_a_slow_reader_does_not_hold_up_others(self):
        slow = self.connect()
        slow.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        slow.get_unchoked(self.torrent.info_hash)
        slow.send(b"".join(request(index, 0, BLOCK) for index in range(30)))
        with Wire.connect(self.seeder) as quick:
            quick.get_unchoked(self.torrent.info_hash)
            for piece in range(self.torrent.piece_count - 1):
                self.assertEqual(quick.fetch(piece, 0, BLOCK), self.torrent.piece(piece)[:BLOCK])
        # The slow one gets all it asked for as well.
        self.assertEqual(len([slow.read_until(7) for _ in range(30)]), 30)

    def stall(self, count):
        """Connections that ask for much and do not read: more than the sockets between take."""
        wires = []
        for _ in range(count):
            connection = socket.socket()
            self.addCleanup(connection.close)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
            host, port = self.seeder.rsplit(":", 1)
            connection.connect((host, int(port)))
            wires.append(Wire(connection))
            wires[-1].get_unchoked(self.torrent.info_hash)
            wires[-1].send(b"".join(request(index % 30, BLOCK, BLOCK) for index in range(450)))
        return wires

    def test_many_that_do_not_read_do_not_hold_up_others(self):
        stalled = self.stall(10)
        for wire in stalled:
            wire.read_until(PIECE)
        with Wire.connect(self.seeder) as quick:
            quick.get_unchoked(self.torrent.info_hash)
            for piece in range(self.torrent.piece_count - 1):
                self.assertEqual(quick.fetch(piece, 0, BLOCK), self.torrent.piece(piece)[:BLOCK])
        # What was begun is brought to its end once they read.
        for wire in stalled:
            for index in range(1, 450):
                _, payload = wire.read_until(PIECE)
                piece, offset = struct.unpack(">II", payload[:8])
                self.assertEqual((piece, offset), (index % 30, BLOCK))
                self.assertEqual(payload[8:], self.torrent.piece(piece)[BLOCK : 2 * BLOCK])

    def resident_bytes(self):
        with open(f"/proc/{self.pid}/status", encoding="ascii") as status:
            return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmRSS"))


if __name__ == "__main__":
    unittest.main()
