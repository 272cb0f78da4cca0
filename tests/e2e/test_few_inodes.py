"""No inodes: the right word for what is missing, before the first byte where it can be known, and where it happens."""

import os
import pathlib
import re
import subprocess
import unittest

from harness import MurderCase, wait_until


def can_mount(directory):
    result = subprocess.run(["mount", "-t", "tmpfs", "-o", "nr_inodes=9", "tmpfs", directory], capture_output=True, check=False)
    if result.returncode == 0:
        subprocess.run(["umount", directory], check=True)
    return result.returncode == 0


@unittest.skipIf(os.geteuid() != 0, "mounting a file system with few inodes needs root")
class FewInodes(MurderCase):
    """What is missing is called by its name, where it is missing, and nothing half-made stays."""

    def setUp(self):
        super().setUp()
        self.small = self.path("small")
        self.small.mkdir()
        if not can_mount(self.small):
            self.skipTest("mounting a tmpfs is not allowed here")
        self.source = self.path("source")
        self.source.mkdir()
        for index in range(40):
            (self.source / f"file-{index}").write_text(str(index))

    def mount(self, inodes):
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"nr_inodes={inodes}", "tmpfs", self.small], check=True)
        self.addCleanup(subprocess.run, ["umount", "-l", self.small], check=False)

    def forget_size(self, torrent):
        """As a torrent that was made elsewhere: it does not state what it unpacks to."""
        content = pathlib.Path(torrent).read_bytes()
        unstated = re.sub(rb"16:unpacked entriesi\d+e|14:unpacked bytesi\d+e", b"", content)
        self.assertNotEqual(unstated, content)
        pathlib.Path(torrent).write_bytes(unstated)
        return torrent

    def fetch(self, torrent, temp_path=None, code=1, to="to"):
        arguments = self.peer_arguments(torrent, "--temp-path", temp_path or self.temp_path)
        arguments[arguments.index("--to") + 1] = str(self.small / to)
        return self.murder(*arguments, code=code).stderr

    def test_they_are_counted_before_the_first_byte(self):
        self.mount(20)
        torrent = self.create(self.source, "v1", tracker=self.start_tracker())
        error = self.fetch(torrent, temp_path=self.path("empty"))
        self.assertRegex(error, r"too few inodes: the release has 4\d files and directories, 19 more")
        self.assertEqual(os.listdir(self.path("empty")), [])
        self.assertEqual(os.listdir(self.small), [])

    def test_none_at_all_is_known_before_the_first_byte_whatever_the_torrent_states(self):
        self.mount(2)
        torrent = self.forget_size(self.create(self.source, "v1", tracker=self.start_tracker()))
        (self.small / "taken").write_text("")
        self.assertRegex(self.fetch(torrent, temp_path=self.path("empty")), "inodes")
        self.assertEqual(os.listdir(self.path("empty")), [])

    def test_they_run_out_in_the_middle(self):
        self.mount(20)
        torrent = self.forget_size(self.create(self.source, "v1"))
        error = self.fetch(torrent)
        self.assertRegex(error, r"entry file-\d+: cannot make the file: no inodes left .*\d+ were made in")
        self.assertNotIn("No space left", error)
        self.assertEqual(os.listdir(self.small / "to"), [])
        subprocess.run(["mount", "-o", "remount,nr_inodes=100", self.small], check=True)
        self.fetch(torrent, code=0)
        self.assert_same_tree(self.source, self.small / "to" / "v1")

    def test_somebody_takes_them_while_the_archive_comes(self):
        self.mount(60)
        self.make_file("source/data", 4_000_000)
        torrent = self.create(self.source, "v1", tracker=self.start_tracker())
        self.seed(torrent)
        arguments = self.peer_arguments(torrent, "--download-limit", "500KB")
        arguments[arguments.index("--to") + 1] = str(self.small)
        peer = self.start(*arguments)
        hidden = wait_until(lambda: os.listdir(self.small) or peer.process.poll() is not None, "the hidden tree")
        self.assertNotEqual(hidden, True, peer.error)
        with self.assertRaises(OSError):
            for index in range(100):
                (self.small / f"taken-{index}").write_text("")
        self.assertEqual(peer.wait(), 1, peer.error)
        self.assertRegex(peer.error, r"no inodes left .*4\d entries are needed, \d+ were made")
        self.assertEqual([name for name in os.listdir(self.small) if not name.startswith("taken")], [])

    def test_in_the_directory_of_archives(self):
        self.mount(1)
        torrent = self.create(self.source, "v1", tracker=self.start_tracker())
        error = self.peer(torrent, "--temp-path", self.small, code=1).stderr
        self.assertRegex(error, f"cannot write {self.small}/v1.tar.zst.*no inodes left")
        error = self.murder("create", self.source, "--tag", "v1", "--temp-path", self.small, code=1).stderr
        self.assertRegex(error, "no inodes left")
        self.assertEqual(os.listdir(self.small), [])

    def test_for_the_torrent_beside_its_archive(self):
        self.mount(2)
        error = self.murder("create", self.source, "--tag", "v1", "--temp-path", self.small, code=1).stderr
        self.assertRegex(error, "no inodes left")
        self.assertEqual(os.listdir(self.small), [])


if __name__ == "__main__":
    unittest.main()
