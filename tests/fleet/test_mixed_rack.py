"""A rack on which half of the hosts fetch with murder and half with libtorrent, in one swarm."""

import pathlib
import shutil
import tempfile
import unittest

from rack_case import PROGRAM, RackCase
from rack_of_hosts import clients, swarm_run

MIB = 1 << 20
SECONDS_MAX = 120  # ends what hangs


class MixedRack(RackCase):
    HOST_COUNT = 18  # sixteen that fetch, the seeder, the tracker
    RATE = "100mbit"
    HAS_SSHD = False

    def setUp(self):
        super().setUp()
        self.murder = clients.Murder(PROGRAM)
        self.libtorrent = clients.Libtorrent()
        missing = self.libtorrent.missing()
        if missing:
            self.skipTest(missing)
        self.swarm = swarm_run.SwarmRack(self.rack)
        directory = pathlib.Path(tempfile.mkdtemp(prefix="release-", dir="/var/tmp"))
        self.addCleanup(shutil.rmtree, directory)
        self.release = swarm_run.make_release(PROGRAM, directory, 16 * MIB, self.swarm.tracker_address)

    def assert_everybody_has_it(self, seeder, kinds):
        outcome = self.swarm.distribute(self.release, seeder, kinds, self.murder, SECONDS_MAX)
        self.assertEqual(outcome.trouble, {})
        self.assertEqual(sorted(outcome.done), sorted(self.swarm.peers))

    def test_eight_of_ours_and_eight_of_libtorrent_all_finish(self):
        self.assert_everybody_has_it(self.murder, [self.murder, self.libtorrent] * 8)

    def test_ours_finish_among_libtorrent_with_its_seeder(self):
        self.assert_everybody_has_it(self.libtorrent, [self.libtorrent] * 12 + [self.murder] * 4)

    def test_what_is_damaged_on_a_host_is_noticed(self):
        """The check that the two above rely on."""
        outcome = self.swarm.distribute(
            self.release, self.murder, [self.murder] * 15 + [_Liar()], self.murder, SECONDS_MAX)
        self.assertEqual(outcome.trouble, {self.swarm.peers[-1]: "what it has is not the release"})


class _Liar(clients.Murder):
    """Says that it has the release, and has nothing."""

    name = "liar"

    def __init__(self):
        super().__init__(PROGRAM)

    def peer(self, _address):
        return ["sh", "-c", """echo '{"fetched_bytes"'; sleep 60"""]


if __name__ == "__main__":
    unittest.main()
