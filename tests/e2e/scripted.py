"""Trackers and BitTorrent peers that do what a test tells them, wrong things too. Plain sockets and threads."""

import contextlib
import http.server
import socket
import struct
import threading
import urllib.parse

from harness import WAIT_SECONDS_MAX, free_address
from torrents import bencode

CHOKE, UNCHOKE, INTERESTED, NOT_INTERESTED, HAVE, BITFIELD, REQUEST, PIECE, CANCEL = range(9)
HAVE_ALL = 14
REJECT = 16
EXTENDED = 20
PROTOCOL = b"\x13BitTorrent protocol"
FAST_AND_EXTENDED = bytes([0, 0, 0, 0, 0, 0x10, 0, 0x04])
_numbers = iter(range(1_000_000))


def message(kind, payload=b""):
    return struct.pack(">IB", 1 + len(payload), kind) + payload


def request(piece, offset, size):
    return message(REQUEST, struct.pack(">III", piece, offset, size))


def block(piece, offset, data):
    return message(PIECE, struct.pack(">II", piece, offset) + data)


def bitfield(piece_count):
    """Of one who has everything."""
    bits = bytearray(-(-piece_count // 8))
    for index in range(piece_count):
        bits[index // 8] |= 0x80 >> (index % 8)
    return message(BITFIELD, bytes(bits))


def new_peer_id():
    return b"-XX0001-%012d" % next(_numbers)


def handshake(info_hash, peer_id=None, reserved=bytes(8)):
    return PROTOCOL + reserved + info_hash + (peer_id or new_peer_id())


class Wire:
    """One connection, seen from the scripted end. Reading past its end raises EOFError."""

    def __init__(self, connection):
        self.socket = connection
        self.socket.settimeout(WAIT_SECONDS_MAX)

    @classmethod
    def connect(cls, endpoint, from_address=None):
        host, port = endpoint.rsplit(":", 1)
        source = (from_address, 0) if from_address else None
        return cls(socket.create_connection((host, int(port)), WAIT_SECONDS_MAX, source))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data)

    def read(self, size):
        data = b""
        while len(data) < size:
            try:
                part = self.socket.recv(size - len(data))
            except ConnectionError:
                part = b""
            if not part:
                raise EOFError
            data += part
        return data

    def read_handshake(self):
        head = self.read(68)
        assert head[:20] == PROTOCOL, head
        return head

    def read_message(self):
        """(kind, payload); keep-alives are passed over."""
        while True:
            (size,) = struct.unpack(">I", self.read(4))
            if size > 0:
                data = self.read(size)
                return data[0], data[1:]

    def read_until(self, *kinds):
        while True:
            kind, payload = self.read_message()
            if kind in kinds:
                return kind, payload

    def is_closed_by_peer(self):
        """Reads what still comes; False if the other end keeps the connection beyond the time limit."""
        try:
            while self.socket.recv(65536):
                pass
        except ConnectionError:
            pass
        except TimeoutError:
            return False
        return True

    def get_unchoked(self, info_hash, peer_id=None):
        """As a leecher: shakes hands and waits until it may ask."""
        self.send(handshake(info_hash, peer_id))
        self.read_handshake()
        self.send(message(INTERESTED))
        self.read_until(UNCHOKE)

    def fetch(self, piece, offset, size):
        self.send(request(piece, offset, size))
        while True:
            _, payload = self.read_until(PIECE)
            if struct.unpack(">II", payload[:8]) == (piece, offset):
                return payload[8:]


class ScriptedPeer:
    """Listens on an address of its own and runs `script(self, wire)` for each connection, in a thread.

    The default script is an honest seeder; `answer(wire, piece, offset, size)` may be replaced."""

    def __init__(self, case, torrent, script=None, answer=None):
        self.torrent = torrent
        self.script = script or ScriptedPeer.serve
        self.answer = answer or self.answer_honestly
        self.peer_id = new_peer_id()
        self.requests = []
        self.connections = 0
        self.closed = threading.Event()  # a script ended, or its connection did
        self.listener = socket.create_server((free_address(), 0))
        self.address = self.listener.getsockname()
        self._wires = []
        case.addCleanup(self.end)
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def served_bytes(self):
        return sum(size for _, _, size in self.requests)

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                wire = Wire(self.listener.accept()[0])
                self._wires.append(wire)
                self.connections += 1
                threading.Thread(target=self._run, args=(wire,), daemon=True).start()

    def _run(self, wire):
        with contextlib.suppress(EOFError, OSError):
            self.script(self, wire)
        wire.socket.close()
        self.closed.set()

    def end(self):
        for each in (self.listener, *(wire.socket for wire in self._wires)):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def greet(self, wire):
        """To where requests come in."""
        wire.read_handshake()
        wire.send(handshake(self.torrent.info_hash, self.peer_id) + bitfield(self.torrent.piece_count))
        wire.read_until(INTERESTED)
        wire.send(message(UNCHOKE))

    def serve(self, wire):
        self.greet(wire)
        while True:
            _, payload = wire.read_until(REQUEST)
            asked = struct.unpack(">III", payload)
            self.requests.append(asked)
            self.answer(wire, *asked)

    def answer_honestly(self, wire, piece, offset, size):
        wire.send(block(piece, offset, self.torrent.piece(piece)[offset : offset + size]))


class ScriptedTracker:
    """A tracker that always tells the same peers. `reply` (status, body), when set, is what it answers instead."""

    def __init__(self, case, peers=(), address=None, port=0):
        self.peers = list(peers)
        self.reply = None
        self.announces = []  # query dictionaries
        tracker = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                query = urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query, encoding="latin-1")
                tracker.announces.append({key: values[0] for key, values in query.items()})
                status, body = tracker.reply or (200, tracker.peers_reply())
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_):
                pass

        self.server = Server((address or free_address(), port), Handler)
        self.endpoint = "%s:%d" % self.server.server_address
        self.url = f"http://{self.endpoint}/announce"
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        case.addCleanup(self.end)

    def peers_reply(self):
        compact = b"".join(socket.inet_aton(host) + struct.pack(">H", port) for host, port in self.peers)
        return bencode({"interval": 1, "peers": compact, "complete": 1, "incomplete": 1})

    def end(self):
        self.server.shutdown()
        self.server.server_close()
