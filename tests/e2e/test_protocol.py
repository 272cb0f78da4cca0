"""The conversation that docs/protocol.md shows, byte for byte, with a seeder."""

import re
import struct
import time
import unittest

from harness import ROOT, MurderCase
from scripted import FAST_AND_EXTENDED, Wire, handshake
from torrents import Torrent

PIECE_BYTES = 16384
GRANT_SECONDS = 0.5  # that a grant is valid
ATTEMPTS = 20
PAGE = ROOT / "docs" / "protocol.md"
LINE = re.compile(r"(<-|->) ((?:[0-9a-f]{2} )*[0-9a-f]{2})( \.\.\.)?(?:  |$)")


def shown_frames():
    """(direction, bytes, whether that is all of the frame) of each line of the example."""
    text = PAGE.read_text(encoding="utf-8").split("### An example")[1].split("```")[1]
    found = [LINE.match(line) for line in text.splitlines()]
    return [(one[1], bytes.fromhex(one[2]), not one[3]) for one in found if one]


def play(frames, seeder, info_hash):
    """What differs from the example, as texts: none."""
    with Wire.connect(seeder) as wire:
        wire.send(handshake(info_hash, reserved=FAST_AND_EXTENDED))
        wire.read_handshake()
        for direction, shown, is_whole in frames:
            if direction == "->":
                wire.send(shown)
                continue
            length = wire.read(4)
            said = length + wire.read(struct.unpack(">I", length)[0])
            # Of a frame that is not shown whole the length depends on the test.
            same = said == shown if is_whole else said[4 : len(shown)] == shown[4:]
            if not same:
                return [f"shown: {shown.hex(' ')}", f"said: {said[:40].hex(' ')}"]
    return []


class ProtocolPage(MurderCase):
    def test_the_example_is_what_a_seeder_says(self):
        torrent = Torrent("data", bytes(range(256)) * 256, PIECE_BYTES)
        path = torrent.write(self.temp_path)
        torrent.write_content(self.temp_path)
        frames = shown_frames()
        self.assertEqual(len(frames), 15)
        for _, shown, is_whole in frames:
            if is_whole:
                self.assertEqual(struct.unpack(">I", shown[:4])[0], len(shown) - 4, shown.hex(" "))
        for _ in range(ATTEMPTS):
            seeder = self.seed(path, "--rack", "r7")
            began = time.monotonic()
            differences = play(frames, seeder, torrent.info_hash)
            # One that was held up until a grant was void proves nothing.
            if not differences or time.monotonic() - began < GRANT_SECONDS:
                break
            self.murder("stop", "--all")
        self.assertEqual(differences, [])


if __name__ == "__main__":
    unittest.main()
