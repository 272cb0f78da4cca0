"""BitTorrent clients as contenders: each can serve a release and fetch it, with the time and the processor
time counted alike.

The time of a fetch starts when the client is given the torrent and ends when it says itself that every piece is
verified and written. For a command (murder, aria2) it starts with the process; for a session or daemon
(libtorrent, Transmission), which is up already, when the torrent is added."""

import json
import pathlib
import re
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request

from kit.context import BenchError

HERE = pathlib.Path(__file__).resolve().parent.parent
FETCH_SECONDS_MAX = 600
PYTHON = "/usr/bin/python3" if pathlib.Path("/usr/bin/python3").exists() else sys.executable


def _version(*command):
    result = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    found = re.search(r"\d+(\.\d+)+", result.stdout + result.stderr)
    return found.group() if found else "?"


def _done_hook(context):
    """A script that leaves the time in the file $BENCH_DONE."""
    path = context.scratch.path / "done-hook"
    if not path.exists():
        path.write_text('#!/bin/sh\ndate +%s.%N >"$BENCH_DONE.part"\nmv "$BENCH_DONE.part" "$BENCH_DONE"\n')
        path.chmod(0o755)
    return path


class Fetch:
    """One download under way. done() returns when the downloader has everything, end() ends it and gives
    {"seconds", "cpu_seconds", "peak_bytes"}; the processor time is up to the end where it `stays`."""

    def __init__(self, child):
        self.child = child

    def done(self):
        raise NotImplementedError

    def end(self):
        raise NotImplementedError

    def finish(self):
        self.done()
        return self.end()


class Client:
    name = "?"
    settings = ""  # in words, for the result

    def __init__(self, context):
        self.context = context

    def missing(self):
        """Why it cannot take part, or None."""
        return None

    def label(self):
        return self.name

    def seed(self, release, address):
        """A Child that serves the release; returns when it does."""
        raise NotImplementedError

    def begin(self, release, directory, address, stays=False):
        """Starts to fetch the release into this directory: a Fetch. `stays`: it serves what it has until it is
        ended; otherwise it may leave when it is done."""
        raise NotImplementedError


class Murder(Client):
    name = "murder"

    def __init__(self, context, peer_prefix=(), environment=None, options=()):
        """`peer_prefix`: what a peer is run by; `environment` and `options`: more of it, for seeder and peer."""
        super().__init__(context)
        self._peer_prefix = peer_prefix
        self._environment = environment or {}
        self._seed_options = [*context.seed_options, *options]
        self._peer_options = [*context.peer_options, *options]
        self.settings = "its defaults"
        if self._seed_options or self._peer_options:
            self.settings = f"seed {' '.join(map(str, self._seed_options))}, peer {' '.join(map(str, self._peer_options))}"

    def tracker(self, address):
        """The endpoint of a tracker of its own for one swarm."""
        endpoint = f"{address}:8998"
        child = self.context.start([self.context.program, "tracker", "--listen", endpoint], "tracker")
        child.wait_for(lambda: _answers(endpoint), "the tracker answers")
        return endpoint

    def seed(self, release, address):
        child = self.context.start(
            [self.context.program, "seed", release.torrent, release.content, "--ip", address, "--background",
             "--json", *self._seed_options], "murder-seed",
            # Contenders seed the same release at the same time, and one run directory takes one seeder of it.
            environment={**self._environment, "MURDER_RUN_DIR": str(self.context.scratch.path / f"run-{address}")})
        child.wait_for(lambda: _json_or_none(child.output), "it serves", FETCH_SECONDS_MAX)
        return child

    def begin(self, release, directory, address, stays=False):
        child = self.context.start(
            [*self._peer_prefix, self.context.program, "peer", release.torrent, "--no-unpack", "--temp-path",
             directory, "--ip", address, "--seed-for", FETCH_SECONDS_MAX if stays else 0, "--json",
             *self._peer_options], "murder-peer",
            # Peers of one release are one process per run directory.
            environment={**self._environment, "MURDER_RUN_DIR": str(directory / ".run")})
        return _MurderFetch(child, stays)


class ClosedMurder(Murder):
    """With a fleet key, and so another connection; `transport` is plain or tls."""

    def __init__(self, context, transport):
        super().__init__(context, options=closed_options(context, transport))
        self.name = closed_name(transport)


def fleet_key(context):
    """The file of the key that this bench's closed swarms have."""
    key = context.scratch.path / "fleet.key"
    if not key.exists():
        made = subprocess.run([context.program, "key", "new-fleet"], capture_output=True, text=True, check=True)
        key.touch(mode=0o600)
        key.write_text(made.stdout)
    return key


def closed_options(context, transport):
    """Of seeder and peer of a closed swarm."""
    return ("--fleet-key", str(fleet_key(context)), "--transport", transport)


def closed_name(transport):
    return f"murder {'closed' if transport == 'plain' else transport}"


class _MurderFetch(Fetch):
    def __init__(self, child, stays):
        super().__init__(child)
        self._stays = stays

    def done(self):
        if self._stays:
            self.child.wait_for(lambda: _json_or_none(self.child.output), "it is done", FETCH_SECONDS_MAX)
        else:
            self.child.wait(FETCH_SECONDS_MAX)

    def end(self):
        outcome = self.child.stop()
        return {"seconds": outcome.command_seconds, "cpu_seconds": outcome.cpu_seconds,
                "peak_bytes": outcome.peak_bytes, "own_seconds": json.loads(self.child.output)["fetch_seconds"]}


class Libtorrent(Client):
    name = "libtorrent"
    tuned = {
        "enable_dht": False, "enable_lsd": False, "enable_upnp": False, "enable_natpmp": False,
        "enable_incoming_utp": False, "enable_outgoing_utp": False,
        "out_enc_policy": 2, "in_enc_policy": 2, "prefer_rc4": False,
        "allow_multiple_connections_per_ip": True, "min_announce_interval": 2, "min_reconnect_time": 1,
        "stop_tracker_timeout": 1, "ssrf_mitigation": False,
        "unchoke_slots_limit": -1, "connections_limit": 8000, "active_limit": 20000, "connection_speed": 500,
        "mixed_mode_algorithm": 0, "rate_limit_ip_overhead": False,
        "max_out_request_queue": 3000, "max_allowed_in_request_queue": 5000, "request_queue_time": 5,
        "max_queued_disk_bytes": 256 << 20, "send_buffer_watermark": 16 << 20,
        "send_buffer_low_watermark": 1 << 20, "send_buffer_watermark_factor": 150,
        "send_not_sent_low_watermark": 512 << 10, "max_peer_recv_buffer_size": 16 << 20,
        "checking_mem_usage": 2048, "aio_threads": 4, "hashing_threads": 2,
    }
    settings = "high_performance_seed() and: " + ", ".join(f"{key} {value}" for key, value in tuned.items())

    def missing(self):
        result = subprocess.run([PYTHON, "-c", "import libtorrent"], capture_output=True, timeout=60, check=False)
        return None if result.returncode == 0 else "python3-libtorrent is not installed"

    def label(self):
        return f"libtorrent {_version(PYTHON, '-c', 'import libtorrent; print(libtorrent.__version__)')}"

    def _start(self, role, release, directory, address):
        return self.context.start(
            [PYTHON, HERE / "clients" / "libtorrent_client.py", role, release.torrent, directory, address,
             json.dumps(self.tuned)], f"libtorrent-{role}")

    def seed(self, release, address):
        child = self._start("seed", release, release.content.parent, address)
        child.wait_for_line("ready", FETCH_SECONDS_MAX)
        return child

    def begin(self, release, directory, address, stays=False):
        return _LibtorrentFetch(self._start("fetch", release, directory, address), stays)


class _LibtorrentFetch(Fetch):
    def __init__(self, child, stays):
        super().__init__(child)
        self._stays = stays

    def done(self):
        self._report = json.loads(self.child.wait_for_line("{", FETCH_SECONDS_MAX))
        self._cpu_seconds = self.child.cpu_seconds()

    def end(self):
        if self._stays:
            self._report["cpu_seconds"] += self.child.cpu_seconds() - self._cpu_seconds
        return {**self._report, "peak_bytes": self.child.stop().peak_bytes}


class Aria2(Client):
    name = "aria2"
    tuned = {
        "seed-ratio": "0", "enable-dht": "false", "enable-dht6": "false", "bt-enable-lpd": "false",
        "enable-peer-exchange": "false", "bt-min-crypto-level": "plain", "file-allocation": "falloc",
        "disk-cache": "64M", "bt-request-peer-speed-limit": "2000M", "no-conf": "true", "summary-interval": "0",
        "max-upload-limit": "0", "socket-recv-buffer-size": "4M",
    }
    settings = ", ".join(f"{key} {value}" for key, value in tuned.items())

    def missing(self):
        return None if shutil.which("aria2c") else "aria2 is not installed"

    def label(self):
        return f"aria2 {_version('aria2c', '--version')}"

    def _start(self, release, directory, address, role, options, environment=None):
        options = {**self.tuned, "dir": directory, "listen-port": 6881, "interface": address,
                   "bt-external-ip": address, **options}
        return self.context.start(["aria2c", *(f"--{key}={value}" for key, value in options.items()),
                                   release.torrent], f"aria2-{role}", environment=environment)

    def seed(self, release, address):
        child = self._start(release, release.content.parent, address, "seed",
                            {"bt-seed-unverified": "true", "check-integrity": "false", "seed-time": 24 * 60})
        child.wait_for(lambda: _listens(address, 6881), "it listens")
        return child

    def begin(self, release, directory, address, stays=False):
        assert not stays
        done = directory / ".done"
        started = time.time()
        child = self._start(release, directory, address, "fetch",
                            {"seed-time": 0, "on-bt-download-complete": _done_hook(self.context)},
                            {"BENCH_DONE": str(done)})
        return _Aria2Fetch(child, started, done)


class _Aria2Fetch(Fetch):
    def __init__(self, child, started, done):
        super().__init__(child)
        self._started = started
        self._done = done

    def done(self):
        self._outcome = self.child.wait(FETCH_SECONDS_MAX)

    def end(self):
        outcome = self._outcome
        return {"seconds": float(self._done.read_text()) - self._started, "cpu_seconds": outcome.cpu_seconds,
                "peak_bytes": outcome.peak_bytes}


class Transmission(Client):
    name = "Transmission"
    tuned = {
        "dht-enabled": False, "lpd-enabled": False, "pex-enabled": False, "utp-enabled": False,
        "port-forwarding-enabled": False, "blocklist-enabled": False, "encryption": 0,
        "ratio-limit-enabled": False, "start-added-torrents": True, "cache-size-mb": 64, "preallocation": 1,
        "speed-limit-down-enabled": False, "speed-limit-up-enabled": False, "upload-slots-per-torrent": 100,
        "peer-socket-tos": "default", "rpc-whitelist-enabled": False, "rpc-host-whitelist-enabled": False,
        "rpc-authentication-required": False,
    }
    settings = ", ".join(f"{key} {str(value).lower()}" for key, value in tuned.items() if not key.startswith("rpc"))

    def missing(self):
        return None if shutil.which("transmission-daemon") else "transmission-daemon is not installed"

    def label(self):
        return f"Transmission {_version('transmission-daemon', '--version')}"

    def _start(self, address, directory, role, environment=None):
        configuration = self.context.scratch.directory(f"transmission-{role}-{address}")
        (configuration / "settings.json").write_text(json.dumps({
            **self.tuned, "bind-address-ipv4": address, "bind-address-ipv6": "::1", "peer-port": 6881,
            "rpc-bind-address": address, "rpc-port": 9091, "download-dir": str(directory),
            "script-torrent-done-enabled": True, "script-torrent-done-filename": str(_done_hook(self.context)),
        }))
        child = self.context.start(["transmission-daemon", "--foreground", "--config-dir", configuration],
                                   f"transmission-{role}", environment=environment)
        child.wait_for(lambda: self._call(address, "session-get"), "it answers")
        return child

    def _call(self, address, method, **arguments):
        """What it answers, or None while it does not."""
        session = ""
        for _ in range(2):
            request = urllib.request.Request(
                f"http://{address}:9091/transmission/rpc",
                json.dumps({"method": method, "arguments": arguments}).encode(),
                {"X-Transmission-Session-Id": session})
            try:
                with urllib.request.urlopen(request, timeout=30) as reply:
                    answer = json.load(reply)
            except urllib.error.HTTPError as error:
                if error.code != 409:
                    raise
                session = error.headers["X-Transmission-Session-Id"]
                continue
            except OSError:
                return None
            if answer["result"] != "success":
                raise BenchError(f"Transmission: {method}: {answer['result']}")
            return answer["arguments"]
        return None

    def seed(self, release, address):
        child = self._start(address, release.content.parent, "seed",
                            {"BENCH_DONE": str(self.context.scratch.path / "transmission-seeds")})
        self._call(address, "torrent-add", filename=str(release.torrent))
        seeding = 6

        def is_seeding():
            answer = self._call(address, "torrent-get", fields=["status"])
            return answer and [each["status"] for each in answer["torrents"]] == [seeding]

        child.wait_for(is_seeding, "it has checked the content", FETCH_SECONDS_MAX, every=0.2)
        return child

    def begin(self, release, directory, address, stays=False):
        done = directory / ".done"
        child = self._start(address, directory, "fetch", {"BENCH_DONE": str(done)})
        cpu = child.cpu_seconds()
        started = time.time()
        self._call(address, "torrent-add", filename=str(release.torrent))
        return _TransmissionFetch(child, started, cpu, done)


class _TransmissionFetch(Fetch):
    def __init__(self, child, started, cpu, done):
        super().__init__(child)
        self._started = started
        self._cpu = cpu
        self._done = done

    def done(self):
        self.child.wait_for(self._done.exists, "it has fetched the release", FETCH_SECONDS_MAX, every=0.02)
        self._cpu = self.child.cpu_seconds() - self._cpu

    def end(self):
        return {"seconds": float(self._done.read_text()) - self._started, "cpu_seconds": self._cpu,
                "peak_bytes": self.child.stop().peak_bytes}


def _answers(endpoint):
    try:
        with urllib.request.urlopen(f"http://{endpoint}/status.json", timeout=5):
            return True
    except OSError:
        return False


def _listens(address, port):
    """By the kernel's table: a connection would be a peer to the client."""
    wanted = "".join(f"{int(part):02X}" for part in reversed(address.split("."))) + f":{port:04X}"
    lines = pathlib.Path("/proc/thread-self/net/tcp").read_text().splitlines()
    return any(fields[1] == wanted and fields[3] == "0A" for fields in map(str.split, lines[1:]))


def _json_or_none(text):
    try:
        return json.loads(text)
    except ValueError:
        return None
