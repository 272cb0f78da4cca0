"""A deploy with sign_key: the release is signed on the operator's machine, wherever it is packed."""

import re
import shutil
import subprocess
import unittest

from deploy_case import SMALL_BYTES, DeployCase
from rack_of_hosts.rack import CONTROL


@unittest.skipUnless(shutil.which("ssh-keygen"), "needs openssh-client")
class SignedDeploy(DeployCase):
    HOST_COUNT = 3

    def setUp(self):
        super().setUp()
        self.key = self.make_key("key")
        self.allowed = self.directory / "allowed_signers"
        self.allowed.write_text(f"ann {self.public(self.key)}\n")
        self.write_config(variables=f'{self.VARIABLES}\nsign_key = "key"')

    def make_key(self, name):
        path = self.directory / name
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", path], check=True, timeout=60)
        return path

    def public(self, key):
        return " ".join((self.directory / f"{key.name}.pub").read_text().split()[:2])

    def assert_signed(self, torrent, serial=None):
        """By this key, whoever holds the torrent."""
        copy = self.directory / "copy.torrent"
        shutil.copy(torrent, copy)
        shutil.rmtree(f"{copy}.sig", ignore_errors=True)
        told = self.murder_json("verify", copy, "--signed", "--allowed-signers", self.allowed)
        self.assertEqual([each["name"] for each in told["signed"]["signers"]], ["ann"])
        if serial is not None:
            self.assertEqual(told["signed"]["statement"]["serial"], serial)
        return told["signed"]["statement"]

    def watched_deploy(self, *words):
        """A deploy, and a file with the torrent that a peer was given."""
        given = self.directory / "given.torrent"
        wrapper = self.directory / "watching-ssh"
        wrapper.write_text(f'#!/bin/sh\ncase "$*" in *"/murder peer"*) tee {given} | ssh "$@";; *) exec ssh "$@";; esac\n')
        wrapper.chmod(0o755)
        said = self.murder("deploy", *words, "--tag", "v1", "--ssh", wrapper)
        return said, given

    def torrent_on(self, host):
        return self.rack.files_of(host) / "tmp" / "v1.tar.zst.torrent"

    def test_what_is_packed_here(self):
        source = self.make_release("build", SMALL_BYTES)
        said, given = self.watched_deploy(source, "--serial", "7")
        self.assertRegex(said.stderr, r"packed .*; signed by ssh-ed25519 SHA256:\S+, serial 7")
        self.assert_release(source, "/srv/app/v1")
        statement = self.assert_signed(given, serial=7)
        self.assertEqual((statement["tag"], statement["application"]), ("v1", None))
        self.assert_nothing_left()

    def test_what_is_packed_on_the_seeder_is_signed_here(self):
        source = self.make_release("build", SMALL_BYTES)
        self.copy_to("h01", source, "/srv/build")
        said, given = self.watched_deploy("/srv/build", "--on-seeder")
        self.assertIn("signed by ssh-ed25519", said.stderr)
        self.assert_release(source, "/srv/app/v1")
        self.assert_signed(given)
        self.assert_nothing_left()

    def test_another_key_for_once(self):
        source = self.make_release("build", SMALL_BYTES)
        other = self.make_key("other")
        self.allowed.write_text(f"ann {self.public(other)}\n")
        self.assert_signed(self.watched_deploy(source, "--sign", "other")[1])

    def test_a_key_that_cannot_be_used_is_known_before_a_host_is_touched(self):
        source = self.make_release("build", SMALL_BYTES)
        self.write_config(variables=f'{self.VARIABLES}\nsign_key = "nothing"')
        said = self.murder("deploy", source, "--tag", "v1", code=1)
        self.assertIn("cannot read the key", said.stderr)
        self.assert_no_release("/srv/app", self.hosts)
        self.write_config(variables=self.VARIABLES)
        self.assertIn("--sign", self.murder("deploy", source, "--tag", "v1", "--expires", "1d", code=2).stderr)

    def test_when_it_is_not_signed_nothing_is_deployed(self):
        source = self.make_release("build", SMALL_BYTES)
        (self.directory / "key").write_text("not a key any more")
        said = self.murder("deploy", source, "--tag", "v1", code=1)
        self.assertIn("ssh-keygen does not sign with key", said.stdout + said.stderr)
        self.assert_no_release("/srv/app/v1", self.hosts)
        self.assert_nothing_left()

    def test_create_torrent_signs_and_puts_it_back(self):
        source = self.make_release("build", SMALL_BYTES)
        self.copy_to("h01", source, "/srv/build")
        self.murder("fleet", "distribute-files")
        self.murder("fleet", "create-torrent", "tag=v1", "files_path=/srv/build", "--serial", "9")
        here = self.rack.files_of(CONTROL) / "tmp" / "v1.tar.zst.torrent"
        self.assert_signed(here, serial=9)
        self.assertTrue(here.with_name(f"{here.name}.sig").read_text().startswith("murder-release 1\n"))
        self.assertEqual(self.torrent_on("h01").read_bytes(), here.read_bytes())
        self.assert_signed(self.torrent_on("h01"))
        here.unlink()
        self.murder("fleet", "download-torrent", "tag=v1")
        self.assert_signed(here)
        self.murder("fleet", "clean-temp-files", "tag=v1")
        self.assertEqual([path for path in self.temporary_files("h01") if re.search("v1", path)], [])


if __name__ == "__main__":
    unittest.main()
