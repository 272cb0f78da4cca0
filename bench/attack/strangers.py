#!/usr/bin/python3
"""Strangers who know a tracker's address and take part in one of its swarms, each wrongly in one way.

    strangers.py KIND TORRENT --count 5 [--addresses 127.77.0.0] [--one-address]

Each stranger has an address of its own (or all share one), announces itself, dials every host that the tracker
names, takes connections, and comes back half a second after it was dropped. Prints `ready`, then runs until ended.
The kinds are the classes below with a `kind`."""

import argparse
import asyncio
import hashlib
import ipaddress
import os
import pathlib
import socket
import struct
import sys
import urllib.parse

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


# --- those who give ---

class Drip(Link):
    """Grants to everybody, then a byte of a piece every 200 ms."""

    kind = "drip"

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.begun = False

    def on_request(self, piece, offset, size):
        if not self.begun:
            self.begun = True
            self.send(struct.pack(">IBII", 9 + size, PIECE, piece, offset))
            self.later(self.drip(size))

    async def drip(self, size):
        for _ in range(size):
            self.send(b"x")
            await asyncio.sleep(DRIP_SECONDS)


class StockDrip(Drip):
    """The same as a stock client."""

    kind = "drip-stock"
    is_own = False


class Silent(Link):
    """Grants to everybody and answers no request."""

    kind = "silent"


class Rejecter(Link):
    """Grants to everybody and rejects each request."""

    kind = "rejecter"

    def on_request(self, piece, offset, size):
        self.send(message(REJECT, struct.pack(">III", piece, offset, size)))


class Liar(Link):
    """Grants to everybody and sends zeros."""

    kind = "wrong-data"

    def on_request(self, piece, offset, size):
        self.send(struct.pack(">IBII", 9 + size, PIECE, piece, offset) + bytes(size))


# --- those who take ---

class Taker(Link):
    has_all = False
    left_share = 1.0

    def ready(self):
        self.wanted = int.from_bytes(os.urandom(4), "big") % self.torrent.piece_count

    def on_grant_message(self, kind, value):
        if kind == GRANT:
            self.on_grant(value)

    def next_piece(self, named):
        self.wanted = (self.wanted + 1) % self.torrent.piece_count
        return self.wanted if named == ANY_PIECE else named

    def on_grant(self, named):
        pass


class SlowTaker(Taker):
    """Takes grants up, then reads a byte every 200 ms."""

    kind = "drip-taker"
    receive_buffer_bytes = 2048

    def on_grant(self, named):
        self.request_piece(self.next_piece(named))
        self.transport.pause_reading()
        self.later(self.drip())

    async def drip(self):
        connection = self.transport.get_extra_info("socket")
        while True:
            await asyncio.sleep(DRIP_SECONDS)
            try:
                os.read(connection.fileno(), 1)
            except OSError:
                return


class Freeloader(Taker):
    """Takes all that it is granted as fast as it comes, and never says that it has a piece."""

    kind = "freeloader"
    said_free_at = 0

    def on_grant(self, named):
        piece = self.next_piece(named)
        self.left = getattr(self, "left", {})
        self.left[piece] = self.torrent.piece_size(piece)
        self.request_piece(piece)
        self.say(FREE, 1 << 20)

    def on_piece(self, piece, offset, size):
        if piece in getattr(self, "left", {}):
            self.left[piece] -= size
            if self.left[piece] <= 0:
                del self.left[piece]
                self.say(ENDING, piece)
                self.has(piece)
                self.say(FREE, 1 << 20)

    def has(self, piece):
        pass


class Leech(Freeloader):
    """The same, but it says what it has, and gives nothing."""

    kind = "leech"

    def has(self, piece):
        self.send(message(HAVE, struct.pack(">I", piece)))


class StockFreeloader(Taker):
    """As a stock client that never says HAVE."""

    kind = "freeloader-stock"
    is_own = False

    def on_unchoke(self):
        for _ in range(4):
            self.request_piece(self.next_piece(ANY_PIECE))

    def on_piece(self, piece, offset, size):
        if offset + size >= self.torrent.piece_size(piece):
            self.request_piece(self.next_piece(ANY_PIECE))


class Decliner(Taker):
    """Is free, and declines each grant."""

    kind = "decliner"

    def on_grant(self, named):
        self.say(DECLINE, named)
        self.say(FREE, 1 << 20)


class Mute(Taker):
    """Is free, and answers no grant."""

    kind = "mute"

    def ready(self):
        super().ready()
        self.later(self.repeat())

    async def repeat(self):
        while True:
            self.say(FREE, 1 << 20)
            await asyncio.sleep(0.5)


# --- those who are there ---

class Idle(Taker):
    """24 connections to each host, which say nothing but that they have nothing."""

    kind = "idle"
    connections = 24
    is_own = False

    def own_id(self):
        return b"-XX0001-" + os.urandom(6).hex().encode()


class HalfAlive(Idle):
    """One connection to each host, kept alive."""

    kind = "half-alive"
    connections = 1

    def ready(self):
        self.later(self.repeat())

    async def repeat(self):
        while True:
            await asyncio.sleep(1)
            self.send(bytes(4))


class Squatter(HalfAlive):
    """Calls itself as other hosts of the swarm do."""

    kind = "squatter"

    def own_id(self):
        return self.stranger.id_of_another(self.dialed)


class Flood(Taker):
    """Sends small messages as fast as they are taken."""

    kind = "flood"
    small = (message(NOT_INTERESTED) + bytes(4) + message(HAVE, bytes(4))) * 1000

    def ready(self):
        super().ready()
        self.later(self.repeat())

    async def repeat(self):
        while True:
            self.send(self.small)
            await asyncio.sleep(0.001)


class FalsePeers(Link):
    """Tells the tracker of many peers that are not there, 1,000 for each stranger, and makes no connection."""

    kind = "false-peers"
    connections = 0


KINDS = {}


def collect(parent):
    for child in parent.__subclasses__():
        if child.kind:
            KINDS[child.kind] = child
        collect(child)


collect(Link)


class Stranger:
    """One address with its links."""

    ids = {}  # endpoint of a host: its peer id; of all strangers together

    def __init__(self, torrent, kind, address, port):
        self.torrent = torrent
        self.link = KINDS[kind]
        self.address = address
        self.port = port
        self.peer_id = b"-MU0001-" + os.urandom(6).hex().encode()
        self.links = set()
        self.hosts = {}  # endpoint: how many connections it is to have
        self.listener = None

    def learn_id(self, endpoint, peer_id):
        if endpoint:
            Stranger.ids[endpoint] = peer_id

    def id_of_another(self, endpoint):
        others = [each for other, each in sorted(Stranger.ids.items()) if other != endpoint]
        return others[os.urandom(1)[0] % len(others)] if others else self.peer_id

    async def run(self):
        loop = asyncio.get_running_loop()
        if self.link.connections:
            self.listener = await loop.create_server(lambda: self.link(self), self.address, self.port)
            self.port = self.listener.sockets[0].getsockname()[1]
        while True:
            try:
                for endpoint in await self.announce():
                    self.meet(endpoint)
            except (OSError, ValueError, asyncio.IncompleteReadError):
                pass
            await asyncio.sleep(1)

    def meet(self, endpoint):
        if endpoint[0] == self.address and endpoint[1] == self.port or endpoint in Settings.own:
            return
        missing = self.link.connections - self.hosts.get(endpoint, 0)
        self.hosts[endpoint] = self.link.connections
        for _ in range(missing):
            asyncio.ensure_future(self.dial(endpoint))

    async def dial(self, endpoint):
        try:
            await asyncio.get_running_loop().create_connection(
                lambda: self.link(self, endpoint), *endpoint, local_addr=(self.address, 0))
        except OSError:
            await self.again(endpoint)

    def lost(self, endpoint):
        asyncio.ensure_future(self.again(endpoint))

    async def again(self, endpoint):
        await asyncio.sleep(0.5)
        await self.dial(endpoint)

    async def announce(self):
        if self.link is FalsePeers:
            await self.announce_false()
            return []
        left = int(self.link.left_share * self.torrent.total_bytes)
        more = "&neighbours=0" if self.link.is_own else ""
        return await self.ask(self.peer_id, self.port, left, f"&numwant=50{more}")

    async def announce_false(self):
        for number in range(1000):
            await self.ask(os.urandom(20), 1 + number, 0, f"&numwant=0&neighbours=0&ip={Settings.dead_address()}")

    async def ask(self, peer_id, port, left, more):
        url = urllib.parse.urlsplit(self.torrent.tracker)
        query = (f"info_hash={urllib.parse.quote(self.torrent.info_hash)}&peer_id={urllib.parse.quote(peer_id)}"
                 f"&port={port}&uploaded=0&downloaded=0&left={left}&compact=1{more}")
        reader, writer = await asyncio.open_connection(url.hostname, url.port, local_addr=(self.address, 0))
        writer.write(f"GET {url.path}?{query} HTTP/1.0\r\nHost: {url.netloc}\r\n\r\n".encode())
        answer = await reader.read()
        writer.close()
        peers = bdecode(answer.split(b"\r\n\r\n", 1)[1]).get(b"peers", b"")
        return [(socket.inet_ntoa(peers[at : at + 4]), struct.unpack(">H", peers[at + 4 : at + 6])[0])
                for at in range(0, len(peers), 6)]


class Settings:
    own = set()  # endpoints of strangers
    _dead = 0

    @classmethod
    def dead_address(cls):
        cls._dead += 1
        return str(ipaddress.ip_address("10.99.0.0") + cls._dead % 60000)


async def run(options):
    torrent = Torrent(options.torrent)
    first = ipaddress.ip_address(options.addresses)
    strangers = []
    for number in range(options.count):
        address = str(first + 1 if options.one_address else first + 1 + number)
        strangers.append(Stranger(torrent, options.kind, address, 7000 + number))
        Settings.own.add((address, 7000 + number))
    print("ready", flush=True)
    await asyncio.gather(*(each.run() for each in strangers))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kind", choices=sorted(KINDS))
    parser.add_argument("torrent", type=pathlib.Path)
    parser.add_argument("--count", type=int, default=1)
    parser.add_argument("--addresses", default="127.77.0.0", help="strangers have those after this one")
    parser.add_argument("--one-address", action="store_true", help="they share the first one")
    asyncio.run(run(parser.parse_args()))


if __name__ == "__main__":
    main()
