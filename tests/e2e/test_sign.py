"""Releases are signed on the operator's machine: create --sign, sign, verify --signed, key."""

import datetime
import hashlib
import json
import os
import pathlib
import resource
import shutil
import stat
import unittest

from harness import least_address_space_kib
from ssh_case import SignCase
from torrents import bdecode, bencode


class Statements(SignCase):
    def setUp(self):
        super().setUp()
        self.key = self.make_key("key")
        self.allow(f"ann@example.net {self.public(self.key)}")

    def test_what_is_signed(self):
        plain = bdecode(self.torrent.read_bytes())
        signed = json.loads(self.sign("--key", self.key, "--app", "shop", "--serial", 7, "--expires", "30d", "--json").stdout)
        torrent = bdecode(self.torrent.read_bytes())
        self.assertEqual(bencode(torrent[b"info"]), bencode(plain[b"info"]))
        self.assertEqual({key: value for key, value in torrent.items() if key != b"signed release"}, plain)
        content = self.archive.read_bytes()
        said = self.statement()
        self.assertEqual(said["application"], "shop")
        self.assertEqual(said["tag"], "v1")
        self.assertEqual(said["info-hash"], hashlib.sha1(bencode(plain[b"info"])).hexdigest())
        self.assertEqual(said["sha256"], hashlib.sha256(content).hexdigest())
        self.assertEqual(said["size"], str(len(content)))
        self.assertEqual(said["serial"], "7")
        life = (datetime.datetime.fromisoformat(said["expires"].rstrip("Z"))
                - datetime.datetime.fromisoformat(said["time"].rstrip("Z")))
        self.assertEqual(life, datetime.timedelta(days=30))
        self.assertEqual(signed["statement"]["sha256"], said["sha256"])
        told = self.murder_json("info", self.torrent)["signed"]
        self.assertEqual((told["statement"], told["signatures"]), (signed["statement"], 1))
        self.assertRegex(self.murder("info", self.torrent).stdout, r"(?m)^signed +1 signature, serial 7, application shop, ")
        self.assertEqual(signed["signer"]["fingerprint"], self.fingerprint(self.key))
        # The file beside it says the same.
        statement, armours = self.split(self.torrent)
        self.assertEqual(statement.encode(), torrent[b"signed release"][b"statement"])
        self.assertEqual(len(armours), 1)

    def test_serials_grow_by_themselves(self):
        self.sign("--key", self.key)
        first = int(self.statement()["serial"])
        self.assertAlmostEqual(first, datetime.datetime.now().timestamp(), delta=600)
        self.sign("--key", self.key, "--renew")
        self.assertGreaterEqual(int(self.statement()["serial"]), first)

    def test_murder_toml_names_key_and_application(self):
        self.path("murder.toml").write_text('[murder]\nsign_key = "~/key"\napplication = "shop/eu"\n')
        self.sign()
        self.assertEqual(self.statement()["application"], "shop/eu")
        self.trust()
        self.sign("--renew", "--app", "other")
        self.assertEqual(self.statement()["application"], "other")
        self.path("murder.toml").write_text('[murder]\napplication = "-x"\n')
        self.assertIn("murder.toml:2", self.sign(code=1).stderr)

    def test_two_sign_one_statement(self):
        second = self.make_key("second", "ecdsa-384")
        self.allow("# murder: require = 2", f"ann {self.public(self.key)}", f"bob {self.public(second)}")
        self.sign("--key", self.key)
        statement = self.statement()
        self.assertIn("1 of 2 required keys signed it", self.trust(code=1).stderr)
        self.sign("--key", self.key)  # the same key takes its own place
        self.assertIn("1 of 2 required keys signed it", self.trust(code=1).stderr)
        self.sign("--key", second)
        self.assertEqual(self.statement(), statement)
        self.trust()
        self.ssh_verifies(self.torrent, principal="ann", number=0)
        self.ssh_verifies(self.torrent, principal="bob", number=1)
        self.assertIn("--renew", self.sign("--key", self.key, "--serial", 9, code=2).stderr)
        self.sign("--key", self.key, "--serial", 9, "--renew")
        self.assertEqual(self.statement()["serial"], "9")
        self.assertIn("1 of 2 required keys signed it", self.trust(code=1).stderr)

    def test_a_second_signer_does_not_sign_other_content(self):
        self.sign("--key", self.key)
        content = bytearray(self.archive.read_bytes())
        content[-1] ^= 1
        self.archive.write_bytes(content)
        refused = self.sign("--key", self.make_key("second"), code=1)
        self.assertIn("the content here is not what was signed", refused.stderr)
        self.archive.unlink()
        self.assertIn("is not checked", self.sign("--key", self.path("second")).stderr)

    def test_without_its_content_nothing_new_is_signed(self):
        self.archive.rename(self.path("elsewhere"))
        self.assertIn("name its path", self.sign("--key", self.key, code=1).stderr)
        self.sign(self.path("elsewhere"), "--key", self.key)
        self.trust()

    def test_a_tag_stands_for_its_torrent(self):
        self.murder("sign", "v1", "--temp-path", self.temp_path, "--key", self.key)
        self.trust()
        self.assertIn("no torrent of v2", self.murder("sign", "v2", "--temp-path", self.temp_path, code=1).stderr)

    def test_the_file_beside_a_torrent_will_do(self):
        plain = self.torrent.read_bytes()
        self.sign("--key", self.key)
        self.torrent.write_bytes(plain)
        self.trust()
        self.murder("verify", self.torrent, "--signed", "--allowed-signers", self.allowed)
        # Of another torrent it is worth nothing.
        (self.source / "file").write_text("other content")
        other = self.create(self.source, "v2")
        shutil.copy(f"{self.torrent}.sig", f"{other}.sig")
        refused = self.murder("verify", other, "--signed", "--allowed-signers", self.allowed, code=1)
        self.assertIn("what was signed is another torrent", refused.stdout)

    def test_clean_removes_it(self):
        self.sign("--key", self.key)
        self.murder("clean", "v1", "--temp-path", self.temp_path)
        self.assertEqual(os.listdir(self.temp_path), [])


class Creating(SignCase):
    def setUp(self):
        super().setUp()
        self.key = self.make_key("key")
        self.allow(f"ann@example.net {self.public(self.key)}")

    def test_create_signs(self):
        for arguments in (["--format", "tar.zst"], ["--format", "tar"], ["--no-sync"]):
            with self.subTest(arguments=arguments):
                made = self.murder_json("create", self.source, "--tag", "v2", "--temp-path", self.temp_path, "--force",
                                        "--sign", self.key, "--app", "shop", *arguments)
                self.torrent = pathlib.Path(made["torrent"])
                content = pathlib.Path(made["archive"]).read_bytes()
                self.assertEqual(made["signed"]["statement"]["sha256"], hashlib.sha256(content).hexdigest())
                self.assertEqual(self.statement()["application"], "shop")
                self.murder("verify", self.torrent, "--signed", "--allowed-signers", self.allowed)
                self.ssh_verifies(self.torrent)

    def test_a_file_and_an_empty_release(self):
        for name, content in (("one", b"x" * 70000), ("none", b"")):
            with self.subTest(name=name):
                self.path(name).write_bytes(content)
                made = self.murder_json("create", self.path(name), "--tag", f"f-{name}", "--temp-path", self.temp_path,
                                        f"--sign={self.key}")
                self.assertEqual(made["signed"]["statement"]["sha256"], hashlib.sha256(content).hexdigest())
                self.murder("verify", made["torrent"], "--signed", "--allowed-signers", self.allowed)

    def test_the_key_may_be_left_out(self):
        self.start_agent()
        self.add_to_agent(self.key)
        made = self.murder_json("create", self.source, "--tag", "v2", "--temp-path", self.temp_path, "--sign")
        self.murder("verify", made["torrent"], "--signed", "--allowed-signers", self.allowed)

    def test_the_info_hash_is_that_of_an_unsigned_one(self):
        signed = self.murder_json("create", self.source, "--tag", "v1", "--temp-path", self.path("other"), "--sign",
                                  self.key)
        self.assertEqual(signed["info_hash"], self.murder_json("info", self.torrent)["info_hash"])

    def test_what_cannot_sign_is_known_before_anything_is_packed(self):
        refused = self.murder("create", self.source, "--tag", "v2", "--temp-path", self.temp_path, "--sign",
                              self.path("nothing"), code=1)
        self.assertIn("cannot read the key", refused.stderr)
        self.assertFalse((self.temp_path / "v2.tar.zst").exists())
        refused = self.murder("create", self.source, "--tag", "v2", "--temp-path", self.temp_path, "--sign", code=1)
        self.assertIn("no ssh-agent can be asked", refused.stderr)
        refused = self.murder("create", self.source, "--tag", "v2", "--temp-path", self.temp_path, "--serial", 3, code=2)
        self.assertIn("--sign", refused.stderr)

    def test_when_signing_fails_the_release_is_there(self):
        self.path("garbage").write_text("not a key")
        refused = self.murder("create", self.source, "--tag", "v2", "--temp-path", self.temp_path, "--sign",
                              self.path("garbage"), code=1)
        self.assertIn("v2 is made, and not signed: ssh-keygen does not sign with", refused.stderr)
        self.assertTrue((self.temp_path / "v2.tar.zst.torrent").exists())
        self.murder("sign", "v2", "--temp-path", self.temp_path, "--key", self.key)

    def test_a_new_torrent_has_no_signatures_of_the_old_one(self):
        self.sign("--key", self.key)
        self.create(self.source, "v1", "--force")
        self.assertFalse(self.path(f"{self.torrent}.sig").exists())


class Verifying(SignCase):
    def setUp(self):
        super().setUp()
        self.key = self.make_key("key")
        self.allow(f"ann@example.net {self.public(self.key)}")
        self.sign("--key", self.key)

    def verify(self, *arguments, code=0):
        return self.murder("verify", self.torrent, *arguments, "--signed", "--allowed-signers", self.allowed, code=code)

    def test_right(self):
        said = self.verify(self.archive)
        self.assertIn(f"signed by ann@example.net (ssh-ed25519 {self.fingerprint(self.key)})", said.stdout)
        self.assertIn("and it is what was signed", said.stdout)
        told = json.loads(self.verify("--json").stdout)
        self.assertTrue(told["signed"]["trusted"])
        self.assertTrue(told["complete"])
        self.assertEqual(told["signed"]["signers"][0]["fingerprint"], self.fingerprint(self.key))

    def test_without_the_content(self):
        self.archive.unlink()
        self.assertIn("the content is not here", self.verify().stderr)

    def test_a_path_is_needed_otherwise(self):
        self.assertIn("PATH is required", self.murder("verify", self.torrent, code=2).stderr)

    def test_other_content(self):
        content = bytearray(self.archive.read_bytes())
        content[-1] ^= 1
        self.archive.write_bytes(content)
        self.assertIn("pieces is wrong", self.verify(code=1).stdout)

    def test_content_of_the_same_pieces_that_was_not_signed(self):
        torrent = bdecode(self.torrent.read_bytes())
        text = torrent[b"signed release"][b"statement"].decode()
        sha256 = self.statement()["sha256"]
        other = text.replace(sha256, sha256[::-1])
        armour = self.openssh("ssh-keygen", "-q", "-Y", "sign", "-n", "murder-release", "-f", self.key, input=other).stdout
        del torrent[b"signed release"]
        self.torrent.write_bytes(bencode(torrent))
        self.path(f"{self.torrent}.sig").write_text(other + armour)
        said = self.verify(code=1)
        self.assertIn("but it is not what was signed: its SHA-256 is", said.stdout)

    def test_strangers(self):
        self.allow(f"bob {self.public(self.make_key('bob'))}")
        said = self.verify(code=1)
        self.assertIn("is not in the list of allowed signers", said.stdout)
        told = json.loads(self.verify("--json", code=1).stdout)
        self.assertFalse(told["signed"]["trusted"])
        self.allowed.unlink()
        self.assertIn("nobody is trusted to sign", self.verify(code=1).stderr)

    def test_unsigned(self):
        self.create(self.source, "v1", "--force")
        self.assertIn("it is not signed", self.verify(code=1).stdout)

    def test_flipped_statements(self):
        torrent = bdecode(self.torrent.read_bytes())
        text = torrent[b"signed release"][b"statement"]
        for old, new in ((b"tag v1", b"tag v2"), (b"murder-release 1", b"murder-release 2"), (b"serial 1", b"serial 2")):
            changed = {**torrent, b"signed release": {**torrent[b"signed release"], b"statement": text.replace(old, new)}}
            self.torrent.write_bytes(bencode(changed))
            with self.subTest(old=old):
                self.verify(code=1)

    def test_expired(self):
        self.sign("--key", self.key, "--renew", "--expires", "1d")
        self.trust()
        later = (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=2)).strftime("%Y-%m-%dT%H:%M:%SZ")
        self.assertIn("it expired at", self.trust("--at", later, code=1).stderr)


class Rotation(SignCase):
    """As docs/deploying.md tells it."""

    def test_a_key_is_added_changed_and_revoked(self):
        old, new = self.make_key("old"), self.make_key("new", "ecdsa-256")
        listed = ["--allowed-signers", self.allowed]
        self.assertIn("takes releases that nobody signed", self.murder("key", "list", *listed).stdout)
        added = self.murder("key", "add", "ann@example.net", f"{old}.pub", *listed)
        self.assertIn(self.fingerprint(old), added.stdout)
        self.assertIn("refuses releases that nobody of it signed", added.stderr)
        self.assertEqual(stat.S_IMODE(self.allowed.stat().st_mode), 0o644)
        self.sign("--key", old)
        self.trust()
        # Rotation: both are trusted for a while.
        self.murder("key", "add", "ann@example.net", f"{new}.pub", *listed)
        self.trust()
        self.sign("--key", new, "--renew")
        self.trust()
        self.assertIn(self.fingerprint(new), self.murder("key", "list", *listed).stdout)
        # Revocation: the line goes.
        lines = self.allowed.read_text().splitlines()
        self.allow(*[line for line in lines if self.public(old).split()[1] not in line])
        self.trust()
        self.sign("--key", old, "--renew")
        self.assertIn("is not in the list of allowed signers", self.trust(code=1).stderr)
        # Or it gets an end.
        self.allow(f"ann valid-before=\"20200101Z\" {self.public(old)}")
        self.assertIn("was allowed until 2020-01-01T00:00:00Z", self.trust(code=1).stderr)
        self.assertIn("expired", self.murder("key", "list", *listed).stdout)

    def test_what_is_there_stays(self):
        key = self.make_key("key")
        self.allowed.write_text("# murder: require = 2\n# a comment\nnonsense")
        self.murder("key", "add", "ann", f"{key}.pub", "--allowed-signers", self.allowed, "--valid-before", "20991231Z")
        self.assertEqual(self.allowed.read_text(), "# murder: require = 2\n# a comment\nnonsense\n"
                         f"ann namespaces=\"murder-release\",valid-before=\"20991231Z\" {self.public(key)} key\n")
        told = self.murder_json("key", "list", "--allowed-signers", self.allowed)
        self.assertEqual((told["required"], len(told["signers"]), told["faults"][0]["line"]), (2, 1, 3))
        again = self.murder("key", "add", "bob", f"{key}.pub", "--allowed-signers", self.allowed, code=1)
        self.assertIn("has this key already, as ann", again.stderr)

    def test_what_is_added_can_be_read_again(self):
        key = self.make_key("key")
        for arguments, expected in (
                (["an n", f"{key}.pub"], "no blanks"), (["ann", key], "private key"), (["#ann", f"{key}.pub"], "no #"),
                (["ann", self.torrent], "cannot be added|larger|more than one line"),
                (["ann", f"{key}.pub", "--valid-before", "tomorrow"], "not a time")):
            with self.subTest(arguments=arguments):
                refused = self.murder("key", "add", *arguments, "--allowed-signers", self.allowed, code=1)
                self.assertRegex(refused.stderr, expected)
                self.assertFalse(self.allowed.exists())
        self.allowed.write_text("# murder: require = two\n")
        refused = self.murder("key", "add", "ann", f"{key}.pub", "--allowed-signers", self.allowed, code=1)
        self.assertIn("line 1", refused.stderr)

    def test_an_authority(self):
        authority, key = self.make_key("authority"), self.make_key("key")
        certificate = self.make_certificate(authority, key)
        self.murder("key", "add", "*@example.net", f"{authority}.pub", "--cert-authority", "--allowed-signers", self.allowed)
        self.sign("--key", certificate)
        self.trust()
        self.ssh_verifies(self.torrent)

    def test_a_list_that_others_may_write_is_not_used(self):
        key = self.make_key("key")
        self.allow(f"ann {self.public(key)}")
        self.sign("--key", key)
        self.allowed.chmod(0o666)
        self.assertIn(str(self.allowed), self.trust(code=1).stderr)
        self.assertIn(str(self.allowed), self.murder("key", "list", "--allowed-signers", self.allowed, code=1).stderr)
        self.allowed.chmod(0o644)
        self.trust()
        # Nor one that others may put another one in the place of, be it behind a link.
        for place in (self.directory, self.path("etc", "murder")):
            place.mkdir(parents=True, exist_ok=True)
            mode = stat.S_IMODE(place.stat().st_mode)
            shutil.copy(self.allowed, place / "list")
            self.path("link").symlink_to(place / "list")
            place.chmod(0o777)
            for name in (place / "list", self.path("link")):
                said = self.murder("key", "list", "--allowed-signers", name, code=1)
                self.assertIn(f"{place} may be written by others", said.stderr)
            said = self.murder("key", "add", "bob", f"{key}.pub", "--allowed-signers", place / "new", code=1)
            self.assertIn(f"{place} may be written by others", said.stderr)
            place.chmod(mode)
            self.murder("key", "list", "--allowed-signers", self.path("link"))
            self.path("link").unlink()

    def test_a_link_to_nothing_is_not_no_list(self):
        self.allowed.symlink_to(self.path("gone"))
        self.assertIn("leads to no file", self.murder("key", "list", "--allowed-signers", self.allowed, code=1).stderr)


class Failures(SignCase):
    def test_no_ssh_keygen(self):
        key = self.make_key("key")
        self.environment["PATH"] = "/nonexistent"
        self.assertIn("install openssh-client", self.sign("--key", key, code=1).stderr)
        self.assertIn("install openssh-client", self.sign(code=1).stderr)

    def test_no_agent_and_no_key_in_it(self):
        self.assertIn("no ssh-agent can be asked", self.sign(code=1).stderr)
        self.start_agent()
        self.assertIn("the ssh-agent has no key", self.sign(code=1).stderr)
        key = self.make_key("key")
        self.openssh("ssh-add", "-q", key)
        key.unlink()
        self.sign()
        self.openssh("ssh-add", "-q", "-D")
        self.assertIn("ssh-keygen does not sign with", self.sign("--key", f"{key}.pub", code=1).stderr)

    def test_an_agent_that_refuses(self):
        self.start_agent()
        key = self.make_key("key")
        self.add_to_agent(key, "-c")  # each use is confirmed, and nobody is there to do that
        refused = self.sign("--key", f"{key}.pub", code=1)
        self.assertIn("the ssh-agent refused", refused.stderr)

    def test_a_key_that_hosts_would_not_accept(self):
        self.openssh("ssh-keygen", "-q", "-t", "rsa", "-b", "1024", "-N", "", "-f", self.path("small"))
        refused = self.sign("--key", self.path("small"), code=1)
        self.assertIn("2048 to 16384 are accepted", refused.stderr)
        self.assertNotIn(b"signed release", self.torrent.read_bytes())

    @unittest.skipIf(os.geteuid() == 0, "root reads every file")
    def test_a_key_that_cannot_be_read(self):
        key = self.make_key("key")
        key.chmod(0)
        self.path("key.pub").unlink()
        self.assertIn("cannot read the key", self.sign("--key", key, code=1).stderr)

    def test_little_memory(self):
        """OpenSSL's start under a limit: an error, or the right answer, and no crash."""
        key = self.make_key("key", "rsa")
        self.sign("--key", key)
        self.allow(f"ann {self.public(key)}")
        codes = set()
        least = least_address_space_kib()
        for kib in range(least, least + 48 * 1024, 2048):
            limit = kib * 1024
            said = self.trust(code=None, preexec_fn=lambda most=limit: resource.setrlimit(resource.RLIMIT_AS, (most, most)))
            with self.subTest(kib=kib):
                self.assertIn(said.returncode, (0, 1), said.stderr)
                if said.returncode == 1:
                    self.assertRegex(said.stderr, "memory|ulimit -v")
                codes.add(said.returncode)
        self.assertEqual(codes, {0, 1})

    def test_a_broken_ssh_keygen(self):
        tools = self.path("tools")
        tools.mkdir()
        key = self.make_key("key")
        for script, expected in (
                ("echo nonsense", "cannot be used"), ("exit 0", "cannot be used"), ("kill -9 $$", "does not sign"),
                ("yes", "writes too much"), ("echo 'it is broken' >&2; exit 3", "it is broken")):
            (tools / "ssh-keygen").write_text(f"#!/bin/sh\n{script}\n")
            (tools / "ssh-keygen").chmod(0o755)
            with self.subTest(script=script):
                before = dict(self.environment)
                self.environment["PATH"] = f"{tools}:{before['PATH']}"
                self.assertIn(expected, self.sign("--key", key, code=1).stderr)
                self.environment = before
        self.assertNotIn(b"signed release", self.torrent.read_bytes())


if __name__ == "__main__":
    unittest.main()
