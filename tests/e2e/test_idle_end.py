"""Processes that were told to end when nobody needs them any more."""

import unittest

from harness import MurderCase, wait_until


class IdleEnd(MurderCase):
    def test_a_tracker_and_a_seeder_end_when_nobody_needs_them_and_not_before(self):
        source = self.make_tree()
        tracker = self.start_tracker("--end-when-idle", "1s")
        torrent = self.create(source, "v1", tracker=tracker)
        self.murder("seed", torrent, "--background", "--end-when-idle", "2s")
        # A peer that stays keeps both.
        self.peer(torrent, "--seed-for", "1h")
        self.assertEqual({process["kind"] for process in self.processes()}, {"tracker", "seeder", "peer"})
        self.murder("stop", "v1", "--peering")
        wait_until(lambda: not [each for each in self.processes() if each["kind"] == "seeder"], "the seeder's end")
        wait_until(lambda: not self.processes(), "the tracker's end")


if __name__ == "__main__":
    unittest.main()
