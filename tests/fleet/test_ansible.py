"""The Ansible role of integrations/ansible on hosts of a rack: installs, serves, deploys, and changes nothing the second time."""

import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

from rack_case import PROGRAM, ROOT, RackCase
from rack_of_hosts import rack as racks

INTEGRATION = ROOT / "integrations" / "ansible"
RECAP = re.compile(r"(?m)^(\S+) +: ok=(\d+) +changed=(\d+) +unreachable=(\d+) +failed=(\d+)")
HOST_PROGRAM = "/opt/murder/bin/murder"

PLAYBOOK = """\
- hosts: tracker
  gather_facts: false
  roles:
    - {role: murder, murder_tracker_enabled: true, murder_tracker_listen: ["[::]:8998"]}
- hosts: seeder
  gather_facts: false
  roles:
    - {role: murder, murder_package: "", murder_seed_source: /srv/build, murder_metrics_directory: /var/tmp}
- hosts: web
  gather_facts: false
  roles:
    - {role: murder, murder_release_to: /srv/app, murder_release_keep: 1, murder_metrics_directory: /var/tmp}
"""


@unittest.skipUnless(shutil.which("ansible-playbook"), "ansible-playbook is not installed")
class Ansible(RackCase):
    HOST_COUNT = 3

    def setUp(self):
        super().setUp()
        self.addCleanup(self.stop_all)
        for host in self.hosts:
            self.empty(host, "/srv", "/opt", "/var/tmp", "/var/lib/murder", "/tmp")
        self.environment |= {
            "ANSIBLE_ROLES_PATH": str(INTEGRATION / "roles"), "ANSIBLE_LOCAL_TEMP": str(self.directory / "ansible"),
            "ANSIBLE_HOME": str(self.directory / "ansible"), "ANSIBLE_REMOTE_TEMP": "/tmp/ansible",
            "ANSIBLE_NOCOLOR": "1", "ANSIBLE_PYTHON_INTERPRETER": "/usr/bin/python3", "HOME": str(self.directory),
            # The rack's host keys are those that control's own ssh knows.
            "ANSIBLE_HOST_KEY_CHECKING": "0", "ANSIBLE_FORKS": "4", "ANSIBLE_PIPELINING": "1",
            "ANSIBLE_SSH_TRANSFER_METHOD": "piped", "ANSIBLE_DEVEL_WARNING": "0"}
        self.tag = "v42"
        self.web = self.hosts[1:]
        self.write_inventory(self.web)

    def write_inventory(self, web):
        lines = ["[tracker]", self.hosts[0], "[seeder]", self.hosts[0], "[web]", *web, "[all:vars]",
                 "murder_service_manager=none", f"murder_package={PROGRAM}", f"murder_program={HOST_PROGRAM}",
                 f"murder_trackers=['{self.hosts[0]}:8998']"]
        (self.directory / "hosts").write_text("\n".join(lines) + "\n", encoding="utf-8")

    def play(self, *words, code=0):
        (self.directory / "site.yml").write_text(PLAYBOOK, encoding="utf-8")
        result = self.on(
            racks.CONTROL, "ansible-playbook", "-i", "hosts", "site.yml", "-e", f"murder_tag={self.tag}", *words, code=code)
        return result.stdout, {host: {"changed": int(changed), "failed": int(failed) + int(unreachable)}
                               for host, _, changed, unreachable, failed in RECAP.findall(result.stdout)}

    def release(self, tag, seed):
        source = self.make_release(f"build-{tag}", 3_000_000, seed=seed)
        self.empty(self.hosts[0], "/srv")
        self.copy_to(self.hosts[0], source, "/srv/build")
        self.tag = tag
        return source

    def current(self, host):
        return os.readlink(self.rack.files_of(host) / "srv/app/current")

    def test_the_first_run_installs_and_later_ones_change_what_is_new(self):
        """One run after another on the same hosts: each costs some thirty tasks on hosts, whatever it finds."""
        self.check_first_run()
        self.check_second_run()
        self.check_one_host_that_fails()
        self.check_next_release()

    def check_first_run(self):
        source = self.release("v42", seed=1)
        output, recap = self.play()
        self.assertEqual(set(recap), set(self.hosts), output)
        for host, counts in recap.items():
            self.assertGreater(counts["changed"], 0, host)
        self.assert_release(source, "/srv/app/v42", self.web)
        self.assertEqual({self.current(host) for host in self.web}, {"v42"})

    def check_second_run(self):
        unchanged = {host: {"changed": 0, "failed": 0} for host in self.hosts}
        before = [self.process(self.hosts[0], f"murder {kind}") for kind in ("tracker", "seed")]
        self.assertTrue(all(before), before)
        output, recap = self.play()
        self.assertEqual(recap, unchanged, output)
        self.assertEqual([self.process(self.hosts[0], f"murder {kind}") for kind in ("tracker", "seed")], before)
        for host in self.web:
            self.assertIn("murder_peer_state", (self.rack.files_of(host) / "var/tmp/murder-peer.prom").read_text())
        # Nor does a dry run.
        output, recap = self.play("--check")
        self.assertEqual(recap, unchanged, output)

    # The hosts have the program from here on; tracker and seeder have to be started again.
    def check_one_host_that_fails(self):
        self.on(self.hosts[0], HOST_PROGRAM, "stop", "--all")
        self.release("v43", seed=2)
        bad, *good = self.web
        self.on(bad, "sh", "-c", "mkdir -p /srv/app/v43 && echo mine >/srv/app/v43/file")
        output, recap = self.play("-e", "murder_package=", code=2)
        self.assertEqual({host: counts["failed"] > 0 for host, counts in recap.items()},
                         {host: host != self.hosts[0] for host in self.hosts}, output)
        self.assertEqual({self.current(host) for host in self.web}, {"v42"})
        self.assertIn("it stays as it is", output)
        # With a quorum the others go ahead.
        self.play("--limit", "web", "-e", "murder_package=", "-e", "murder_release_quorum=0.5", code=2)
        self.assertEqual({self.current(host) for host in good}, {"v43"})
        self.assertEqual(self.current(bad), "v42")

    # Of those before it one is kept.
    def check_next_release(self):
        bad, *good = self.web
        self.on(bad, "rm", "-rf", "/srv/app/v43")
        source = self.release("v44", seed=3)
        self.play("-e", "murder_package=")
        self.assert_release(source, "/srv/app/v44", self.web)
        self.assertEqual({self.current(host) for host in self.web}, {"v44"})
        for host in good:
            self.assertFalse(self.has_release(host, "/srv/app/v42"))
            self.assertTrue(self.has_release(host, "/srv/app/v43"))


class Lint(unittest.TestCase):
    @unittest.skipUnless(shutil.which("ansible-lint"), "ansible-lint is not installed")
    def lint(self, integration):
        """Of the role by its path: "." alone is one file to it, and nothing in it is read."""
        return subprocess.run(
            ["ansible-lint", "--offline", "--nocolor", "--profile", "production", "roles/murder"], cwd=integration,
            capture_output=True, text=True, timeout=300, check=False)

    @unittest.skipUnless(shutil.which("ansible-lint"), "ansible-lint is not installed")
    def test_ansible_lint_finds_nothing(self):
        result = self.lint(INTEGRATION)
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)

    @unittest.skipUnless(shutil.which("ansible-lint"), "ansible-lint is not installed")
    def test_ansible_lint_reads_the_role(self):
        with tempfile.TemporaryDirectory() as place:
            copy = shutil.copytree(INTEGRATION, pathlib.Path(place) / "ansible")
            with open(copy / "roles/murder/tasks/release.yml", "a", encoding="utf-8") as tasks:
                tasks.write("\n- shell: echo wrong\n")
            result = self.lint(copy)
            self.assertNotEqual(result.returncode, 0)
            self.assertIn("release.yml", result.stdout)


if __name__ == "__main__":
    unittest.main()
