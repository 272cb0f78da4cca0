"""`murder finish` and `murder receive`: what `murder deploy` runs on hosts, and what they leave to another deploy."""

import json
import os
import signal
import subprocess
import unittest

from harness import PROGRAM, MurderCase, is_alive, wait_until


class Finish(MurderCase):
    def setUp(self):
        super().setUp()
        self.app = self.path("app")
        self.app.mkdir()
        self.run_directory.mkdir(exist_ok=True)

    def deliver(self, *tags):
        for tag in tags:
            (self.app / tag).mkdir()
        record = self.app / ".murder-releases.json"
        record.write_text(json.dumps({"delivered": list(tags), "activated": [], "placed": []}))

    def leave(self, state="done", **members):
        archive = self.temp_path / "v3.tar.zst"
        archive.write_bytes(b"some of it")
        (self.run_directory / "peer-v3.outcome").write_text(
            json.dumps({"state": state, "tag": "v3", "archive": str(archive), **members}))
        return archive

    def finish(self, *words, code=0):
        ran = self.murder("finish", "v3", "--temp-path", self.temp_path, "--json", *words, code=code)
        return [json.loads(line) for line in ran.stdout.splitlines()]

    def current(self):
        link = self.app / "current"
        return os.readlink(link) if link.is_symlink() else None

    def test_it_activates_removes_older_releases_and_cleans_up(self):
        self.deliver("v1", "v2", "v3")
        archive = self.leave(deploy="mine")
        switched, kept, cleaned = self.finish("--to", self.app, "--activate", "--keep", "1", "--token", "mine",
                                              "--app", "/srv/app")
        self.assertEqual((switched["tag"], switched["previous"]), ("v3", ""))
        self.assertEqual((kept["current"], kept["releases"], sorted(kept["removed"])), ("v3", ["v3"], ["v1", "v2"]))
        self.assertEqual(cleaned["stopped"], [])
        self.assertEqual(self.current(), "v3")
        self.assertEqual(sorted(each.name for each in self.app.iterdir()), [".murder-releases.json", "current", "v3"])
        self.assertFalse(archive.exists())
        self.assertEqual(list(self.run_directory.iterdir()), [])

    def test_nothing_is_removed_when_the_release_is_not_there_but_it_is_cleaned_up(self):
        self.deliver("v1", "v2")
        archive = self.leave()
        error, cleaned = self.finish("--to", self.app, "--activate", "--keep", "1", code=1)[::-1]
        self.assertIn("v3 is not there", error["error"]["text"])
        self.assertIn("stopped", cleaned)
        self.assertEqual(sorted(each.name for each in self.app.glob("v*")), ["v1", "v2"])
        self.assertFalse(archive.exists())

    def test_where_another_deploy_fetches_that_tag_nothing_is_done(self):
        self.deliver("v3")
        archive = self.leave("running", deploy="theirs")
        told = self.finish("--to", self.app, "--activate", "--token", "mine", "--app", "/srv/app", code=1)
        self.assertTrue(told[0]["taken_over"])
        self.assertIn("another deploy of v3 has taken over", told[1]["error"]["text"])
        self.assertIsNone(self.current())
        self.assertTrue(archive.exists())
        self.finish("--to", self.app, "--activate", "--token", "theirs", "--app", "/srv/app")
        self.assertEqual(self.current(), "v3")

    def test_where_another_deploy_has_the_lock_nothing_is_made_current(self):
        self.deliver("v3")
        archive = self.leave(deploy="mine")
        lock = ["--app", "/srv/app", "--owner", "bob@laptop", "--why", "deploy of v4 to /srv/app"]
        self.murder("lock", "v4", *lock, "--token", "theirs")
        words = ["--to", self.app, "--activate", "--token", "mine", "--app", "/srv/app"]
        cleaned, error = self.finish(*words, code=1)
        self.assertIn("deploy of v4 to /srv/app by bob@laptop", error["error"]["text"])
        self.assertIsNone(self.current())
        # What is of this tag alone is this deploy's to remove, but not when the other one is of the same.
        self.assertIn("stopped", cleaned)
        self.assertFalse(archive.exists())
        self.murder("unlock", "--token", "theirs")
        archive = self.leave(deploy="mine")
        self.murder("lock", "v3", "--app", "/srv/other", *lock[2:], "--token", "theirs")
        self.assertTrue(self.finish(*words, code=1)[0]["taken_over"])
        self.assertIsNone(self.current())
        self.assertTrue(archive.exists())
        self.murder("unlock", "--token", "theirs")
        # One of another app and another tag is no matter.
        self.murder("lock", "v4", "--app", "/srv/other", *lock[2:], "--token", "theirs")
        self.finish(*words)
        self.assertEqual(self.current(), "v3")
        self.murder("unlock", "--token", "theirs")

    def test_what_is_kept(self):
        archive = self.leave("failed")
        self.assertTrue(self.finish("--keep-partial")[0]["kept"])
        self.assertTrue(archive.exists())
        self.finish("--keep-temp-files")
        self.finish("--no-clean")
        self.assertTrue(archive.exists())
        # Without an archive there is nothing that the next attempt could use.
        archive.unlink()
        self.assertNotIn("kept", self.finish("--keep-partial")[0])
        self.assertEqual(list(self.run_directory.iterdir()), [])

    def test_a_process_that_is_stopped_is_ended_and_no_other(self):
        torrents = {tag: self.torrent_without_seeder(tag) for tag in ("v3", "v4")}
        pids = {}
        for tag, torrent in torrents.items():
            told = self.murder("peer", torrent, "--to", self.app, "--temp-path", self.temp_path, "--background", "--json")
            pids[tag] = json.loads(told.stdout)["pid"]
            os.kill(pids[tag], signal.SIGSTOP)
        status = {each["tag"]: each["kind"] for each in json.loads(self.murder("status", "--json").stdout)["processes"]}
        self.assertEqual(status, {"v3": "peer", "v4": "peer"})
        waited = json.loads(self.murder("wait", "v3", "--timeout", "1s", "--json", code=1).stdout)
        self.assertEqual(waited["state"], "running")
        self.assertEqual(self.finish()[0]["stopped"], [{"kind": "peer", "pid": pids["v3"]}])
        self.assertFalse(is_alive(pids["v3"]))
        self.assertTrue(is_alive(pids["v4"]))
        self.murder("stop", "v4")
        self.assertFalse(is_alive(pids["v4"]))

    def torrent_without_seeder(self, tag):
        source = self.path(f"source of {tag}")
        source.mkdir()
        (source / "file").write_bytes(os.urandom(100_000))
        packed = self.path(f"packed {tag}")
        self.murder("create", source, "--tag", tag, "--tracker", "127.0.0.1:1", "--temp-path", packed)
        return packed / f"{tag}.tar.zst.torrent"


class Receive(MurderCase):
    CONTENT = os.urandom(3_000_000)

    def receive(self, size, content, *words):
        return subprocess.run([PROGRAM, "receive", self.path("new", "place", "v1.tar.zst"), "--size", str(size), *words],
                              input=content, env=self.environment, capture_output=True, check=False)

    def test_it_gets_its_name_when_it_is_whole(self):
        for words in ([], ["--no-sync"]):
            self.assertEqual(self.receive(len(self.CONTENT), self.CONTENT, *words).returncode, 0)
            place = self.path("new", "place")
            self.assertEqual([each.name for each in place.iterdir()], ["v1.tar.zst"])
            self.assertEqual((place / "v1.tar.zst").read_bytes(), self.CONTENT)
            self.assertEqual((place / "v1.tar.zst").stat().st_mode & 0o777, 0o600)

    def test_what_has_another_size_is_refused_and_leaves_the_old_one(self):
        self.receive(3, b"old")
        for content in (self.CONTENT[:-1], self.CONTENT + b"x", b""):
            refused = self.receive(len(self.CONTENT), content)
            self.assertEqual(refused.returncode, 1)
            self.assertIn(b"did not arrive", refused.stderr)
        self.assertEqual([each.read_bytes() for each in self.path("new", "place").iterdir()], [b"old"])

    def test_one_that_is_ended_leaves_nothing_and_what_a_killed_one_left_goes(self):
        place = self.path("new", "place")
        for number in (signal.SIGHUP, signal.SIGTERM, signal.SIGKILL):
            process = subprocess.Popen([PROGRAM, "receive", place / "v1.tar.zst", "--size", "10"], env=self.environment,
                                       stdin=subprocess.PIPE, stderr=subprocess.DEVNULL)
            process.stdin.write(b"12345")
            process.stdin.flush()
            wait_until(lambda: place.is_dir() and any(each.stat().st_size == 5 for each in place.iterdir()), "five bytes")
            process.send_signal(number)
            process.wait()
            process.stdin.close()
            self.assertEqual(len(list(place.iterdir())), 1 if number == signal.SIGKILL else 0)
        self.assertEqual(self.receive(3, b"new").returncode, 0)
        self.assertEqual([each.name for each in place.iterdir()], ["v1.tar.zst"])


if __name__ == "__main__":
    unittest.main()
