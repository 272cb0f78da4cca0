"""What tests of signatures share: keys made by ssh-keygen, an ssh-agent of their own, lists of allowed signers."""

import os
import re
import shutil
import signal
import subprocess
import unittest

from harness import MurderCase
from torrents import bdecode

HAS_OPENSSH = all(shutil.which(name) for name in ("ssh-keygen", "ssh-agent", "ssh-add"))
KEY_TYPES = {
    "ed25519": ["-t", "ed25519"],
    "ecdsa-256": ["-t", "ecdsa", "-b", "256"],
    "ecdsa-384": ["-t", "ecdsa", "-b", "384"],
    "ecdsa-521": ["-t", "ecdsa", "-b", "521"],
    "rsa": ["-t", "rsa", "-b", "2048"],
}


@unittest.skipUnless(HAS_OPENSSH, "needs openssh-client")
class SshCase(MurderCase):
    def setUp(self):
        super().setUp()
        # Nothing of whoever runs the tests: no agent, no murder.toml of the working directory.
        self.environment.pop("SSH_AUTH_SOCK", None)
        self.environment["HOME"] = str(self.directory)
        self.environment["SSH_ASKPASS_REQUIRE"] = "never"
        self.allowed = self.path("allowed_signers")

    def openssh(self, *arguments, code=0, **options):
        result = subprocess.run([*map(str, arguments)], capture_output=True, text=True, env=self.environment, timeout=60,
                                check=False, cwd=self.directory, **options)
        if code is not None:
            self.assertEqual(result.returncode, code, f"{arguments}\n{result.stdout}\n{result.stderr}")
        return result

    def make_key(self, name, kind="ed25519", passphrase=""):
        """The path of a private key; NAME.pub lies beside it."""
        path = self.path(name)
        self.openssh("ssh-keygen", "-q", *KEY_TYPES[kind], "-N", passphrase, "-C", name, "-f", path)
        return path

    def make_certificate(self, authority, key, *options, principals="ann@example.net"):
        """The path of the certificate of a key."""
        self.openssh("ssh-keygen", "-q", "-s", authority, "-I", "the key id", "-n", principals, *options, f"{key}.pub")
        return self.path(f"{key.name}-cert.pub")

    def public(self, key):
        return " ".join(self.path(f"{key.name}.pub").read_text().split()[:2])

    def fingerprint(self, key):
        return self.openssh("ssh-keygen", "-l", "-f", f"{key}.pub").stdout.split()[1]

    def allow(self, *lines):
        self.allowed.write_text("".join(line + "\n" for line in lines))
        return self.allowed

    def start_agent(self):
        """An agent for this test alone, ended by its pid."""
        told = self.openssh("ssh-agent", "-s", "-a", self.path("agent")).stdout
        pid = int(re.search(r"SSH_AGENT_PID=(\d+)", told)[1])
        self.addCleanup(os.kill, pid, signal.SIGTERM)
        self.environment["SSH_AUTH_SOCK"] = str(self.path("agent"))

    def add_to_agent(self, key, *options):
        """The agent has the key, and this directory the public one alone."""
        self.openssh("ssh-add", "-q", *options, key)
        key.unlink()

    # --- Signature files ---

    def split(self, torrent):
        """The statement and the armoured signatures of the file beside a torrent, as files for ssh-keygen."""
        text = self.path(f"{torrent}.sig").read_text()
        statement, *armours = re.split(r"(?=^-----BEGIN SSH SIGNATURE-----$)", text, flags=re.MULTILINE)
        self.path("statement").write_text(statement)
        for number, armour in enumerate(armours):
            self.path(f"signature-{number}").write_text(armour)
        return statement, armours

    def ssh_verifies(self, torrent, principal="ann@example.net", number=0, at=None, code=0):
        """Asks ssh-keygen about a signature of the file beside a torrent."""
        self.split(torrent)
        time = ["-O", f"verify-time={at}"] if at else []
        with open(self.path("statement"), "rb") as statement:
            return self.openssh("ssh-keygen", "-Y", "verify", *time, "-f", self.allowed, "-I", principal, "-n",
                                "murder-release", "-s", self.path(f"signature-{number}"), stdin=statement, code=code)


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
