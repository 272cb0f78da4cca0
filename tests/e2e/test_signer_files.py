"""Files of allowed signers made at random: this program trusts nobody whom ssh-keygen does not, and the other way round."""

import base64
import random
import unittest

from signer_files import NAMES, TokenKey, file_text
from ssh_case import KEY_TYPES, SignCase

# How many files of each kind. The same ones each time.
FILES = 200
NOON = "20261129120000Z"
MOMENTS = (NOON, NOON, NOON, "20261129115959Z", NOON, "20261129120001Z", "20261128120000Z", "20261130120000Z")


class RandomFiles(SignCase):
    def setUp(self):
        super().setUp()
        self.environment["TZ"] = "UTC"
        self.keys = {kind: self.make_key(kind, kind) for kind in KEY_TYPES}
        self.tokens = {kind: TokenKey(self.directory, f"token-{kind}", kind) for kind in ("ed25519", "ecdsa")}
        self.authority = self.make_key("authority")
        self.sign("--key", self.keys["ed25519"], "--renew")
        self.statement_text, _ = self.split(self.torrent)
        self.lines = [self.public(key) for key in self.keys.values()] + [token.line for token in self.tokens.values()]
        self.lines.append(self.public(self.authority))

    def by_openssh(self, key):
        return self.openssh("ssh-keygen", "-q", "-Y", "sign", "-n", "murder-release", "-f", key, input=self.statement_text).stdout

    def by_token(self, token, **options):
        return token.armour(self.statement_text.encode(), "murder-release", **options)

    def certificate_of(self, token, *options, principals="ann@example.net,bob"):
        name = token.public.stem
        self.openssh("ssh-keygen", "-q", "-s", self.authority, "-I", "id", "-n", principals, *options, token.public)
        return base64.b64decode(self.path(f"{name}-cert.pub").read_text().split()[1])

    def put_signature(self, armour):
        self.path("signature-0").write_text(armour)
        self.path("statement").write_text(self.statement_text)
        by_hand = self.path("by-hand.sig")
        by_hand.write_text(self.statement_text + armour)
        return by_hand

    def both(self, by_hand, principal, at):
        """Whether this program and ssh-keygen accept the signature, and what they say."""
        ours = self.trust("--signer", principal, "--at", at, code=None, file=by_hand)
        with open(self.path("statement"), "rb") as statement:
            theirs = self.openssh("ssh-keygen", "-Y", "verify", "-O", f"verify-time={at}", "-f", self.allowed, "-I", principal, "-n",
                                  "murder-release", "-s", self.path("signature-0"), stdin=statement, code=None)
        self.assertIn(ours.returncode, (0, 1), ours.stderr)
        return ours.returncode == 0, theirs.returncode == 0, f"{ours.stderr}\n{theirs.stderr}"

    def compare(self, armours, keys, first, is_authority=False):
        accepted = 0
        for number in range(first, first + FILES):
            chance = random.Random(number)
            armour = chance.choice(armours)
            text = file_text(chance, keys, is_authority)
            principal = chance.choice(NAMES)
            at = chance.choice(MOMENTS)
            self.allowed.write_bytes(text.encode())
            with self.subTest(number=number, text=text, principal=principal, at=at):
                ours, theirs, said = self.both(self.put_signature(armour), principal, at)
                self.assertEqual(ours, theirs, said)
            accepted += theirs
        self.assertIn(accepted, range(FILES // 40, FILES // 2), "some files are right, and some wrong")

    def test_keys(self):
        armours = [self.by_openssh(key) for key in self.keys.values()] + [self.by_token(token) for token in self.tokens.values()]
        # Few keys, so that often the right one is in the file.
        for place, armour in enumerate(armours):
            with self.subTest(key=self.lines[place].split()[0]):
                self.allowed.write_text(f"ann {self.lines[place]}\n")
                self.assertEqual(self.both(self.put_signature(armour), "ann", NOON)[:2], (True, True))
        self.compare([armours[0], armours[-1]], [self.lines[0], self.lines[0], self.lines[6]], 0)

    def test_certificates(self):
        certificate = self.make_certificate(self.authority, self.keys["ed25519"], "-V", "20261129000000Z:20261129130000Z",
                                            principals="ann@example.net,bob,release")
        armours = [self.by_openssh(certificate)]
        armours += [self.by_token(token, certificate=self.certificate_of(token)) for token in self.tokens.values()]
        for armour in armours:
            self.allowed.write_text(f"* cert-authority {self.public(self.authority)}\n")
            self.assertEqual(self.both(self.put_signature(armour), "bob", NOON)[:2], (True, True))
        self.compare(armours, [self.public(self.authority)], 100_000, is_authority=True)

    def test_what_a_token_has_to_report_is_more_than_ssh_keygen_asks(self):
        """What docs/protocol.md says beyond OpenSSH: that somebody touched it."""
        for token in self.tokens.values():
            self.allowed.write_text(f"ann {token.line}\n")
            for flags, accepted in ((0, False), (4, False), (1, True), (5, True), (0x81, True)):
                with self.subTest(kind=token.kind, flags=flags):
                    self.assertEqual(self.both(self.put_signature(self.by_token(token, flags=flags)), "ann", NOON)[0], accepted)
            # Another message under its signature.
            other = token.armour(b"another text\n", "murder-release")
            self.assertEqual(self.both(self.put_signature(other), "ann", NOON)[:2], (False, False))
            self.assertEqual(self.both(self.put_signature(token.armour(self.statement_text.encode(), "file")), "ann", NOON)[:2],
                             (False, False))


if __name__ == "__main__":
    unittest.main()
