"""https: torrents and trackers, by authorities of the host or by pinned keys, and servers that are not who they should be."""

import http.server
import pathlib
import random
import shutil
import socket
import ssl
import tempfile
import threading
import unittest
import warnings

from certificates import Authority, pin_of
from harness import MurderCase, free_address
from scripted import ScriptedPeer, ScriptedTracker
from torrents import Torrent

CONTENT = random.Random(9).randbytes(300_000)


@unittest.skipUnless(shutil.which("openssl"), "not installed: openssl")
class Https(MurderCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        folder = tempfile.TemporaryDirectory(prefix="murder-https-")
        cls.addClassCleanup(folder.cleanup)
        cls.authority = Authority(pathlib.Path(folder.name))
        cls.address = free_address()
        cls.right = cls.authority.certify("right", f"IP:{cls.address},DNS:localhost")
        cls.of_another = cls.authority.certify("another", "DNS:elsewhere.example,IP:127.99.99.99")
        cls.pin = pin_of(cls.right[0])

    def setUp(self):
        super().setUp()
        self.path("host", "to").mkdir(parents=True)
        self.environment.pop("SSL_CERT_DIR", None)
        self.trust(self.authority.certificate)
        self.torrent = Torrent("data", CONTENT, 65536, [])
        self.seeder = ScriptedPeer(self, self.torrent)
        self.tracker = ScriptedTracker(self, [self.seeder.address])
        self.asked = []

    def trust(self, certificate):
        self.environment["SSL_CERT_FILE"] = str(certificate)

    def encrypt(self, server, certificate=None, change=None):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*(certificate or self.right))
        if change:
            change(context)
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)

    def serve(self, answers, certificate=None, change=None):
        """An https server; `answers`: path -> what its handler does. Returns its URL, which ends with a slash."""
        case = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                case.asked.append(self.path)
                answers[self.path](self)

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_):
                pass

        server = Server((self.address, 0), Handler)
        self.encrypt(server, certificate, change)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        self.addCleanup(lambda: (server.shutdown(), server.server_close()))
        return "https://%s:%d/" % server.server_address

    def torrent_of(self, *trackers):
        return Torrent("data", CONTENT, 65536, trackers).write(self.directory).read_bytes()

    def the_torrent(self):
        def answer(handler):
            body = self.torrent_of(self.tracker.url)
            handler.send_response(200)
            handler.send_header("Content-Length", str(len(body)))
            handler.end_headers()
            handler.wfile.write(body)
        return {"/v1.torrent": answer}

    def fetch(self, url, *arguments, code=0):
        for left in ("to", "temp"):
            self.path("host", left, "data").unlink(missing_ok=True)
        done = self.peer(url, *arguments, code=code)
        self.assertEqual(self.path("host", "to", "data").exists(), code == 0)
        return done.stderr

    def refused(self, url, *arguments):
        said = self.fetch(url, *arguments, code=1)
        self.assertEqual(self.asked, [])
        return said


class Torrents(Https):
    def test_authorities_of_the_host(self):
        url = self.serve(self.the_torrent())
        self.fetch(url + "v1.torrent")

    def test_an_authority_that_the_host_does_not_have(self):
        self.trust(self.of_another[0])
        url = self.serve(self.the_torrent())
        said = self.refused(url + "v1.torrent")
        self.assertIn("the certificate is not trusted", said)
        self.assertIn("SSL_CERT_FILE", said)

    def test_the_name_of_another(self):
        url = self.serve(self.the_torrent(), self.of_another)
        self.assertIn("IP address mismatch", self.refused(url + "v1.torrent"))

    def test_pinned_keys(self):
        self.trust(self.of_another[0])
        url = self.serve(self.the_torrent()) + "v1.torrent"
        other = pin_of(self.of_another[0])
        self.assertIn(self.pin, self.refused(url, "--pin", other))
        self.assertIn(self.pin, self.refused(f"{url}#pin={other}", "--pin", self.pin))  # the URL's own counts
        # A variable that is not set, and another spelling, do not make it anybody's.
        for nothing in ("#pin=", "#pins=" + self.pin, "#PIN=" + self.pin):
            self.assertIn("#pin=", self.refused(url + nothing))
        self.fetch(url, "--pin", other, "--pin", self.pin + "=")
        self.fetch(f"{url}#pin={other},{self.pin}")
        self.assertIn("SHA256:", self.fetch(url, "--pin", "SHA256:short", code=2))

    def test_servers_of_old_protocols_and_of_none(self):
        def old(context):
            context.set_ciphers("DEFAULT@SECLEVEL=0")
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)
                context.minimum_version = ssl.TLSVersion.TLSv1
                context.maximum_version = ssl.TLSVersion.TLSv1_1

        url = self.serve(self.the_torrent(), change=old)
        self.assertIn("TLS handshake failed", self.refused(url + "v1.torrent"))
        said = self.refused(self.tracker.url.replace("http:", "https:"))
        self.assertIn("TLS handshake failed", said)

        def newer(context):
            context.maximum_version = ssl.TLSVersion.TLSv1_2
        self.fetch(self.serve(self.the_torrent(), change=newer) + "v1.torrent")

    def test_redirects(self):
        def redirect(target):
            def answer(handler):
                handler.send_response(302)
                handler.send_header("Location", target)
                handler.send_header("Content-Length", "0")
                handler.end_headers()
            return answer

        plain = self.serve_plainly(redirect)
        answers = self.the_torrent()
        answers["/down"] = redirect(plain + "v1.torrent")
        answers["/other"] = redirect("/v1.torrent")
        url = self.serve(answers)
        said = self.fetch(url + "down", code=1)
        self.assertIn("redirected from https to http", said)
        self.fetch(url + "other")
        self.plain_target = url + "v1.torrent"
        self.fetch(plain + "up")

    def serve_plainly(self, redirect):
        case = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                redirect(case.plain_target)(self)

            def log_message(self, *_):
                pass
        server = http.server.ThreadingHTTPServer((self.address, 0), Handler)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        self.addCleanup(lambda: (server.shutdown(), server.server_close()))
        return "http://%s:%d/" % server.server_address

    def test_an_answer_that_was_cut(self):
        def cut(handler):
            handler.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n" + self.torrent_of(self.tracker.url))
            handler.wfile.flush()
            handler.connection.unwrap = None
            socket.socket.shutdown(handler.connection, socket.SHUT_RDWR)  # TLS says nothing of it

        url = self.serve({"/v1.torrent": cut})
        self.assertIn("the connection was cut", self.fetch(url + "v1.torrent", code=1))


class Trackers(Https):
    def announce_over(self, fragment="", certificate=None):
        self.encrypt(self.tracker.server, certificate)
        self.tracker.url = self.tracker.url.replace("http:", "https:") + fragment
        path = self.path("host", "v1.torrent")
        path.write_bytes(self.torrent_of(self.tracker.url))
        return path

    def setUp(self):
        super().setUp()
        self.tracker.end()
        self.tracker = ScriptedTracker(self, [self.seeder.address], address=self.address)

    def test_a_tracker_by_https(self):
        self.fetch(self.announce_over())
        self.assertEqual([each["event"] for each in self.tracker.announces if "event" in each][0], "started")

    def test_a_tracker_whose_key_the_torrent_pins(self):
        self.trust(self.of_another[0])
        self.fetch(self.announce_over(f"#pin={self.pin}"))

    def test_a_tracker_that_is_another(self):
        said = self.fetch(self.announce_over("", self.of_another), "--give-up-after", "2s", code=1)
        self.assertIn("the certificate is not trusted", said)
        self.assertEqual(self.tracker.announces, [])


if __name__ == "__main__":
    unittest.main()
