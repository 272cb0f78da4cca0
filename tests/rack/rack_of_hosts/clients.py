"""BitTorrent clients as a rack runs them: what to start on a seeder's and on a peer's host, and what says that the
whole release is there. Every one keeps to what its tracker tells it: no DHT, no local discovery, no peer exchange, TCP
only. Settings that differ from a client's defaults are those that made it faster on a rack."""

import json
import os
import pathlib
import re
import shutil
import subprocess

PORT = 6881
# python3-libtorrent belongs to the distribution's own interpreter.
PYTHON = "/usr/bin/python3"
PROGRAM_OF_LIBTORRENT = str(pathlib.Path(__file__).resolve().parent / "libtorrent_peer.py")
DIRECTORY = "/srv/release"  # on every host: the torrent, and there the content comes
TORRENT = f"{DIRECTORY}/release.torrent"
FLEET_KEY = f"{DIRECTORY}/fleet.key"


def _version_of(*command):
    result = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    found = re.search(r"\d+(\.\d+)+", result.stdout + result.stderr)
    return found.group() if found else "?"


class Murder:
    has_own_gate = False
    settings = "peer --no-unpack --seed-for 10m, else defaults"

    def __init__(self, program, name="murder", options=(), fleet_key=None):
        """`options`: of seeder and peer. `fleet_key`: a file; each host gets a copy."""
        self.program = program
        self.name = name
        self.fleet_key = fleet_key
        self._options = (*options, "--fleet-key", FLEET_KEY) if fleet_key else options

    def missing(self):
        return None if os.access(self.program, os.X_OK) else f"{self.program} is not built"

    def title(self):
        return self.name

    def tracker(self, port):
        return [self.program, "tracker", "--listen", f"0.0.0.0:{port}"]

    def seeder(self, _address):
        return [self.program, "seed", TORRENT, *self._options]

    def peer(self, _address):
        return [self.program, "peer", TORRENT, "--no-unpack", "--temp-path", DIRECTORY, "--seed-for", "10m", "--json",
                *self._options]

    def is_done(self, line):
        return line.startswith("{") and '"fetched_bytes"' in line


class Aria2:
    name = "aria2"
    has_own_gate = False
    _options = {
        "listen-port": PORT,
        "dir": DIRECTORY,
        "seed-time": 10,
        "seed-ratio": 0,
        "enable-dht": "false",
        "enable-dht6": "false",
        "bt-enable-lpd": "false",
        "enable-peer-exchange": "false",
        "bt-max-peers": 0,  # 55 otherwise
        "bt-request-peer-speed-limit": "1000M",  # it goes on looking for peers at any speed
        "bt-tracker-interval": 2,
        "file-allocation": "none",
        "summary-interval": 0,
        "show-console-readout": "false",
        "download-result": "hide",
        "disable-ipv6": "true",
        "no-conf": "true",
        "on-bt-download-complete": "/bin/echo",  # it says nothing by itself until it has served long enough
    }
    settings = "bt-max-peers 0, bt-request-peer-speed-limit 1000M, bt-tracker-interval 2, file-allocation none"

    def missing(self):
        return None if shutil.which("aria2c") else "aria2 is not installed"

    def title(self):
        return f"aria2 {_version_of('aria2c', '--version')}"

    def _command(self, address, *more):
        options = {**self._options, "interface": address, "bt-external-ip": address}
        return ["aria2c", *(f"--{key}={value}" for key, value in options.items()), *more, TORRENT]

    def seeder(self, address):
        return self._command(address, "--bt-seed-unverified=true", "--check-integrity=false")

    def peer(self, address):
        return self._command(address)

    def is_done(self, line):
        return re.match(r"[0-9a-f]{16} \d+ /", line) is not None


class Libtorrent:
    """A session of the library in a process of its own, which loads it before it waits to be started."""

    name = "libtorrent"
    has_own_gate = True
    _settings = {
        "enable_dht": False,
        "enable_lsd": False,
        "enable_upnp": False,
        "enable_natpmp": False,
        "enable_incoming_utp": False,
        "enable_outgoing_utp": False,
        "out_enc_policy": 2,  # plain only
        "in_enc_policy": 2,
        "allow_multiple_connections_per_ip": True,
        "smooth_connects": False,
        "connection_speed": 500,
        "torrent_connect_boost": 255,
        "tick_interval": 100,
        "min_announce_interval": 2,
        "min_reconnect_time": 1,
        "close_redundant_connections": False,
    }
    settings = ("smooth_connects off, connection_speed 500, torrent_connect_boost 255, tick_interval 100, "
                "min_announce_interval 2, min_reconnect_time 1, only plain connections")

    def missing(self):
        return None if self._version() else "the Python module libtorrent is not installed"

    def title(self):
        return f"libtorrent {self._version()}"

    @staticmethod
    def _version():
        result = subprocess.run([PYTHON, "-c", "import libtorrent; print(libtorrent.__version__)"],
                                capture_output=True, text=True, timeout=20, check=False)
        return result.stdout.strip() if result.returncode == 0 else None

    def peer(self, address):
        settings = {**self._settings, "listen_interfaces": f"{address}:{PORT}"}
        return [PYTHON, PROGRAM_OF_LIBTORRENT, TORRENT, DIRECTORY, json.dumps(settings)]

    def seeder(self, address):
        return self.peer(address)

    def is_done(self, line):
        return line.startswith("torrent_finished")
