"""Seeder and tracker are lost in the middle of a deploy: "the peer will find another host"."""

import os
import signal
import unittest

from rack_case import RackCase, wait_until

RELEASE_BYTES = 40_000_000
# Slow enough for a middle; done before the others end their 30 s of serving.
SLOW = "16mbit"


class LostHosts(RackCase):
    HOST_COUNT = 8
    RATE = "200mbit"
    PEERS = [f"h{number:02}" for number in range(3, 9)]

    def setUp(self):
        super().setUp()
        # Tracker and seeder are no peers, so that what they had is gone with them.
        self.write_config(tracker="h01", seeder="h02", peer="h[03-08]",
                          variables='default_destination_path = "/srv/app"')
        self.source = self.make_release("build", RELEASE_BYTES)
        self.murder("fleet", "distribute-files")
        self.rack.set_rate("h08", SLOW)
        self.addCleanup(self.clean_up)

    def clean_up(self):
        self.rack.set_rate("h08", self.RATE)
        self.stop_all()
        for host in self.hosts:
            self.empty(host, "/srv", "/tmp", "/run/murder")

    def wait_for_the_middle(self):
        """All of it is among the peers, and h08 has some way to go."""
        for host in self.PEERS[:-1]:
            wait_until(lambda each=host: self.has_release(each, "/srv/app/v1"), f"the release on {host}")
        self.assertFalse(self.has_release("h08", "/srv/app/v1"), "h08 was too fast for this test")

    def kill(self, host, words):
        pid = self.process(host, words)
        self.assertIsNotNone(pid, f"{words} on {host}: {self.processes(host)}")
        os.kill(pid, signal.SIGKILL)
        return pid

    def test_both_are_killed_during_a_deploy(self):
        self.rack.set_rate("h08", "8mbit")
        deploy = self.start_murder("deploy", self.source, "--tag", "v1")
        self.wait_for_the_middle()
        self.kill("h02", "murder seed")
        self.kill("h01", "murder tracker")
        self.assertFalse(self.has_release("h08", "/srv/app/v1"), "h08 was too fast for this test")
        self.finish(deploy)
        self.assert_release(self.source, "/srv/app/v1", self.PEERS)

    def test_both_are_stopped_while_the_task_peer_runs(self):
        self.copy_to("h02", self.source, "/srv/files")
        for words in (["start-tracker"], ["create-torrent", "tag=v1", "files_path=/srv/files"],
                      ["start-seeding", "tag=v1"]):
            self.murder("fleet", *words)
        peering = self.start_murder("fleet", "peer", "tag=v1")
        self.wait_for_the_middle()
        self.murder("fleet", "stop-seeding", "tag=v1")
        refused = self.murder("fleet", "stop-tracker", code=1)
        self.assertRegex(refused.stdout, r"h01 .*v1 is distributed through it \(\d+ hosts? fetch")
        self.murder("fleet", "stop-tracker", "--force")
        self.assertFalse(self.has_release("h08", "/srv/app/v1"), "h08 was too fast for this test")
        self.finish(peering)
        self.assert_release(self.source, "/srv/app/v1", self.PEERS)

    def test_a_tracker_that_is_killed_early_and_comes_back(self):
        for host in self.PEERS:
            self.rack.set_rate(host, SLOW)
        deploy = self.start_murder("deploy", self.source, "--tag", "v1")
        wait_until(lambda: self.process("h08", "murder peer"), "a peer on h08")
        self.kill("h01", "murder tracker")
        self.murder("fleet", "start-tracker")
        for host in self.PEERS:
            self.rack.set_rate(host, self.RATE)
        self.finish(deploy)
        self.assert_release(self.source, "/srv/app/v1", self.PEERS)


if __name__ == "__main__":
    unittest.main()
