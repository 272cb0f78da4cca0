"""One connection of a stranger, and what he knows of the torrent: what all kinds of strangers have in common."""

import asyncio
import hashlib
import pathlib
import socket
import struct
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent.parent / "tests" / "e2e"))

from torrents import bdecode, bencode  # noqa: E402

UNCHOKE, INTERESTED, NOT_INTERESTED, HAVE, REQUEST, PIECE, CANCEL = 1, 2, 3, 4, 6, 7, 8
HAVE_ALL, HAVE_NONE, REJECT, EXTENDED = 14, 15, 16, 20
FREE, BUSY, GRANT, DECLINE, ENDING = range(5)
ANY_PIECE = 2**32 - 1
OWN_GRANT_ID = 1  # as which our peers take grant messages
BLOCK_STOCK, BLOCK_OWN = 16 * 1024, 512 * 1024
DRIP_SECONDS = 0.2
PROTOCOL = b"\x13BitTorrent protocol"
FAST_AND_EXTENDED = bytes([0, 0, 0, 0, 0, 0x10, 0, 0x04])


def message(kind, payload=b""):
    return struct.pack(">IB", 1 + len(payload), kind) + payload


class Torrent:
    def __init__(self, path):
        whole = bdecode(path.read_bytes())
        info = whole[b"info"]
        self.info_hash = hashlib.sha1(bencode(info)).digest()
        self.piece_bytes = info[b"piece length"]
        self.total_bytes = info.get(b"length") or sum(each[b"length"] for each in info[b"files"])
        self.piece_count = -(-self.total_bytes // self.piece_bytes)
        self.tracker = whole[b"announce"].decode()

    def piece_size(self, piece):
        return min(self.piece_bytes, self.total_bytes - piece * self.piece_bytes)


class Link(asyncio.Protocol):
    """One connection of a stranger. What it does wrong is in the subclasses."""

    kind = None
    is_own = True  # speaks grants
    has_all = True
    left_share = 0.0  # of the release, as announced
    connections = 1  # to each host
    receive_buffer_bytes = None  # of its sockets

    def __init__(self, stranger, dialed=None):
        self.stranger = stranger
        self.torrent = stranger.torrent
        self.dialed = dialed  # the host's endpoint, where this end dialled
        self.transport = None
        self.buffer = bytearray()
        self.shaken = False
        self.their_grant_id = None
        self.tasks = []

    # --- the connection ---

    def connection_made(self, transport):
        self.transport = transport
        self.stranger.links.add(self)
        if self.receive_buffer_bytes:
            transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF,
                                                          self.receive_buffer_bytes)
        if self.dialed:
            self.send_handshake()

    def connection_lost(self, _):
        self.stranger.links.discard(self)
        for task in self.tasks:
            task.cancel()
        if self.dialed:
            self.stranger.lost(self.dialed)

    def send(self, data):
        if not self.transport.is_closing() and self.transport.get_write_buffer_size() < 4 << 20:
            self.transport.write(data)

    def later(self, coroutine):
        self.tasks.append(asyncio.ensure_future(coroutine))

    def data_received(self, data):
        self.buffer += data
        if not self.shaken:
            if len(self.buffer) < 68:
                return
            self.peer_id = bytes(self.buffer[48:68])
            self.stranger.learn_id(self.dialed, self.peer_id)
            del self.buffer[:68]
            self.shaken = True
            if not self.dialed:
                self.send_handshake()
            self.greet()
        start = 0
        while len(self.buffer) - start >= 4:
            (size,) = struct.unpack_from(">I", self.buffer, start)
            if len(self.buffer) - start < 4 + size:
                break
            if size > 0:
                self.heard(self.buffer[start + 4], self.buffer[start + 5 : start + 4 + size])
            start += 4 + size
        del self.buffer[:start]

    def heard(self, kind, payload):
        if kind == EXTENDED and payload[0] == 0:
            names = bdecode(bytes(payload[1:])).get(b"m", {})
            self.their_grant_id = names.get(b"mu_grant") or None
            self.ready()
        elif kind == EXTENDED:
            self.on_grant_message(*struct.unpack(">BI", payload[1:6]))
        elif kind == REQUEST:
            self.on_request(*struct.unpack(">III", payload))
        elif kind == PIECE:
            self.on_piece(*struct.unpack(">II", payload[:8]), len(payload) - 8)
        elif kind == UNCHOKE:
            self.on_unchoke()
        elif kind == INTERESTED and not self.is_own:
            self.send(message(UNCHOKE))

    # --- what everybody says ---

    def own_id(self):
        return self.stranger.peer_id

    def send_handshake(self):
        self.send(PROTOCOL + FAST_AND_EXTENDED + self.torrent.info_hash + self.own_id())

    def greet(self):
        self.send(message(HAVE_ALL if self.has_all else HAVE_NONE))
        names = {"mu_grant": OWN_GRANT_ID} if self.is_own else {}
        handshake = {"m": names, "p": self.stranger.port, "reqq": 500}
        if self.is_own:
            handshake["mu_block"] = BLOCK_OWN
        if self.is_own and not self.has_all:
            handshake["mu_free"] = 1
        self.send(message(EXTENDED, b"\0" + bencode(handshake)))
        if not self.has_all:
            self.send(message(INTERESTED))

    def say(self, kind, value):
        if self.their_grant_id:
            self.send(message(EXTENDED, struct.pack(">BBI", self.their_grant_id, kind, value)))

    def request_piece(self, piece):
        size = self.torrent.piece_size(piece)
        block = min(BLOCK_OWN, size) if self.is_own else BLOCK_STOCK
        for offset in range(0, size, block):
            self.send(message(REQUEST, struct.pack(">III", piece, offset, min(block, size - offset))))

    # --- what happens ---

    def ready(self):
        """Both have said what they speak."""

    def on_grant_message(self, kind, value):
        if kind == FREE and self.has_all:
            self.say(GRANT, ANY_PIECE)
            self.say(GRANT, ANY_PIECE)

    def on_request(self, piece, offset, size):
        pass

    def on_piece(self, piece, offset, size):
        pass

    def on_unchoke(self):
        pass
