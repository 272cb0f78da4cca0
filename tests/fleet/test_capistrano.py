"""The Capistrano plugin: with Debian's Capistrano to hosts of the rack, and its parts alone."""

import shutil
import subprocess
import unittest

from rack_case import PROGRAM, ROOT, RackCase
from rack_of_hosts.rack import CONTROL

PLUGIN = ROOT / "integrations" / "capistrano"

CAPFILE = """\
require "capistrano/setup"
require "capistrano/deploy"
require "capistrano/scm/murder"
install_plugin Capistrano::SCM::Murder
"""

DEPLOY = f"""\
set :application, "app"
set :deploy_to, "/srv/app"
set :murder_source, "build"
set :murder_program, "{PROGRAM}"
"""

STAGE = """\
server "h01"
server "h02", rack: "r1"
server "root@h03:22"
server "h04"
"""


class Parts(unittest.TestCase):
    def test_the_parts_of_the_plugin(self):
        if not shutil.which("cap"):
            self.skipTest("capistrano is not installed")
        result = subprocess.run(
            ["ruby", "-Ilib", "test/test_parts.rb"], cwd=PLUGIN, capture_output=True, text=True, timeout=120,
            check=False)
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)


class CapDeploy(RackCase):
    HOST_COUNT = 4
    RATE = "200mbit"

    @classmethod
    def setUpClass(cls):
        if not shutil.which("cap"):
            raise unittest.SkipTest("capistrano is not installed")
        super().setUpClass()

    def setUp(self):
        super().setUp()
        (self.directory / "config" / "deploy").mkdir(parents=True)
        (self.directory / "Capfile").write_text(CAPFILE)
        (self.directory / "config" / "deploy.rb").write_text(DEPLOY)
        (self.directory / "config" / "deploy" / "production.rb").write_text(STAGE)
        self.environment["RUBYLIB"] = str(PLUGIN / "lib")
        for host in self.hosts:
            self.empty(host, "/run/murder")  # a host that failed before keeps what it has for the next attempt

    def cap(self, *words, code=0):
        return self.on(CONTROL, "cap", "production", *words, code=code)

    def current(self, host):
        return (self.rack.files_of(host) / "srv" / "app" / "current").readlink()

    def the_current(self):
        """The same on all hosts."""
        links = {self.current(host) for host in self.hosts}
        self.assertEqual(len(links), 1, links)
        return links.pop()

    def assert_deployed(self, source, release):
        """Capistrano adds REVISION, which also changes the time of the directory."""
        expected = self.listing(source)
        del expected["."]
        for host in self.hosts:
            found = self.listing(self.rack.files_of(host) / str(release)[1:])
            del found["."]
            self.assertIsNotNone(found.pop("REVISION", None), host)
            self.assert_same_listing(expected, found, host)

    def test_deploy_twice_and_roll_back(self):
        build = self.make_release("build", 10_000_000)
        self.cap("deploy")
        first = self.the_current()
        self.assertEqual(str(first.parent), "/srv/app/releases")
        self.assert_deployed(build, first)

        old = build.rename(self.directory / "old")
        build = self.make_release("build", 10_000_000, seed=2)
        self.cap("deploy")
        second = self.the_current()
        self.assertNotEqual(first, second)
        self.assert_deployed(build, second)

        self.cap("deploy:rollback")
        self.assertEqual(self.the_current(), first)
        self.assert_deployed(old, first)
        self.assert_nothing_left()

    def test_a_host_that_cannot_have_it_fails_the_deploy_and_changes_no_current(self):
        self.make_release("build", 1_000_000)
        self.cap("deploy")
        before = self.the_current()
        self.on("h02", "mount", "-t", "tmpfs", "-o", "size=100k", "none", "/tmp")
        try:
            failed = self.cap("deploy", code=1)
        finally:
            self.on("h02", "umount", "/tmp")
        self.assertRegex(failed.stdout + failed.stderr, "h02")
        self.assertEqual(self.the_current(), before)

    def test_tasks_have_murders_names(self):
        source = self.make_release("build", 1_000_000)
        self.copy_to("h01", source, "/srv/files")
        for words in (
            ["murder:distribute_files"], ["murder:start_tracker"],
            ["murder:create_torrent", "tag=Deploy1", "files_path=/srv/files"],
            ["murder:start_seeding", "tag=Deploy1"], ["murder:peer", "tag=Deploy1", "destination_path=/srv/tasks"],
            ["murder:stop_seeding", "tag=Deploy1"], ["murder:stop_tracker"],
        ):
            self.cap(*words)
        self.assert_release(source, "/srv/tasks/Deploy1")
        self.cap("murder:stop_tracker", code=1)
        self.cap("murder:stop_all_peering", code=None)
        self.cap("murder:clean_temp_files", "tag=Deploy1")
        self.assert_nothing_left()

    def test_ssh_options_of_the_stage_are_all_that_is_needed_to_reach_the_hosts(self):
        keys = self.rack.directory / "ssh"
        # No ssh_config says anything here.
        (self.directory / "config" / "deploy" / "production.rb").write_text(STAGE + f"""
set :ssh_options, {{ config: false, user: "root", keys: ["{keys}/key"], keys_only: true,
                    user_known_hosts_file: "{keys}/known_hosts" }}
""")
        self.on(CONTROL, "mount", "--bind", "/dev/null", "/etc/ssh/ssh_config")
        self.addCleanup(self.on, CONTROL, "umount", "/etc/ssh/ssh_config")
        build = self.make_release("build", 300_000)
        # A task of murder first: what it asks the servers must not change what Capistrano knows of them.
        self.cap("murder:distribute_files", "deploy")
        self.assert_deployed(build, self.the_current())

    def test_the_hooks_of_murders_readme_fire_in_a_deploy(self):
        (self.directory / "config" / "deploy.rb").write_text(DEPLOY + """
after "deploy:setup", "murder:distribute_files"
before "murder:start_seeding", "murder:start_tracker"
after "murder:stop_seeding", "murder:stop_tracker"
%w[create_torrent start_seeding peer stop_seeding clean_temp_files].each do |name|
  before("murder:#{name}", "before_#{name}") { puts "hook before #{name}" }
  after("murder:#{name}", "after_#{name}") { puts "hook after #{name}" }
end
before("murder:stop_tracker", "tracker_runs") { on(roles(:all).first) { execute :pgrep, "-f", "'murder tracker'" } }
""")
        build = self.make_release("build", 300_000)
        said = self.cap("deploy").stdout
        hooks = [line for line in said.splitlines() if line.startswith("hook ")]
        self.assertEqual(hooks, [f"hook {when} {name}"
                                 for name in ("create_torrent", "start_seeding", "peer", "stop_seeding",
                                              "clean_temp_files")
                                 for when in ("before", "after")])
        self.assert_deployed(build, self.the_current())
        self.assert_nothing_left()
        for host in self.hosts:
            self.empty(host, "/srv/app/shared")
        self.cap("deploy:setup")
        for host in self.hosts:
            self.assertTrue((self.rack.files_of(host) / "srv" / "app" / "shared" / "murder" / "murder").is_file())


if __name__ == "__main__":
    unittest.main()
