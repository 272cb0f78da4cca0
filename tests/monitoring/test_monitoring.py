"""packaging/monitoring: rules and dashboard by themselves, and with what Debian's prometheus gets from real processes.

What needs prometheus, promtool or node-exporter is skipped without them."""

import contextlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import time
import unittest
import urllib.parse
import urllib.request

import yaml

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(ROOT / "tests" / "e2e"), str(ROOT / "tests" / "monitoring")]

import grafana_schema  # noqa: E402
from harness import PROGRAM, MurderCase, Running, free_address, free_port, wait_until  # noqa: E402

FILES = ROOT / "packaging" / "monitoring"
RULES = ("murder-rules.yml", "murder-alerts.yml")
TESTS = ("murder-rules-test.yml", "murder-alerts-test.yml")
DASHBOARD = FILES / "grafana-dashboard.json"
DOCUMENT = ROOT / "docs" / "monitoring.md"
# A name of ours that is not made by a recording rule; these have a colon.
METRIC = re.compile(r"(?<![\w:])murder_[a-z0-9_]+(?![\w:])")
# Shown when a trouble is there, or when nothing is.
HISTOGRAM_PARTS = ("_bucket", "_sum", "_count")


def needs(*programs):
    missing = [name for name in programs if not shutil.which(name)]
    return unittest.skipIf(missing, f"not installed: {' '.join(missing)}")


def load(name):
    return yaml.safe_load((FILES / name).read_text(encoding="utf-8"))


def rules():
    return [rule for name in RULES for group in load(name)["groups"] for rule in group["rules"]]


def dashboard():
    return json.loads(DASHBOARD.read_text(encoding="utf-8"))


def dashboard_expressions():
    return [target["expr"] for panel in dashboard()["panels"] for target in panel.get("targets", [])]


def metrics_of(texts):
    return {name for text in texts for name in METRIC.findall(text)}


def families_of(exposition):
    return set(re.findall(r"(?m)^# TYPE (\S+)", exposition))


def samples_of(exposition):
    return {re.split("[{ ]", line)[0] for line in exposition.splitlines() if line and not line.startswith("#")}


class Files(unittest.TestCase):
    def promtool(self, *words):
        result = subprocess.run(
            ["promtool", *words], cwd=FILES, capture_output=True, text=True, timeout=120, check=False)
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)

    @needs("promtool")
    def test_the_rules_are_valid_and_their_tests_pass(self):
        self.promtool("check", "rules", *RULES)
        self.promtool("check", "config", "prometheus.yml")
        self.promtool("test", "rules", *TESTS)

    def test_each_rule_is_tested(self):
        tests = "".join((FILES / name).read_text(encoding="utf-8") for name in TESTS)
        for rule in rules():
            name = rule.get("alert", rule.get("record"))
            with self.subTest(rule=name):
                self.assertIn(f'alertname="{name}"' if "alert" in rule and f"alertname: {name}" not in tests else name, tests)

    def test_each_alert_says_how_bad_it_is_and_what_to_do(self):
        for rule in rules():
            if "alert" in rule:
                with self.subTest(alert=rule["alert"]):
                    self.assertIn(rule["labels"]["severity"], ("critical", "warning"))
                    self.assertTrue(rule["annotations"]["summary"] and rule["annotations"]["description"])
                    self.assertIn(f"`{rule['alert']}`", DOCUMENT.read_text(encoding="utf-8"))

    def test_the_dashboard_is_what_grafanas_schema_allows(self):
        self.assertEqual(grafana_schema.faults_of_dashboard(dashboard()), [])

    def test_the_dashboard_can_be_imported(self):
        board = dashboard()
        self.assertIsNone(board["id"])  # else it would replace another
        variables = {each["name"]: each for each in board["templating"]["list"]}
        self.assertEqual(variables["datasource"]["type"], "datasource")
        numbers = [panel["id"] for panel in board["panels"]]
        self.assertEqual(len(numbers), len(set(numbers)))
        taken = set()
        for panel in board["panels"]:
            with self.subTest(panel=panel["title"]):
                place = panel["gridPos"]
                cells = {(x, y) for x in range(place["x"], place["x"] + place["w"])
                         for y in range(place["y"], place["y"] + place["h"])}
                self.assertFalse(cells & taken, "panels overlap")
                self.assertLessEqual(place["x"] + place["w"], 24)
                taken |= cells
                for target in panel.get("targets", []):
                    self.assertEqual(target["datasource"]["uid"], "${datasource}")
                    used = set(re.findall(r"\$(\w+)", target["expr"])) - {"__rate_interval"}
                    self.assertLessEqual(used, set(variables), target["expr"])


class RealProcesses(MurderCase):
    """A tracker, a seeder, a peer that succeeded and one that failed, all with --metrics-file."""

    SIZE = 5_000_000

    def setUp(self):
        super().setUp()
        self.textfiles = self.path("textfiles")
        self.textfiles.mkdir(mode=0o755)
        self.directory.chmod(0o755)
        self.tracker = self.start_tracker("--state", "memory:")
        torrent = self.create(self.make_file("content", self.SIZE), "v42", tracker=self.tracker)
        other = self.create(self.make_file("other", 100_000, seed=2), "v43", tracker=self.tracker)
        self.seed(torrent, "--metrics-file", self.textfiles / "seeder.prom")
        self.peer(torrent, "--metrics-file", self.textfiles / "peer.prom")
        self.peer(other, "--give-up-after", "1s", "--metrics-file", self.textfiles / "failed.prom", name="other-host", code=1)
        wait_until(lambda: not [each for each in self.processes() if each["kind"] == "peer"], "the peers' end")
        self.start_agent(self.textfiles / "agent.prom")
        self.roll_out("v44")

    def order(self, method, path, body=None):
        request = urllib.request.Request(f"http://{self.tracker}/control/{path}", data=body, method=method)
        with urllib.request.urlopen(request, timeout=10) as reply:
            return json.load(reply)

    def roll_out(self, tag):
        """A release that the others have nothing to do with, by the agent."""
        torrent = self.create(self.make_file("rolled-out", 100_000, seed=3), tag, tracker=self.tracker)
        self.seed(torrent)
        self.order("PUT", f"release?app=shop&tag={tag}", pathlib.Path(torrent).read_bytes())
        wait_until(lambda: self.order("GET", "agents?app=shop")["count"] == 1, "the agent is heard")
        self.order("POST", f"rollout?app=shop&tag={tag}", b"{}")
        wait_until(lambda: self.order("GET", "rollouts")["rollouts"][0]["state"] == "done", "the rollout is done")

    def start_agent(self, metrics_file):
        config = self.path("agent.toml")
        config.write_text("".join(f"{line}\n" for line in (
            f'coordinators = ["{self.tracker}"]', 'host = "w1"', f'state = "{self.path("agent-state")}"',
            f'metrics_file = "{metrics_file}"', 'seed_for = "1s"', "[app.shop]", f'to = "{self.path("shop")}"')))
        config.chmod(0o600)
        self.path("shop").mkdir()
        self.start_program(PROGRAM, "agent", "--config", config)
        wait_until(metrics_file.exists, "the agent's metrics")
        run = self.path("agent-state", "apps", "shop", "run")
        self.addCleanup(lambda: self.murder("stop", "--all", "--run-dir", run, code=None))

    def scrape(self):
        with urllib.request.urlopen(f"http://{self.tracker}/metrics", timeout=10) as reply:
            return reply.read().decode()

    def expositions(self):
        return {"tracker": self.scrape(),
                **{path.name: path.read_text(encoding="utf-8") for path in self.textfiles.glob("*.prom")}}

    def test_what_rules_and_dashboard_name_is_exposed_and_what_is_exposed_is_documented(self):
        expositions = self.expositions().values()
        exposed = set().union(*map(samples_of, expositions))
        for where, expressions in (
                ("rules", [rule["expr"] for rule in rules()]), ("dashboard", dashboard_expressions()),
                ("rule tests", [series["series"] for name in TESTS for test in load(name)["tests"]
                                for series in test["input_series"]])):
            with self.subTest(where):
                self.assertEqual(metrics_of(expressions) - exposed, set())
        documented = metrics_of([DOCUMENT.read_text(encoding="utf-8")])
        families = set().union(*map(families_of, expositions))
        self.assertEqual(families - documented, set(), "not documented")
        self.assertEqual(
            {name for name in documented if not name.endswith("_")} - families, set(), "documented and not there")

    @needs("promtool")
    def test_promtool_finds_no_fault(self):
        for name, text in self.expositions().items():
            with self.subTest(name):
                result = subprocess.run(
                    ["promtool", "check", "metrics"], input=text, capture_output=True, text=True, timeout=60, check=False)
                self.assertEqual((result.returncode, result.stdout, result.stderr), (0, "", ""))

    # --- With a real Prometheus ---

    def start_program(self, *words):
        running = Running(self, [str(word) for word in words], self.environment)
        self.started.append(running)
        return running

    def start_node_exporter(self):
        address = free_address()
        endpoint = f"{address}:{free_port(address)}"
        self.start_program(
            "prometheus-node-exporter", f"--web.listen-address={endpoint}", "--collector.disable-defaults",
            "--collector.textfile", f"--collector.textfile.directory={self.textfiles}")
        return endpoint

    def start_prometheus(self, jobs):
        for name in RULES:
            shutil.copy(FILES / name, self.directory)
        config = {
            "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
            "rule_files": list(RULES),
            "scrape_configs": [{"job_name": job, "static_configs": [{"targets": [target]}]} for job, target in jobs.items()],
        }
        self.path("prometheus.yml").write_text(yaml.safe_dump(config), encoding="utf-8")
        address = free_address()
        self.prometheus = f"{address}:{free_port(address)}"
        running = self.start_program(
            "prometheus", f"--config.file={self.path('prometheus.yml')}", f"--storage.tsdb.path={self.path('tsdb')}",
            f"--web.listen-address={self.prometheus}", "--log.level=warn")
        wait_until(lambda: self.is_ready(running), "prometheus is ready", seconds=60)

    def is_ready(self, running):
        self.assertIsNone(running.process.poll(), running.error)
        with contextlib.suppress(OSError):
            with urllib.request.urlopen(f"http://{self.prometheus}/-/ready", timeout=5):
                return True
        return False

    def api(self, path, **parameters):
        url = f"http://{self.prometheus}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"
        with urllib.request.urlopen(url, timeout=10) as reply:
            answer = json.load(reply)
        self.assertEqual(answer["status"], "success", answer)
        return answer["data"]

    def query(self, expression):
        """Of each series the labels and the value."""
        return [(each["metric"], float(each["value"][1])) for each in self.api("query", query=expression)["result"]]

    def value(self, expression):
        found = self.query(expression)
        return found[0][1] if len(found) == 1 else None

    @needs("prometheus")
    def test_prometheus_scrapes_a_tracker_and_answers(self):
        self.start_prometheus({"murder-tracker": self.tracker})
        wait_until(lambda: self.value('up{job="murder-tracker"}') == 1, "the tracker is scraped")
        # Two scrapes, for rates.
        wait_until(lambda: (self.value("count_over_time(murder_tracker_uptime_seconds[1m])") or 0) >= 3, "three scrapes")
        self.assertEqual(self.value('murder_release_hosts{tag="v42",state="done"}'), 1)
        self.assertEqual(self.value('murder_release_hosts{tag="v42",state="source"}'), 1)
        self.assertEqual(self.value('murder_release_delivered_bytes_total{tag="v42"}'), self.SIZE)
        self.assertGreater(self.value("murder_tracker_announce_seconds_count"), 3)
        version = self.murder("--version").stdout.split()[-1]
        self.assertEqual(self.query("murder_build_info")[0][0]["version"], version)
        wait_until(lambda: self.value('release:murder_release_done:ratio{tag="v42"}') == 1, "the recording rules")
        for group in self.api("rules")["groups"]:
            for rule in group["rules"]:
                self.assertEqual((rule["health"], rule.get("lastError")), ("ok", None), rule["name"])
        targets = self.api("targets")["activeTargets"]
        self.assertEqual([target["lastError"] for target in targets], [""])

    @needs("prometheus", "prometheus-node-exporter")
    def test_every_panel_of_the_dashboard_shows_what_it_is_for(self):
        """Asked as Grafana asks: the variable, then a range, or an instant for a table; legends name labels that are there."""
        self.start_prometheus({"murder-tracker": self.tracker, "node": self.start_node_exporter()})
        # Two scrapes of the seeder's file after its last writing, for rates.
        wait_until(lambda: (self.value('count_over_time(murder_peer_state{role="seeder",state="seeding"}[1m])') or 0) >= 3,
                   "three scrapes", seconds=60)
        self.assertIn("v42", self.api("label/tag/values", **{"match[]": "murder_release_hosts"}))
        for panel in dashboard()["panels"]:
            for target in panel.get("targets", []):
                with self.subTest(panel=panel["title"], target=target["refId"]):
                    self.assert_shows(target)

    def assert_shows(self, target):
        expression = target["expr"].replace("$tag", "(v42|v43)").replace("$__rate_interval", "20s")
        if target.get("instant"):
            series = self.api("query", query=expression)["result"]
        else:
            now = time.time()
            series = self.api("query_range", query=expression, start=now - 20, end=now, step=1)["result"]
        self.assertTrue(series, expression)
        for name in re.findall(r"\{\{(\w+)\}\}", target.get("legendFormat", "")):
            for each in series:
                self.assertIn(name, each["metric"], expression)
        if target.get("format") == "table":  # rows are joined by these
            self.assertEqual({frozenset(each["metric"]) for each in series}, {frozenset(("tag", "info_hash"))})

    @needs("prometheus", "prometheus-node-exporter")
    def test_node_exporter_hands_on_what_peers_and_seeders_write(self):
        self.start_prometheus({"node": self.start_node_exporter()})
        wait_until(lambda: self.value("count(murder_peer_state)") is not None, "the files are scraped")
        self.assertEqual(self.value("node_textfile_scrape_error"), 0)
        self.assertEqual(self.value('murder_peer_state{role="peer",tag="v42",state="done"}'), 1)
        self.assertEqual(self.value('murder_peer_state{role="seeder",state="seeding"}'), 1)
        self.assertEqual(self.value('murder_peer_failure{tag="v43",reason="timeout"}'), 1)
        wait_until(lambda: self.value('sum(murder_peer_sent_bytes_total{role="seeder"})') >= self.SIZE,
                   "the seeder's next writing", seconds=60)
        self.assertEqual(self.value("count(murder_build_info)"), len(list(self.textfiles.glob("*.prom"))))
        # Its trouble is an alert, and nothing else is.
        wait_until(lambda: self.query('ALERTS{alertname="MurderPeerFailed",tag="v43"}'), "the alert")
        firing = {labels["alertname"] for labels, _ in self.query('ALERTS{alertstate="firing"}')}
        self.assertEqual(firing, {"MurderPeerFailed"})


if __name__ == "__main__":
    os.environ.setdefault("MURDER_BIN", str(ROOT / "build" / "murder"))
    unittest.main()
