"""Other programs that speak BitTorrent, as the tests need them: started on an address of their own,
given a torrent, watched, ended.

Every client keeps to what its torrent's tracker tells it: no DHT, no local discovery, no port
mapping, TCP only.
"""

import functools
import json
import pathlib
import re
import shutil
import signal
import subprocess
import time
import urllib.error
import urllib.request

from shared import Running, endpoint_text, free_port, wait_until

try:
    import libtorrent
except ImportError:
    libtorrent = None


@functools.cache
def version_of(*command):
    """The first version number a program prints about itself."""
    result = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    found = re.search(r"\d+(\.\d+)+", result.stdout + result.stderr)
    return found.group() if found else "?"


class Client:
    """One instance of a client. A subclass says how to start it with a torrent and how to end it."""

    name = "?"
    program = None
    # What must be installed for it.
    package = "?"
    # Whether it connects to addresses of 127.0.0.0/8 that a tracker named.
    dials_loopback = True

    def __init__(self, case, address, prefers_encryption=False):
        self.case = case
        self.address = address
        self.prefers_encryption = prefers_encryption
        self.port = free_port(address)

    @classmethod
    def missing(cls):
        """Why it cannot be tried here, or None."""
        if shutil.which(cls.program) is None:
            return f"{cls.program} is not installed ({cls.package})"
        return None

    @classmethod
    def row(cls):
        """What it is called in the matrix."""
        return cls.name if cls.missing() else f"{cls.name} {cls.version()}"

    def seed(self, torrent, directory):
        """Serves the content of the torrent, which lies in this directory."""
        raise NotImplementedError

    def download(self, torrent, directory):
        """Fetches the content into this directory, and goes on serving it."""
        raise NotImplementedError

    def leave(self):
        """Ends as a user would end it: the tracker is told."""
        self.end()

    def end(self):
        raise NotImplementedError

    def __str__(self):
        return self.name


class Libtorrent(Client):
    """A session of the library in this process."""

    name = "libtorrent"
    package = "python3-libtorrent"
    session = None

    @classmethod
    def missing(cls):
        return None if libtorrent else f"the Python module is not installed ({cls.package})"

    @classmethod
    def version(cls):
        return libtorrent.__version__

    def _settings(self):
        return {
            "listen_interfaces": endpoint_text(self.address, self.port),
            "enable_dht": False,
            "enable_lsd": False,
            "enable_upnp": False,
            "enable_natpmp": False,
            "enable_incoming_utp": False,
            "enable_outgoing_utp": False,
            "allow_multiple_connections_per_ip": True,
            # 5 minutes otherwise: a peer that joins later would wait for those before it to end.
            "min_announce_interval": 2,
            "min_reconnect_time": 2,
            "stop_tracker_timeout": 1,
            # It scrapes no tracker on a loopback address otherwise.
            "ssrf_mitigation": False,
            "close_redundant_connections": False,
            # Its own default: encrypted first, then plain. Otherwise only plain.
            "out_enc_policy": 1 if self.prefers_encryption else 2,
            "in_enc_policy": 1 if self.prefers_encryption else 2,
            "alert_mask": libtorrent.alert.category_t.error_notification
                          | libtorrent.alert.category_t.tracker_notification,
        }

    def _add(self, torrent, directory, flags):
        self.session = libtorrent.session(self._settings())
        parameters = libtorrent.add_torrent_params()
        parameters.ti = libtorrent.torrent_info(str(torrent))
        parameters.save_path = str(directory)
        parameters.flags = flags
        self.handle = self.session.add_torrent(parameters)

    def seed(self, torrent, directory):
        self._add(torrent, directory, 0)
        wait_until(lambda: self.handle.status().is_seeding, "libtorrent has checked the content")

    def download(self, torrent, directory):
        self._add(torrent, directory, 0)

    def scrape(self):
        """(seeders, leechers) as its tracker told it."""
        self.handle.scrape_tracker()
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            self.session.wait_for_alert(200)
            for alert in self.session.pop_alerts():
                if isinstance(alert, libtorrent.scrape_reply_alert):
                    return alert.complete, alert.incomplete
                if isinstance(alert, libtorrent.scrape_failed_alert):
                    raise AssertionError(f"scrape failed: {alert.message()}")
        raise AssertionError("libtorrent got no answer to its scrape")

    def end(self):
        if self.session is not None:
            self.session.remove_torrent(self.handle)
            self.session = None


class Aria2(Client):
    name = "aria2"
    program = "aria2c"
    package = "aria2"
    running = None

    @classmethod
    def version(cls):
        return version_of("aria2c", "--version")

    def _start(self, torrent, directory, *more):
        options = {
            "dir": directory,
            "listen-port": self.port,
            "interface": self.address,
            "bt-external-ip": self.address,
            "seed-time": 10,
            "seed-ratio": 0,
            "enable-dht": "false",
            "enable-dht6": "false",
            "bt-enable-lpd": "false",
            "bt-min-crypto-level": "plain",
            "file-allocation": "none",
            "no-conf": "true",
            "summary-interval": 0,
            "bt-stop-timeout": 60,
        }
        arguments = [self.program, *(f"--{key}={value}" for key, value in options.items()), *more]
        self.running = Running(self.case, [*arguments, str(torrent)], self.case.environment)
        self.case.started.append(self.running)

    def seed(self, torrent, directory):
        self._start(torrent, directory, "--bt-seed-unverified=true", "--check-integrity=false")

    def download(self, torrent, directory):
        self._start(torrent, directory)

    def leave(self):
        self.running.signal(signal.SIGINT)  # SIGTERM ends it without a word to the tracker
        self.running.wait()

    def end(self):
        if self.running is not None:
            self.running.end()


class Transmission(Client):
    """The daemon, spoken to through its RPC interface.

    It does not dial addresses of 127.0.0.0/8 that a tracker or a peer names, so whoever it shall
    talk to must dial it.
    """

    name = "Transmission"
    program = "transmission-daemon"
    package = "transmission-daemon"
    dials_loopback = False
    running = None
    _session_id = ""

    @classmethod
    def version(cls):
        return version_of("transmission-daemon", "--version")

    def _start(self, directory):
        configuration = pathlib.Path(self.case.path(f"transmission-{self.port}"))
        configuration.mkdir()
        self.rpc_port = free_port(self.address)
        settings = {
            "bind-address-ipv4": self.address,
            "bind-address-ipv6": "::1",
            "peer-port": self.port,
            "rpc-bind-address": self.address,
            "rpc-port": self.rpc_port,
            "rpc-whitelist-enabled": False,
            "rpc-host-whitelist-enabled": False,
            "rpc-authentication-required": False,
            "download-dir": str(directory),
            "dht-enabled": False,
            "lpd-enabled": False,
            "utp-enabled": False,
            "port-forwarding-enabled": False,
            "blocklist-enabled": False,
            "encryption": 1 if self.prefers_encryption else 0,
            "ratio-limit-enabled": False,
            "start-added-torrents": True,
        }
        (configuration / "settings.json").write_text(json.dumps(settings))
        self.running = Running(
            self.case,
            [self.program, "--foreground", "--config-dir", str(configuration), "--log-debug"],
            self.case.environment)
        self.case.started.append(self.running)
        wait_until(self._answers, "transmission-daemon answers")

    def _answers(self):
        try:
            return self.call("session-get")
        except OSError:
            return None

    def call(self, method, **arguments):
        body = json.dumps({"method": method, "arguments": arguments}).encode()
        url = f"http://{self.address}:{self.rpc_port}/transmission/rpc"
        for _ in range(2):
            request = urllib.request.Request(
                url, body, {"X-Transmission-Session-Id": self._session_id})
            try:
                with urllib.request.urlopen(request, timeout=10) as reply:
                    answer = json.load(reply)
                    break
            except urllib.error.HTTPError as error:
                if error.code != 409:
                    raise
                self._session_id = error.headers["X-Transmission-Session-Id"]
        assert answer["result"] == "success", answer
        return answer["arguments"]

    def state(self, *fields):
        torrents = self.call("torrent-get", fields=list(fields))["torrents"]
        return torrents[0] if torrents else {}

    def _add(self, torrent, directory):
        self._start(directory)
        self.call("torrent-add", filename=str(torrent))

    def seed(self, torrent, directory):
        self._add(torrent, directory)
        wait_until(lambda: self.state("status").get("status") == 6,
                   "Transmission has checked the content and seeds")

    def download(self, torrent, directory):
        self._add(torrent, directory)

    def leave(self):
        self.call("torrent-stop")  # it tells the tracker nothing when the daemon just ends

    def end(self):
        if self.running is not None:
            self.running.end()


class Opentracker:
    """A tracker that serves the releases whose info hashes it was started with."""

    name = "opentracker"
    package = "opentracker"

    @classmethod
    def missing(cls):
        if shutil.which("opentracker") is None:
            return f"opentracker is not installed ({cls.package})"
        return None

    def __init__(self, case, address, port, info_hashes):
        # Started by root it locks itself into this directory as the user nobody.
        directory = pathlib.Path(case.path(f"opentracker-{port}"))
        directory.mkdir(mode=0o755)
        (directory / "whitelist").write_text("".join(f"{each}\n" for each in info_hashes))
        self.endpoint = f"{address}:{port}"
        self.running = Running(
            case,
            ["opentracker", "-i", address, "-p", str(port), "-P", str(port), "-d", str(directory),
             "-w", "whitelist"],
            case.environment, cwd=directory)
        case.started.append(self.running)
        wait_until(self._answers, "opentracker answers")

    def _answers(self):
        try:
            with urllib.request.urlopen(f"http://{self.endpoint}/stats", timeout=5):
                return True
        except urllib.error.HTTPError:
            return True
        except OSError:
            return False
