"""A peer whose release is in its place, and what a peer leaves that did not get its release."""

import json
import os
import unittest

from harness import MurderCase, free_address, wait_until


class DoneAgain(MurderCase):
    def setUp(self):
        super().setUp()
        self.source = self.make_tree()
        self.tracker = self.start_tracker()
        self.torrent = self.create(self.source, "v1", tracker=f"http://{self.tracker}/announce")
        self.seed(self.torrent)
        self.to = self.path("host", "to")

    def fetch(self, *arguments, code=0):
        return self.peer(self.torrent, "--background", *arguments, code=code)

    def test_it_ends_at_once_and_says_so(self):
        lines = self.fetch("--follow", "--json").stdout.splitlines()
        self.assertEqual(json.loads(lines[-1])["state"], "done")
        self.assert_same_tree(self.source, self.to / "v1")
        before = (self.to / "v1").stat().st_ino
        again = self.fetch("--follow")
        self.assertRegex(again.stdout, r"v1 is already in \S+/v1 \(put there \S+Z\): nothing to do")
        told = json.loads(self.fetch("--follow", "--json").stdout)
        self.assertTrue(told["already_there"])
        self.assertEqual((self.to / "v1").stat().st_ino, before)
        self.assertIn("already in", self.murder("wait", "v1").stdout)

    def test_the_record_keeps_tag_info_hash_and_time(self):
        self.fetch("--follow")
        record = json.loads((self.to / ".murder-releases.json").read_text())
        self.assertEqual([each["tag"] for each in record["releases"]], ["v1"])
        self.assertEqual(record["releases"][0]["info_hash"], self.murder_json("info", self.torrent)["info_hash"])
        self.assertRegex(record["releases"][0]["time"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")

    def test_another_release_of_that_tag_is_refused_and_replaced_when_it_is_asked_for(self):
        self.fetch("--follow")
        self.murder("stop", "v1")
        (self.source / "new").write_text("content")
        self.torrent = self.create(self.source, "v1", "--force", tracker=f"http://{self.tracker}/announce")
        self.seed(self.torrent)
        refused = self.fetch("--follow", code=1)
        self.assertIn("holds another release with the tag v1", refused.stderr)
        self.fetch("--follow", "--unsafe-please-delete")
        self.assert_same_tree(self.source, self.to / "v1")

    def test_what_was_put_in_its_place_is_not_taken_for_it(self):
        self.fetch("--follow")
        self.murder("stop", "v1", "--peering", "--if-running")
        os.rename(self.to / "v1", self.to / "moved")
        (self.to / "v1").mkdir()
        (self.to / "v1" / "theirs").touch()
        self.assertIn("not empty", self.fetch(code=1).stderr)

    def test_a_peer_at_work_is_ended_by_one_that_takes_over(self):
        self.murder("stop", "v1", "--seeding")
        self.fetch()
        first = self.process_of_kind("peer")["pid"]
        self.assertIn("is at work here already", self.fetch(code=1).stderr)
        self.fetch("--take-over")
        self.assertNotEqual(self.process_of_kind("peer")["pid"], first)
        self.seed(self.torrent)
        self.murder("wait", "v1", "--timeout", "60s")
        self.assert_same_tree(self.source, self.to / "v1")

    def test_who_follows_may_go_and_the_download_continues(self):
        self.murder("stop", "v1", "--seeding")
        following = self.start(*self.peer_arguments(self.torrent, "--background", "--follow"))
        wait_until(lambda: (self.processes("v1") or [{}])[0].get("phase") == "downloading", "the peer")
        following.process.kill()
        self.seed(self.torrent)
        self.murder("wait", "v1", "--timeout", "60s")
        self.assert_same_tree(self.source, self.to / "v1")


class Leftovers(MurderCase):
    def leave(self, state):
        self.run_directory.mkdir(exist_ok=True)
        archive = self.temp_path / "v1.tar.zst"
        archive.write_bytes(b"some of it")
        (self.run_directory / "peer-v1.outcome").write_text(
            json.dumps({"state": state, "tag": "v1", "archive": str(archive)}))
        return archive

    def clean(self, *words):
        self.murder("clean", "v1", "--temp-path", self.temp_path, *words)

    def test_a_partial_archive_is_left_to_the_next_attempt_when_it_is_asked_for(self):
        archive = self.leave("failed")
        self.clean("--stop", "--keep-partial")
        self.assertTrue(archive.exists())
        self.clean("--stop")
        self.assertFalse(archive.exists())
        archive = self.leave("done")
        self.clean("--stop", "--keep-partial")
        self.assertFalse(archive.exists())

    def test_it_goes_by_age(self):
        archive = self.leave("failed")
        old = 4 * 24 * 3600
        outcome = self.run_directory / "peer-v1.outcome"
        os.utime(outcome, (outcome.stat().st_mtime - old,) * 2)
        self.murder("clean", "v2", "--temp-path", self.temp_path)
        self.assertFalse(archive.exists())
        self.assertFalse(outcome.exists())


class Locks(MurderCase):
    def lock(self, token, *words, tag="v1", app="/srv/app", code=0):
        told = self.murder("lock", tag, "--app", app, "--token", token, "--owner", f"{token}@laptop", "--why",
                           f"deploy of {tag} to {app}", *words, "--json", code=code)
        return json.loads(told.stdout)

    def test_one_at_a_time_until_it_is_given_back(self):
        self.assertEqual(self.lock("alice")["state"], "held")
        busy = self.lock("bob", tag="v2", code=1)
        self.assertEqual(busy["state"], "busy")
        self.assertEqual(busy["holder"]["owner"], "alice@laptop")
        self.assertEqual(self.lock("carol", tag="v2", app="/srv/other")["state"], "held")
        self.murder("unlock", "--token", "alice")
        self.assertEqual(self.lock("bob")["state"], "held")
        for token in ("bob", "carol"):
            self.murder("unlock", "--token", token)
        self.assertEqual(list(self.run_directory.iterdir()), [])

    def test_a_lock_ends_with_its_lease_and_by_replacement(self):
        self.lock("alice", "--for", "1s")
        wait_until(lambda: self.lock("bob", code=None)["state"] == "held", "the end of the lease")
        self.assertEqual(self.lock("carol", "--replace", "bob")["state"], "held")
        self.assertEqual(self.lock("bob", "--renew", code=1)["state"], "lost")

    def test_a_tracker_ends_with_the_last_deploy_that_needs_it(self):
        self.lock("alice")
        endpoint = self.start_tracker(address=free_address())
        port = endpoint.rsplit(":", 1)[1]
        self.lock("bob", "--port", port, tag="v2", app="/srv/other")
        self.murder("unlock", "--token", "alice", "--port", port)
        self.assertIsNotNone(self.process_of_kind("tracker"))
        self.murder("unlock", "--token", "bob", "--port", port)
        self.assertIsNone(self.process_of_kind("tracker"))


if __name__ == "__main__":
    unittest.main()
