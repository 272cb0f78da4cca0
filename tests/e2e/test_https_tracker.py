"""Trackers and coordinators that are reached by https: announces, pages, agents and operators, and who is refused."""

import contextlib
import json
import pathlib
import shutil
import signal
import socket
import ssl
import tempfile
import unittest
import urllib.request
import warnings

from certificates import Authority, pin_of
from control_case import AgentHost, ControlCase
from harness import MurderCase, free_address, free_port, wait_until


def client_hello():
    """What a client of TLS says first."""
    outgoing = ssl.MemoryBIO()
    secure = ssl.create_default_context().wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname="tracker.example")
    with contextlib.suppress(ssl.SSLWantReadError):
        secure.do_handshake()
    return outgoing.read()


def said_to(place, sent):
    """All that the server says to it, until it closes."""
    with socket.create_connection(place, timeout=30) as connection:
        connection.sendall(sent)
        said = b""
        with contextlib.suppress(ConnectionResetError):
            while part := connection.recv(4096):
                said += part
        return said


class Certificates(MurderCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        folder = tempfile.TemporaryDirectory(prefix="murder-https-")
        cls.addClassCleanup(folder.cleanup)
        cls.folder = pathlib.Path(folder.name)
        cls.authority = Authority(cls.folder)
        cls.address = free_address()
        cls.right = cls.authority.certify("right", f"IP:{cls.address}")
        cls.pin = pin_of(cls.right[0])

    def setUp(self):
        super().setUp()
        self.environment.pop("SSL_CERT_DIR", None)
        self.environment["SSL_CERT_FILE"] = str(self.authority.certificate)

    def words_of(self, certificate=None):
        certificate, key = certificate or self.right
        return ["--tls-cert", certificate, "--tls-key", key]


@unittest.skipUnless(shutil.which("openssl"), "not installed: openssl")
class HttpsTracker(Certificates):
    def start_tracker_with(self, certificate=None, config=None, plain=False):
        """In the foreground; `self.place` is where it listens, `self.url` its announces' address."""
        self.place = (self.address, free_port(self.address))
        words = [] if plain else self.words_of(certificate)
        if config is not None:
            path = self.path("tracker.toml")
            path.write_text(config)
            words += ["--config", path]
        self.tracker = self.start("tracker", "--listen", "%s:%d" % self.place, *words)
        wait_until(lambda: "listens on" in self.tracker.output or self.tracker.process.poll() is not None, "it listens")
        self.assertIsNone(self.tracker.process.poll(), self.tracker.error)
        self.url = "https://%s:%d/announce" % self.place

    def page(self, path, pinned=None):
        context = ssl.create_default_context(cafile=pinned or self.authority.certificate)
        with urllib.request.urlopen(self.url.replace("/announce", path), context=context, timeout=30) as reply:
            return reply.read()

    def release(self, url):
        source = self.make_file("source", 300_000)
        return self.create(source, "v1", "--force", tracker=url)

    def fetch(self, torrent, name, *arguments, code=0):
        self.path(name, "to").mkdir(parents=True)
        done = self.peer(torrent, *arguments, name=name, code=code)
        self.assertEqual(any(self.path(name, "to").iterdir()), code == 0)
        return done.stderr

    def test_announces_and_pages(self):
        self.start_tracker_with()
        self.assertIn(f"announce to https://{self.place[0]}", self.tracker.output)
        self.assertIn(f"#pin={self.pin}", self.tracker.output)
        torrent = self.release(self.url)
        self.seed(torrent)
        self.fetch(torrent, "by-authority")
        page = json.loads(self.page("/status.json"))
        self.assertEqual(len(page["swarms"]), 1)
        self.assertIn(b"murder_tracker", self.page("/metrics"))
        self.environment["SSL_CERT_FILE"] = str(self.right[0])  # which is no authority
        self.fetch(torrent, "by-pin", "--tracker", f"{self.url}#pin={self.pin}")
        said = self.fetch(torrent, "by-another-pin", "--tracker", f"{self.url}#pin=SHA256:{'A' * 43}",
                          "--give-up-after", "1s", code=1)
        self.assertIn(self.pin, said)

    def test_certificates_that_clients_refuse(self):
        for name, certificate, words in [
                ("another", self.authority.certify("another", "DNS:elsewhere.example"), "mismatch"),
                ("expired", self.authority.certify("expired", f"IP:{self.address}", days=-1), "expired")]:
            with self.subTest(name):
                self.start_tracker_with(certificate)
                said = self.fetch(self.release(self.url), name, "--give-up-after", "1s", code=1)
                self.assertIn(words, said)
                self.assertEqual("the certificate ended at" in self.tracker.error, name == "expired")
                self.tracker.end()

    def test_who_does_not_speak_tls_is_told(self):
        self.start_tracker_with()
        said = said_to(self.place, b"GET / HTTP/1.1\r\nHost: t\r\n\r\n")
        self.assertTrue(said.startswith(b"HTTP/1.1 400 "), said)
        self.assertIn(b"this port speaks https", said)
        torrent = self.release(self.url.replace("https:", "http:"))
        self.assertIn("https", self.fetch(torrent, "plain", "--give-up-after", "1s", code=1))

    def test_who_speaks_tls_to_a_plain_tracker_is_told(self):
        self.start_tracker_with(plain=True)
        said = said_to(self.place, client_hello())
        self.assertIn(b"this port speaks http, not https", said)
        self.assertIn("speaks http at this port, not https",
                      self.fetch(self.release(self.url), "secure", "--give-up-after", "1s", code=1))

    def test_broken_handshakes(self):
        self.start_tracker_with()
        hello = client_hello()
        with self.subTest("garbage in a record"):
            said = said_to(self.place, hello[:9] + bytes(len(hello) - 9))
            self.assertEqual(said[:1], b"\x15", said)  # an alert
        with self.subTest("a hello without an end"):
            self.assertLess(len(said_to(self.place, (b"\x16\x03\x01\x40\x00" + b"\x01\xff\xff\xff" + bytes(16380)) * 2)), 100)
        with self.subTest("an old protocol"):
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            context.set_ciphers("DEFAULT@SECLEVEL=0")
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)
                context.maximum_version = ssl.TLSVersion.TLSv1_1
            with self.assertRaises((ssl.SSLError, ConnectionResetError)), \
                    socket.create_connection(self.place, timeout=30) as plain:
                context.wrap_socket(plain)
        json.loads(self.page("/status.json"))

    def test_slow_and_mute_handshakes_keep_nobody_out(self):
        self.start_tracker_with(config="[limits]\nconnections = 16\n")
        hello = client_hello()
        with contextlib.ExitStack() as stack:
            for number in range(48):
                slow = stack.enter_context(socket.create_connection(self.place, timeout=30, source_address=("127.0.0.9", 0)))
                slow.sendall(hello[:number * 5])  # the first ones say nothing at all
            for _ in range(3):
                json.loads(self.page("/status.json"))

    def test_a_certificate_is_read_again(self):
        used = [shutil.copy(path, self.path(f"used-{number}")) for number, path in enumerate(self.right)]
        self.path("used-1").chmod(0o600)
        self.start_tracker_with(used)
        renewed = self.authority.certify("renewed", f"IP:{self.address}")
        self.page("/", self.authority.certificate)

        self.path("used-0").write_text("none")
        self.tracker.signal(signal.SIGHUP)
        wait_until(lambda: "not read, the one before stays" in self.tracker.error, "it is told")
        self.page("/")

        for number, path in enumerate(renewed):
            self.path(f"used-{number}").write_bytes(path.read_bytes())
        self.tracker.signal(signal.SIGHUP)
        wait_until(lambda: "configuration read again" in self.tracker.error, "it is read")
        shown = ssl.get_server_certificate(self.place)
        self.assertEqual(shown.strip(), renewed[0].read_text().strip())

    def test_what_cannot_be_served(self):
        certificate, key = self.right
        other = self.authority.certify("other", "DNS:x")[1]
        readable = shutil.copy(key, self.path("readable.key"))
        self.path("readable.key").chmod(0o644)
        for words, said in [(["--tls-cert", certificate], "needs both"),
                            (["--tls-cert", certificate, "--tls-key", other], "not that of the certificate"),
                            (["--tls-cert", key, "--tls-key", key], "not in PEM format"),
                            (["--tls-cert", certificate, "--tls-key", readable], "every user"),
                            (["--tls-cert", self.path("none"), "--tls-key", key], "none")]:
            with self.subTest(said):
                done = self.murder("tracker", "--listen", f"{self.address}:{free_port(self.address)}", *words, code=1)
                self.assertIn(said, done.stderr)


@unittest.skipUnless(shutil.which("openssl"), "not installed: openssl")
class HttpsCoordinator(ControlCase, Certificates):
    def start_coordinator(self, *arguments):
        """`self.listen` is where it listens; `self.coordinator` how it is named."""
        self.listen = f"{self.address}:{free_port(self.address)}"
        self.coordinator = f"https://{self.listen}#pin={self.pin}"
        # Agents and operators have no authority: they know the key.
        self.environment["SSL_CERT_FILE"] = str(self.right[0])
        used = [shutil.copy(path, self.path(f"used-{number}")) for number, path in enumerate(self.right)]
        self.path("used-1").chmod(0o600)
        self.tracker = self.start("tracker", "--listen", self.listen, "--state", self.state, "--run-dir",
                                  self.path("coordinator-run"), *self.words_of(used), *arguments)
        wait_until(lambda: "listens on" in self.tracker.output or self.tracker.process.poll() is not None, "it listens")
        self.assertIsNone(self.tracker.process.poll(), self.tracker.error)

    def test_a_release_reaches_agents_by_https(self):
        self.add_hosts(2)
        self.publish("v1")
        self.assertEqual(self.roll_out("v1")["state"], "done")
        self.wait_for_current("v1")

        another = f"https://{self.listen}#pin=SHA256:{'A' * 43}"
        stranger = AgentHost(self, "w3", ["web"], "r1")
        self.assertIn(self.coordinator, stranger.config())
        stranger.config = lambda: AgentHost.config(stranger).replace(self.coordinator, another)
        stranger.start()
        wait_until(lambda: "which is not pinned" in stranger.running.error, "the agent says what is wrong")
        said = self.murder("agents", "--coordinator", another, code=1).stderr
        self.assertIn(self.pin, said)
        said = self.murder("agents", "--coordinator", self.listen, code=1).stderr
        self.assertIn("this port speaks https", said)

        # A new key: the coordinator's own copies know it, agents and operators are told.
        renewed = self.authority.certify("renewed", f"IP:{self.address}")
        for number, path in enumerate(renewed):
            self.path(f"used-{number}").write_bytes(path.read_bytes())
        self.tracker.signal(signal.SIGHUP)
        wait_until(lambda: "configuration read again" in self.tracker.error, "it is read")
        arguments = next(self.state.glob("releases/*/arguments"))
        wait_until(lambda: pin_of(renewed[0]) in arguments.read_text(), "the copy is started again")
        self.assertIn(pin_of(renewed[0]), self.ask("agents", code=1).stderr)


if __name__ == "__main__":
    unittest.main()
