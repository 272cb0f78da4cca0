"""What the tests of `murder agent` share: a configuration, releases with somebody who serves them, and agents that are
started, killed and asked what they did."""

import json
import os
import pathlib
import signal

from fake_coordinator import FakeCoordinator, wanted_app
from harness import MurderCase, Running, free_address, is_alive, PROGRAM, wait_until


class AgentCase(MurderCase):
    def setUp(self):
        super().setUp()
        self.tracker = self.start_tracker()
        self.coordinator = FakeCoordinator(tracker=self.tracker)
        self.addCleanup(self.coordinator.close)
        self.to = self.path("srv")
        self.state = self.path("state")
        self.config_path = self.path("agent.toml")
        self.addCleanup(self._end_peers)

    def _end_peers(self):
        for run in self.state.glob("apps/*/run"):
            self.murder("stop", "--all", "--run-dir", run, code=None)

    def configure(self, app="", coordinators=None, **keys):
        """Writes agent.toml: `app` is what stands in [app.shop] besides `to`, `keys` in front of it."""
        lines = [f"coordinators = {json.dumps(coordinators or [self.coordinator.address])}",
                 'host = "w1"', f"state = {json.dumps(str(self.state))}", 'seed_for = "1s"']
        lines += [f"{key} = {value}" for key, value in keys.items()]
        lines += ["[app.shop]", f"to = {json.dumps(str(self.to))}", app]
        self.config_path.write_text("\n".join(lines) + "\n")
        self.config_path.chmod(0o600)

    def start_agent(self, *arguments, configure=True, program=PROGRAM):
        if configure and not self.config_path.exists():
            self.configure()
        running = Running(self, [str(program), "agent", "--config", str(self.config_path), *arguments], self.environment)
        self.started.append(running)
        return running

    def release(self, tag, files=None, serve=True):
        """A release that is served; its info hash."""
        source = self.path(f"source-{tag}")
        source.mkdir()
        for name, content in (files or {"version": tag}).items():
            (source / name).write_bytes(content if isinstance(content, bytes) else content.encode())
        made = self.murder_json("create", source, "--tag", tag, "--temp-path", self.temp_path, "--tracker", self.tracker)
        torrent = pathlib.Path(made["torrent"])
        if serve:
            self.seed(torrent)
        self.coordinator.torrents[made["info_hash"]] = torrent.read_bytes()
        return made["info_hash"]

    def current(self):
        """The tag that the link leads to; None: there is none."""
        link = self.to / "current"
        return os.readlink(link) if link.is_symlink() else None

    def run_release(self, release, attempt, **members):
        """Has it fetched and activated; waits until the agent reports that it is healthy."""
        self.coordinator.want(wanted_app("shop", release, attempt=attempt, activate=True, **members))
        return self.coordinator.wait_for_app(
            lambda app: app["active"] == release and app["phase"] == "idle" and app["is_healthy"],
            f"{release} is active and healthy")

    def kill(self, running):
        running.signal(signal.SIGKILL)
        running.wait()

    def kept(self):
        return json.loads((self.state / "kept.json").read_text())


__all__ = ["AgentCase", "FakeCoordinator", "free_address", "is_alive", "wait_until", "wanted_app"]
