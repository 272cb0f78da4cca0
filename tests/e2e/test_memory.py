"""What connections cost a seeder in memory, while they are there and after they are closed."""

import os
import pathlib
import random
import re
import struct
import unittest

from harness import MurderCase, free_address, wait_until
from scripted import EXTENDED, FAST_AND_EXTENDED, INTERESTED, UNCHOKE, Wire, handshake, message, request
from torrents import Torrent

MIB = 1 << 20
BLOCK = 16384
PIECE_BYTES = 65536
CONTENT = random.Random(5).randbytes(4 * MIB)
CONNECTION_COUNT = 160
ROUNDS = 3
# What they hold together at least, and what the process may keep of it: the links themselves stay.
HELD_LEAST = 10 * MIB
KEPT_MAX = 6 * MIB


@unittest.skipIf(os.environ.get("MURDER_SANITIZED"), "sanitizers keep what is freed")
class Memory(MurderCase):
    def resident_bytes(self):
        status = pathlib.Path(f"/proc/{self.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+) kB", status).group(1)) * 1024

    def open_count(self):
        return self.process_of_kind("seeder")["peers"]

    def connect(self):
        """One that asks for more than its socket holds, gets refusals, leaves a long message half said, and reads nothing."""
        wire = Wire.connect(self.endpoint, free_address())
        wire.send(handshake(self.torrent.info_hash, reserved=FAST_AND_EXTENDED))
        wire.read_handshake()
        wire.send(message(INTERESTED))
        wire.read_until(UNCHOKE)
        first = random.Random(len(self.wires)).randrange(self.torrent.piece_count)
        wanted = [((first + number) % self.torrent.piece_count, offset)
                  for number in range(64) for offset in range(0, PIECE_BYTES, BLOCK)]
        wire.send(b"".join(request(piece, offset, BLOCK) for piece, offset in wanted))
        wire.send(b"".join(request(1_000_000 + number, 0, BLOCK) for number in range(3000)))
        wire.send(struct.pack(">IBB", 60_000, EXTENDED, 0) + bytes(59_000))
        self.wires.append(wire)

    def test_what_closed_connections_held_is_given_back(self):
        self.torrent = Torrent("data", CONTENT, PIECE_BYTES)
        path = self.torrent.write(self.temp_path)
        self.torrent.write_content(self.temp_path)
        self.endpoint = self.seed(path)
        self.pid = self.process_of_kind("seeder")["pid"]
        before = self.resident_bytes()
        for _ in range(ROUNDS):
            self.wires = []
            for _ in range(CONNECTION_COUNT):
                self.connect()
            wait_until(lambda: self.resident_bytes() > before + HELD_LEAST, "the connections hold memory")
            for wire in self.wires:
                wire.socket.close()
            wait_until(lambda: self.open_count() == 0, "the connections are gone")
            wait_until(lambda: self.resident_bytes() <= before + KEPT_MAX,
                       f"{before} bytes before, {KEPT_MAX} more at the most")


if __name__ == "__main__":
    unittest.main()
