"""What a release takes is known before its first byte is fetched."""

import unittest

from rack_case import RackCase


class Room(RackCase):
    HOST_COUNT = 4

    def setUp(self):
        super().setUp()
        for host in self.hosts:
            self.empty(host, "/srv", "/tmp", "/run/murder")
        self.addCleanup(self.stop_all)

    def mount(self, host, options):
        (self.rack.files_of(host) / "srv" / "app").mkdir()
        self.on(host, "mount", "-t", "tmpfs", "-o", options, "none", "/srv/app")
        self.addCleanup(self.on, host, "umount", "/srv/app")

    def test_hosts_where_the_release_cannot_be_unpacked_fetch_nothing(self):
        source = self.make_release("build", 100_000, file_count=50)
        # Packed it would fit into each of them.
        (source / "text").write_bytes(bytes(1000) * 20_000 + b"x")
        self.mount("h02", "size=4m")
        self.mount("h03", "size=40m,nr_inodes=20")
        self.mount("h04", "size=40m,ro")
        result = self.murder("deploy", source, "--tag", "v1", "--to", "/srv/app", "--host", self.host_set, code=3)
        self.assertRegex(result.stdout, r"(?m)^h02 .*the disk of /srv/app is too full: the release takes 19\.")
        self.assertRegex(result.stdout, r"(?m)^h03 .*the file system of /srv/app has too few inodes: the release has 5\d files")
        self.assertRegex(result.stdout, r"(?m)^h04 .*cannot write to /srv/app: Read-only file system")
        self.assert_release(source, "/srv/app/v1", ["h01"])
        self.assert_nothing_left()


if __name__ == "__main__":
    unittest.main()
