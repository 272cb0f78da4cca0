"""Hosts that are directories of this machine, reached through a launcher of our own: each has its own home, run
directory and address, and a shell that knows nothing but POSIX."""

import json
import shutil
import subprocess

from harness import PROGRAM, MurderCase, free_address, free_port

# What ssh would be: a home of its own, and trouble where a file says so.
REACH = """#!/bin/sh
host=$1 command=$2
home="{base}/$host"
if [ -e "$home/down" ]; then echo "ssh: connect to host $host port 22: No route to host" >&2; exit 255; fi
echo "$command" >>"$home/commands"
run() {{
    cd "$home" || exit 255
    exec env -i PATH="$PATH" HOME="$home" MURDER_RUN_DIR="$home/run dir" {shell} -c "$command"
}}
if [ -e "$home/slow" ]; then case $command in *--follow*) (run); sleep 600; exit;; esac; fi
run
"""


class FleetCase(MurderCase):
    HOSTS = ("h1", "h2", "h3")

    def setUp(self):
        super().setUp()
        self.base = self.path("hosts of the fleet")
        reach = self.path("reach")
        shell = "dash" if shutil.which("dash") else "sh"
        reach.write_text(REACH.format(base=self.base, shell=shell))
        reach.chmod(0o755)
        self.environment["XDG_STATE_HOME"] = str(self.path("state"))
        self.environment["HOME"] = str(self.path("home"))  # the same paths are meant on hosts and here
        self.environment["TMPDIR"] = str(self.temp_path)
        self.port = free_port("0.0.0.0")
        lines = [
            "[murder]", 'remote_murder_path = "~/my murder"', 'default_destination_path = "~/srv/my app"',
            'default_temp_path = "~/my temp"', f"tracker_port = {self.port}",
            "[fleet]", f"launcher = \"exec:{reach} {{host}} {{command}}\"", "retries = 0",
            "[roles]", "peer = ["]
        for host in self.HOSTS:
            (self.base / host).mkdir(parents=True)
            lines.append(f'  {{ host = "{host}", ip = "{free_address()}" }},')
        self.config = self.path("fleet.toml")
        self.config.write_text("\n".join([*lines, "]"]) + "\n")
        self.addCleanup(self.end_what_runs)

    def end_what_runs(self):
        for host in self.HOSTS:
            if (self.base / host / "run dir").is_dir():
                subprocess.run([PROGRAM, "stop", "--all"], capture_output=True, check=False,
                               env=dict(self.environment, MURDER_RUN_DIR=str(self.base / host / "run dir")))

    def fleet(self, *words, code=0):
        return self.murder("fleet", *words, "--config", self.config, code=code)

    def deploy(self, source, *words, code=0):
        return self.murder("deploy", source, *words, "--config", self.config, code=code)

    def home(self, host, *parts):
        return self.base.joinpath(host, *parts)

    def release(self, host, tag="v1"):
        return self.home(host, "srv", "my app", tag)

    def assert_release(self, source, hosts, tag="v1"):
        for host in hosts:
            self.assert_same_tree(source, self.release(host, tag))

    def assert_same_tree(self, one, other):
        result = subprocess.run(
            ["diff", "-r", "--no-dereference", "-x", ".git", str(one), str(other)],
            capture_output=True, text=True, check=False)
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)

    def processes_of(self, host):
        if not self.home(host, "run dir").is_dir():
            return []
        shown = subprocess.run([PROGRAM, "status", "--json"], capture_output=True, check=True,
                               env=dict(self.environment, MURDER_RUN_DIR=str(self.home(host, "run dir"))))
        return json.loads(shown.stdout)["processes"]

    def assert_nothing_left(self, hosts=None, may_stay=()):
        for host in hosts or self.HOSTS:
            self.assertEqual(self.processes_of(host), [], host)
            for place in ("run dir", "my temp"):
                path = self.home(host, place)
                left = [each.name for each in path.iterdir() if each.name not in may_stay] if path.is_dir() else []
                self.assertEqual(left, [], f"{host}: {place}")
        # Ours as well: sockets, packed archives.
        self.assertEqual([each.name for each in self.temp_path.iterdir()], [])
