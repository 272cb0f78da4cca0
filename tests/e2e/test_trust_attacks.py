"""What a stranger, somebody on the way, a bad seeder or yesterday's release can do to a host that demands signatures:
nothing gets a name, the exit status is 1, the error is `untrusted` and says what to do."""

import contextlib
import http.server
import io
import itertools
import json
import os
import pathlib
import pwd
import socket
import tarfile
import threading
import unittest

from harness import WAIT_SECONDS_MAX, free_address
from signing import COLLIDING, allowed_line, make_key, sign, sign_torrent, statement_of, time_text, with_signatures
from test_signed_releases import TrustCase
from torrents import Torrent, bdecode, bencode


def flipped(data, at):
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1:]


class Listener:
    """Where a torrent says that the tracker is. Nobody may come."""

    def __init__(self):
        self.address = free_address()
        self.socket = socket.create_server((self.address, 0))
        self.url = f"http://{self.address}:{self.socket.getsockname()[1]}/announce"

    def visitors(self):
        self.socket.settimeout(0)
        with contextlib.suppress(BlockingIOError):
            self.socket.accept()[0].close()
            return 1
        return 0


class RefusedAtOnce(TrustCase):
    """Attacks on what a host knows before it connects to anybody."""

    def setUp(self):
        super().setUp()
        self.listener = Listener()
        self.addCleanup(self.listener.socket.close)
        self.other_key = make_key(self.keys, "eve")
        self.second_key = make_key(self.keys, "ben")
        self.torrent, self.content = self.release("v1", b"good")
        self.other_torrent, self.other_content = self.release("v2", b"other")

    def release(self, tag, content):
        """(torrent as values, content) of a file."""
        torrent = Torrent(tag, content * 50_000, trackers=(self.listener.url,))
        return bdecode(torrent.encoded()), torrent.content

    def write(self, data, name="v1.torrent"):
        path = self.path(name)
        path.write_bytes(data)
        return path

    def signed(self, torrent=None, content=None, keys=None, namespace="murder-release", **fields):
        text = statement_of(torrent or self.torrent, content or self.content, **fields)
        return text, [sign(text, key, namespace) for key in (keys or [self.key])]

    def carrying(self, text, signatures, torrent=None):
        return self.write(with_signatures(torrent or self.torrent, text, signatures))

    def swap_torrent(self):
        return self.carrying(*self.signed(), torrent={**self.other_torrent, b"info": {
            **self.other_torrent[b"info"], b"name": b"v1"}})

    def shorten_torrent(self):
        text, signatures = self.signed(size=1)
        return self.carrying(text, signatures)

    def strip_signature(self):
        return self.write(bencode(self.torrent))

    def strip_all_signatures(self):
        return self.carrying(self.signed()[0], [])

    def flip_statement(self):
        text, signatures = self.signed()
        return self.carrying(flipped(text, text.index(b"serial") + 7), signatures)

    def flip_signature(self):
        text, [signature] = self.signed()
        return self.carrying(text, [flipped(signature, len(signature) - 1)])

    def replace_statement(self):
        """The statement about other content, with signatures over the right one."""
        return self.carrying(statement_of(self.torrent, self.other_content, size=len(self.content)), self.signed()[1])

    def table(self):
        """Name -> (torrent, words of the command line, allowed signers, what is said)."""
        ann, ben = allowed_line(self.key), allowed_line(self.second_key, "ben@example.net")
        two = "# murder: require = 2\n" + ann + ben
        return {
            "not signed": (self.strip_signature, [], ann, r"it is not signed.*murder sign"),
            "signatures taken away": (self.strip_all_signatures, [], ann, r"not signed|no trusted key"),
            "swapped torrent": (self.swap_torrent, [], ann, r"another torrent"),
            "another size": (self.shorten_torrent, [], ann, r"1 bytes"),
            "a byte of the statement": (self.flip_statement, [], ann, r"no trusted key signed it.*murder sign"),
            "a byte of the signature": (self.flip_signature, [], ann, r"no trusted key signed it"),
            "another statement": (self.replace_statement, [], ann, r"no trusted key signed it"),
            "a stranger's key": (lambda: self.carrying(*self.signed(keys=[self.other_key])), [], ann,
                                 r"no trusted key signed it.*SHA256:"),
            "for another use": (lambda: self.carrying(*self.signed(namespace="file")), [], ann, r"for file, not for murder-release"),
            "a key for another use": (lambda: self.carrying(*self.signed()), [],
                                      allowed_line(self.key, options='namespaces="git,file"'), r"no trusted key signed it"),
            "a key of yesterday": (lambda: self.carrying(*self.signed()), [],
                                   allowed_line(self.key, options='valid-before="20200101"'), r"no trusted key signed it"),
            "a key of tomorrow": (lambda: self.carrying(*self.signed()), [],
                                  allowed_line(self.key, options='valid-after="20990101"'), r"no trusted key signed it"),
            "expired": (lambda: self.carrying(*self.signed(expires=time_text(-10))), [], ann, r"expired.*sign"),
            "another tag": (lambda: self.carrying(*self.signed(tag="v9")), [], ann, r"named v9, not v1"),
            "another application": (lambda: self.carrying(*self.signed(application="billing")), ["--app", "shop"], ann,
                                    r"signed for billing, and this host takes shop only"),
            "no application": (lambda: self.carrying(*self.signed()), ["--app", "shop"], ann, r"signed for no application"),
            "an application that nobody named": (lambda: self.carrying(*self.signed(application="shop")), [], ann, r"--app shop"),
            "one of two signers": (lambda: self.carrying(*self.signed()), [], two, r"1 of 2 required keys"),
            "one signer twice": (lambda: self.carrying(*self.signed(keys=[self.key, self.key])), [], two, r"1 of 2 required keys"),
            "one signer with two keys": (lambda: self.carrying(*self.signed(keys=[self.key, self.second_key])), [],
                                         "# murder: require = 2\n" + ann + allowed_line(self.second_key),
                                         r"1 of 2 required keys.*signed already"),
            "a second signer who is a stranger": (lambda: self.carrying(*self.signed(keys=[self.key, self.other_key])), [], two,
                                                  r"1 of 2 required keys"),
        }

    def ways(self):
        """However the release would be taken: with a directory to replace, in the background, as an archive alone."""
        self.path("host", "to", "v1").mkdir(parents=True, exist_ok=True)
        (self.path("host", "to", "v1") / "old").write_text("old")
        return (
            (["--to", self.path("host", "to"), "--to-is-directory"], "plain"),
            (["--to", self.path("host", "to"), "--record", "--background", "--follow"], "in the background"),
            (["--to", self.path("host", "to"), "--unsafe-please-delete"], "with what is there replaced"),
            (["--no-unpack"], "the archive alone"),
        )

    def test_each_attack_each_way(self):
        for name, (make, words, signers, text) in self.table().items():
            self.trust(signers)
            torrent = make()
            for way, how in self.ways():
                with self.subTest(attack=name, way=how):
                    self.refused(torrent, *way, *words, text=text, to=None)
                    self.assertEqual(self.listener.visitors(), 0)
                    self.assertEqual(self.processes(), [])
                    self.assertEqual([path for path in self.run_directory.glob("*") if path.suffix == ".outcome"], [])

    def test_the_other_way_round(self):
        """What the table changes is all that is wrong with it."""
        ben = allowed_line(self.second_key, "ben@example.net")
        self.trust("# murder: require = 2\n" + allowed_line(self.key) + ben)
        path = self.carrying(*self.signed(keys=[self.key, self.second_key, self.other_key], application="shop",
                                          expires=time_text(1000)))
        result = self.trusting(path, "--app", "shop", "--give-up-after", "1s", code=1)
        self.assertRegex(result.stderr, r"no data received")
        self.assertEqual(self.listener.visitors(), 1)

    def test_somebody_on_the_way_of_a_torrent(self):
        """A server in the middle: whatever of the torrent it changes."""
        right = self.carrying(*self.signed()).read_bytes()
        other = self.write(bencode(self.other_torrent), "v2.torrent").read_bytes()
        bodies = {"/swapped": other, "/stripped": bencode(self.torrent), "/cut": right[:-10]}
        for at in range(right.index(b"info"), len(right) - 1, 97):
            bodies[f"/flipped{at}"] = flipped(right, at)

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(200)
                self.end_headers()
                self.wfile.write(bodies[self.path])

            def log_message(self, *_):
                pass

        address = free_address()
        server = http.server.ThreadingHTTPServer((address, 0), Handler)
        self.addCleanup(server.server_close)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.shutdown)
        before = self.everything()
        for path in bodies:
            with self.subTest(path=path):
                url = f"http://{address}:{server.server_port}{path}"
                result = self.trusting(url, "--json", code=1)
                self.assertIn(json.loads(result.stdout)["error"]["code"], ("untrusted", "invalid_input"))
                self.assertEqual(self.everything(), before)
                self.assertEqual(self.listener.visitors(), 0)

    def test_a_release_that_is_refused_ends_no_other_peer(self):
        torrent = self.signed_release("v7", serial=5)
        self.trusting(torrent, "--background", "--follow", "--record", "--seed-for", "60s")
        [peer] = [each for each in self.processes() if each["kind"] == "peer"]
        sign_torrent(torrent, (self.temp_path / "v7.tar.zst").read_bytes(), self.key, serial=4)
        self.refused(torrent, "--background", "--take-over", text="older")
        self.assertIn(peer["pid"], [each["pid"] for each in self.processes()])


class SameSha1(TrustCase):
    """Content whose every piece fits the torrent, and that nobody signed."""

    def tar_of(self, block):
        """The block's SHA-1 is that of its twin where it begins a piece: the second one, of 16 KiB."""
        archive = io.BytesIO()
        with tarfile.open(fileobj=archive, mode="w", format=tarfile.USTAR_FORMAT) as tar:
            for name, content in (("./padding", bytes(16384 - 1024)), ("./program", block + b"\n" * 5000)):
                entry = tarfile.TarInfo(name)
                entry.size = len(content)
                entry.mode = 0o755
                tar.addfile(entry, io.BytesIO(content))
        return archive.getvalue()

    def prepare(self, name, make):
        """The torrent is signed over the first content, and a seeder has the second."""
        good, evil = (make(block) for block in COLLIDING)
        self.assertNotEqual(good, evil)
        torrents = [Torrent(name, content, trackers=(f"http://{self.tracker}/announce",)) for content in (good, evil)]
        self.assertEqual(torrents[0].info_hash, torrents[1].info_hash, "the SHA-1 of the two is not the same")
        seeder = self.path("seeder")
        seeder.mkdir(exist_ok=True)
        (seeder / name).write_bytes(evil)
        path = torrents[0].write(seeder)
        sign_torrent(path, good, self.key)
        self.seed(path)
        return path, good, evil

    def falls(self, torrent, name, *arguments, **options):
        result = self.trusting(torrent, "--json", *arguments, code=1, **options)
        error = json.loads(result.stdout.splitlines()[-1])["error"]
        self.assertEqual(error["code"], "untrusted", result.stdout)
        self.assertRegex(error["text"], r"not what was signed.*find out who made that torrent")
        left = [each for each in self.everything() if pathlib.Path(each).is_file()]
        self.assertEqual(left, [], "nothing has a name, and the archive is gone")
        return result

    def ways_of(self, name, make):
        torrent, good, _ = self.prepare(name, make)
        for words in (["--record"], ["--no-sync"], ["--unsafe-please-delete"], ["--background", "--follow"]):
            with self.subTest(words=words):
                self.falls(torrent, name, *words)
        with self.subTest(words="the archive alone"):
            self.falls(torrent, name, to=None)
        with self.subTest(words="what was fetched before"):
            for host in ("host-a", "host-b"):
                place = self.path(host, "temp")
                place.mkdir(parents=True)
                (place / name).write_bytes(self.path("seeder", name).read_bytes())
            self.falls_with_archive(torrent, name)
        return torrent, good

    def falls_with_archive(self, torrent, name):
        for host, to in (("host-a", "to"), ("host-b", None)):
            result = self.trusting(torrent, "--json", code=1, name=host, to=to)
            self.assertEqual(json.loads(result.stdout)["error"]["code"], "untrusted", result.stdout)
            self.assertFalse(self.path(host, "temp", name).exists())
            self.assertFalse(self.path(host, "to", "v1").exists())

    def test_a_file(self):
        self.ways_of("v1", lambda block: block + bytes(40_000))

    def test_a_packed_directory(self):
        self.ways_of("v1.tar", self.tar_of)

    def test_without_signatures_it_goes_through(self):
        """Why SHA-1 is not enough."""
        torrent, _, evil = self.prepare("v1", lambda block: block + bytes(40_000))
        self.peer(torrent, "--to-is-directory")
        self.assertEqual(self.path("host", "to", "v1").read_bytes(), evil)

    def test_files_of_a_torrent_made_elsewhere(self):
        good, evil = ({"a": block + bytes(16384 - len(block)), "b": b"text"} for block in COLLIDING)
        pieces = Torrent("x", b"".join(good.values()))
        info = {"name": "v1", "piece length": 16384, "pieces": pieces.info["pieces"],
                "files": [{"length": len(content), "path": [name]} for name, content in good.items()]}
        seeder = self.path("seeder", "v1")
        seeder.mkdir(parents=True)
        for name, content in evil.items():
            (seeder / name).write_bytes(content)
        path = self.path("seeder", "v1.torrent")
        path.write_bytes(bencode({"announce": f"http://{self.tracker}/announce", "info": info}))
        sign_torrent(path, b"".join(good.values()), self.key)
        self.seed(path)
        self.falls(path, "v1")
        self.falls(path, "v1", to=None)

    @unittest.skipIf(os.geteuid() != 0, "changing the user needs root")
    def test_root_compares_what_the_users_process_fetched(self):
        self.directory.chmod(0o711)
        for name, make in (("v1", lambda block: block + bytes(40_000)), ("v2.tar", self.tar_of)):
            with self.subTest(name=name):
                torrent, _, _ = self.prepare(name, make)
                place = self.path("of-user")
                place.mkdir(exist_ok=True)
                os.chown(place, pwd.getpwnam("nobody").pw_uid, -1)
                self.falls(torrent, name, "--user", "nobody", "--temp-path", place / "temp", "--record")
                self.assertEqual(list(place.rglob("*.tar")) + list(place.rglob("v1")), [])

    def test_content_that_changes_while_it_is_put_in_place(self):
        """Its owner writes one and the other, each right by SHA-1: what has a name is what was signed, at every moment."""
        for name, make, at, target in (("v1", lambda block: block + bytes(40_000), 0, "v1"),
                                       ("v2.tar", self.tar_of, 16384, "v2/program")):
            torrent, good, _ = self.prepare(name, make)
            archive = self.path("host", "temp", name)
            placed = self.path("host", "to", target)
            right = good if name == "v1" else good[16384 : 16384 + len(COLLIDING[0]) + 5000]
            stop = threading.Event()

            def write_both():
                for number in itertools.count():
                    if stop.is_set():
                        return
                    with contextlib.suppress(FileNotFoundError), open(archive, "r+b", buffering=0) as file:
                        os.pwrite(file.fileno(), COLLIDING[number % 2], at)

            writer = threading.Thread(target=write_both)
            self.addCleanup(stop.set)
            writer.start()
            codes = set()
            for _ in range(12):
                archive.parent.mkdir(parents=True, exist_ok=True)
                archive.write_bytes(good)
                result = self.trusting(torrent, "--to-is-directory", "--unsafe-please-delete", "--no-sync", code=None)
                codes.add(result.returncode)
                if result.returncode == 0 or placed.exists():
                    self.assertEqual(placed.read_bytes(), right)
            stop.set()
            writer.join()
            self.assertLessEqual(codes, {0, 1})
            self.assert_no_leftovers(self.path("host", "temp"))

    def test_what_a_deploy_would_wait_for(self):
        torrent, _, _ = self.prepare("v1.tar", self.tar_of)
        self.trusting(torrent, "--background", "--record")
        outcome = self.murder_json("wait", "v1", "--timeout", f"{WAIT_SECONDS_MAX}s", code=None)
        self.assertEqual((outcome["state"], outcome["error"]["code"]), ("failed", "untrusted"))
        self.assertFalse((self.path("host", "to") / ".murder-releases.json").exists())
