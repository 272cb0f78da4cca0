"""What other users of a host put where murder looks: in a directory for all, such as the default --temp-path."""

import contextlib
import os
import shlex
import stat
import subprocess
import sys
import unittest

from harness import PROGRAM, MurderCase

STRANGER = 54321

HOLD_LOCK = """
import fcntl, os, sys, time
os.setgid(int(sys.argv[2])); os.setuid(int(sys.argv[2]))
file = os.open(sys.argv[1], os.O_RDONLY)
fcntl.flock(file, fcntl.LOCK_EX)
print("locked", flush=True)
time.sleep(600)
"""


@unittest.skipUnless(os.geteuid() == 0, "needs root, to make files of other users")
class Planted(MurderCase):
    def setUp(self):
        super().setUp()
        self.directory.chmod(0o755)
        self.shared = self.path("shared")
        self.shared.mkdir()
        self.shared.chmod(0o1777)
        self.source = self.make_tree()
        self.torrent = self.create(self.source, "v1", "--temp-path", self.shared)
        self.archive = self.shared / "v1.tar.zst"

    def give_away(self, path):
        os.chown(path, STRANGER, STRANGER, follow_symlinks=False)

    def assert_refused(self, text, *arguments):
        result = self.murder(*arguments, code=1, timeout=20)
        self.assertIn(text, result.stderr)
        self.assertEqual(self.processes(), [])

    def peer_here(self, *arguments, **options):
        return self.peer(self.torrent, "--temp-path", self.shared, *arguments, **options)

    @contextlib.contextmanager
    def locked_by_stranger(self, path):
        with subprocess.Popen([sys.executable, "-c", HOLD_LOCK, str(path), str(STRANGER)],
                              stdout=subprocess.PIPE, text=True) as holder:
            try:
                self.assertEqual(holder.stdout.readline(), "locked\n")
                yield
            finally:
                holder.kill()

    def test_what_create_and_peer_write_is_for_us_alone(self):
        self.assertEqual(stat.S_IMODE(self.archive.stat().st_mode), 0o600)
        self.create(self.make_file("app.bin", 1000), "v2", "--temp-path", self.shared)
        self.assertEqual(stat.S_IMODE((self.shared / "v2").stat().st_mode), 0o600)

    def test_a_torrent_of_another_user_is_not_acted_on(self):
        self.give_away(self.torrent)
        self.assert_refused("belongs to another user", "seed", self.torrent, "--background")
        self.assertIn("belongs to another user", self.peer_here(code=1).stderr)
        self.assertFalse(self.path("host", "to").exists())
        # To look at it harms nobody; and where others cannot put files, what is named is meant.
        self.murder("info", self.torrent)
        self.shared.chmod(0o755)
        self.peer_here()

    def test_a_torrent_that_others_may_write_is_not_acted_on(self):
        self.torrent.chmod(0o666)
        self.assert_refused("may be written by others", "seed", self.torrent, "--background")

    def test_a_link_or_a_fifo_for_a_torrent_is_not_acted_on(self):
        moved = self.torrent.rename(self.path("elsewhere.torrent"))
        self.torrent.symlink_to(moved)
        self.assert_refused("symbolic link", "seed", self.torrent, "--background")
        self.torrent.unlink()
        os.mkfifo(self.torrent)
        self.assert_refused("not a regular file", "seed", self.torrent, "--background")

    def test_an_archive_of_another_user_is_neither_served_nor_unpacked(self):
        self.give_away(self.archive)
        self.assert_refused("belongs to another user", "seed", self.torrent, "--background")
        self.assertIn("belongs to another user", self.peer_here(code=1).stderr)

    def test_a_link_at_the_name_of_the_archive_is_not_written_through(self):
        victim = self.path("victim")
        victim.write_bytes(b"")
        self.archive.unlink()
        self.archive.symlink_to(victim)
        self.give_away(self.archive)
        self.assertEqual(self.peer_here(code=1).returncode, 1)
        self.assertEqual(victim.read_bytes(), b"")

    def test_where_everybody_may_exchange_files_no_archive_is_kept(self):
        self.shared.chmod(0o777)
        self.assertIn("sticky bit", self.peer_here(code=1).stderr)

    def test_a_file_is_not_written_through_the_link_of_another_user(self):
        torrent = self.create(self.make_file("app.bin", 1000), "v2", "--temp-path", self.shared)
        target = self.path("target")
        target.mkdir()
        target.chmod(0o1777)
        victim = self.path("victim")
        victim.write_text("mine")
        (target / "v2").symlink_to(victim)
        self.give_away(target / "v2")
        result = self.murder("peer", torrent, "--temp-path", self.shared, "--to", target, "--seed-for", "0", code=1)
        self.assertIn("symbolic link of another user", result.stderr)
        self.assertEqual(victim.read_text(), "mine")

    def test_a_lock_of_another_user_holds_nothing_up(self):
        self.peer_here("--record")
        releases = self.path("host", "to")
        with self.locked_by_stranger(releases):
            self.murder("activate", "v1", "--to", releases, timeout=15)
        readable = self.make_file("shared/big.bin", 100_000)
        torrent = self.create(readable, "big", "--temp-path", self.path("own"))
        with self.locked_by_stranger(readable):
            self.murder("seed", torrent, readable, "--background", timeout=15)

    def test_what_others_left_there_is_not_cleaned(self):
        theirs = self.shared / "v1.tar.gz"
        theirs.write_text("theirs")
        self.give_away(theirs)
        hidden = self.shared / ".v1.tar.zst.murder-0123456789ab"
        hidden.mkdir()
        self.give_away(hidden)
        self.murder("clean", "v1", "--temp-path", self.shared)
        self.assertEqual(sorted(os.listdir(self.shared)), [hidden.name, "v1.tar.gz"])


@unittest.skipUnless(os.geteuid() == 0, "needs root, to mount")
class Overlay(MurderCase):
    def test_a_directory_of_a_lower_layer_is_replaced(self):
        torrent = self.create(self.make_tree(), "v1")
        for name in ("lower/v1/sub", "upper", "work", "merged", "layers"):
            self.path(name).mkdir(parents=True)
        self.path("lower", "v1", "sub", "old").write_text("old")
        # In a tmpfs, since an overlay does not lie on every file system.
        command = " && ".join([
            f"mount -t tmpfs none {self.path('layers')}",
            f"cp -a {self.path('lower')} {self.path('upper')} {self.path('work')} {self.path('layers')}",
            f"mount -t overlay overlay -o redirect_dir=off,lowerdir={self.path('layers/lower')},"
            f"upperdir={self.path('layers/upper')},workdir={self.path('layers/work')} {self.path('merged')}",
            "echo mounted",
            shlex.join([PROGRAM, "peer", str(torrent), "--temp-path", str(self.temp_path), "--seed-for", "0",
                        "--to", str(self.path("merged")), "--unsafe-please-delete"]),
            f"{sys.executable} -c \"import os; print(sorted(os.listdir('{self.path('merged')}')), "
            f"sorted(os.listdir('{self.path('merged/v1')}')))\"",
        ])
        result = subprocess.run(["unshare", "-m", "sh", "-c", command], capture_output=True, text=True,
                                env=self.environment, timeout=60, check=False)
        if "mounted" not in result.stdout:
            self.skipTest(f"no overlay can be mounted here: {result.stderr}")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("cannot be replaced in one step", result.stderr)
        self.assertIn("['v1'] ['dangling', 'empty', 'lib', 'nothing', 'run.sh']", result.stdout)


if __name__ == "__main__":
    unittest.main()
