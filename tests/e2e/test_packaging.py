"""What is packaged agrees with itself: units, versions, message ids, the profile of the container."""

import datetime
import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

from harness import PROGRAM, MurderCase, Running, free_address, free_port

ROOT = pathlib.Path(__file__).resolve().parents[2]
PACKAGING = ROOT / "packaging"
UNITS = ("murder-tracker.service", "murder-seed@.service")
EXPOSURE_MAX = 20  # 2.0
# The agent's hooks are the operator's commands, which need much of what root may do.
AGENT_UNIT = "murder-agent.service"
AGENT_EXPOSURE_MAX = 62


def text_of(*parts):
    return ROOT.joinpath(*parts).read_text()


class Units(unittest.TestCase):
    @unittest.skipUnless(shutil.which("systemd-analyze"), "systemd-analyze is not installed")
    def test_they_are_right_and_expose_little(self):
        with tempfile.TemporaryDirectory(prefix="murder-units-") as place:
            for name in (*UNITS, AGENT_UNIT):
                exposure_max = AGENT_EXPOSURE_MAX if name == AGENT_UNIT else EXPOSURE_MAX
                unit = pathlib.Path(place) / name.replace("@.", "@v1.")
                # The program is where it is when no package is installed.
                unit.write_text((PACKAGING / "systemd" / name).read_text().replace("/usr/bin/murder ", "/bin/true "))
                with self.subTest(unit=name):
                    verified = subprocess.run(["systemd-analyze", "verify", "--man=no", unit], capture_output=True, text=True,
                                              check=False)
                    self.assertEqual(verified.stderr, "")
                    self.assertEqual(verified.returncode, 0)
                    scored = subprocess.run(
                        ["systemd-analyze", "security", "--offline=true", "--no-pager", f"--threshold={exposure_max}", unit],
                        capture_output=True, text=True, check=False)
                    self.assertEqual(scored.returncode, 0, scored.stdout + scored.stderr)

    def test_io_uring_is_allowed_and_root_is_not_needed(self):
        for name in UNITS:
            lines = text_of("packaging", "systemd", name).splitlines()
            with self.subTest(unit=name):
                self.assertIn("SystemCallFilter=io_uring_setup io_uring_enter io_uring_register", lines)
                for line in ("User=murder", "NoNewPrivileges=yes", "ProtectSystem=strict", "LimitNOFILE=65536", "Type=notify"):
                    self.assertIn(line, lines)


    def copies_of_key(self):
        """What units have root run to give services their copy of the fleet's key, as shells read it."""
        for name in UNITS:
            for line in text_of("packaging", "systemd", name).splitlines():
                if "fleet.key" in line:
                    command = line.split("sh -c ", 1)[1]
                    self.assertEqual((command[0], command[-1]), ("'", "'"))
                    yield name, command[1:-1].replace("$$", "$")

    def test_services_get_a_key_that_is_there_and_private_and_else_do_not_start(self):
        for name, command in self.copies_of_key():
            with self.subTest(unit=name, command=command), tempfile.TemporaryDirectory(prefix="murder-units-") as place:
                etc, run = pathlib.Path(place, "etc"), pathlib.Path(place, "run")
                etc.mkdir()
                key, copy = etc / "fleet.key", run / "one.key"
                here = (command.replace("-o murder -g murder ", "").replace("/etc/murder", str(etc))
                        .replace("/run/murder-fleet", str(run)))

                def run_it(here=here, copy=copy):
                    return subprocess.run(["sh", "-c", here], env={**os.environ, "MURDER_FLEET_KEY": str(copy)}, timeout=60,
                                          capture_output=True, text=True, check=False)
                self.assertEqual((run_it().returncode, copy.exists()), (0, False))
                key.write_text("a key\n")
                key.chmod(0o600)
                self.assertEqual((run_it().returncode, copy.read_text(), copy.stat().st_mode & 0o777), (0, "a key\n", 0o600))
                for mode in (0o644, 0o640, 0o620):
                    key.chmod(mode)
                    refused = run_it()
                    self.assertNotEqual(refused.returncode, 0)
                    self.assertIn("others may read", refused.stderr)
                # A secret whose place is not mounted yet: never an open service.
                key.unlink()
                key.symlink_to(etc / "secrets")
                self.assertNotEqual(run_it().returncode, 0)
                (etc / "secrets").write_text("a secret\n")
                (etc / "secrets").chmod(0o600)
                self.assertEqual((run_it().returncode, copy.read_text()), (0, "a secret\n"))
                key.unlink()
                self.assertEqual((run_it().returncode, copy.exists()), (0, False))


class Texts(unittest.TestCase):
    def test_every_message_id_is_documented(self):
        kinds = re.findall(r'"([a-z_]+)",\s*"([0-9a-f]{32})"', text_of("src", "engine", "host", "service", "service_event.h"))
        self.assertGreater(len(kinds), 5)
        page = text_of("docs", "packaging.md")
        for name, message_id in kinds:
            self.assertIn(f"| `{name}` | `{message_id}` |", page)

    def test_versions_and_their_dates_agree(self):
        version = re.search(r"version: '([^']+)'", text_of("meson.build"))[1]
        spec = text_of("packaging", "rpm", "murder.spec")
        shown = {
            "program": subprocess.run([PROGRAM, "--version"], capture_output=True, text=True, check=True).stdout.split()[1],
            "CHANGELOG.md": re.search(r"^## (\S+)", text_of("CHANGELOG.md"), re.MULTILINE)[1],
            "debian/changelog": re.match(r"murder \((\S+)\)", text_of("packaging", "debian", "changelog"))[1],
            "murder.spec": re.search(r"%global murder_version (\S+)}", spec)[1],
            "murder.spec, its changes": re.search(r"^\* .* - (\S+)-1$", spec, re.MULTILINE)[1],
            "gemspec": re.search(r'spec.version = "(\S+)"', text_of("integrations", "capistrano",
                                                                    "capistrano-murder.gemspec"))[1],
        }
        self.assertEqual(shown, dict.fromkeys(shown, version))
        dates = {
            "manual": re.search(r"manual_date = '(\S+)'", text_of("docs", "manual", "meson.build"))[1],
            "debian/changelog": datetime.datetime.strptime(
                re.search(r"^ -- .*>  (.*)$", text_of("packaging", "debian", "changelog"), re.MULTILINE)[1],
                "%a, %d %b %Y %H:%M:%S %z").date().isoformat(),
            "murder.spec": datetime.datetime.strptime(
                re.search(r"^\* (\S+ \S+ \S+ \S+) ", spec, re.MULTILINE)[1], "%a %b %d %Y").date().isoformat(),
        }
        self.assertEqual(dates, dict.fromkeys(dates, dates["manual"]))

    def test_the_sources_take_the_version_from_the_build(self):
        version = re.search(r"version: '([^']+)'", text_of("meson.build"))[1]
        for path in (ROOT / "src").rglob("*.[ch]*"):
            self.assertNotRegex(path.read_text(), rf"murder[ /]{re.escape(version)}", path)

    def test_links_of_the_debian_folder_lead_somewhere(self):
        for path in (PACKAGING / "debian").iterdir():
            self.assertTrue(path.exists(), path)


# Loads the profile as a container engine does, and becomes the program.
UNDER_PROFILE = """
import json, os, sys
import seccomp

comparisons = {"SCMP_CMP_EQ": seccomp.EQ, "SCMP_CMP_MASKED_EQ": seccomp.MASKED_EQ}
profile = json.load(open(sys.argv[1]))
rules = seccomp.SyscallFilter(defaction=seccomp.ERRNO(profile["defaultErrnoRet"]))
for rule in profile["syscalls"]:
    action = seccomp.ALLOW if rule["action"] == "SCMP_ACT_ALLOW" else seccomp.ERRNO(rule["errnoRet"])
    arguments = [seccomp.Arg(each["index"], comparisons[each["op"]], each["value"], each.get("valueTwo", 0))
                 for each in rule.get("args", [])]
    for name in rule["names"]:
        try:
            rules.add_rule(action, name, *arguments)
        except (RuntimeError, ValueError, OSError):
            pass  # of another architecture, or newer than the library: engines leave it out as well
rules.load()
os.execv(sys.argv[2], sys.argv[2:])
"""


def has_seccomp_module():
    return subprocess.run(["/usr/bin/python3", "-c", "import seccomp"], capture_output=True, check=False).returncode == 0


class Container(MurderCase):
    @unittest.skipUnless(has_seccomp_module(), "python3-seccomp is not installed")
    def test_a_release_is_served_and_fetched_under_the_profile(self):
        profile = PACKAGING / "container" / "seccomp.json"
        endpoint = f"{(address := free_address())}:{free_port(address)}"
        inside = ["/usr/bin/python3", "-c", UNDER_PROFILE, str(profile), os.path.abspath(PROGRAM)]
        refused = subprocess.run([*inside[:4], "/usr/bin/unshare", "--user", "true"], capture_output=True, check=False)
        self.assertNotEqual(refused.returncode, 0)

        def start(*words):
            running = Running(self, [*inside, *map(str, words)], self.environment)
            self.started.append(running)
            return running

        start("tracker", "--listen", endpoint)
        torrent = self.create(self.make_tree(), "v1", tracker=endpoint)
        start("seed", torrent, "--ip", free_address())
        peer = start(*self.peer_arguments(torrent))
        self.assertEqual(peer.wait(), 0, peer.error)
        self.assert_same_tree(self.path("source"), self.path("host", "to", "v1"))

    def test_the_profile_allows_io_uring_and_nothing_for_administrators(self):
        profile = json.loads(text_of("packaging", "container", "seccomp.json"))
        self.assertEqual(profile["defaultAction"], "SCMP_ACT_ERRNO")
        allowed = {name for rule in profile["syscalls"] if rule["action"] == "SCMP_ACT_ALLOW" for name in rule["names"]}
        self.assertLessEqual({"io_uring_setup", "io_uring_enter", "io_uring_register", "execve", "futex", "clone"}, allowed)
        self.assertFalse({"mount", "bpf", "ptrace", "kexec_load", "init_module", "reboot", "setns", "unshare", "clone3", "keyctl"} & allowed)


if __name__ == "__main__":
    unittest.main()
