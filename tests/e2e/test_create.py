"""murder create, info and verify beyond the walk-through: interruption, refusals, other programs reading."""

import contextlib
import fcntl
import os
import shutil
import signal
import subprocess
import unittest

from harness import MurderCase, wait_until


def open_files_of(pid):
    """The paths that the descriptors of a process lead to."""
    paths = []
    with contextlib.suppress(FileNotFoundError):
        for descriptor in os.listdir(f"/proc/{pid}/fd"):
            with contextlib.suppress(FileNotFoundError):
                paths.append(os.readlink(f"/proc/{pid}/fd/{descriptor}"))
    return paths


class Interruption(MurderCase):
    def start_large(self):
        """A create that takes a while, once it has begun to write."""
        self.make_file("source/noise", 300_000_000)
        running = self.start(
            "create", self.path("source"), "--tag", "v1", "--temp-path", self.temp_path, "--level", "12")
        wait_until(
            lambda: any(name.startswith(".v1.tar.zst.murder-") for name in os.listdir(self.temp_path)),
            "a hidden archive")
        return running

    def test_a_signal_ends_it_with_nothing_left(self):
        running = self.start_large()
        running.signal(signal.SIGTERM)
        self.assertEqual(running.wait(), 1)
        self.assertIn("stopped while packing", running.error)
        self.assertEqual(os.listdir(self.temp_path), [])

    def test_what_a_killed_one_left_is_removed_by_the_next(self):
        running = self.start_large()
        running.signal(signal.SIGKILL)
        running.wait()
        self.assertNotIn("v1.tar.zst", os.listdir(self.temp_path))
        self.create(self.make_tree("small"), "v1")
        self.assertEqual(sorted(os.listdir(self.temp_path)), ["v1.tar.zst", "v1.tar.zst.torrent"])


class TwoAtOnce(MurderCase):
    """Of the same tag in the same directory: archive and torrent get their names together."""

    def test_none_puts_anything_in_place_while_another_does(self):
        self.create(self.make_tree(), "v1")
        before = {path.name: path.read_bytes() for path in self.temp_path.iterdir()}
        lock = self.temp_path / ".v1.tar.zst.murder-lock"
        with open(lock, "w", encoding="ascii") as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            self.make_file("other/data", 500_000)
            running = self.start("create", self.path("other"), "--tag", "v1", "--force", "--temp-path", self.temp_path)
            wait_until(lambda: str(lock) in open_files_of(running.pid), "it waits for the lock")
            self.assertEqual({name: (self.temp_path / name).read_bytes() for name in before}, before)
        self.assertEqual(running.wait(), 0, running.error)
        self.assertEqual(sorted(os.listdir(self.temp_path)), sorted(before))
        self.murder("verify", self.temp_path / "v1.tar.zst.torrent", self.temp_path / "v1.tar.zst")
        self.assertNotEqual((self.temp_path / "v1.tar.zst").read_bytes(), before["v1.tar.zst"])

    def test_whoever_is_last_leaves_a_torrent_of_its_archive(self):
        sources = [self.make_file(f"source{number}/data", 300_000, seed=number).parent for number in range(2)]
        for _ in range(10):
            both = [self.start("create", source, "--tag", "v1", "--force", "--temp-path", self.temp_path)
                    for source in sources]
            self.assertEqual([each.wait() for each in both], [0, 0], [each.error for each in both])
            self.murder("verify", self.temp_path / "v1.tar.zst.torrent", self.temp_path / "v1.tar.zst")

    def test_a_lock_that_a_killed_one_left_is_in_nobodys_way(self):
        (self.temp_path / ".v1.tar.zst.murder-lock").touch()
        self.create(self.make_tree(), "v1")
        self.assertEqual(sorted(os.listdir(self.temp_path)), ["v1.tar.zst", "v1.tar.zst.torrent"])
        (self.temp_path / ".v1.tar.zst.murder-lock").touch()
        self.murder("clean", "v1", "--temp-path", self.temp_path)
        self.assertEqual(os.listdir(self.temp_path), [])


class Refusals(MurderCase):
    def refused(self, *arguments, code=1):
        result = self.murder("create", *arguments, "--temp-path", self.temp_path, code=code)
        self.assertEqual(os.listdir(self.temp_path), [])
        self.assertEqual(result.stdout, "")
        return result.stderr

    def test_a_fifo_as_source_does_not_hold_it_up(self):
        fifo = self.path("fifo")
        os.mkfifo(fifo)
        self.assertIn("neither a directory nor a file", self.refused(fifo, "--tag", "v1"))

    def test_a_fifo_is_named(self):
        source = self.make_tree()
        os.mkfifo(source / "lib" / "pipe")
        self.assertIn("lib/pipe is a fifo", self.refused(source, "--tag", "v1"))

    def test_an_archive_does_not_pack_itself(self):
        self.assertIn("lies inside", self.refused(self.directory, "--tag", "v1"))

    def test_a_source_that_is_not_there(self):
        self.assertIn("No such file", self.refused(self.path("missing"), "--tag", "v1"))

    def test_a_file_that_peers_would_unpack(self):
        file = self.make_file("file", 1000)
        self.assertIn("would make peers unpack", self.refused(file, "--tag", "v1.tar.gz"))

    def test_levels_and_formats(self):
        source = self.make_tree()
        self.assertIn("1 .. 9", self.refused(
            source, "--tag", "v1", "--format", "tar.gz", "--level", "12", code=2))
        self.assertIn("from 1 to 19", self.refused(source, "--tag", "v1", "--level", "0", code=2))
        self.assertIn("from 1 to 1000000", self.refused(
            source, "--tag", "v1", "--hosts-expected=-5", code=2))
        self.assertIn("zip", self.refused(source, "--tag", "v1", "--format", "zip", code=2))


class OtherPrograms(MurderCase):
    def test_gnu_tar_unpacks_the_same_tree(self):
        source = self.make_tree()
        with open(source / "sparse", "wb") as file:
            file.seek(40_000_000)
            file.write(b"end")
        long_name = source / ("l" * 120) / ("\u00f6" * 100)
        long_name.parent.mkdir()
        long_name.write_text("long")
        for format_name in ("tar", "tar.gz"):
            with self.subTest(format=format_name):
                self.create(source, "v1", "--format", format_name)
                target = self.path("by-tar-" + format_name)
                target.mkdir()
                subprocess.run(
                    ["tar", "-xpf", self.temp_path / f"v1.{format_name}", "-C", target], check=True)
                self.assert_same_tree(source, target, "--holes")


class Verify(MurderCase):
    def test_json_lists_ranges(self):
        torrent = self.create(self.make_file("file", 1_000_000), "v1", "--piece-size", "64KiB")
        content = self.path("copy")
        shutil.copyfile(self.temp_path / "v1", content)
        with open(content, "r+b") as file:
            file.seek(3 * 65536)
            file.write(b"\0" * 65537)
        found = self.murder_json("verify", torrent, content, code=1)
        self.assertEqual(found["bad_ranges"], [[3, 4]])
        self.assertEqual((found["pieces"], found["pieces_right"]), (16, 14))
        said = self.murder("verify", torrent, content, code=1).stdout
        self.assertIn("2 of 16 pieces are wrong or missing: numbers 3-4", said)
        self.murder("verify", torrent, self.temp_path / "v1")

    def test_content_that_is_not_there_is_an_error(self):
        torrent = self.create(self.make_file("file", 1000), "v1")
        self.assertIn("No such file", self.murder("verify", torrent, self.path("none"), code=1).stderr)


if __name__ == "__main__":
    unittest.main()
