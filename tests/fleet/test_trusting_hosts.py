"""A deploy that signs, to hosts that demand signatures: who trusts another key refuses, and is named."""

import sys
import unittest

from deploy_case import SMALL_BYTES, DeployCase
from rack_case import ROOT

sys.path.insert(0, str(ROOT / "tests" / "e2e"))

from signing import allowed_line, make_key  # noqa: E402


class TrustingHosts(DeployCase):
    HOST_COUNT = 12

    # A copy of /etc in the host's memory, so that it can be written there alone.
    GIVE_ETC = ("mountpoint -q /etc || { mkdir /run/etc && cp -a /etc/. /run/etc/ && mkdir -p /run/etc/murder"
                " && mount --bind /run/etc /etc; }")

    def setUp(self):
        super().setUp()
        self.key = make_key(self.directory, "ann")
        self.other_key = make_key(self.directory, "eve")
        for host in self.hosts:
            self.on(host, "sh", "-c", self.GIVE_ETC)
            self.trust(host, allowed_line(self.key))

    def trust(self, host, text):
        self.on(host, "sh", "-c", 'printf %s "$1" > /etc/murder/allowed_signers', "sh", text)

    def config(self, key=None, application="shop"):
        lines = [self.VARIABLES, f'application = "{application}"', *([f'sign_key = "{key}"'] if key else [])]
        self.write_config(variables="\n".join(lines))

    def deploy(self, tag, source, *words, code=0):
        return self.murder("deploy", source, "--tag", tag, *words, code=code)

    def test_one_of_twelve_trusts_another_key(self):
        stranger = self.hosts[4]
        self.trust(stranger, allowed_line(self.other_key, "eve@example.net"))
        self.config(self.key)
        source = self.make_release("source", SMALL_BYTES)
        result = self.murder_json("deploy", source, "--tag", "v1", "--activate", "--quorum", "11", code=None)
        self.assertEqual([each["host"] for each in result["failed"]], [stranger], result)
        self.assertRegex(result["failed"][0]["reason"], r"v1 is not put in place: no trusted key signed it.*allowed_signers")
        others = [host for host in self.hosts if host != stranger]
        self.assert_release(source, "/srv/app/v1", others)
        self.assert_no_release("/srv/app/v1", [stranger])
        self.assertEqual({self.current(host) for host in others}, {"v1"})
        self.assertIsNone(self.current(stranger))

    def test_hosts_that_demand_orders_get_them_signed(self):
        for host in self.hosts[6:]:  # the others have no such demand, and take part
            self.trust(host, "# murder-order\n" + allowed_line(self.key, options='namespaces="murder-release,murder-o*"'))
        self.config()
        source = self.make_release("source", SMALL_BYTES)
        refused = self.deploy("v1", source, "--activate", "--coordinate", code=1)
        self.assertRegex(refused.stdout + refused.stderr, r"h\d+ takes only what an operator ordered and signed.*--sign \[KEY\]")
        self.assert_no_release("/srv/app", self.hosts)
        self.config(self.key)
        told = self.deploy("v1", source, "--activate", "--coordinate", "--on-failure", "rollback")
        self.assertRegex(told.stderr, r"signing with \S+: activate shop v1 \(info hash [0-9a-f]{40}\)")
        self.assertEqual({self.current(host) for host in self.hosts}, {"v1"})
        # To fetch is ordered as well.
        newer = self.make_release("newer", SMALL_BYTES, seed=2)
        told = self.deploy("v2", newer, "--coordinate")
        self.assertRegex(told.stderr, r"signing with \S+: wanted shop v2 ")
        self.assert_release(newer, "/srv/app/v2")
        self.assertEqual({self.current(host) for host in self.hosts}, {"v1"})
        self.assert_nothing_left()

    def test_nothing_is_put_in_place_without_a_signature(self):
        self.config()
        source = self.make_release("source", SMALL_BYTES)
        result = self.deploy("v1", source, "--activate", code=1)
        self.assertRegex(result.stdout + result.stderr, r"it is not signed")
        for host in self.hosts:
            self.assert_no_release("/srv/app", [host])

    def test_another_application_and_a_rollback(self):
        self.config(self.key)
        source = self.make_release("source", SMALL_BYTES)
        self.deploy("v1", source, "--activate")
        newer = self.make_release("newer", SMALL_BYTES, seed=2)
        self.deploy("v2", newer, "--activate")
        refused = self.deploy("v1", source, "--activate", code=1)
        self.assertRegex(refused.stdout + refused.stderr, r"signed anew.*--allow-older")
        self.assertEqual({self.current(host) for host in self.hosts}, {"v2"})
        self.murder("rollback", "--to", "/srv/app", "--host", self.host_set)
        self.assertEqual({self.current(host) for host in self.hosts}, {"v1"})
        self.murder("rollback", "--to", "/srv/app", "--host", self.host_set, code=None)
        self.deploy("v2", newer, "--activate")
        self.deploy("v1", source, "--activate", "--allow-older")
        self.assertEqual({self.current(host) for host in self.hosts}, {"v1"})


if __name__ == "__main__":
    unittest.main()
