"""The archive on file systems that take direct writes (O_DIRECT) and on those that refuse them; rates that were asked for."""

import os
import subprocess
import time
import unittest

from harness import MurderCase

SIZE = 5_000_001  # no multiple of 4 KiB: the end goes through the page cache


def takes_direct(directory):
    probe = directory / "probe"
    probe.touch()
    try:
        os.close(os.open(probe, os.O_WRONLY | os.O_DIRECT))
        return True
    except OSError:
        return False
    finally:
        probe.unlink()


class FileSystems(MurderCase):
    def setUp(self):
        super().setUp()
        if os.getuid() != 0:
            self.skipTest("mounting needs root")
        self.source = self.make_file("content", SIZE)
        self.place = self.path("place")
        self.place.mkdir()

    def mount(self, kind, *options):
        arguments = ["mount", "-t", kind, *options, kind, self.place]
        if subprocess.run(arguments, capture_output=True, check=False).returncode != 0:
            self.skipTest(f"mounting {kind} is not allowed here")
        self.addCleanup(subprocess.run, ["umount", "-l", self.place], check=False)

    def fetch(self, *arguments):
        torrent = self.create(self.source, "v1", tracker=self.start_tracker())
        self.seed(torrent)
        self.peer(torrent, "--temp-path", self.place, *arguments, to=None)
        self.assertEqual((self.place / "v1").read_bytes(), self.source.read_bytes())

    def test_one_that_refuses_direct_writes(self):
        self.mount("ramfs")
        self.assertFalse(takes_direct(self.place))
        self.fetch()

    def test_tmpfs(self):
        self.mount("tmpfs", "-o", "size=64m")
        self.fetch()

    def test_overlay(self):
        for name in ("lower", "upper", "work"):
            self.path(name).mkdir()
        layers = f"lowerdir={self.path('lower')},upperdir={self.path('upper')},workdir={self.path('work')}"
        self.mount("overlay", "-o", layers)
        self.fetch()

    def test_the_usual_one_and_through_the_page_cache(self):
        self.fetch("--page-cache")


class Rates(MurderCase):
    # Only the floor is checked: a busy machine takes longer, none is faster than it was told.
    def seconds(self, seed_options, peer_options):
        source = self.make_file("content", 6_000_000)
        torrent = self.create(source, "v1", tracker=self.start_tracker())
        self.seed(torrent, *seed_options)
        begin = time.monotonic()
        self.peer(torrent, *peer_options, to=None)
        return time.monotonic() - begin

    def test_upload_limit(self):
        self.assertGreater(self.seconds(["--upload-limit", "4MB"], []), 0.9 * 6 / 4)

    def test_download_limit(self):
        self.assertGreater(self.seconds([], ["--download-limit", "32mbit"]), 0.9 * 6 / 4)

    def test_a_limit_of_several_shards_is_one_limit(self):
        self.assertGreater(self.seconds(["--upload-limit", "4MB", "--shards", "2"], []), 0.9 * 6 / 4)


if __name__ == "__main__":
    unittest.main()
