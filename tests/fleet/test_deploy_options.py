"""What `murder deploy` is told of a tree, and passes on to who packs it and to the hosts."""

import os
import shutil
import stat
import unittest

from deploy_case import DeployCase

SMALL_BYTES = 400_000


class DeployOptions(DeployCase):
    HOST_COUNT = 2

    def source(self):
        source = self.make_release("build", SMALL_BYTES)
        (source / ".gitignore").write_text("x")
        (source / "-dash $HOME").write_text("left out")
        (source / "set-id").write_text("x")
        (source / "set-id").chmod(0o4755)
        try:
            os.setxattr(source / "set-id", "user.origin", b"here")
        except OSError:
            self.skipTest("no extended attributes here")
        return source

    def assert_arrived(self, mode, owner, attributes, git, tag="v1"):
        for host in self.hosts:
            release = self.rack.files_of(host) / "srv" / "app" / tag
            file = release / "set-id"
            self.assertEqual(stat.S_IMODE(file.stat().st_mode), mode)
            self.assertEqual(file.stat().st_uid, owner)
            self.assertEqual(os.listxattr(file), attributes)
            self.assertFalse((release / "-dash $HOME").exists())
            self.assertEqual((release / ".gitignore").exists(), git)

    def test_what_is_not_asked_for_is_left_out_and_told(self):
        result = self.murder("deploy", self.source(), "--tag", "v1", "--exclude=-dash*")
        self.assert_arrived(0o755, 0, [], False)
        self.assertIn("1 extended attributes of 1 entries", result.stderr)
        self.assertIn("--keep-setid", result.stderr)

    def test_what_is_asked_for_comes_to_all_hosts(self):
        source = self.source()
        for tag, words in (("v1", ()), ("v2", ("--keep-temp-files",)), ("v3", ("--no-coordinate",))):
            with self.subTest(tag):
                told = self.murder_json(
                    "deploy", source, "--tag", tag, "--exclude=-dash $HOME", "--keep-git", "--xattrs", "--keep-setid",
                    "--owner", "1234:1234", "--one-file-system", "--max-unpacked", "10MB", *words)
                self.assertEqual(told["way"], "commands" if tag == "v3" else "coordinator")
                self.assert_arrived(0o4755, 1234, ["user.origin"], True, tag)
                archive = self.rack.files_of("h02") / "tmp" / f"{tag}.tar.zst"
                self.assertEqual(archive.exists(), tag == "v2")
        self.murder("fleet", "clean-temp-files", "tag=v2")
        self.assert_nothing_left()

    def test_what_is_packed_on_the_seeder(self):
        shutil.copytree(self.source(), self.rack.files_of(self.hosts[0]) / "srv" / "source")
        self.murder("deploy", "/srv/source", "--tag", "v1", "--on-seeder", "--exclude=-dash $HOME", "--keep-git")
        self.assert_arrived(0o755, 0, [], True)

    def test_a_limit_that_is_passed_is_named(self):
        source = self.source()
        result = self.murder("deploy", source, "--tag", "v1", "--max-unpacked", "1KB", code=1)
        self.assertIn("--max-unpacked", result.stderr + result.stdout)
        self.murder("deploy", source, "--tag", "v2", "--exclude", "!x", code=2)


if __name__ == "__main__":
    unittest.main()
