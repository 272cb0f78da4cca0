"""Releases are signed on the operator's machine: create --sign, sign, verify --signed, key. What ssh-keygen signs is
accepted here and the other way round, for every type of key, and both agree about who may sign."""

import datetime
import hashlib
import json
import os
import pathlib
import resource
import shutil
import stat
import unittest

from ssh_case import KEY_TYPES, SshCase
from torrents import bdecode, bencode


class SignCase(SshCase):
    def setUp(self):
        super().setUp()
        self.source = self.path("source")
        self.source.mkdir()
        (self.source / "file").write_text("content")
        self.torrent = self.create(self.source, "v1")
        self.archive = self.torrent.with_suffix("")

    def murder(self, *arguments, **options):
        options.setdefault("cwd", self.directory)
        return super().murder(*arguments, **options)

    def sign(self, *arguments, **options):
        return self.murder("sign", self.torrent, *arguments, **options)

    def trust(self, *arguments, code=0, file=None, **options):
        return self.murder("key", "test", file or self.torrent, "--allowed-signers", self.allowed, *arguments, code=code,
                           **options)

    def statement(self):
        text = bdecode(self.torrent.read_bytes())[b"signed release"][b"statement"].decode()
        return dict(line.split(" ", 1) for line in text.splitlines())


class RoundTrips(SignCase):
    """Each type of key that ssh-keygen can make."""

    def assert_both_accept(self, key, *sign_options, line=None):
        self.allow(line or f"ann@example.net {self.public(key)}")
        self.sign("--renew", *sign_options)
        self.ssh_verifies(self.torrent)
        self.trust()
        self.murder("verify", self.torrent, self.archive, "--signed", "--allowed-signers", self.allowed)

    def test_key_files(self):
        for kind in KEY_TYPES:
            with self.subTest(kind=kind):
                key = self.make_key(kind, kind)
                self.assert_both_accept(key, "--key", key)
                # What ssh-keygen writes is what is written here.
                statement, armours = self.split(self.torrent)
                again = self.openssh("ssh-keygen", "-q", "-Y", "sign", "-n", "murder-release", "-f", key,
                                     input=statement).stdout
                self.assertEqual(again.splitlines()[0], armours[0].splitlines()[0])
                self.assertEqual(list(map(len, again.splitlines()))[:2], list(map(len, armours[0].splitlines()))[:2])
                if kind in ("ed25519", "rsa"):  # the others draw a number
                    self.assertEqual(again, armours[0])

    def test_what_ssh_keygen_signed_is_accepted(self):
        for kind in KEY_TYPES:
            for hash_name in ("sha512", "sha256"):
                with self.subTest(kind=kind, hash=hash_name):
                    key = self.path(kind)
                    if not key.exists():
                        self.make_key(kind, kind)
                        self.sign("--renew", "--key", key)
                    statement, _ = self.split(self.torrent)
                    armour = self.openssh("ssh-keygen", "-q", "-Y", "sign", "-n", "murder-release", "-f", key, "-O",
                                          f"hashalg={hash_name}", input=statement).stdout
                    by_hand = self.path("by-hand.sig")
                    by_hand.write_text(statement + armour)
                    self.allow(f"ann@example.net {self.public(key)}")
                    self.trust(file=by_hand)

    def test_keys_that_only_the_agent_has(self):
        self.start_agent()
        for kind in KEY_TYPES:
            with self.subTest(kind=kind):
                key = self.make_key(kind, kind)
                self.add_to_agent(key)
                self.assert_both_accept(key, "--key", f"{key}.pub")
                self.assert_both_accept(key, "--key", key)  # which is not there, but its .pub is

    def test_the_first_key_of_the_agent(self):
        self.start_agent()
        first, second = self.make_key("first"), self.make_key("second")
        self.add_to_agent(first)
        self.add_to_agent(second)
        self.assert_both_accept(first)
        self.openssh("ssh-add", "-q", "-d", f"{first}.pub")
        self.assert_both_accept(second)

    def test_certificates(self):
        for kind in KEY_TYPES:
            with self.subTest(kind=kind):
                authority = self.make_key(f"authority-{kind}", kind)
                key = self.make_key(kind, kind)
                certificate = self.make_certificate(authority, key, "-V", "-1h:+1h")
                line = f"*@example.net cert-authority {self.public(authority)}"
                self.assert_both_accept(key, "--key", certificate, line=line)

    def test_a_certificate_of_the_agent(self):
        self.start_agent()
        authority, key = self.make_key("authority"), self.make_key("key")
        certificate = self.make_certificate(authority, key)
        self.add_to_agent(key)  # with the certificate beside it
        line = f"*@example.net cert-authority {self.public(authority)}"
        self.assert_both_accept(key, "--key", certificate, line=line)

    def test_a_passphrase_is_asked_by_ssh_keygen(self):
        key = self.make_key("locked", passphrase="open sesame")
        askpass = self.path("askpass")
        askpass.write_text("#!/bin/sh\necho 'open sesame'\n")
        askpass.chmod(0o755)
        self.environment.update(SSH_ASKPASS=str(askpass), SSH_ASKPASS_REQUIRE="force")
        self.assert_both_accept(key, "--key", key)
        askpass.write_text("#!/bin/sh\necho wrong\n")
        refused = self.sign("--renew", "--key", key, code=1)
        self.assertIn("the passphrase is wrong", refused.stderr)


class Agreement(SignCase):
    """About who may sign, this program and ssh-keygen agree."""

    NOON = datetime.datetime(2026, 11, 29, 12, 0, 0, tzinfo=datetime.timezone.utc)

    def setUp(self):
        super().setUp()
        self.key, self.other = self.make_key("key"), self.make_key("other", "ecdsa-256")
        self.sign("--key", self.key)

    def agree(self, text, principal, at, accepted=None):
        self.allowed.write_text(text)
        at_text = at.strftime("%Y%m%d%H%M%SZ")
        by_ssh = self.ssh_verifies(self.torrent, principal=principal, at=at_text, code=None)
        ours = self.trust("--signer", principal, "--at", at_text, code=None)
        with self.subTest(text=text, principal=principal, at=at_text):
            self.assertIn(ours.returncode, (0, 1))
            self.assertEqual(ours.returncode == 0, by_ssh.returncode == 0, f"{ours.stderr}\n{by_ssh.stderr}")
            if accepted is not None:
                self.assertEqual(ours.returncode == 0, accepted, ours.stderr)

    def test_principals(self):
        key = self.public(self.key)
        for patterns in ("ann@example.net", "*", "*@example.net", "ann@*", "?nn@example.net", "bob,ann@example.net",
                         "!ann@example.net,*", "*,!ann@example.net", "!bob,*", "!bob", "bob", "Ann@example.net",
                         "ann@example.net.evil", '"ann@example.net"', 'ann"@example.net"', "ann@example.net,",
                         ",ann@example.net", "x" * 1100 + ",ann@example.net", "*,"):
            for principal in ("ann@example.net", "bob"):
                self.agree(f"{patterns} {key}\n", principal, self.NOON)

    def test_options(self):
        key = self.public(self.key)
        principal = "ann@example.net"
        for options, accepted in (
                ("namespaces=\"murder-release\"", True), ("NameSpaces=\"murder-*\"", True), ("namespaces=\"file\"", False),
                ("namespaces=\"file,murder-release\"", True), ("namespaces=\"*,!murder-release\"", False),
                ("namespaces=\"\"", False), ("namespaces=murder-release", False), ("cert-authority", False),
                ("Cert-Authority", False), ("cert-authorityx", False), ("verify-required", False), ("", True),
                (",", False), ("namespaces=\"murder-release\",", False), (",namespaces=\"murder-release\"", True),
                ("namespaces=\"murder-release\",namespaces=\"x\"", False),
                ("namespaces=\"murder-release\" x", False), ("namespaces=\"a b,murder-release\"", True),
                ("namespaces=\"a\\\"b,murder-release\"", True), ("namespaces=\"murder-release", False)):
            self.agree(f"{principal} {options} {key}\n", principal, self.NOON, accepted)

    def test_times(self):
        key = self.public(self.key)
        principal = "ann@example.net"
        second = datetime.timedelta(seconds=1)
        hour = datetime.timedelta(hours=1)
        for option in ("valid-after=\"20261129Z\"", "valid-before=\"20261129Z\"", "valid-after=\"202611291200Z\"",
                       "valid-before=\"202611291200Z\"", "valid-after=\"20261129120000Z\"",
                       "valid-before=\"20261129120000UTC\"", "valid-before=\"20261129120000utc\"",
                       "valid-after=\"20261129\"", "valid-before=\"202611291200\"", "valid-after=\"20261301Z\"",
                       "valid-after=\"2026\"", "valid-after=\"\"", "valid-before=\"20260231Z\"",
                       "valid-before=\"19700101Z\"", "valid-after=20261129Z",
                       "valid-after=\"20261129Z\",valid-before=\"20261128Z\"",
                       "valid-after=\"20261129Z\",valid-before=\"20261130Z\"",
                       "valid-after=\"20261129Z\",valid-after=\"20261129Z\""):
            for at in (self.NOON - 24 * hour, self.NOON - second, self.NOON, self.NOON + second, self.NOON + 24 * hour):
                self.agree(f"{principal} {option} {key}\n", principal, at)

    def test_times_of_the_time_zone(self):
        key = self.public(self.key)
        for zone in ("UTC-3", "UTC+5", "Europe/Berlin"):
            self.environment["TZ"] = zone
            for hours in range(-6, 7, 2):
                at = self.NOON + datetime.timedelta(hours=hours)
                self.agree(f"ann valid-before=\"202611291200\" {key}\n", "ann", at)
                self.agree(f"ann valid-after=\"20260701\" {key}\n", "ann", at - datetime.timedelta(days=151, hours=12))

    def test_several_lines(self):
        key, other = self.public(self.key), self.public(self.other)
        for text, accepted in (
                (f"ann {other}\nann {key}\n", True), (f"bob {key}\nann {other}\n", False),
                (f"ann namespaces=\"file\" {key}\nann {key}\n", True), (f"# ann {key}\n", False),
                (f"nonsense\nann ssh-ed25519 AAAA\nann {key}\n", True), (f"\n\n  \t{'ann'}\t{key}\t a comment\r\n", True),
                (f"ann {key} # comment", True), ("", False), (f"ann {key[:-4]}\n", False), (f"ann {key}AAAA\n", False),
                (f"ann ssh-rsa {key.split()[1]}\n", False), (f"ann {key.split()[1]}\n", False)):
            self.agree(text, "ann", self.NOON, accepted)

    def test_certificates(self):
        authority = self.make_key("authority", "rsa")
        line = self.public(authority)
        start = self.NOON - datetime.timedelta(hours=1)
        end = self.NOON + datetime.timedelta(hours=1)
        validity = f"{start:%Y%m%d%H%M%S}Z:{end:%Y%m%d%H%M%S}Z"
        certificate = self.make_certificate(authority, self.key, "-V", validity, principals="ann@example.net,root")
        self.sign("--key", certificate, "--renew")
        second = datetime.timedelta(seconds=1)
        for patterns in ("*@example.net", "ann@example.net", "root", "bob@example.net", "*", "!root,*"):
            for principal in ("ann@example.net", "root", "bob@example.net"):
                self.agree(f"{patterns} cert-authority {line}\n", principal, self.NOON)
        for at in (start - second, start, end - second, end):
            self.agree(f"* cert-authority {line}\n", "root", at)
        for text in (f"* {line}\n", f"* {self.public(self.key)}\n", f"* cert-authority {self.public(self.other)}\n",
                     f"* cert-authority,namespaces=\"file\" {line}\n", f"* cert-authority,valid-before=\"20200101Z\" {line}\n"):
            self.agree(text, "root", self.NOON, False)
        host = self.make_certificate(authority, self.other, "-h", principals="root")
        self.sign("--key", host, "--renew")
        self.agree(f"* cert-authority {line}\n", "root", self.NOON, False)


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
        for mib in range(16, 64, 2):
            limit = mib * 1024 * 1024
            said = self.trust(code=None, preexec_fn=lambda most=limit: resource.setrlimit(resource.RLIMIT_AS, (most, most)))
            with self.subTest(mib=mib):
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
