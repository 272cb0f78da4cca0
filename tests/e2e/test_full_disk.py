"""No room and no right to write: known early where it can be, an error that says what to do, nothing half there."""

import os
import pathlib
import pwd
import random
import re
import subprocess
import unittest

from harness import PROGRAM, MurderCase, free_address
from torrents import Torrent

CONTENT = random.Random(13).randbytes(3_000_000)


def can_mount(directory):
    result = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", directory], capture_output=True, check=False)
    if result.returncode == 0:
        subprocess.run(["umount", directory], check=True)
    return result.returncode == 0


class FullDisk(MurderCase):
    def setUp(self):
        super().setUp()
        if os.getuid() != 0:
            self.skipTest("mounting a small tmpfs needs root")
        self.small = self.path("small")
        self.small.mkdir()
        if not can_mount(self.small):
            self.skipTest("mounting a tmpfs is not allowed here")
        self.source = self.make_tree()

    def mount(self, size):
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", self.small], check=True)
        self.addCleanup(subprocess.run, ["umount", "-l", self.small], check=False)

    def test_no_room_for_the_archive_is_known_before_anything_is_fetched(self):
        self.mount("1m")
        torrent = self.create(self.source, "v1", tracker=self.start_tracker())
        error = self.peer(torrent, "--temp-path", self.small, code=1).stderr
        self.assertRegex(error, r"too full.*needs .* more.*--temp-path")

    def test_no_room_for_the_release_is_known_before_anything_is_fetched(self):
        self.mount("1m")
        torrent = self.create(self.source, "v1", tracker=self.start_tracker())
        arguments = self.peer_arguments(torrent, "--temp-path", self.path("empty"))
        arguments[arguments.index("--to") + 1] = str(self.small)
        self.assertRegex(self.murder(*arguments, code=1).stderr, r"too full: the release takes .* there, .* free")
        self.assertEqual(os.listdir(self.small), [])

    def test_no_room_to_unpack_leaves_no_half_release(self):
        self.mount("1m")
        torrent = self.create(self.source, "v1")
        # A torrent of an older murder does not state what it unpacks to, so the disk is what says it.
        content = pathlib.Path(torrent).read_bytes()
        unstated = re.sub(rb"16:unpacked entriesi\d+e|14:unpacked bytesi\d+e", b"", content)
        self.assertNotEqual(unstated, content)
        pathlib.Path(torrent).write_bytes(unstated)
        arguments = self.peer_arguments(torrent, "--temp-path", self.temp_path)
        arguments[arguments.index("--to") + 1] = str(self.small)
        error = self.murder(*arguments, code=1).stderr
        self.assertIn("No space left", error)
        self.assertEqual(os.listdir(self.small), [])
        # With room, the same command succeeds without fetching again.
        subprocess.run(["mount", "-o", "remount,size=20m", self.small], check=True)
        self.murder(*arguments)
        self.assert_same_tree(self.source, self.small / "v1")

    def test_what_was_there_stays_when_the_new_does_not_fit(self):
        self.mount("1m")
        (self.small / "v1").mkdir()
        (self.small / "v1" / "old").write_text("old")
        torrent = self.create(self.source, "v1")
        arguments = self.peer_arguments(torrent, "--temp-path", self.temp_path, "--unsafe-please-delete")
        arguments[arguments.index("--to") + 1] = str(self.small)
        self.murder(*arguments, code=1)
        self.assertEqual(os.listdir(self.small), ["v1"])
        self.assertEqual((self.small / "v1" / "old").read_text(), "old")

    def test_no_room_to_create(self):
        self.mount("1m")
        error = self.murder("create", self.source, "--tag", "v1", "--temp-path", self.small, code=1).stderr
        self.assertIn("No space left", error)
        self.assertEqual(os.listdir(self.small), [])

    def test_a_file_release_that_does_not_fit_its_target(self):
        self.mount("1m")
        torrent = Torrent("data", CONTENT)
        torrent.write_content(self.temp_path)
        arguments = self.peer_arguments(torrent.write(self.directory), "--temp-path", self.temp_path)
        arguments[arguments.index("--to") + 1] = str(self.small)
        # It is known from the torrent.
        self.assertRegex(self.murder(*arguments, code=1).stderr, r"too full: the release takes .* there, .* free")
        self.assertEqual(os.listdir(self.small), [])


class NotWritable(MurderCase):
    """As a user who may not write there: root may write anywhere."""

    def setUp(self):
        super().setUp()
        self.prefix = []
        if os.getuid() == 0:
            user = pwd.getpwnam("nobody")
            self.prefix = ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]
        self.directory.chmod(0o755)
        for name in ("mine", "theirs", "run-of-nobody"):
            self.path(name).mkdir()
            self.path(name).chmod(0o555 if name == "theirs" else 0o777)
        self.torrent = Torrent("v1.tar", b"")
        source = self.make_tree()
        self.torrent_path = self.create(source, "v1")
        self.temp_path.chmod(0o755)
        for path in self.temp_path.iterdir():
            path.chmod(0o644)
        if subprocess.run([*self.prefix, PROGRAM, "--version"], capture_output=True, check=False).returncode != 0:
            self.skipTest("another user cannot run the program where it lies")

    def peer_as_nobody(self, temp_path, to):
        return subprocess.run(
            [*self.prefix, PROGRAM, "peer", self.torrent_path, "--to", to, "--temp-path", temp_path, "--ip",
             free_address(), "--seed-for", "0", "--run-dir", self.path("run-of-nobody", "run")],
            env=self.environment, capture_output=True, text=True, timeout=60, check=False)

    def test_the_target(self):
        result = self.peer_as_nobody(self.path("mine"), self.path("theirs"))
        self.assertEqual(result.returncode, 1)
        self.assertRegex(result.stderr, r"murder peer: cannot write to .*theirs.*Permission denied")
        self.assertEqual(os.listdir(self.path("mine")), [], "it is known before anything is fetched")

    def test_the_temp_path(self):
        for place in (self.path("theirs"), self.path("theirs", "below")):
            result = self.peer_as_nobody(place, self.path("mine"))
            self.assertEqual(result.returncode, 1)
            self.assertRegex(result.stderr, r"murder peer: cannot .*theirs.*Permission denied")

    def test_an_archive_that_is_whole_need_not_be_writable(self):
        result = self.peer_as_nobody(self.temp_path, self.path("mine"))
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertTrue(self.path("mine", "v1", "run.sh").exists())


if __name__ == "__main__":
    unittest.main()
