"""The operators' commands against a scripted coordinator: what they ask, what they make of the answers."""

import hashlib
import json
import time
import unittest

from control_command_case import ControlCommand, START, STATUS
from scripted_coordinator import ScriptedCoordinator, release, rollout
from fleet_keys import key_line, new_secret, signed_target, viewer_line, write_keys
from harness import PROGRAM, free_address, free_port


class Asks(ControlCommand):
    def test_a_plan_is_sent_as_it_was_written(self):
        self.fake.answers[START] = rollout()
        printed = self.ask("rollout", "start", "shop", "v 42", "--groups", "web,eu", "--waves", "1,10%,50%,100%",
                           "--bake", "30s", "--max-fail", "2%", "--max-unavailable", "10%", "--on-failure", "rollback",
                           "--confirm-within", "5m", "--at", "+10m")
        self.assertEqual(printed.stdout, "rollout 17 of shop v 42 has begun\n")
        asked, = self.fake.asked
        self.assertEqual((asked.method, asked.path), START)
        self.assertEqual(asked.query, {"app": "shop", "tag": "v 42"})
        body = asked.json
        self.assertRegex(body.pop("by"), r"^\S+@\S+$")
        self.assertAlmostEqual(body.pop("begin_wall_s"), time.time() + 600, delta=60)
        self.assertEqual(body, {"groups": ["web", "eu"], "waves": "1,10%,50%,100%", "bake_s": 30, "max_fail": "2%",
                                "max_unavailable": "10%", "on_failure": "rollback", "confirm_within_s": 300})

    def test_every_order_goes_to_its_place_and_says_who(self):
        for verb in ("pause", "resume", "abort", "undo"):
            with self.subTest(verb):
                self.fake.answers["POST", f"/control/rollout/{verb}"] = rollout(state="paused")
                shown = self.ask("rollout", verb, "shop")
                self.assertIn("shop v42: paused", shown.stdout)
                self.assertIn("3 hosts: 2 healthy, 1 ready", shown.stdout)
                asked = self.fake.asked[-1]
                self.assertEqual((asked.method, asked.path, asked.query), ("POST", f"/control/rollout/{verb}", {"app": "shop"}))
                self.assertEqual(list(asked.json), ["by"])
                self.assertEqual(self.ask_json("rollout", verb, "shop")["state"], "paused")
                self.fake.answers["POST", f"/control/rollout/{verb}"] = {"rollouts": [rollout(state="held")]}
                self.assertEqual(self.ask_json("rollout", verb, "shop")["state"], "held")

    def test_an_app_may_be_left_out_where_there_is_one(self):
        self.fake.answers[STATUS] = {"rollouts": [rollout()]}
        self.fake.answers["POST", "/control/rollout/pause"] = rollout(state="paused")
        self.ask("rollout", "pause")
        self.assertEqual(self.fake.asked[-1].query, {"app": "shop"})
        self.fake.answers[STATUS] = {"rollouts": [rollout(), rollout(app="blog")]}
        self.assertIn("name the app: there are rollouts of shop, blog", self.ask("rollout", "pause", code=1).stderr)
        self.fake.answers[STATUS] = {"rollouts": []}
        self.assertIn("there was no rollout yet", self.ask("rollout", "pause", code=1).stderr)

    def test_releases_are_listed_shown_and_revoked(self):
        self.fake.answers["GET", "/control/releases"] = {"releases": [release()]}
        self.fake.answers["GET", "/control/release"] = release()
        self.fake.answers["POST", "/control/release/revoke"] = release(revoked=True)
        self.assertIn("shop  v42", self.ask("release", "list", "--app", "shop").stdout)
        self.assertEqual(self.fake.asked[-1].query, {"app": "shop"})
        self.assertEqual(self.ask_json("release", "list"), {"releases": [release()]})
        for words in (("shop", "v42"), ("--app", "shop", "--tag", "v42")):
            self.assertIn("2 run it", self.ask("release", "show", *words).stdout)
            self.assertEqual(self.fake.asked[-1].query, {"app": "shop", "tag": "v42"})
        shown = self.ask("release", "revoke", "shop", "v42", "--why", "loses orders")
        self.assertIn("shop v42 is revoked", shown.stdout)
        self.assertIn("2 hosts run it", shown.stdout)
        self.assertEqual(self.fake.asked[-1].json["why"], "loses orders")

    def test_undo_is_offered_where_it_leads_away_from_what_is_revoked(self):
        self.fake.answers["POST", "/control/release/revoke"] = release(revoked=True)
        for latest, is_offered in ((rollout(), True), (rollout(state="held"), True), (rollout(state="undone"), False),
                                   (rollout(tag="v43"), False)):
            self.fake.answers[STATUS] = {"rollouts": [latest]}
            shown = self.ask("release", "revoke", "shop", "v42").stdout
            self.assertEqual("rollout undo shop" in shown, is_offered)
            self.assertIn("2 hosts run it", shown)

    def test_agents_are_chosen_and_forgotten(self):
        self.fake.answers["GET", "/control/agents"] = {"agents": [], "count": 0}
        self.fake.answers["POST", "/control/agents/forget"] = {}
        self.assertEqual(self.ask("agents", "--group", "web", "--not-at", "v42", "--app", "shop").stdout, "no agent\n")
        self.assertEqual(self.fake.asked[-1].query, {"group": "web", "not_at": "v42", "app": "shop"})
        self.assertIn("runs v42, or there is none", self.ask("agents", "--not-at", "v42").stderr)
        apps = [{"app": app, "active_tag": "v1", "phase": "idle", "healthy": True} for app in ("shop", "api")]
        self.fake.answers["GET", "/control/agents"] = {"agents": [{"host": "w1", "apps": apps}], "count": 1}
        self.assertIn("api", self.ask("agents").stdout)
        self.assertNotIn("api", self.ask("agents", "--app", "shop").stdout)
        self.assertEqual(self.ask_json("agents", "--app", "shop"),
                         {"agents": [{"host": "w1", "apps": apps[:1]}], "count": 1})
        self.ask("agents", "--forget", "w1")
        self.assertEqual(self.fake.asked[-1].query, {"host": "w1"})
        self.ask("agents", "--forget", "w1", "--group", "web", code=2)
        self.ask("agents", "--force", code=2)
        for there in ({"connected": True}, {"present": True}):
            self.fake.answers["GET", "/control/agents"] = {"agents": [{"host": "w1", "apps": [], **there}], "count": 1}
            asked = len(self.fake.orders())
            self.assertIn("end it first", self.ask("agents", "--forget", "w1", code=1).stderr)
            self.assertEqual(len(self.fake.orders()), asked)
            self.ask("agents", "--forget", "w1", "--force")
            self.assertEqual(len(self.fake.orders()), asked + 1)
        self.fake.answers["GET", "/control/agents"] = {"agents": [], "count": 0}
        self.fake.answers[STATUS] = {"rollouts": [rollout(unsettled=[{"host": "w1", "stage": "told", "why": "activating"}])]}
        self.assertIn("shop v42 told it", self.ask("agents", "--forget", "w1", code=1).stderr)

    def test_hosts_that_wait_are_shown_and_approved(self):
        self.fake.answers["GET", "/control/agents/waiting"] = {"waiting": [{"host": "w1", "identity": "SHA256:abc"}]}
        self.fake.answers["POST", "/control/agents/approve"] = {"host": "w1", "identity": "SHA256:abc"}
        self.assertEqual(self.ask("agents", "--waiting").stdout, "HOST  KEY\nw1    SHA256:abc\n")
        self.assertIn("w1 may come with the key SHA256:abc",
                      self.ask("agents", "--approve", "w1", "--identity", "SHA256:abc").stdout)
        self.assertEqual(self.fake.asked[-1].query, {"host": "w1", "identity": "SHA256:abc"})
        for words in (("--approve", "w1", "--waiting"), ("--identity", "SHA256:abc"), ("--approve", "w1", "--forget", "w2")):
            self.ask("agents", *words, code=2)

    def test_a_status_has_the_times_of_its_stages(self):
        now = rollout(state="done")
        del now["waves_began_s"], now["ended_s"]
        self.fake.answers[STATUS] = {"rollouts": [now]}
        self.fake.answers["GET", "/control/history"] = {"rollouts": [
            {"number": 17, "state": "done", "waves_began_s": [1795969872, 1795969903], "changed_s": 1795969934}]}
        self.assertIn("  stages     wave 1 after 0 s, wave 2 after 31 s, done after 1 min 02 s",
                      self.ask("rollout", "status").stdout)
        self.assertEqual(self.ask_json("rollout", "status")["rollouts"][0]["waves_began_s"], [1795969872, 1795969903])

    def test_the_log_is_read_page_by_page(self):
        records = [json.dumps({"number": number, "at": 1795969872, "by": "ann@x", "record": "told", "host": f"w{number}"})
                   for number in range(1, 2501)]

        def page(asked):
            begin = int(asked.query["from"]) - 1
            return "".join(f"{line}\n" for line in records[begin:begin + int(asked.query["max"])]).encode()

        self.fake.answers["GET", "/control/audit"] = page
        self.assertEqual(self.ask("audit", "--json").stdout.splitlines(), [
            line.replace(", ", ",").replace(": ", ":") for line in records])
        self.assertEqual(len(self.fake.asked), 4)
        part = self.ask("audit", "--from", "2499", "--max", "1").stdout
        self.assertEqual(part, "2499  2026-11-29T16:31:12Z  ann@x  told  host=w2499\n")

    def test_the_log_names_releases_by_their_tags(self):
        records = [{"record": "release", "app": "shop", "tag": "v1", "release_number": 1},
                   {"record": "release", "app": "shop", "tag": "v2", "release_number": 2},
                   {"record": "rollout", "app": "shop", "release": 2, "rollout": 3},
                   {"record": "told", "app": "shop", "host": "w1", "back": False, "before": 1}]
        lines = [json.dumps({"number": number, **record}) for number, record in enumerate(records, 1)]
        self.fake.answers["GET", "/control/audit"] = lambda asked: "".join(
            f"{line}\n" for line in lines[int(asked.query["from"]) - 1:]).encode()
        shown = self.ask("audit").stdout.splitlines()
        self.assertTrue(shown[2].endswith("rollout  app=shop tag=v2 rollout=3"), shown)
        self.assertTrue(shown[3].endswith("told  app=shop host=w1 back=false before=v1 tag=v2"), shown)
        self.assertEqual(json.loads(self.ask("audit", "--json").stdout.splitlines()[3])["before"], 1)
        self.assertIn("before=1", self.ask("audit", "--from", "4").stdout)

    def test_records_of_the_log_are_chosen(self):
        records = [{"at": 1795960000, "record": "release", "app": "shop", "tag": "v1", "release_number": 1},
                   {"at": 1795960001, "record": "rollout", "app": "shop", "release": 1, "rollout": 2},
                   {"at": 1795960002, "record": "told", "app": "shop", "host": "w1", "back": False, "before": 0},
                   {"at": 1795960003, "record": "agent", "host": "w2"}]
        lines = [json.dumps({"number": number, **record}) for number, record in enumerate(records, 1)]
        self.fake.answers["GET", "/control/audit"] = lambda asked: "".join(
            f"{line}\n" for line in lines[int(asked.query["from"]) - 1:]).encode()

        def numbers(*options):
            shown = self.ask("audit", *options, "--json").stdout.splitlines()
            return [json.loads(line)["number"] for line in shown]

        self.assertEqual(numbers("--app", "shop"), [1, 2, 3])
        self.assertEqual(numbers("--tag", "v1"), [1, 2, 3])
        self.assertEqual(numbers("--host", "w2"), [4])
        self.assertEqual(numbers("--app", "shop", "--host", "w1"), [3])
        self.assertEqual(numbers("--since", "2026-11-29T13:46:42Z"), [3, 4])
        self.assertIn("write 2h", self.ask("audit", "--since", "long ago", code=2).stderr)

    def test_a_log_that_does_not_grow_is_an_error_and_no_loop(self):
        self.fake.answers["GET", "/control/audit"] = b'{"number":1,"record":"told"}\n'
        self.assertIn("cannot be read", self.ask("audit", code=1).stderr)
        self.assertLess(len(self.fake.asked), 4)

    def test_history(self):
        self.fake.answers["GET", "/control/history"] = {"rollouts": [
            rollout(state="done", changed_s=1795969934, told=5, healthy=4, failed=1)]}
        self.assertRegex(self.ask("rollout", "history", "shop", "--max", "5").stdout,
                         r"17 +shop +v42 +done .*1 min 02 s +5 told, 4 healthy, 1 failed")
        self.assertEqual(self.fake.asked[-1].query, {"app": "shop", "max": "5"})

    def test_without_an_app_there_is_the_history_of_all(self):
        self.fake.answers[STATUS] = {"rollouts": [rollout(), rollout(app="blog")]}
        past = {"shop": [rollout(number=3), rollout(number=9)], "blog": [rollout(number=5, app="blog")]}
        self.fake.answers["GET", "/control/history"] = lambda asked: {"rollouts": past[asked.query["app"]]}
        numbers = [each["number"] for each in self.ask_json("rollout", "history")["rollouts"]]
        self.assertEqual(numbers, [3, 5, 9])
        numbers = [each["number"] for each in self.ask_json("rollout", "history", "--max", "2")["rollouts"]]
        self.assertEqual(numbers, [5, 9])
        self.fake.answers[STATUS] = {"rollouts": []}
        self.assertEqual(self.ask("rollout", "history").stdout, "there was no rollout\n")
        self.assertEqual(self.ask_json("rollout", "history"), {"rollouts": []})

    def test_waves_grow_and_the_last_one_is_for_all(self):
        self.fake.answers[START] = rollout()
        self.assertIn("the waves are 1,10%,100%", self.ask("rollout", "start", "shop", "v42", "--waves", "1,10%").stderr)
        self.assertNotIn("the waves are", self.ask("rollout", "start", "shop", "v42", "--waves", "1,100%").stderr)
        self.assertIn("10% after 50%", self.ask("rollout", "start", "shop", "v42", "--waves", "50%,10%", code=2).stderr)

    def test_wrong_usage_asks_nobody(self):
        for words in (("start", "shop"), ("start", "shop", "v1", "--waves", "x"), ("start", "shop", "v1", "--at", "once"),
                      ("start", "shop", "-v1"), ("start", "sh op", "v1"), ("start", "shop", "v1", "--on-failure", "cry"),
                      ("start", "shop", "v1", "--detach", "--wait"), ("begin",), ()):
            with self.subTest(words):
                self.ask("rollout", *words, code=2)
        self.ask("release", "show", "shop", code=2)
        self.assertEqual(self.fake.asked, [])


class Answers(ControlCommand):
    def test_what_the_coordinator_refuses_is_told_in_its_words(self):
        self.fake.answers[START] = (409, {"error": "a rollout of shop is running\x1b[2J\n(ann@laptop)"})
        refused = self.ask("rollout", "start", "shop", "v42", code=1)
        self.assertIn(f"{self.fake.place}: a rollout of shop is running\\x1b[2J\\n(ann@laptop)", refused.stderr)
        self.assertEqual(self.ask_json("rollout", "start", "shop", "v42", code=1)["error"]["code"], "conflict")

    def test_a_tracker_without_a_coordinator_is_recognised(self):
        self.fake.answers[STATUS] = (404, b"not found\n")
        self.assertIn("it is a tracker without a coordinator", self.ask("rollout", "status", code=1).stderr)

    def test_what_is_not_a_coordinator_is_recognised(self):
        for body in (b"<html>", b"[1]", b"", b"[" * 1000):
            self.fake.answers[STATUS] = body
            self.assertIn("is not a coordinator", self.ask("rollout", "status", code=1).stderr)

    def test_one_that_does_not_lead_names_the_leader_and_is_followed_once(self):
        leader = ScriptedCoordinator(self, {START: rollout()})
        self.fake.answers[START] = (421, {"error": "not the leader", "leader": leader.place})
        self.assertIn("rollout 17", self.ask("rollout", "start", "shop", "v42").stdout)
        self.assertEqual(leader.orders(), [START])
        leader.answers[START] = (421, {"error": "not the leader", "leader": self.fake.place})
        refused = self.ask("rollout", "start", "shop", "v42", code=1)
        self.assertIn("does not lead", refused.stderr)
        self.assertEqual(len(self.fake.orders()), 2)
        for wrong in ("", "ssh://x", "a b", "x\ny", 7):
            self.fake.answers[START] = (421, {"leader": wrong})
            self.assertIn("does not lead", self.ask("rollout", "start", "shop", "v42", code=1).stderr)

    def test_an_order_goes_to_the_one_that_answers_and_to_no_other(self):
        dead = f"{free_address()}:{free_port()}"
        third = ScriptedCoordinator(self, {START: rollout()})
        self.fake.answers = {START: (500, {"error": "disk full"}), STATUS: {"rollouts": []}}
        refused = self.murder("rollout", "start", "shop", "v42", "--coordinator", f"{dead},{self.fake.place}",
                              "--coordinator", third.place, code=1)
        self.assertIn("disk full", refused.stderr)
        self.assertEqual(third.asked, [])
        self.assertEqual(self.fake.orders(), [START])

    def test_nobody_answers(self):
        dead = [f"{free_address()}:{free_port()}" for _ in range(2)]
        refused = self.murder("agents", "--coordinator", ",".join(dead), code=1)
        for place in dead:
            self.assertIn(place, refused.stderr)
        self.assertNotIn("says", refused.stderr)
        (self.directory / "murder.toml").write_text(f'[murder]\ncoordinator = ["{dead[0]}"]\n')
        refused = self.murder("rollout", "pause", "shop", cwd=self.directory, code=1)
        self.assertIn("as coordinator of murder.toml says", refused.stderr)
        self.assertIn("murder tracker --state DIR", refused.stderr)


class Places(ControlCommand):
    def test_environment_and_file_name_the_coordinator(self):
        self.fake.answers["GET", "/control/agents"] = {"agents": [], "count": 0}
        (self.directory / "murder.toml").write_text(f'[murder]\ncoordinator = ["{self.fake.place}"]\n')
        self.murder("agents", cwd=self.directory)
        self.assertEqual(len(self.fake.asked), 1)
        self.environment["MURDER_COORDINATOR"] = f"{free_address()}:{free_port()}"
        self.assertIn("as MURDER_COORDINATOR says", self.murder("agents", cwd=self.directory, code=1).stderr)
        self.environment["MURDER_COORDINATOR"] = self.fake.place
        self.murder("agents", cwd=self.directory)
        self.assertEqual(len(self.fake.asked), 2)

    def test_over_ssh_the_same_command_runs_there(self):
        ssh = self.path("ssh")
        ssh.write_text('#!/bin/sh\nprintf "%s\\n" "$@" > "$0.words"\nfor last; do :; done\n'
                       f'PATH="{self.path("bin")}:$PATH" exec sh -c "$last"\n')
        ssh.chmod(0o755)
        self.path("bin").mkdir()
        self.path("bin", "murder").symlink_to(PROGRAM)
        self.fake.answers["POST", "/control/release/revoke"] = release(revoked=True)
        self.environment["MURDER_SSH"] = str(ssh)
        done = self.murder("release", "revoke", "shop", "v42", "--why", "it's $HOME", "--coordinator",
                           f"ssh://ops@t1:2222/{self.fake.place}", "--json")
        self.assertTrue(json.loads(done.stdout)["revoked"])
        self.assertEqual(self.fake.asked[-1].json["why"], "it's $HOME")
        words = self.path("ssh.words").read_text().splitlines()
        self.assertEqual(words[:3], ["-p", "2222", "ops@t1"])
        # The exit status is that of the command there.
        self.fake.answers["POST", "/control/release/revoke"] = (409, {"error": "no"})
        self.murder("release", "revoke", "shop", "v42", "--coordinator", f"ssh://t1/{self.fake.place}", code=1)
        self.murder("release", "revoke", "shop", "v42", "--coordinator", "ssh://-oProxyCommand=x", code=2)


class Keys(ControlCommand):
    """Of a closed coordinator."""

    def setUp(self):
        super().setUp()
        self.secret = new_secret()

    def token_of(self, asked, kind):
        target, _, token = asked.target.rpartition("token=")
        expected = signed_target(self.secret, target[:-1], int(token.split("-")[0]), kind)
        return expected == asked.target

    def test_an_order_is_signed_with_its_body_by_an_operator_key_alone(self):
        key = write_keys(self.path("operator.key"), key_line(self.secret, "operator"))
        self.fake.answers["POST", "/control/rollout/pause"] = rollout()
        nonces = set()
        for _ in range(2):
            self.ask("rollout", "pause", "shop", "--operator-key", key)
            asked = self.fake.asked[-1]
            self.assertTrue(self.token_of(asked, b"operator"), asked.target)
            self.assertEqual(asked.query["body_sha256"], hashlib.sha256(asked.body).hexdigest())
            nonces.add(asked.query["nonce"])
        self.assertEqual(len(nonces), 2)

    def test_who_has_a_viewers_key_alone_may_look(self):
        key = write_keys(self.path("viewer.key"), viewer_line(self.secret))
        self.fake.answers[STATUS] = {"rollouts": []}
        self.ask("rollout", "status", "--operator-key", key)
        self.assertEqual(self.fake.asked[-1].query["viewer"], viewer_line(self.secret))
        self.fake.answers["POST", "/control/rollout/pause"] = (403, b"forbidden\n")
        self.assertIn("the key does not give this right",
                      self.ask("rollout", "pause", "shop", "--operator-key", key, code=1).stderr)

    def test_a_key_that_was_named_must_be_usable(self):
        missing = self.path("missing")
        self.assertIn("cannot open", self.ask("agents", "--operator-key", missing, code=1).stderr)
        open_to_all = write_keys(self.path("open"), key_line(self.secret, "operator"), mode=0o644)
        self.assertIn("others may read", self.ask("agents", "--operator-key", open_to_all, code=1).stderr)
        self.assertEqual(self.fake.asked, [])

    def test_a_refusal_says_both_ways_out(self):
        self.fake.answers["GET", "/control/agents"] = (403, b"forbidden\n")
        refused = self.ask("agents", code=1)
        self.assertIn("--operator-key FILE", refused.stderr)
        self.assertIn("ssh://HOST", refused.stderr)


if __name__ == "__main__":
    unittest.main()
