"""What strangers do wrong: a class for each kind, which has a `kind`."""

import asyncio
import os
import struct

from stranger_link import (ANY_PIECE, DECLINE, DRIP_SECONDS, ENDING, FREE, GRANT, HAVE, NOT_INTERESTED, PIECE, REJECT,
                           Link, message)


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
