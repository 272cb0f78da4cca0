"""Hosts with the fleet's key at its usual place: what is started without an option is closed, a deploy works."""

import http.client
import json
import os
import shutil
import subprocess
import unittest

import fleet_keys
from fleet_case import FleetCase
from harness import COMMAND_SECONDS_MAX, PROGRAM

# An /etc of its own, with /etc/murder/fleet.key: $1 is where it is made, $2 the key.
PRIVATE_ETC = """set -e
mount -t tmpfs none "$1"
cp -a /etc/. "$1"
mkdir -p "$1/murder"
cp -p "$2" "$1/murder/fleet.key"
mount --bind "$1" /etc
shift 2
exec "$@"
"""


def reason_to_skip():
    if os.geteuid() != 0:
        return "needs root, for a private /etc"
    if not shutil.which("unshare"):
        return "not installed: unshare"
    tried = subprocess.run(["unshare", "--mount", "true"], capture_output=True, check=False)
    return "no namespaces here" if tried.returncode != 0 else None


@unittest.skipIf(reason_to_skip(), reason_to_skip())
class ClosedFleet(FleetCase):
    def setUp(self):
        super().setUp()
        self.secret = fleet_keys.new_secret()
        self.key_path = fleet_keys.write_keys(self.path("fleet.key"), fleet_keys.key_line(self.secret))
        self.path("etc").mkdir()

    def with_key(self, *arguments, code=0, run_directory=None):
        """A command on a machine that has the key."""
        environment = dict(self.environment, **({"MURDER_RUN_DIR": str(run_directory)} if run_directory else {}))
        result = subprocess.run(
            ["unshare", "--mount", "sh", "-c", PRIVATE_ETC, "sh", self.path("etc"), self.key_path, PROGRAM, *map(str, arguments)],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, env=environment, timeout=COMMAND_SECONDS_MAX, check=False)
        self.assertEqual(result.returncode, code, f"{arguments}\n{result.stdout}\n{result.stderr}")
        return result

    def status_of_tracker(self, target):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        connection.request("GET", target)
        try:
            return connection.getresponse().status
        finally:
            connection.close()

    def test_a_deploy_starts_what_is_closed(self):
        source = self.make_tree()
        told = json.loads(self.with_key("deploy", source, "--tag", "v1", "--config", self.config, "--json").stdout)
        self.assertEqual(told["done"], list(self.HOSTS))
        self.assert_release(source, self.HOSTS)
        self.assert_nothing_left()

    def test_a_deploy_uses_a_closed_tracker_and_its_hosts_do_not_serve_others(self):
        source = self.make_tree()
        run_directory = self.home("h1", "run dir")
        self.with_key("tracker", "--listen", f"[::]:{self.port}", "--background", run_directory=run_directory)
        self.assertEqual(self.status_of_tracker("/status.json"), 403)
        self.assertEqual(self.status_of_tracker(fleet_keys.signed_target(self.secret, "/status.json")), 200)
        told = json.loads(self.with_key("deploy", source, "--tag", "v1", "--config", self.config, "--json").stdout)
        self.assertEqual(told["done"], list(self.HOSTS))
        self.assert_release(source, self.HOSTS)
        # Hosts without the key are told why they get nothing, unless the deploy brings one to this tracker.
        failed = self.deploy(source, "--tag", "v2", "--timeout", "60s", "--open", code=1)
        self.assertIn("403", failed.stdout + failed.stderr)
        self.deploy(source, "--tag", "v2", "--closed")
        self.assert_release(source, self.HOSTS, "v2")

    def test_a_deploy_encrypts_where_it_is_told_to(self):
        """By the option, and by murder.toml: seeder and peers alike, whose command lines show it where ssh starts them."""
        source = self.make_tree()
        for tag, arguments in (("v1", ["--transport", "tls"]), ("v2", [])):
            if not arguments:
                self.config.write_text(self.config.read_text().replace("[murder]", '[murder]\ntransport = "tls"'))
            told = json.loads(self.with_key("deploy", source, "--tag", tag, "--config", self.config, "--json",
                                             "--no-coordinate", *arguments).stdout)
            self.assertEqual(told["done"], list(self.HOSTS))
            self.assert_release(source, self.HOSTS, tag)
            for host in self.HOSTS:
                commands = self.home(host, "commands").read_text().splitlines()
                begun = [line for line in commands if " peer - " in line or " seed - " in line]
                self.assertEqual(len(begun), 2 if host == "h1" else 1)
                self.home(host, "commands").write_text("")
                self.assertTrue(all("--transport tls" in line for line in begun))

    def test_hosts_without_the_key_say_what_a_deploy_under_tls_wants(self):
        source = self.make_tree()
        failed = self.deploy(source, "--tag", "v1", "--transport", "tls", "--open", code=1)
        self.assertIn("--transport tls encrypts with the fleet key, and there is none", failed.stdout + failed.stderr)
        # A deploy brings its own key.
        self.deploy(source, "--tag", "v1", "--transport", "tls", "--closed")
        self.assert_release(source, self.HOSTS)

    def test_open_is_open_where_there_is_a_key(self):
        run_directory = self.home("h1", "run dir")
        self.with_key("tracker", "--listen", f"[::]:{self.port}", "--background", "--open", run_directory=run_directory)
        self.assertEqual(self.status_of_tracker("/status.json"), 200)

    def test_a_key_at_the_usual_place_that_others_may_read_is_an_error(self):
        self.key_path.chmod(0o644)
        result = self.with_key("tracker", "--listen", f"[::]:{self.port}", "--background", code=1)
        self.assertIn("others may read /etc/murder/fleet.key", result.stderr)
        self.assertIn("--open takes part without a key", result.stderr)


if __name__ == "__main__":
    unittest.main()
