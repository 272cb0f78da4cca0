"""What the interop tests share: releases, our side of a swarm, what a tracker says of it."""

import filecmp
import json
import pathlib
import re
import urllib.parse
import urllib.request

from shared import MurderCase, endpoint_text, free_address, free_port, wait_until

# The last piece is short, and no multiple of a block.
RELEASE_BYTES = 8 * 1024 * 1024 + 12345


def same_tree(left, right):
    """Whether both directories have the same names and bytes."""
    left, right = pathlib.Path(left), pathlib.Path(right)
    names = sorted(path.relative_to(left) for path in left.rglob("*"))
    if names != sorted(path.relative_to(right) for path in right.rglob("*")):
        return False
    files = [str(name) for name in names if (left / name).is_file()]
    return filecmp.cmpfiles(left, right, files, shallow=False)[0] == files


class InteropCase(MurderCase):
    """A test in which other programs take part."""

    def setUp(self):
        super().setUp()
        self.clients = []
        # After the clients' own processes were ended, which is the same as leaving.
        self.addCleanup(self._end_clients)

    def _end_clients(self):
        for client in self.clients:
            client.end()

    def need(self, *programs):
        """Skips the test if one of them is not installed."""
        for program in programs:
            reason = program.missing()
            if reason:
                self.skipTest(reason)

    def need_address(self, address):
        """Skips the test if this host does not have the address."""
        if address is not None:
            try:
                free_port(address)
            except OSError as error:
                self.skipTest(f"{address}: {error.strerror}")

    def client(self, kind, address=None, **options):
        client = kind(self, address or free_address(), **options)
        self.clients.append(client)
        return client

    # --- Our side ---

    def start_tracker(self, *arguments, address=None):
        """As in every end-to-end test, on IPv6 as well."""
        address = address or free_address()
        endpoint = endpoint_text(address, free_port(address))
        self.murder("tracker", "--listen", endpoint, "--background", *arguments)
        return endpoint

    def make_release(self, tracker, name="release.bin", size=RELEASE_BYTES):
        """A file release: (torrent, content)."""
        source = self.make_file(f"source/{name}", size)
        report = self.murder_json(
            "create", source, "--tag", name, "--tracker", tracker, "--temp-path", self.temp_path,
            "--piece-size", "256KiB")
        self.info_hash = report["info_hash"]
        return self.temp_path / f"{name}.torrent", self.temp_path / name

    def seed(self, torrent, content, address=None):
        self.murder("seed", torrent, content, "--ip", address or free_address(), "--background")

    def fetch(self, torrent, *arguments, address=None, temp_path=None):
        """Runs a peer of ours until it has everything; returns its report."""
        return self.murder_json(
            "peer", torrent, "--temp-path", temp_path or self.path("fetched"), "--ip",
            address or free_address(), *(arguments or ("--no-unpack", "--seed-for", "0")))

    # --- Waiting ---

    def wait_for_content(self, path, content, who):
        """Until the file or tree at `path` is the content."""
        def is_there():
            path_is_there = pathlib.Path(path).exists()
            if pathlib.Path(content).is_dir():
                return path_is_there and same_tree(path, content)
            return path_is_there and filecmp.cmp(path, content, shallow=False)
        # One that dials again does so after half a minute.
        wait_until(is_there, f"{who} has the whole release", 120)
        filecmp.clear_cache()

    def swarm_at(self, tracker):
        """What our tracker says of the release that is being distributed."""
        with urllib.request.urlopen(f"http://{tracker}/status.json", timeout=10) as reply:
            swarms = json.load(reply)["swarms"]
        return next((each for each in swarms if each["info_hash"] == self.info_hash), {})

    def wait_for_seeders(self, tracker, count):
        wait_until(lambda: self.swarm_at(tracker).get("seeders") == count,
                   f"the tracker knows {count} seeders")

    def wait_for_leechers(self, tracker, count):
        wait_until(lambda: self.swarm_at(tracker).get("leechers") == count,
                   f"the tracker knows {count} leechers")

    def scrape(self, tracker):
        """(complete, downloaded, incomplete) of the release, by any tracker's scrape."""
        query = urllib.parse.quote(bytes.fromhex(self.info_hash), safe="")
        with urllib.request.urlopen(
                f"http://{tracker}/scrape?info_hash={query}", timeout=10) as reply:
            text = reply.read()
        counts = (re.search(key + rb"i(\d+)e", text)
                  for key in (b"8:complete", b"10:downloaded", b"10:incomplete"))
        return tuple(int(count.group(1)) if count else 0 for count in counts)
