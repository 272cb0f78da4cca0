"""What ssh-keygen signs is accepted here and the other way round, for every type of key, and both agree about who may
sign."""

import datetime
import unittest

from ssh_case import KEY_TYPES, SignCase


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


if __name__ == "__main__":
    unittest.main()
