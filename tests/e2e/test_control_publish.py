"""`murder release publish` against a scripted coordinator: what it sends, whom it serves, what it leaves."""

import json
import os
import signal
import unittest

from scripted_coordinator import ScriptedCoordinator, release
from harness import MurderCase, free_address, is_alive, wait_until
from torrents import bdecode

PUT = ("PUT", "/control/release")
SHOW = ("GET", "/control/release")


class Publish(MurderCase):
    def setUp(self):
        super().setUp()
        self.source = self.make_file("build/data", 300_000).parent
        self.fake = ScriptedCoordinator(self, {PUT: self.take, SHOW: self.show, ("GET", "/announce"): self.hear})
        self.published = None
        self.copy = "complete"
        self.announced = []
        self.temp = self.path("publish")
        self.temp.mkdir()

    def take(self, asked):
        self.published = asked
        return release(copy="none")

    def show(self, asked):
        return release(copy=self.copy) if self.published else (404, {"error": "there is no shop v42"})

    def hear(self, asked):
        self.announced.append(asked.query)
        return b"d8:intervali1800e5:peers0:e"

    def arguments(self, source=None, *more):
        return ["release", "publish", str(source or self.source), "--app", "shop", "--tag", "v42", "--coordinator",
                self.fake.place, "--temp-path", str(self.temp), "--ip", free_address(), *more]

    def publish(self, *arguments, source=None, **options):
        return self.murder(*self.arguments(source, *arguments), cwd=self.directory, **options)

    def assert_nothing_left(self):
        self.assertEqual(os.listdir(self.temp), [])
        self.assertEqual(self.processes(), [])

    def test_the_torrent_is_sent_and_names_the_coordinator_as_its_tracker(self):
        shown = self.publish()
        self.assertIn("shop v42\n", shown.stdout)
        self.assertEqual({"app", "tag", "by"}, set(self.published.query))
        torrent = bdecode(self.published.body)
        self.assertEqual(torrent[b"announce"].decode(), f"http://{self.fake.place}/announce")
        self.assertEqual(torrent[b"info"][b"name"], b"v42.tar.zst")
        self.assertTrue(self.announced)
        self.assert_nothing_left()

    def test_it_serves_until_the_coordinator_has_a_whole_copy(self):
        self.copy = "fetching"
        running = self.start(*self.arguments())
        wait_until(lambda: self.published, "it is published")
        seeder = wait_until(lambda: self.process_of_kind("seeder"), "its seeder runs")
        self.assertEqual(seeder["tag"], "v42")
        self.copy = "complete"
        self.assertEqual(running.wait(), 0)
        self.assertFalse(is_alive(seeder["pid"]))
        self.assert_nothing_left()

    def test_an_existing_torrent_is_taken_as_it_is(self):
        torrent = self.create(self.source, "v42")
        self.publish("--serial", "77", source=torrent)
        self.assertEqual(self.published.query["serial"], "77")
        self.assertEqual(bdecode(self.published.body)[b"info"], bdecode(torrent.read_bytes())[b"info"])
        self.assertTrue(torrent.exists())
        self.assertTrue(torrent.with_suffix("").exists())
        self.assert_nothing_left()
        other = self.create(self.source, "v43")
        self.assertIn("is the torrent of v43, not of v42", self.publish(source=other, code=1).stderr)

    def test_a_tag_with_other_content_is_refused_before_anything_is_sent(self):
        self.fake.answers[SHOW] = release(info_hash="cd" * 20)
        refused = self.publish("--json", code=1)
        self.assertEqual(json.loads(refused.stdout)["error"]["code"], "conflict")
        self.assertIn("another tag", refused.stderr)
        self.assertEqual(self.fake.orders(), [])
        self.assert_nothing_left()

    def test_what_is_there_already_is_done_and_what_was_interrupted_goes_on(self):
        info_hash = self.murder_json("create", self.source, "--tag", "v42", "--temp-path", self.temp_path)["info_hash"]
        self.fake.answers[SHOW] = release(info_hash=info_hash)
        self.assertIn("is published already with this content: nothing was done", self.publish().stderr)
        self.assertEqual(self.fake.orders(), [])
        answers = iter([release(info_hash=info_hash, copy="fetching")])
        self.fake.answers[SHOW] = lambda asked: next(answers, release(info_hash=info_hash))
        self.publish()
        self.assertEqual(self.fake.orders(), [PUT])

    def test_whether_a_coordinator_answers_is_known_before_packing(self):
        for answer, text in (((404, b"not found\n"), "a tracker without a coordinator"),
                             ((403, b"forbidden\n"), "--operator-key FILE")):
            self.fake.answers["GET", "/control/releases"] = answer
            refused = self.publish(code=1)
            self.assertIn(text, refused.stderr)
            self.assertNotIn("packed", refused.stderr)
        self.fake.answers["GET", "/control/releases"] = {"releases": []}
        self.fake.answers[PUT] = (405, b"")
        self.assertIn("a tracker without a coordinator", self.publish(code=1).stderr)
        self.assert_nothing_left()

    def test_who_may_not_publish_is_told_before_packing(self):
        self.fake.answers["GET", "/control/releases"] = {"releases": []}
        self.fake.answers["GET", "/control/right"] = (403, {"error": "orders need the operator's key"})
        for source in (self.source, self.create(self.source, "v42")):
            refused = self.publish(source=source, code=1)
            self.assertIn("orders need the operator's key", refused.stderr)
            self.assertNotIn("packed", refused.stderr)
        self.assertEqual(self.fake.orders(), [])
        self.assert_nothing_left()

    def test_a_refusal_ends_the_seeder(self):
        self.fake.answers[PUT] = (409, {"error": "shop v42 has other bytes"})
        self.assertIn("shop v42 has other bytes", self.publish(code=1).stderr)
        self.assert_nothing_left()

    def test_interrupted_it_leaves_nothing(self):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            with self.subTest(number):
                self.published = None
                self.copy = "fetching"
                running = self.start(*self.arguments())
                wait_until(lambda: self.published, "it is published")
                running.signal(number)
                self.assertEqual(running.wait(), 1)
                self.assertIn("goes on from there", running.error)
                self.assert_nothing_left()

    def test_wrong_usage(self):
        self.publish("--expires", "1d", code=2)
        self.publish("--app", "a b", code=2)
        self.publish("--serial", "-1", code=2)
        self.assertEqual(self.fake.asked, [])
        self.assertIn("No such file", self.publish(source=self.path("missing"), code=1).stderr)


if __name__ == "__main__":
    unittest.main()
