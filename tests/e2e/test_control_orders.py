"""Orders that operators sign: hosts whose allowed_signers names murder-order do nothing else of what a coordinator wants."""

import time
import unittest

from control_case import ControlCase
from harness import free_address, wait_until
from signing import HAS_SSH_KEYGEN, allowed_line, make_key


@unittest.skipUnless(HAS_SSH_KEYGEN, "not installed: ssh-keygen")
class SignedOrders(ControlCase):
    def setUp(self):
        super().setUp()
        self.key = make_key(self.directory, "operator")
        signers = self.path("allowed_signers")
        signers.write_text(allowed_line(self.key, options='namespaces="murder-release,murder-order"'))
        signers.chmod(0o644)
        self.agent_keys = f'allowed_signers = "{signers}"'
        self.sign = ("--sign", self.key)

    def publish_signed(self, *tags):
        for tag in tags:
            self.publish(tag, *self.sign)

    def wait_for_activated(self, *tags):
        wait_until(lambda: all(host.activated() == list(tags) for host in self.hosts),
                   f"{tags} were activated; {[host.activated() for host in self.hosts]} were")

    def why(self, host):
        """Why a host is not settled; empty: it is."""
        return next((each["why"] for each in self.rollout()["unsettled"] if each["host"] == host.name), "")

    def wait_for_why(self, host, text):
        wait_until(lambda: text in self.why(host), f"{host.name} says {text!r}; it says {self.why(host)!r}")

    def test_nothing_is_done_that_no_operator_ordered(self):
        self.publish_signed("v1", "v2")
        self.add_hosts(2)
        self.roll_out("v1", *self.sign)
        self.wait_for_current("v1")
        # Who may give orders to the coordinator alone gets nothing done.
        held = self.roll_out("v2", code=3)
        self.assertIn("not ordered by an operator", held["why"])
        for host in self.hosts:
            self.wait_for_why(host, "not ordered by an operator: the latest order is about shop v1")
        shown = next(app for app in self.agents()[0]["apps"] if app["app"] == "shop")
        self.assertEqual(shown["failure"], "unordered")
        self.wait_for_activated("v1")
        # The order comes, and the hosts that refused are tried again.
        signed = self.ask("rollout", "resume", "shop", *self.sign)
        self.assertIn("activate shop v2", signed.stderr)
        self.wait_for_state("done")
        self.wait_for_current("v2")
        # Back without a signature: each host is named, and stays.
        self.ask("rollout", "undo", "shop")
        for host in self.hosts:
            self.wait_for_why(host, "not ordered by an operator")
        self.assertEqual([host.current for host in self.hosts], ["v2", "v2"])
        self.ask("rollout", "undo", "shop", *self.sign)
        self.wait_for_current("v1")
        self.wait_for_activated("v1", "v2", "v1")
        kinds = [record["signed"].splitlines()[1] for record in self.audit() if record["record"] == "order"]
        self.assertEqual(kinds, ["order activate", "order activate", "order return"])
        # What came of it is signed by each host, once.
        proven = [(record["host"], record["attempt"], record["outcome"]) for record in self.audit() if record["record"] == "proven"]
        self.assertEqual(len(proven), len(set(proven)))
        self.assertLessEqual({(host.name, outcome) for host in self.hosts for outcome in ("healthy", "failed")},
                             {(host, outcome) for host, _, outcome in proven})
        verified = self.ask("audit", "--verify")
        self.assertIn(f"{len(proven)} signed outcomes are right, 0 are not", verified.stderr)
        self.assertIn("verified=true", verified.stdout)

    def test_the_coordinator_goes_back_by_itself_where_the_order_lets_it(self):
        self.publish_signed("v1", "v2")
        self.add_hosts(2)
        self.roll_out("v1", *self.sign)
        self.start_rollout("v2", *self.sign, "--waves", "1,100%", "--bake", "1h", "--on-failure", "rollback", "--detach")
        first = wait_until(lambda: next((host for host in self.hosts if host.current == "v2"), None), "the first one runs v2")
        wait_until(lambda: self.rollout()["counts"]["healthy"] == 1, "it is healthy")
        first.fail_at("v2")
        self.wait_for_state("undone")
        self.wait_for_current("v1")
        wait_until(lambda: first.activated() == ["v1", "v2", "v1"], f"it was ordered back: {first.activated()}")

    def test_a_host_that_hears_of_an_order_too_late_refuses_it_until_it_is_given_again(self):
        self.publish_signed("v1", "v2")
        self.add_hosts(2)
        self.roll_out("v1", *self.sign)
        late = self.hosts[1]
        late.stop()
        self.start_rollout("v2", *self.sign, "--expires", "1s", "--max-fail", "100%", "--detach")
        ends = time.time() + 2.1  # it counts in whole seconds
        wait_until(lambda: time.time() > ends, "the order has expired")
        late.start()
        self.wait_for_why(late, "the order expired")
        self.assertEqual(late.current, "v1")
        # Once more, by the same words. (On a slow machine both hosts were late.)
        if self.rollout()["state"] == "held":
            self.ask("rollout", "resume", "shop", *self.sign)
        else:
            self.start_rollout("v2", *self.sign, "--max-fail", "100%", "--detach")
        self.wait_for_current("v2", [late])

    def test_an_abort_and_a_revocation_are_ordered_as_well(self):
        self.publish_signed("v1", "v2", "v3")
        self.add_hosts(1)
        host = self.hosts[0]
        self.roll_out("v1", *self.sign)
        memory = host.directory / "state" / "orders"
        # Unsigned, it is nothing to the host.
        self.ask("release", "revoke", "shop", "v3")
        self.ask("release", "revoke", "shop", "v2", *self.sign)
        wait_until(lambda: "revoked" in memory.read_text(), "the host has heard of the revocation")
        self.assertEqual(memory.read_text().count("revoked"), 1)
        self.publish_signed("v4")
        before = memory.read_text()
        self.start_rollout("v4", *self.sign, "--at", "tomorrow 02:00", "--detach")
        before = wait_until(lambda: (now := memory.read_text()) != before and now, "the host has heard of the rollout")
        self.ask("rollout", "abort", "shop", *self.sign)
        wait_until(lambda: memory.read_text() != before, "the host has heard that it is off")
        self.assertEqual(host.activated(), ["v1"])

    def test_two_operators_sign_where_hosts_demand_two(self):
        second = make_key(self.directory, "second")
        with self.path("allowed_signers").open("a") as signers:
            signers.write(allowed_line(second, "bob@example.net") + "# murder: require = 2\n")
        for tag in ("v1", "v2"):
            source = self.make_file(f"build-{tag}/data", 200_000, seed=tag).parent
            torrent = self.create(source, tag, "--app", "shop", "--sign", self.key)
            self.murder("sign", torrent, "--key", second)
            self.ask("release", "publish", torrent, "--app", "shop", "--tag", tag, "--ip", free_address())
        self.add_hosts(1)
        host = self.hosts[0]
        # One signs into a file, and orders nothing.
        saved = self.path("v1.orders")
        start = ("rollout", "start", "shop", "v1", *self.FAST)
        self.assertIn(str(saved), self.ask(*start, *self.sign, "--save-orders", saved).stdout)
        self.assertEqual(self.ask_json("rollout", "status")["rollouts"], [])
        # What the other one signs and sends is what he would have ordered himself.
        for words, said in [((*start, "--groups", "db"), "for db"),
                            (("release", "revoke", "shop", "v1"), "not revoke shop v1")]:
            self.assertIn(said, self.ask(*words, "--orders", saved, "--sign", second, code=1).stderr)
        self.assertIn("signing with", self.ask(*start, "--orders", saved, "--sign", second, "--detach").stderr)
        self.wait_for_current("v1")
        wait_until(lambda: host.activated() == ["v1"], "the hook behind the switch has run")
        order = next(record["signed"] for record in self.audit() if record["record"] == "order")
        self.assertEqual(order.count("BEGIN SSH SIGNATURE"), 2)
        self.assertIn("were given already", self.ask(*start, "--orders", saved, "--sign", second, code=1).stderr)
        # One operator alone, also one who signs twice, gets nothing done.
        self.wait_for_state("done")
        start = ("rollout", "start", "shop", "v2", *self.FAST)
        self.ask(*start, *self.sign, "--save-orders", saved)
        self.ask(*start, "--orders", saved, *self.sign, "--detach")
        self.wait_for_why(host, "1 of 2 required keys signed it")
        self.assertEqual(host.activated(), ["v1"])


if __name__ == "__main__":
    unittest.main()
