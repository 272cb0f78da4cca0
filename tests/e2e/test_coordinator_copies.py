"""The coordinator's own copies of releases: the publisher may go, the coordinator may be killed."""

import json
import os
import subprocess
import unittest

from coordinator_case import CoordinatorCase
from harness import PROGRAM, is_alive, wait_until


class Copies(CoordinatorCase):
    def setUp(self):
        super().setUp()
        self.state = self.path("state")
        self.addCleanup(self.stop_copies)

    def stop_copies(self):
        for info_hash in self.directories():
            for process in self.copy_processes(info_hash):
                try:
                    os.kill(process["pid"], 15)
                except ProcessLookupError:
                    pass

    def directories(self):
        place = self.state / "releases"
        return sorted(os.listdir(place)) if place.is_dir() else []

    def copy_processes(self, info_hash):
        """As `murder status` has them in the run directory of that copy."""
        run = self.state / "releases" / info_hash / "run"
        if not run.is_dir():
            return []
        result = subprocess.run([PROGRAM, "status", "--json"], capture_output=True, text=True, timeout=60, check=False,
                                env=dict(self.environment, MURDER_RUN_DIR=str(run)))
        return json.loads(result.stdout or '{"processes":[]}').get("processes", [])

    def publish_with_seeder(self, tag, size=700_000):
        """(release, stops the seeder)"""
        source = self.make_file(f"source-{tag}", size, seed=len(tag) + ord(tag[-1]))
        torrent = self.create(source, tag, tracker=f"http://{self.coordinator}/announce")
        self.seed(torrent)
        release = self.publish(tag, torrent=torrent.read_bytes())
        return release, torrent, source

    def release(self, tag):
        return self.must("GET", f"/control/release?app=shop&tag={tag}")

    def wait_for_copy(self, tag):
        return wait_until(lambda: self.release(tag)["copy"] == "complete" and self.release(tag), f"a copy of {tag}")

    def test_the_publisher_may_go(self):
        self.start_coordinator(state=self.state)
        release, torrent, source = self.publish_with_seeder("v1")
        self.assertEqual((release["copy"], release["total_bytes"]), ("none", 700_000))
        self.assertEqual(self.wait_for_copy("v1")["copy_bytes"], 700_000)
        self.murder("stop", "--seeding", "v1")
        self.peer(torrent)
        self.assertEqual(self.path("host", "to").read_bytes(), source.read_bytes())
        self.kill_coordinator(15)
        self.assertEqual(self.copy_processes(release["info_hash"]), [])

    def test_a_copy_outlives_a_coordinator_that_was_killed(self):
        self.start_coordinator(state=self.state)
        release, _, _ = self.publish_with_seeder("v1")
        self.wait_for_copy("v1")
        pid = self.copy_processes(release["info_hash"])[0]["pid"]
        self.kill_coordinator()
        self.assertTrue(is_alive(pid))
        self.start_coordinator(state=self.state, endpoint=self.coordinator)
        self.wait_for_copy("v1")
        self.assertEqual([each["pid"] for each in self.copy_processes(release["info_hash"])], [pid])
        # One that ends is started again, and has what is there.
        os.kill(pid, 9)
        self.murder("stop", "--seeding", "v1")
        wait_until(lambda: [each["pid"] for each in self.copy_processes(release["info_hash"])] not in ([], [pid]),
                   "another process")
        self.wait_for_copy("v1")

    def test_what_is_revoked_is_removed(self):
        self.start_coordinator(state=self.state)
        release, _, _ = self.publish_with_seeder("v1")
        self.wait_for_copy("v1")
        self.assertEqual(self.directories(), [release["info_hash"]])
        self.must("POST", "/control/release/revoke?app=shop&tag=v1", {"by": "ann"})
        wait_until(lambda: self.directories() == [], "it is removed")
        self.assertEqual(self.release("v1")["copy"], "none")

    def test_what_made_room_for_others_comes_back_when_it_is_published_again(self):
        self.start_coordinator(state=self.state)
        _, torrent, _ = self.publish_with_seeder("v1")
        self.wait_for_copy("v1")
        for number in range(2, 10):
            self.publish(f"v{number}", torrent=self.make_torrent(f"v{number}", size=1000, seed=number))
        self.assertEqual(self.release("v1")["copy"], "none")
        self.publish("v1", torrent=torrent.read_bytes())
        self.wait_for_copy("v1")
        self.assertEqual(self.release("v2")["copy"], "none")

    def test_a_copy_waits_for_who_has_the_release(self):
        self.start_coordinator(state=self.state)
        source = self.make_file("source", 300_000)
        torrent = self.create(source, "v1", tracker=f"http://{self.coordinator}/announce")
        self.publish("v1", torrent=torrent.read_bytes())
        wait_until(lambda: self.release("v1")["copy"] == "fetching", "it fetches")
        self.seed(torrent)
        self.wait_for_copy("v1")


if __name__ == "__main__":
    unittest.main()
