"""Links under TLS on a kernel that has it: first without its module, then with it; with somebody on the way who counts
records and changes one; and past what a key is used for."""

import http.server
import json
import os
import pathlib
import socket
import struct
import threading
import time

import host

BASE = pathlib.Path("/var/tmp/ktls")
KEY = BASE / "fleet.key"
TLS = ("--fleet-key", KEY, "--transport", "tls")
MIB = 1 << 20
FILE_BYTES = 48 * MIB
# As little as can be: an emulated machine encrypts a megabyte a second.
REKEY_BYTES = 16 * MIB
# Two bytes of an alert, their type and the tag.
ALERT_RECORD = bytes((23, 3, 3, 0, 2 + 1 + 16))
STATE_SECONDS_MAX = 60


def tls_stat():
    path = pathlib.Path("/proc/net/tls_stat")
    return dict((name, int(value)) for name, value in map(str.split, path.read_text().splitlines())) if path.exists() else {}


def doctor_line():
    checks = json.loads(host.run(host.PROGRAM, "doctor", "--json").stdout)["checks"]
    return next(each for each in checks if each["name"] == "encryption")


def process_of(kind, tag):
    found = [each for each in host.murder_json("status")["processes"] if each["kind"] == kind and each["tag"] == tag]
    return found[0] if found else None


def io_of(kind, tag):
    process = process_of(kind, tag)
    return process["details"]["io"] if process else {}


def wait_for(condition):
    deadline = time.monotonic() + STATE_SECONDS_MAX
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.2)
    return condition()


class Tracker:
    """One that names a single peer."""

    def __init__(self, address, port):
        peers = socket.inet_aton(address) + struct.pack(">H", port)
        answer = b"d8:intervali60e5:peers6:" + peers + b"e"

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(200)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_):
                pass
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/announce"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()


class Relay:
    """Passes on what a peer and a seeder say, keeps the end of it, and changes a byte where it is told to."""

    def __init__(self, seeder):
        self._seeder = seeder
        self._listener = socket.create_server(("127.0.0.9", 0))
        self.port = self._listener.getsockname()[1]
        self.change_at = None  # of what the seeder says on the first connection
        self.connections = 0
        self.ends = []
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            one, _ = self._listener.accept()
            other = socket.create_connection(self._seeder)
            self.connections += 1
            change_at = self.change_at if self.connections == 1 else None
            threading.Thread(target=self._pump, args=(one, other, None), daemon=True).start()
            threading.Thread(target=self._pump, args=(other, one, change_at), daemon=True).start()

    def _pump(self, source, target, change_at):
        end, position = b"", 0
        try:
            while data := source.recv(65536):
                if change_at is not None and position <= change_at < position + len(data):
                    changed = bytearray(data)
                    changed[change_at - position] ^= 1
                    data = bytes(changed)
                position += len(data)
                end = (end + data)[-64:]
                target.sendall(data)
        except OSError:
            pass
        self.ends.append(end)
        for each in (source, target):
            try:
                each.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


def make_file(path, size):
    """No two parts of it are the same."""
    blob = os.urandom(MIB // 4)
    with open(path, "wb") as file:
        for offset in range(0, size, len(blob)):
            file.write(struct.pack("<Q", offset) + blob[8:])
    return path


class Transfer:
    """A seeder and a peer of one file."""

    def __init__(self, tag, options=(), through_relay=False, change_at=None):
        self.tag = tag
        self._options = (*TLS, *options)
        folder = BASE / tag
        folder.mkdir()
        self._source = make_file(folder / tag, FILE_BYTES)
        self._target = folder / "host"
        address = f"127.0.1.{len(list(BASE.iterdir()))}"
        # Who is named as a peer, and by whom, is known only when the seeder listens.
        self._torrent = host.murder_json(
            "create", self._source, "--tag", tag, "--tracker", "127.0.0.1:1", "--temp-path", folder)["torrent"]
        host.murder("seed", self._torrent, self._source, *self._options, "--ip", address, "--background", "--send-path", "splice")
        wait_for(lambda: process_of("seeder", tag)["address"])
        seeder = process_of("seeder", tag)["address"].rsplit(":", 1)
        self.relay = Relay((seeder[0], int(seeder[1]))) if through_relay else None
        if self.relay:
            self.relay.change_at = change_at
            seeder = ("127.0.0.9", self.relay.port)
        self._tracker = Tracker(seeder[0], int(seeder[1]))

    def run(self):
        """What is wrong, and the counters of both."""
        peer = host.start(
            host.PROGRAM, "peer", self._torrent, "--tracker", self._tracker.url, "--to", self._target, "--no-tag-directory",
            "--temp-path", BASE / self.tag / "temp", "--ip", "127.0.2.2", "--seed-for", "600s", *self._options)
        taking = wait_for_end(peer, self.tag)
        text = "" if taking else f"exit status {peer.poll()}"
        counters = io_of("peer", self.tag), io_of("seeder", self.tag)
        host.run(host.PROGRAM, "stop", self.tag)
        said, _ = peer.communicate(timeout=host.SECONDS_MAX)
        text = text and f"{text}: {said}"
        if not text and host.run("cmp", self._source, self._target).returncode != 0:
            text = "other bytes arrived"
        for path in (self._source, self._target):
            path.unlink(missing_ok=True)
        return text, counters


def wait_for_end(peer, tag):
    """Whether the peer has everything; it goes on seeding in the background."""
    deadline = time.monotonic() + host.SECONDS_MAX
    while peer.poll() is None and time.monotonic() < deadline:
        process = process_of("peer", tag)
        if process and process["phase"] == "seeding":
            return True
        time.sleep(0.5)
    return peer.poll() == 0


def without_module():
    line = doctor_line()
    host.result("doctor: in the process, and what to do", "in the process" in line["text"] and "modprobe tls" in line["text"],
                line["text"])
    text, (peer, seeder) = Transfer("plainly").run()
    host.result("without the module: bytes are equal", not text, text)
    host.result("without the module: nothing is handed over",
                peer["kernel_tls_receivers"] == seeder["kernel_tls_senders"] == seeder["sent_splice_bytes"] == 0, f"{peer} {seeder}")


def with_module():
    line = doctor_line()
    host.result("doctor: by the kernel", "by the kernel" in line["text"], line["text"])
    before = tls_stat()
    text, (peer, seeder) = Transfer("kernel").run()
    after = tls_stat()
    host.result("by the kernel: bytes are equal", not text, text)
    host.result("by the kernel: both directions of both", all(
        each[name] >= 1 for each in (peer, seeder) for name in ("kernel_tls_receivers", "kernel_tls_senders")), f"{peer} {seeder}")
    host.result("by the kernel: blocks go by sendfile", seeder["sent_splice_bytes"] >= FILE_BYTES, f"{seeder}")
    counted = {name: after[name] - before.get(name, 0) for name in after}
    host.result("/proc/net/tls_stat", counted["TlsTxSw"] == counted["TlsRxSw"] >= 2 and not counted["TlsDecryptError"], f"{counted}")


def on_the_way():
    before = tls_stat()
    transfer = Transfer("relayed", through_relay=True)
    text, _ = transfer.run()
    host.result("through a relay: bytes are equal", not text, text)
    wait_for(lambda: len(transfer.relay.ends) == 2)
    ends = sum(ALERT_RECORD == end[-24:][:5] for end in transfer.relay.ends)
    host.result("the end is an alert", ends >= 1, " ".join(end[-24:].hex() for end in transfer.relay.ends))
    transfer = Transfer("changed", through_relay=True, change_at=FILE_BYTES // 2)
    text, _ = transfer.run()
    errors = tls_stat()["TlsDecryptError"] - before["TlsDecryptError"]
    host.result("a record that was changed ends its connection, and the next one brings the rest",
                not text and errors >= 1 and transfer.relay.connections >= 2,
                f"{text} {errors} errors, {transfer.relay.connections} connections")


def past_a_key():
    before = tls_stat()
    began = time.monotonic()
    text, (peer, seeder) = Transfer("rekeyed", ("--rekey-after", REKEY_BYTES)).run()
    counted = {name: value - before[name] for name, value in tls_stat().items()}
    host.result("more than a key is used for: bytes are equal", not text, text or f"{time.monotonic() - began:.0f} s")
    host.result("another connection takes its place, twice and more", seeder["kernel_tls_senders"] >= 3
                and counted["TlsTxSw"] >= 6 and not counted["TlsDecryptError"], f"{seeder} {counted}")
    again = seeder["sent_blocks"] / peer["received_blocks"] if peer else 0
    host.result("little is sent in vain", 0 < again < 1.25, f"{peer} {seeder}")


def main():
    BASE.mkdir()
    host.must("ip", "link", "set", "lo", "up")
    KEY.write_text(host.murder("key", "new-fleet").stdout)
    KEY.chmod(0o600)
    blocked = pathlib.Path("/etc/modprobe.d/no-tls.conf")
    blocked.write_text("install tls /bin/false\n")
    without_module()
    blocked.unlink()
    host.must("modprobe", "tls")
    with_module()
    on_the_way()
    past_a_key()
