"""A large release to 16 hosts, of which three cannot have it until they are mended."""

import unittest

from rack_case import RackCase

BIG_BYTES = 200_000_000


class DeployToHostsInTrouble(RackCase):
    HOST_COUNT = 16
    RATE = "100mbit"

    def test_13_have_it_and_the_table_names_the_others_then_they_get_it(self):
        source = self.make_release("build", BIG_BYTES)
        self.write_config(variables='default_destination_path = "/srv/app"')
        self.on("h03", "ip", "link", "set", "eth0", "down")
        self.on("h05", "mount", "-t", "tmpfs", "-o", "size=40m", "none", "/tmp")
        old = self.rack.files_of("h09") / "srv" / "app" / "v1"
        old.mkdir(parents=True)
        (old / "file").write_text("of an earlier deploy")
        trouble = {"h03": "not reached|unreachable|time|connect", "h05": "full|space|room", "h09": "not empty"}
        healthy = [host for host in self.hosts if host not in trouble]

        result = self.murder("deploy", source, "--tag", "v1", "--to", "/srv/app", "--connect-timeout", "3s",
                             "--retries", "1", code=3)
        self.assert_release(source, "/srv/app/v1", healthy)
        self.assert_no_release("/srv/app/v1", ["h03", "h05"])
        self.assertEqual([path.name for path in old.iterdir()], ["file"])
        table = result.stdout + result.stderr
        for host, reason in trouble.items():
            self.assertRegex(table, rf"(?i){host}\b.*({reason})")
        for host in healthy:
            self.assertNotRegex(table, rf"(?i)^\W*{host}\b.*(failed|error)")
        self.assertRegex(table, r"\b13\b")

        self.on("h03", "ip", "link", "set", "eth0", "up")
        self.on("h05", "umount", "/tmp")
        (old / "file").unlink()
        self.murder("deploy", source, "--tag", "v1", "--to", "/srv/app", "--retry-failed")
        self.assert_release(source, "/srv/app/v1")
        self.murder("fleet", "clean-temp-files", "tag=v1", code=None)
        self.assert_nothing_left()


if __name__ == "__main__":
    unittest.main()
