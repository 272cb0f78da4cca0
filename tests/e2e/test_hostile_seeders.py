"""A peer among those who serve wrongly: it gets the release from the honest one, bars the others, and never
delivers a wrong byte."""

import random
import struct
import threading
import time
import unittest

from harness import MurderCase, wait_until
from scripted import (BITFIELD, HAVE, HAVE_ALL, INTERESTED, REQUEST, UNCHOKE, ScriptedPeer, ScriptedTracker, bitfield,
                      block, handshake, message)
from torrents import Torrent

CONTENT = random.Random(5).randbytes(2_000_000)


class HostileSeeder(MurderCase):
    def setUp(self):
        super().setUp()
        self.tracker = ScriptedTracker(self)
        self.torrent = Torrent("data", CONTENT, 65536, [self.tracker.url])
        self.torrent_path = self.torrent.write(self.directory)
        self.path("host", "to").mkdir(parents=True)

    def fetch_from(self, *hostile, honest_after=None, arguments=()):
        """Runs a peer to its end. `honest_after`: the honest seeder is known only when that is true."""
        honest = ScriptedPeer(self, self.torrent)
        self.tracker.peers = [each.address for each in hostile]
        if honest_after is None:
            self.tracker.peers.append(honest.address)
        running = self.start(*self.peer_arguments(self.torrent_path, "--json", *arguments))
        if honest_after is not None:
            wait_until(honest_after, "the hostile seeder did what it does")
            self.assertIsNone(running.process.poll(), running.error)
            self.tracker.peers.append(honest.address)
        self.assertEqual(running.wait(), 0, running.error)
        self.assertEqual(self.path("host", "to", "data").read_bytes(), CONTENT)
        self.error = running.error
        return honest

    def survive(self, script):
        """The script has its turn first and alone."""
        hostile = ScriptedPeer(self, self.torrent, script)
        self.fetch_from(hostile, honest_after=hostile.closed.is_set)
        return hostile

    # --- Data ---

    def test_wrong_data_is_fetched_again_elsewhere_and_its_sender_dropped(self):
        def lie(wire, piece, offset, size):
            wire.send(block(piece, offset, bytes(size)))

        hostile = ScriptedPeer(self, self.torrent, answer=lie)
        self.fetch_from(hostile, honest_after=hostile.closed.is_set)
        self.assertIn("wrong data", self.error)
        self.assertEqual(hostile.connections, 1, "it was dialled again")

    def test_one_wrong_piece_among_right_ones(self):
        def lie_once(wire, piece, offset, size):
            data = self.torrent.piece(piece)[offset : offset + size]
            wire.send(block(piece, offset, bytes(size) if piece == 7 else data))

        hostile = ScriptedPeer(self, self.torrent, answer=lie_once)
        self.fetch_from(hostile, honest_after=hostile.closed.is_set)

    def test_several_liars_with_one_honest_seeder(self):
        def lie(wire, piece, offset, size):
            data = bytearray(self.torrent.piece(piece)[offset : offset + size])
            data[-1] ^= 1
            wire.send(block(piece, offset, bytes(data)))

        self.fetch_from(*(ScriptedPeer(self, self.torrent, answer=lie) for _ in range(5)))

    def test_with_only_a_liar_nothing_is_delivered(self):
        hostile = ScriptedPeer(self, self.torrent, answer=lambda wire, piece, offset, size: wire.send(
            block(piece, offset, bytes(size))))
        self.tracker.peers = [hostile.address]
        running = self.start(*self.peer_arguments(self.torrent_path))
        self.assertTrue(hostile.closed.wait(30))
        time.sleep(1)
        self.assertIsNone(running.process.poll())
        self.assertEqual(list(self.path("host", "to").iterdir()), [])

    def test_pieces_nobody_asked_for(self):
        def push(peer, wire):
            peer.greet(wire)
            for _ in range(5):
                for index in range(self.torrent.piece_count):
                    for offset in range(0, 65536, 16384):
                        wire.send(block(index, offset, self.torrent.piece(index)[offset : offset + 16384]))

        self.survive(push)

    def test_blocks_that_lie_outside_their_piece(self):
        for piece, offset, size in ((2**32 - 1, 0, 16384), (0, 2**32 - 1, 16384), (0, 65536, 16384), (0, 1, 16384),
                                    (0, 0, 0), (0, 0, 65536), (0, 0, 1)):
            with self.subTest(piece=piece, offset=offset, size=size):
                wrong = ScriptedPeer(self, self.torrent, answer=lambda wire, *_: wire.send(
                    block(piece, offset, bytes(size))))
                self.fetch_from(wrong)
                self.path("host", "to", "data").unlink()
                self.path("host", "temp", "data").unlink()

    def test_answers_in_reverse_order(self):
        def reverse(peer, wire):
            peer.greet(wire)
            while True:
                asked = []
                wire.socket.settimeout(0.1)
                try:
                    while len(asked) < 8:
                        asked.append(struct.unpack(">III", wire.read_until(REQUEST)[1]))
                except TimeoutError:
                    pass
                wire.socket.settimeout(30)
                for each in reversed(asked):
                    peer.answer_honestly(wire, *each)

        self.tracker.peers = [ScriptedPeer(self, self.torrent, reverse).address]
        self.peer(self.torrent_path)
        self.assertEqual(self.path("host", "to", "data").read_bytes(), CONTENT)

    def test_answers_cut_at_every_byte(self):
        def drip(wire, piece, offset, size):
            data = block(piece, offset, self.torrent.piece(piece)[offset : offset + size])
            for position in range(20):
                wire.send(data[position : position + 1])
                time.sleep(0.0005)
            wire.send(data[20:-3])
            time.sleep(0.001)
            wire.send(data[-3:])

        self.tracker.peers = [ScriptedPeer(self, self.torrent, answer=drip).address]
        self.peer(self.torrent_path)
        self.assertEqual(self.path("host", "to", "data").read_bytes(), CONTENT)

    # --- Silence ---

    def test_silence_after_a_handshake(self):
        stuck = threading.Event()

        def silent(peer, wire):
            wire.read_handshake()
            stuck.set()
            time.sleep(60)

        self.fetch_from(ScriptedPeer(self, self.torrent, silent), honest_after=stuck.is_set)

    def test_silence_in_the_middle_of_a_block(self):
        stuck = threading.Event()

        def stop_half_way(peer, wire):
            peer.greet(wire)
            piece, offset, size = struct.unpack(">III", wire.read_until(REQUEST)[1])
            whole = block(piece, offset, self.torrent.piece(piece)[offset : offset + size])
            wire.send(whole[: len(whole) // 2])
            stuck.set()
            time.sleep(60)

        self.fetch_from(ScriptedPeer(self, self.torrent, stop_half_way), honest_after=stuck.is_set)

    def test_the_connection_ends_in_the_middle_of_a_block(self):
        def hang_up(peer, wire):
            peer.greet(wire)
            piece, offset, size = struct.unpack(">III", wire.read_until(REQUEST)[1])
            wire.send(block(piece, offset, self.torrent.piece(piece)[offset : offset + size])[: size // 2])

        self.survive(hang_up)

    def test_one_who_never_unchokes_and_one_who_has_nothing(self):
        def choke(peer, wire):
            wire.read_handshake()
            wire.send(handshake(peer.torrent.info_hash, peer.peer_id) + bitfield(peer.torrent.piece_count))
            time.sleep(60)

        def nothing(peer, wire):
            wire.read_handshake()
            wire.send(handshake(peer.torrent.info_hash, peer.peer_id) + message(UNCHOKE))
            time.sleep(60)

        self.fetch_from(ScriptedPeer(self, self.torrent, choke), ScriptedPeer(self, self.torrent, nothing))

    def test_a_peer_that_does_not_accept_and_addresses_that_do_not_answer(self):
        gone = ScriptedPeer(self, self.torrent)
        gone.end()
        self.tracker.peers = [("127.0.0.1", 1), gone.address, ("0.0.0.0", 0), ("255.255.255.255", 9), ("224.0.0.1", 9)]
        honest = ScriptedPeer(self, self.torrent)
        self.tracker.peers.append(honest.address)
        self.peer(self.torrent_path)
        self.assertEqual(self.path("host", "to", "data").read_bytes(), CONTENT)

    # --- Protocol ---

    def test_another_info_hash(self):
        def other(peer, wire):
            wire.read_handshake()
            wire.send(handshake(bytes(20), peer.peer_id) + bitfield(peer.torrent.piece_count) + message(UNCHOKE))
            wire.read(1 << 30)

        self.survive(other)

    def test_random_bytes_instead_of_a_handshake(self):
        def noise(peer, wire):
            wire.send(random.Random(6).randbytes(5000))
            wire.read(1 << 30)

        self.survive(noise)

    def test_random_bytes_after_the_handshake(self):
        def noise(peer, wire):
            wire.read_handshake()
            wire.send(handshake(peer.torrent.info_hash, peer.peer_id) + b"\xff" * 4 + random.Random(7).randbytes(5000))
            wire.read(1 << 30)

        self.survive(noise)

    def test_a_block_of_four_gigabytes(self):
        def boast(peer, wire):
            peer.greet(wire)
            piece, offset, _ = struct.unpack(">III", wire.read_until(REQUEST)[1])
            wire.send(struct.pack(">IBII", 2**32 - 1, 7, piece, offset) + bytes(100_000))
            wire.read(1 << 30)

        self.survive(boast)

    def test_wrong_bitfields_and_haves(self):
        size = -(-self.torrent.piece_count // 8)
        for wrong in (message(BITFIELD, b"\xff" * (size + 1)), message(BITFIELD, b""),
                      message(BITFIELD, b"\xff" * size), message(HAVE, struct.pack(">I", 2**32 - 1)),
                      message(HAVE, struct.pack(">I", self.torrent.piece_count))):
            with self.subTest(wrong=wrong):
                def script(peer, wire, wrong=wrong):
                    wire.read_handshake()
                    wire.send(handshake(peer.torrent.info_hash, peer.peer_id) + wrong)
                    wire.read(1 << 30)

                self.survive(script)
                self.path("host", "to", "data").unlink()
                self.path("host", "temp", "data").unlink()

    def test_have_all_without_the_fast_extension_and_haves_twice(self):
        def odd(peer, wire):
            wire.read_handshake()
            wire.send(handshake(peer.torrent.info_hash, peer.peer_id) + message(HAVE_ALL)
                      + b"".join(message(HAVE, struct.pack(">I", 3)) for _ in range(1000)))
            wire.read_until(INTERESTED)

        self.fetch_from(ScriptedPeer(self, self.torrent, odd))

    def test_choke_and_unchoke_without_end(self):
        def waver(peer, wire):
            peer.greet(wire)
            for _ in range(2000):
                wire.send(message(0) + message(UNCHOKE))

        self.survive(waver)

    def test_hostile_seeders_among_several_shards(self):
        def lie(wire, piece, offset, size):
            wire.send(block(piece, offset, bytes(size)))

        def hang_up(peer, wire):
            peer.greet(wire)
            wire.read_until(REQUEST)

        self.fetch_from(ScriptedPeer(self, self.torrent, answer=lie), ScriptedPeer(self, self.torrent, hang_up),
                        arguments=("--shards", "2"))


if __name__ == "__main__":
    unittest.main()
