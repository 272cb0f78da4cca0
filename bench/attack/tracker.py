#!/usr/bin/python3
"""What strangers can do to a tracker whose address they know, and what the others notice of it.

    tracker.py HOST:PORT ROW [--count N]

Each row is a function below with the name of the attack; it prints one JSON object. Everything stays on loopback
addresses: strangers come from 127.66.0.0/16, honest hosts from 127.99.0.0/16."""

import argparse
import asyncio
import contextlib
import json
import random
import resource
import select
import socket
import struct
import sys
import threading
import time
import urllib.parse

STRANGER = "127.66.0.1"
HANDSHAKE = b"\x13BitTorrent protocol"
ANSWER_SECONDS_MAX = 30


def honest_address(number):
    return f"127.99.{number // 250}.{number % 250 + 1}"


def info_hash_of(number):
    return struct.pack(">I", number) * 5


def announce_request(info_hash, number, left=1000, port=6881, **more):
    pairs = {"info_hash": info_hash, "peer_id": b"-MU0001-%012d" % number, "port": port, "uploaded": 0,
             "downloaded": 0, "left": left, "compact": 1, **more}
    query = "&".join(f"{key}={urllib.parse.quote_from_bytes(value) if isinstance(value, bytes) else value}"
                     for key, value in pairs.items())
    return f"GET /announce?{query} HTTP/1.1\r\nHost: tracker\r\n\r\n".encode()


def connect(tracker, source=STRANGER, seconds=ANSWER_SECONDS_MAX):
    connection = socket.socket()
    connection.settimeout(seconds)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connection.bind((source, 0))
    connection.connect(tracker)
    return connection


def read_answer(connection, rest=b""):
    """(body of one answer, what came behind it)"""
    data = rest
    while b"\r\n\r\n" not in data:
        part = connection.recv(65536)
        if not part:
            raise ConnectionError("closed before the answer")
        data += part
    head, _, data = data.partition(b"\r\n\r\n")
    size = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
    while len(data) < size:
        part = connection.recv(1 << 20)
        if not part:
            raise ConnectionError("closed within the answer")
        data += part
    return data[:size], data[size:]


def announce(tracker, source, request):
    with contextlib.closing(connect(tracker, source)) as connection:
        connection.sendall(request)
        return read_answer(connection)[0]


def flood(tracker, requests, source=STRANGER, at_once=64):
    """All requests over one connection, some under way at a time: the bodies, and how long it took."""
    began = time.monotonic()
    bodies = []
    with contextlib.closing(connect(tracker, source)) as connection:
        rest = b""
        for first in range(0, len(requests), at_once):
            batch = requests[first:first + at_once]
            connection.sendall(b"".join(batch))
            for _ in batch:
                body, rest = read_answer(connection, rest)
                bodies.append(body)
    return bodies, time.monotonic() - began


def peers_of(body):
    at = body.find(b"5:peers")
    size, _, rest = body[at + 7:].partition(b":")
    data = rest[:int(size)]
    return [(socket.inet_ntoa(data[index:index + 4]), struct.unpack(">H", data[index + 4:index + 6])[0])
            for index in range(0, len(data), 6)]


class HonestHosts:
    """Listening hosts that answer handshakes of the swarm, each at an address of its own."""

    def __init__(self, count, info_hash):
        self.info_hash = info_hash
        self.sockets = []
        for number in range(count):
            listener = socket.create_server((honest_address(number), 0), backlog=64)
            self.sockets.append(listener)
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        with contextlib.suppress(OSError, ValueError):
            while True:
                for listener in select.select(self.sockets, [], [])[0]:
                    connection, _ = listener.accept()
                    with contextlib.closing(connection), contextlib.suppress(OSError):
                        connection.settimeout(1)
                        if connection.recv(68).startswith(HANDSHAKE):
                            connection.sendall(HANDSHAKE + bytes(8) + self.info_hash + b"-MU0001-honesthonest")

    def places(self):
        return [each.getsockname() for each in self.sockets]

    def announce_all(self, tracker):
        replies = []
        for number, (address, port) in enumerate(self.places()):
            request = announce_request(self.info_hash, number, left=0 if number == 0 else 1000, port=port, neighbours=0)
            replies.append(announce(tracker, address, request))
        return replies


def false_peers(tracker, count):
    """Of those that a newcomer is told of, how many are there; false ones by `ip=` and by ports of one address."""
    found = {}
    for kind, number in (("ip", 1), ("ports", 2), ("loopback", 3)):
        info_hash = info_hash_of(number)
        hosts = HonestHosts(9, info_hash)
        hosts.announce_all(tracker)

        def lie(index, kind=kind, info_hash=info_hash):
            more = {"neighbours": 0}
            if kind == "ip":
                more["ip"] = f"10.{index >> 16 & 255}.{index >> 8 & 255}.{index & 255}"
            if kind == "loopback":
                more["ip"] = f"127.{index >> 16 & 127}.{index >> 8 & 255}.{index & 255 or 1}"
            return announce_request(info_hash, 10_000 + index, port=20_000 + index % 40_000, **more)
        _, seconds = flood(tracker, [lie(index) for index in range(count)])
        time.sleep(2.5)
        hosts.announce_all(tracker)
        reply = announce(tracker, honest_address(200), announce_request(info_hash, 500, port=7000, neighbours=0))
        told = peers_of(reply)
        there = set(hosts.places())
        found[kind] = {"announced": count, "seconds": round(seconds, 3), "told": len(told),
                       "there": sum(each in there for each in told)}
    return found


def swarms(tracker, count):
    """New releases, thousands of them, and then an honest one of another host and one of the same."""
    bodies, seconds = flood(tracker, [announce_request(info_hash_of(1000 + index), index) for index in range(count)])
    refused = sum(b"failure reason" in body for body in bodies)
    honest = [announce(tracker, source, announce_request(info_hash_of(900 + index), index, left=0))
              for index, source in enumerate([honest_address(1), honest_address(2), STRANGER])]
    return {"announced": count, "seconds": round(seconds, 3), "refused": refused,
            "honest_refused": sum(b"failure reason" in body for body in honest)}


def room(tracker, count):
    """Peers by `ip=` of one address, and then honest newcomers."""

    def lie(index):
        return announce_request(info_hash_of(5), index, ip=f"10.{index >> 16 & 255}.{index >> 8 & 255}.{index & 255}")
    seconds = 0
    for first in range(0, count, 20_000):
        seconds += flood(tracker, [lie(index) for index in range(first, min(count, first + 20_000))])[1]
    honest = [announce(tracker, honest_address(number), announce_request(info_hash_of(6), number))
              for number in range(100)]
    page = status(tracker)
    return {"announced": count, "seconds": round(seconds, 1), "peers_shown": page["peers"],
            "honest_refused": sum(b"failure reason" in body for body in honest)}


def status(tracker):
    with contextlib.closing(connect(tracker, honest_address(250))) as connection:
        connection.sendall(b"GET /status.json HTTP/1.1\r\nHost: tracker\r\n\r\n")
        return json.loads(read_answer(connection)[0])


def fill(tracker, count):
    """As many releases with a peer each, of as many hosts."""
    for number in range(count):
        request = announce_request(info_hash_of(2000 + number), number, name=f"r{number}")
        announce(tracker, honest_address(number), request)
    return {"releases": count}


def viewers(tracker, count):
    """Look at /status.json back to back, for ever: a thread each."""
    pages = [0] * count

    def look(number):
        with contextlib.suppress(OSError, ConnectionError):
            while True:
                with contextlib.closing(connect(tracker, f"127.66.1.{number + 1}", 60)) as connection:
                    while True:
                        connection.sendall(b"GET /status.json HTTP/1.1\r\nHost: tracker\r\n\r\n")
                        head = read_answer(connection)
                        pages[number] += 1 if head[0].startswith(b"{") else 0

    threads = [threading.Thread(target=look, args=(number,), daemon=True) for number in range(count)]
    for thread in threads:
        thread.start()
    print("ready", flush=True)
    with contextlib.suppress(KeyboardInterrupt):
        sys.stdin.read()
    return {"viewers": count, "pages": sum(pages)}


def announce_times(tracker, count, pause):
    """How long single announces take, each over a connection of its own."""
    times, failed = [], 0
    for number in range(count):
        began = time.monotonic()
        try:
            body = announce(tracker, honest_address(number), announce_request(info_hash_of(7), number))
            failed += b"failure reason" in body
            times.append(time.monotonic() - began)
        except OSError:
            failed += 1
        time.sleep(pause)
    times.sort()
    at = lambda share: round(1000 * times[int((len(times) - 1) * share)], 1) if times else None  # noqa: E731
    return {"announces": count, "answered": len(times), "failed": failed, "p50_ms": at(0.5), "p99_ms": at(0.99),
            "max_ms": at(1)}


def raise_open_files():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


def silent_viewers(tracker, count):
    """Clients that ask for /status.json and do not read, and announces meanwhile."""
    raise_open_files()
    silent = []
    began = time.monotonic()
    for number in range(count):
        connection = socket.socket()
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.bind((f"127.66.{number // 250}.{number % 250 + 1}", 0))
        connection.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            connection.connect(tracker)
        silent.append(connection)
    pending = list(silent)
    while pending and time.monotonic() < began + ANSWER_SECONDS_MAX:
        later = []
        for connection in pending:
            try:
                connection.send(b"GET /status.json HTTP/1.1\r\nHost: tracker\r\n\r\n")
            except BlockingIOError:
                later.append(connection)
            except OSError:
                pass
        pending = later
    result = announce_times(tracker, 500, 0.001)
    for connection in silent:
        connection.close()
    return {"silent": count, **result}


async def _slow_clients(tracker, count, ended, ready):
    async def one(number):
        source = (f"127.66.{number // 250}.{number % 250 + 1}", 0)
        while not ended.is_set():
            try:
                reader, writer = await asyncio.open_connection(*tracker, local_addr=source)
                writer.write(b"GET /announce?info_hash=")
                while not ended.is_set() and not reader.at_eof():
                    with contextlib.suppress(asyncio.TimeoutError):
                        await asyncio.wait_for(reader.read(100), 1)
                    writer.write(b"a")
                writer.close()
            except OSError:
                await asyncio.sleep(0.01)
    tasks = [asyncio.create_task(one(number)) for number in range(count)]
    await asyncio.sleep(2)
    ready.set()
    while not ended.is_set():
        await asyncio.sleep(0.1)
    for task in tasks:
        task.cancel()


def slowloris(tracker, count):
    """Clients that send a byte a second and come back when they are dropped, and announces meanwhile."""
    raise_open_files()
    ended, ready = threading.Event(), threading.Event()
    thread = threading.Thread(target=lambda: asyncio.run(_slow_clients(tracker, count, ended, ready)), daemon=True)
    thread.start()
    ready.wait()
    result = announce_times(tracker, 100, 0.02)
    ended.set()
    thread.join(10)
    return {"slow": count, **result}


ROWS = {each.__name__.replace("_", "-"): each
        for each in (false_peers, swarms, room, fill, viewers, silent_viewers, slowloris)}
COUNTS = {"false-peers": 10_000, "swarms": 4096, "room": 600_000, "fill": 1000, "viewers": 8,
          "silent-viewers": 5000, "slowloris": 3000}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tracker", metavar="HOST:PORT")
    parser.add_argument("row", choices=ROWS)
    parser.add_argument("--count", type=int)
    options = parser.parse_args()
    random.seed(1)
    host, port = options.tracker.rsplit(":", 1)
    result = ROWS[options.row]((host, int(port)), options.count or COUNTS[options.row])
    print(json.dumps({"row": options.row, **result}), flush=True)


if __name__ == "__main__":
    main()
