#!/usr/bin/python3
"""Strangers who know a tracker's address and take part in one of its swarms, each wrongly in one way.

    strangers.py KIND TORRENT --count 5 [--addresses 127.77.0.0] [--one-address]

Each stranger has an address of its own (or all share one), announces itself, dials every host that the tracker
names, takes connections, and comes back half a second after it was dropped. Prints `ready`, then runs until ended.
The kinds are the classes of stranger_kinds.py with a `kind`."""

import argparse
import asyncio
import ipaddress
import os
import pathlib
import socket
import struct
import urllib.parse

from stranger_kinds import KINDS, FalsePeers
from stranger_link import Torrent, bdecode


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
