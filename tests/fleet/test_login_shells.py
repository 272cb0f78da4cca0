"""Users whose login shells, start-up files and rights are their own."""

import shutil
import unittest

from rack_case import RackCase

NOISE = "Welcome {to} this host\nno newline at the end"
SHELLS = {"noisy": "/bin/bash", "cshell": "/bin/tcsh", "fishy": "/usr/bin/fish"}
USER_NUMBER = 1500


class OtherUsers(RackCase):
    HOST_COUNT = 4

    @classmethod
    def setUpClass(cls):
        missing = [name for name in ("sudo", "tcsh", "fish") if not shutil.which(name)]
        if missing:
            raise unittest.SkipTest(f"not installed: {' '.join(missing)}")
        super().setUpClass()
        cls.users = {**SHELLS, "nobodys": "/usr/sbin/nologin"}
        for number, (user, shell) in enumerate(cls.users.items(), USER_NUMBER):
            # In place: the hosts see these files by their inodes.
            with (cls.rack.directory / "etc" / "passwd").open("a", encoding="utf-8") as file:
                file.write(f"{user}:x:{number}:{number}::/srv/home/{user}:{shell}\n")
            with (cls.rack.directory / "etc" / "shadow").open("a", encoding="ascii") as file:
                file.write(f"{user}:*:19000:0:99999:7:::\n")
            for host in cls.hosts:
                home = cls.rack.files_of(host) / "srv" / "home" / user
                home.mkdir(parents=True)
                (home / ".bashrc").write_text(f"printf '{NOISE}'; echo 'motd: not found' >&2\n")
                (home / ".cshrc").write_text("echo 'Welcome {to} this host'\n")
                (home / ".config" / "fish").mkdir(parents=True)
                (home / ".config" / "fish" / "config.fish").write_text("echo 'Welcome {to} this host'\n")
                for path in [home, *home.rglob("*")]:
                    shutil.chown(path, number, number)

    def setUp(self):
        super().setUp()
        for host in self.hosts:
            self.empty(host, "/srv/app", "/tmp", "/run/murder")
        self.addCleanup(self.stop_all)

    def allow_sudo(self, rule):
        for host in self.hosts:
            file = self.rack.files_of(host) / "srv" / "sudoers"
            file.write_text(rule + "\n")
            file.chmod(0o440)
            self.on(host, "mount", "--bind", "/srv/sudoers", "/etc/sudoers")
            self.addCleanup(self.on, host, "umount", "/etc/sudoers")

    def hosts_of(self, users):
        path = self.directory / "hosts.txt"
        # As a spreadsheet saves it.
        lines = [f"{host} user={user}" for host, user in zip(self.hosts, users)]
        path.write_text("\ufeff" + "\r\n".join(lines) + "\r\n", encoding="utf-8")
        return path

    def test_any_login_shell_that_says_what_it_likes_and_root_by_sudo(self):
        self.allow_sudo("ALL ALL=(ALL) NOPASSWD: ALL")
        source = self.make_release("build", 300_000)
        hosts = self.hosts_of(SHELLS)
        self.murder("deploy", source, "--tag", "v1", "--to", "/srv/app", "--hosts", hosts, "--become", "--activate")
        self.assert_release(source, "/srv/app/v1", self.hosts[:3])
        for host in self.hosts[:3]:
            release = self.rack.files_of(host) / "srv" / "app" / "v1"
            self.assertEqual(release.stat().st_uid, 0, host)
            self.assertEqual(self.what_is_left(host), [], host)

    def test_without_become_nothing_runs_as_root(self):
        source = self.make_release("build", 300_000)
        hosts = self.hosts_of(SHELLS)
        for number, host in enumerate(self.hosts[:3], USER_NUMBER):
            place = self.rack.files_of(host) / "srv" / "app"
            place.mkdir(exist_ok=True)
            shutil.chown(place, number, number)
        self.murder("deploy", source, "--tag", "v1", "--to", "/srv/app", "--hosts", hosts,
                    "--remote-murder-path", "~/bin of mine")
        self.assert_release(source, "/srv/app/v1", self.hosts[:3])
        for number, host in enumerate(self.hosts[:3], USER_NUMBER):
            self.assertEqual((self.rack.files_of(host) / "srv" / "app" / "v1").stat().st_uid, number, host)

    def test_sudo_that_asks_for_a_password_and_one_that_refuses(self):
        self.allow_sudo("noisy ALL=(ALL) ALL\nroot ALL=(ALL) ALL")
        hosts = self.hosts_of(["noisy", "cshell"])
        refused = self.murder("fleet", "status", "--hosts", hosts, "--become", code=1)
        self.assertRegex(refused.stdout, r"h01 .*sudo asks for a password there.*NOPASSWD")
        self.assertRegex(refused.stdout, r"h02 .*sudo ")

    def test_a_start_up_file_that_asks_something_gets_an_empty_answer(self):
        source = self.make_release("build", 300_000)
        hosts = self.hosts_of(["cshell", "noisy"])
        place = ("--to", "/tmp/app", "--remote-murder-path", "~/bin")
        self.murder("deploy", source, "--tag", "v1", "--hosts", hosts, *place)
        home = self.rack.files_of("h02") / "srv" / "home" / "noisy"
        before = (home / ".bashrc").read_text()
        self.addCleanup((home / ".bashrc").write_text, before)
        (home / ".bashrc").write_text("read -p 'Which project? ' project; echo \"$project\"; read more\n")
        self.murder("deploy", source, "--tag", "v2", "--hosts", hosts, *place, "--command-timeout", "20s")
        self.assert_release(source, "/tmp/app/v2", ["h01", "h02"])

    def test_a_user_without_a_login_shell_is_said_to_have_none(self):
        hosts = self.hosts_of(["nobodys", "noisy"])
        result = self.murder("fleet", "distribute-files", "--hosts", hosts, "--remote-murder-path", "~/bin", code=3)
        self.assertRegex(result.stdout, r"h01 .*login shell of this user runs no commands.*not available")
        self.assertNotIn("h02", result.stdout)

    def test_what_hosts_write_does_not_steer_the_terminal(self):
        home = self.rack.files_of("h01") / "srv" / "home" / "noisy"
        before = (home / ".bashrc").read_text()
        self.addCleanup((home / ".bashrc").write_text, before)
        (home / ".bashrc").write_text(
            "printf '\\033]0;owned\\007 \\302\\233 2J \\rh02 is done\\n\\342\\200\\256' >&2; exit 1\n")
        result = self.murder("fleet", "status", "--hosts", self.hosts_of(["noisy"]), code=1)
        self.assertIn("h01", result.stdout)
        for character in "\033\007\r\u009b\u202e":
            self.assertNotIn(character, result.stdout + result.stderr)


if __name__ == "__main__":
    unittest.main()
