"""A deploy with sign_key: the release is signed on the operator's machine, wherever it is packed."""

import re
import shutil
import subprocess
import unittest

from deploy_case import SMALL_BYTES, DeployCase
from rack_of_hosts.rack import CONTROL


class SigningCase(DeployCase):
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
        content = torrent.read_bytes()
        # What a peer is given has the key of the deploy in a line in front.
        copy.write_bytes(content.partition(b"\n")[2] if content.startswith(b"murder-fleet-1-") else content)
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
        # One at a time: else commands go through a session for each host, and ssh does not see them. Agents are given none.
        said = self.murder("deploy", *words, "--tag", "v1", "--ssh", wrapper, "--forks", "1", "--no-coordinate")
        return said, given

    def torrent_on(self, host):
        return self.rack.files_of(host) / "tmp" / "v1.tar.zst.torrent"


@unittest.skipUnless(shutil.which("ssh-keygen"), "needs openssh-client")
class SignedDeploy(SigningCase):
    HOST_COUNT = 3

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


@unittest.skipUnless(shutil.which("ssh-keygen"), "needs openssh-client")
class HostsThatTrust(SigningCase):
    """Each host has a list of who may sign."""

    HOST_COUNT = 4

    def setUp(self):
        super().setUp()
        for host in self.hosts:
            # Hosts see the machine's /etc, and no other: in its place comes a copy, in memory.
            self.on(host, "sh", "-c", "test -d /mnt/etc || { mount -t tmpfs none /mnt && cp -a /etc /mnt/etc && "
                    "mount --bind /mnt/etc /etc; }; rm -rf /etc/murder && mkdir /etc/murder")
            self.trust_on(host, self.key)

    def trust_on(self, host, *keys, first="", name="ann"):
        for line in (first, *(f"{name} {self.public(key)}" for key in keys)):
            self.on(host, "sh", "-c", 'echo "$1" >> /etc/murder/allowed_signers', "sh", line)

    def trust_no_longer(self, host):
        self.on(host, "rm", "/etc/murder/allowed_signers")

    def test_a_host_that_trusts_another_key_refuses_and_is_named(self):
        self.trust_no_longer("h03")
        self.trust_on("h03", self.make_key("other"))
        source = self.make_release("build", SMALL_BYTES)
        said = self.murder("deploy", source, "--tag", "v1", code=3)
        self.assertRegex(said.stdout + said.stderr, r"(?s)h03.*is not in the list of allowed signers")
        self.assert_release(source, "/srv/app/v1", ["h01", "h02", "h04"])
        self.assert_no_release("/srv/app/v1", ["h03"])
        self.assert_nothing_left()

    def test_what_is_not_signed_is_taken_by_none(self):
        self.write_config(variables=self.VARIABLES)
        source = self.make_release("build", SMALL_BYTES)
        said = self.murder("deploy", source, "--tag", "v1", code=1)
        self.assertIn("it is not signed", said.stdout + said.stderr)
        self.assert_no_release("/srv/app/v1", self.hosts)

    def test_an_application_is_told_to_the_hosts(self):
        self.write_config(variables=f'{self.VARIABLES}\nsign_key = "key"\napplication = "shop"')
        source = self.make_release("build", SMALL_BYTES)
        self.murder("deploy", source, "--tag", "v1")
        self.assert_release(source, "/srv/app/v1")
        # Task by task, too; and what is signed for another one is taken by none.
        self.copy_to("h01", source, "/srv/build")
        self.murder("fleet", "start-tracker")
        self.murder("fleet", "create-torrent", "tag=v2", "files_path=/srv/build")
        self.murder("fleet", "start-seeding", "tag=v2")
        said = self.murder("fleet", "peer", "tag=v2", "--app", "bank", code=1)
        self.assertIn("it was signed for shop", said.stdout + said.stderr)
        self.murder("fleet", "peer", "tag=v2")
        self.assert_release(source, "/srv/app/v2")
        for task in ("stop-seeding", "stop-peering"):
            self.murder("fleet", task, "tag=v2")
        self.murder("fleet", "stop-tracker")

    def test_two_of_two(self):
        """A deploy signs with one key; with two demanded, a torrent that both signed goes task by task."""
        other = self.make_key("other")
        for host in self.hosts:
            self.trust_on(host, other, first="# murder: require = 2", name="ben")
        source = self.make_release("build", SMALL_BYTES)
        said = self.murder("deploy", source, "--tag", "v1", code=1)
        self.assertIn("1 of 2 required keys signed it", said.stdout + said.stderr)
        self.copy_to("h01", source, "/srv/build")
        self.murder("fleet", "start-tracker")
        self.murder("fleet", "create-torrent", "tag=v1", "files_path=/srv/build")
        here = self.rack.files_of(CONTROL) / "tmp" / "v1.tar.zst.torrent"
        self.murder("sign", "v1", "--key", "other")
        self.assertTrue(here.exists())
        self.murder("fleet", "start-seeding", "tag=v1")
        self.murder("fleet", "peer", "tag=v1")
        self.assert_release(source, "/srv/app/v1")
        for task in ("stop-seeding", "stop-peering"):
            self.murder("fleet", task, "tag=v1")
        self.murder("fleet", "stop-tracker")


if __name__ == "__main__":
    unittest.main()
