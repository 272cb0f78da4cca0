"""What a release keeps of a tree, what it leaves out, and to whom it belongs."""

import json
import os
import socket
import stat
import subprocess
import unittest

from harness import MurderCase
from test_archives import entry
from test_foreign_archives import tar_of
from torrents import Torrent, bdecode, bencode

AS_ROOT = unittest.skipUnless(os.geteuid() == 0, "needs root")


class Kept(MurderCase):
    def pack(self, source, *arguments, tag="v1", code=0):
        """The result of create; what it writes to stderr is in self.warnings."""
        result = self.murder("create", source, "--tag", tag, "--temp-path", self.temp_path, "--json", *arguments, code=code)
        self.warnings = result.stderr
        return json.loads(result.stdout)

    def place(self, *arguments, tag="v1", code=0, **options):
        """DIR/TAG, unpacked from the archive that pack() left."""
        self.placed = self.peer(self.temp_path / f"{tag}.tar.zst.torrent", "--temp-path", self.temp_path, *arguments,
                                code=code, **options)
        return self.path("host", options.get("to", "to"), tag)

    def names(self, root):
        return sorted(os.path.relpath(os.path.join(where, name), root)
                      for where, directories, files in os.walk(root) for name in directories + files)

    def test_parts_of_a_second_are_kept_and_the_same_tree_makes_the_same_bytes(self):
        source = self.make_tree()
        for path in (source / "run.sh", source / "lib", source / "dangling", source):
            os.utime(path, ns=(0, 1_600_000_000_123_456_789), follow_symlinks=False)
        os.utime(source / "nothing", ns=(0, -1))
        first = self.pack(source)
        target = self.place()
        for name in ("run.sh", "lib", "dangling", ".", "nothing", "lib/deep/data"):
            self.assertEqual((target / name).lstat().st_mtime_ns, (source / name).lstat().st_mtime_ns, name)
        self.assertEqual(self.pack(target, tag="v2")["entries"], first["entries"])
        archives = [(self.temp_path / f"{tag}.tar.zst").read_bytes() for tag in ("v1", "v2")]
        self.assertEqual(archives[0], archives[1])

    def test_patterns_leave_out(self):
        source = self.path("source")
        for name in ("src/main.c", "src/main.o", "node_modules/x/y", "web/node_modules/z", "build/out", "web/build/kept",
                     "notes.tmp/file", ".gitignore", "src/.git/config"):
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            (source / name).write_text("x")
        self.pack(source, "--exclude", "*.o", "--exclude", "node_modules", "--exclude", "/build", "--exclude=*.tmp/")
        self.assertEqual(self.names(self.place()), ["src", "src/main.c", "web", "web/build", "web/build/kept"])
        self.pack(source, "--keep-git", "--exclude=web", "--exclude=**/x/**", tag="v2")
        self.assertEqual(self.names(self.place(tag="v2")), [
            ".gitignore", "build", "build/out", "node_modules", "node_modules/x", "notes.tmp", "notes.tmp/file", "src",
            "src/.git", "src/.git/config", "src/main.c", "src/main.o"])
        for wrong in ("!x", "../x", "/"):
            result = self.murder("create", source, "--tag", "v3", "--exclude", wrong, code=2)
            self.assertIn("pattern" if wrong != "../x" else "leads out", result.stderr)

    def test_all_fifos_and_devices_are_named_at_once(self):
        source = self.make_tree()
        os.mkfifo(source / "pipe")
        os.mkfifo(source / "lib" / "other pipe")
        with socket.socket(socket.AF_UNIX) as bound:
            bound.bind(str(source / "sock"))
        result = self.murder("create", source, "--tag", "v1", "--temp-path", self.temp_path, code=1)
        for text in ("pipe is a fifo", "lib/other pipe is a fifo", "sock is a socket", "--exclude"):
            self.assertIn(text, result.stderr)
        self.pack(source, "--exclude", "*pipe")
        self.assertIn("sock is a socket, and left out", self.warnings)
        self.assertNotIn("sock", self.names(self.place()))

    @AS_ROOT
    def test_one_file_system(self):
        source = self.make_tree()
        mounted = source / "empty"
        if subprocess.run(["mount", "-t", "tmpfs", "none", mounted], capture_output=True).returncode != 0:
            self.skipTest("cannot mount")
        self.addCleanup(subprocess.run, ["umount", mounted], check=True)
        (mounted / "elsewhere").write_text("x")
        self.pack(source, "--one-file-system")
        self.assertIn("what lies in", self.warnings)
        self.assertEqual(os.listdir(self.place() / "empty"), [])
        self.pack(source, tag="v2")
        self.assertEqual(os.listdir(self.place(tag="v2") / "empty"), ["elsewhere"])

    def test_extended_attributes(self):
        source = self.make_tree()
        try:
            os.setxattr(source / "run.sh", "user.origin", b"a\0b")
        except OSError:
            self.skipTest("no extended attributes here")
        os.setxattr(source / "lib", "user.origin", b"directory")
        self.pack(source)
        self.assertIn("2 extended attributes of 2 entries", self.warnings)
        self.pack(source, "--xattrs", "--force")
        self.assertNotIn("extended", self.warnings)
        target = self.place("--xattrs")
        self.assertEqual(os.getxattr(target / "run.sh", "user.origin"), b"a\0b")
        self.assertEqual(os.getxattr(target / "lib", "user.origin"), b"directory")
        plain = self.place(to="plain")
        self.assertEqual(os.listxattr(plain / "run.sh"), [])
        self.assertIn("--xattrs keeps them", self.placed.stderr)
        # GNU tar knows them as well.
        out = self.path("tar")
        out.mkdir()
        subprocess.run(["tar", "--xattrs", "-C", out, "-xf", self.temp_path / "v1.tar.zst"], check=True)
        self.assertEqual(os.getxattr(out / "run.sh", "user.origin"), b"a\0b")
        # And we know its.
        data = subprocess.run(["tar", "--xattrs", "-C", source, "-cf", "-", "."], capture_output=True, check=True).stdout
        torrent = Torrent("gnu.tar", data)
        torrent.write_content(self.temp_path)
        self.peer(torrent.write(self.directory), "--temp-path", self.temp_path, "--xattrs")
        self.assertEqual(os.getxattr(self.path("host", "to", "gnu", "run.sh"), "user.origin"), b"a\0b")

    @AS_ROOT
    def test_capabilities_and_access_lists(self):
        source = self.make_tree()
        capability = bytes.fromhex("0100000200040000000000000000000000000000")
        access = bytes.fromhex("0200000001000600ffffffff02000400d204000004000400ffffffff10000400ffffffff20000000ffffffff")
        try:
            os.setxattr(source / "run.sh", "security.capability", capability)
            os.setxattr(source / "lib", "system.posix_acl_default", access)
            os.setxattr(source / "nothing", "system.posix_acl_access", access)
        except OSError:
            self.skipTest("no capabilities or access lists here")
        self.pack(source, "--xattrs")
        target = self.place("--xattrs", "--owner", "1234:4321")
        self.assertEqual(os.getxattr(target / "run.sh", "security.capability"), capability)
        self.assertEqual(os.getxattr(target / "lib", "system.posix_acl_default"), access)
        self.assertEqual(os.getxattr(target / "nothing", "system.posix_acl_access"), access)
        self.assertEqual((target / "run.sh").stat().st_uid, 1234)

    @AS_ROOT
    def test_the_owner(self):
        source = self.make_tree()
        self.pack(source)
        target = self.place("--owner", "nobody:1234")
        nobody = int(subprocess.run(["id", "-u", "nobody"], capture_output=True, check=True).stdout)
        for path in (target, target / "lib", target / "lib" / "deep" / "data", target / "dangling"):
            self.assertEqual((path.lstat().st_uid, path.lstat().st_gid), (nobody, 1234), path)
        self.place("--owner", "no such user", to="other", code=1)
        self.assertIn("there is no user no such user", self.placed.stderr)
        (self.path("file")).write_text("file")
        self.murder("create", self.path("file"), "--tag", "file", "--temp-path", self.temp_path)
        self.peer(self.temp_path / "file.torrent", "--temp-path", self.temp_path, "--to-is-directory", "--owner=1234")
        self.assertEqual(self.path("host", "to", "file").stat().st_uid, 1234)

    def test_set_id_bits_are_left_off(self):
        source = self.make_tree()
        (source / "run.sh").chmod(0o4755)
        (source / "empty").chmod(0o2755)
        self.pack(source)
        self.assertIn("lib/same-file is set-id (mode 4755)", self.warnings)
        target = self.place()
        self.assertEqual(stat.S_IMODE((target / "run.sh").stat().st_mode), 0o755)
        self.assertEqual(stat.S_IMODE((target / "empty").stat().st_mode), 0o755)
        target = self.place("--keep-setid", to="kept")
        self.assertEqual(stat.S_IMODE((target / "run.sh").stat().st_mode), 0o4755)
        self.assertEqual(stat.S_IMODE((target / "empty").stat().st_mode), 0o2755)

    @AS_ROOT
    def test_the_group_of_a_set_group_id_directory(self):
        self.pack(self.make_tree())
        parent = self.path("host", "to")
        parent.mkdir(parents=True)
        os.chown(parent, 0, 1234)
        parent.chmod(0o2775)
        target = self.place()
        # As tar --no-same-owner and cp do.
        by_cp = parent / "cp"
        subprocess.run(["cp", "-r", self.path("source"), by_cp], check=True)
        for name in ("", "lib", "lib/deep", "lib/deep/data", "run.sh"):
            self.assertEqual((target / name).stat().st_gid, 1234, name)
            self.assertEqual((target / name).stat().st_mode, (by_cp / name).stat().st_mode, name)

    def test_the_torrent_states_what_it_unpacks_to(self):
        source = self.make_tree()
        with open(source / "holes", "wb") as file:
            file.truncate(50_000_000)
        created = self.pack(source)
        torrent = self.temp_path / "v1.tar.zst.torrent"
        info = self.murder_json("info", torrent)
        data_bytes = sum(os.path.getsize(source / name) for name in ("run.sh", "lib/ümläut 中", "lib/deep/data"))
        entries = 1 + len([name for name in self.names(source) if not name.startswith(".git")])
        self.assertEqual((info["unpacked_bytes"], info["unpacked_entries"]), (data_bytes, entries))
        self.assertEqual((created["unpacked_bytes"], created["unpacked_entries"]), (data_bytes, entries))
        self.assertIn("unpacked", self.murder("info", torrent).stdout)
        self.assertNotIn(b"unpacked bytes", bdecode(torrent.read_bytes())[b"info"])
        self.place()

    def test_an_archive_that_unpacks_to_more_than_is_right_is_refused(self):
        bomb = tar_of(entry("zeros", data=bytes(40_000_000)))
        raw = subprocess.run(["zstd", "-q", "-c"], input=bomb, capture_output=True, check=True).stdout
        torrent = Torrent("bomb.tar.zst", raw)
        torrent.write_content(self.temp_path)
        path = torrent.write(self.directory)
        result = self.peer(path, "--temp-path", self.temp_path, code=1)
        self.assertIn("--max-unpacked", result.stderr)
        self.peer(path, "--temp-path", self.temp_path, "--max-unpacked", "0", to="all")
        # What the torrent states counts, be it more than usual or less.
        whole = bdecode(path.read_bytes())
        for stated, code in ((40_000_000, 0), (39_000_000, 1)):
            path.write_bytes(bencode({**whole, b"unpacked bytes": stated, b"unpacked entries": 1}))
            self.peer(path, "--temp-path", self.temp_path, to=f"stated{stated}", code=code)

    def test_a_tree_of_a_thousand_levels_arrives_and_a_deeper_one_is_refused_when_packed(self):
        source = self.path("source")
        source.mkdir()
        at = os.open(source, os.O_RDONLY)
        for level in range(1001):
            os.mkdir("d", dir_fd=at)
            below = os.open("d", os.O_RDONLY, dir_fd=at)
            os.close(at)
            at = below
            if level == 999:
                self.pack(source)
        os.close(at)
        self.assertIn("1000 levels", self.murder("create", source, "--tag", "v2", "--temp-path", self.temp_path, code=1).stderr)
        self.place()
        depth = subprocess.run(["find", self.path("host", "to", "v1"), "-printf", "%d\n"], capture_output=True, text=True)
        self.assertEqual(max(map(int, depth.stdout.split())), 1000)
        subprocess.run(["rm", "-rf", source, self.path("host")], check=True)


if __name__ == "__main__":
    unittest.main()
