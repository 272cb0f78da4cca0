"""murder tune: what it would change, drop-ins and values of the kernel, and the way back, also after a kill at any moment."""

import json
import os
import resource
import shutil
import signal
import subprocess
import unittest

from harness import PROGRAM, MurderCase
from test_durability import strace_works

SYSCTLS = {
    "net/core/somaxconn": "4096", "net/ipv4/tcp_max_syn_backlog": "1024", "net/core/netdev_max_backlog": "1000",
    "net/core/rmem_max": "212992", "net/core/wmem_max": "212992", "net/ipv4/tcp_rmem": "4096\t131072\t6291456",
    "net/ipv4/tcp_wmem": "4096\t16384\t4194304", "net/ipv4/tcp_slow_start_after_idle": "1",
    "net/ipv4/ip_local_port_range": "32768\t60999", "net/ipv4/tcp_congestion_control": "cubic",
    "net/core/default_qdisc": "pfifo_fast"}
SYSCTL_DROP_IN = "etc/sysctl.d/90-murder.conf"
RECORD = "var/lib/murder-tune.json"


def snapshot(root):
    """Each file with its bytes, mode, owner and time; each directory and link."""
    tree = {}
    for path in sorted(root.rglob("*")):
        status = path.lstat()
        about = (oct(status.st_mode), status.st_uid, status.st_gid)
        if path.is_symlink():
            tree[str(path)] = (*about, os.readlink(path))
        elif path.is_file():
            # What stands in for files of the kernel is written in place, so its time says nothing.
            is_of_kernel = path.relative_to(root).parts[0] in ("proc", "sys")
            content = path.read_bytes()
            # The kernel shows tabs between numbers whatever was written; a file shows what was.
            tree[str(path)] = (*about, content.replace(b"\t", b" ") if is_of_kernel else content,
                               None if is_of_kernel else status.st_mtime_ns)
        else:
            tree[str(path)] = about
    return tree


class TuneCase(MurderCase):
    """A host of 10 Gbit/s in a directory."""

    def setUp(self):
        super().setUp()
        self.root = self.path("root")
        for name, value in SYSCTLS.items():
            self.put(f"proc/sys/{name}", f"{value}\n")
        self.put("proc/net/route", "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\n"
                                   "eth0\t00000000\t0100000A\t0003\t0\t0\t100\t00000000\n")
        self.put("proc/meminfo", "MemTotal:       65536000 kB\n")
        self.put("sys/class/net/eth0/speed", "10000\n")
        self.put("sys/class/net/eth0/device/numa_node", "0\n")
        self.put("sys/devices/system/cpu/online", "0-3\n")
        self.put("sys/devices/system/node/online", "0\n")
        self.put("sys/devices/system/node/node0/cpulist", "2-3\n")
        for number in (40, 41):
            self.put(f"sys/class/net/eth0/device/msi_irqs/{number}", "msix\n")
            self.put(f"sys/kernel/irq/{number}/actions", f"eth0-TxRx-{number - 40}\n")
            self.put(f"proc/irq/{number}/smp_affinity_list", "0-3\n")
        self.put("sys/kernel/mm/transparent_hugepage/enabled", "never\n")
        self.put("lib/modules/6.1.0/modules.dep", "kernel/net/tls/tls.ko: \nkernel/net/ipv4/tcp_bbr.ko.xz:\n")
        self.put("etc/sysctl.conf", "# of the administrator\n")
        (self.root / "etc/systemd/system").mkdir(parents=True)
        (self.root / "var/lib").mkdir(parents=True)

    def put(self, name, text):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return path

    def read(self, name):
        return (self.root / name).read_text()

    def assert_same(self, one, other, moment=""):
        """Two snapshots; what differs is told."""
        self.assertEqual({path: about for path, about in one.items() if other.get(path) != about},
                         {path: about for path, about in other.items() if one.get(path) != about}, moment)

    def tune(self, *words, code=0):
        return self.murder("tune", "--root", str(self.root), *words, code=code)

    def tune_json(self, *words, code=0):
        return json.loads(self.tune("--json", *words, code=code).stdout)


class Tune(TuneCase):
    def test_the_dry_run_gives_each_change_its_reason_source_and_place_and_changes_nothing(self):
        before = snapshot(self.root)
        report = self.tune_json(code=3)
        self.assert_same(snapshot(self.root), before)
        self.assertEqual(report["interface"], "eth0")
        self.assertEqual(report["bandwidth_bytes_per_s"], 1_250_000_000)
        changes = {change["what"]: change for change in report["changes"]}
        for change in report["changes"]:
            with self.subTest(change=change["what"]):
                self.assertTrue(change["why"] and change["source"] and change["where"].startswith("/etc/"))
                self.assertEqual(change["pending"], change["now"] != change["wanted"])
        self.assertEqual(changes["net.core.rmem_max"]["wanted"], "4194304")
        self.assertEqual(changes["net.ipv4.tcp_rmem"]["now"], "4096 131072 6291456")
        self.assertFalse(changes["net.ipv4.tcp_rmem"]["pending"])
        self.assertEqual([changes[f"interrupt eth0-TxRx-{each}"]["wanted"] for each in (0, 1)], ["2", "3"])
        text = self.tune("--dry-run", code=3).stdout
        self.assertIn("net.core.rmem_max", text)
        self.assertIn("socket(7)", text)

    def test_apply_twice_and_undo(self):
        before = snapshot(self.root)
        self.tune("--apply")
        applied = snapshot(self.root)
        self.assertIn("net.core.rmem_max = 4194304\n", self.read(SYSCTL_DROP_IN))
        self.assertEqual(self.read("etc/modules-load.d/murder.conf").splitlines()[-1], "tls")
        self.assertIn("LimitMEMLOCK=", self.read("etc/systemd/system/murder-seed@.service.d/90-murder-tune.conf"))
        self.assertIn("tune --at-boot", self.read("etc/systemd/system/murder-tune.service"))
        self.assertEqual(self.read("proc/sys/net/core/rmem_max"), "4194304\n")
        self.assertEqual(self.read("proc/irq/41/smp_affinity_list"), "3\n")
        self.assertEqual(self.read("sys/kernel/mm/transparent_hugepage/enabled"), "madvise\n")
        self.assertIn("nothing to change", self.tune("--apply").stdout)
        self.assert_same(snapshot(self.root), applied)
        self.assertEqual(self.tune_json()["pending"], 0)
        self.tune("--undo")
        self.assert_same(snapshot(self.root), before)
        self.assertIn("nothing to undo", self.tune("--undo").stdout)
        self.assert_same(snapshot(self.root), before)

    def test_files_that_were_there_come_back_with_mode_and_time(self):
        path = self.put(SYSCTL_DROP_IN, b"\xff\x00mine\n")
        path.chmod(0o640)
        if os.geteuid() == 0:
            os.chown(path, 7, 8)
        os.utime(path, ns=(1, 1_600_000_000_123_456_789))
        before = path.stat()
        self.tune("--apply")
        self.assertIn(b"rmem_max", path.read_bytes())
        self.tune("--undo")
        after = path.stat()
        self.assertEqual(path.read_bytes(), b"\xff\x00mine\n")
        self.assertEqual([(each.st_mode, each.st_uid, each.st_gid, each.st_mtime_ns) for each in (before, after)],
                         [(before.st_mode, before.st_uid, before.st_gid, before.st_mtime_ns)] * 2)

    def test_what_somebody_else_changed_stays_unless_forced(self):
        self.tune("--apply")
        self.put(SYSCTL_DROP_IN, "edited\n")
        self.put("proc/sys/net/core/wmem_max", "99999999\n")
        pending = {change["what"] for change in self.tune_json(code=3)["changes"] if change["pending"]}
        self.assertLessEqual({"net.core.rmem_max", "net.core.somaxconn"} & pending, {"net.core.rmem_max"})
        self.assertIn("net.core.rmem_max", pending)
        refused = self.tune("--apply", code=1)
        self.assertIn(f"/{SYSCTL_DROP_IN} was changed by somebody else", refused.stderr)
        refused = self.tune("--undo", code=1)
        self.assertIn(f"/{SYSCTL_DROP_IN} was changed by somebody else", refused.stderr)
        self.assertEqual(self.read(SYSCTL_DROP_IN), "edited\n")
        self.assertEqual(self.read("proc/sys/net/core/wmem_max"), "99999999\n")
        self.assertEqual(self.read("proc/sys/net/core/rmem_max"), "212992\n")
        self.assertTrue((self.root / RECORD).exists())
        self.tune("--undo", "--force")
        self.assertFalse((self.root / SYSCTL_DROP_IN).exists())
        self.assertFalse((self.root / RECORD).exists())

    def test_another_goal_replaces_the_first_and_undo_still_leads_to_the_start(self):
        before = snapshot(self.root)
        self.tune("--apply", "--bandwidth", "40gbit", "--rtt", "20ms")
        self.assertIn("tcp_congestion_control = bbr", self.read(SYSCTL_DROP_IN))
        self.tune("--apply", "--skip", "net.core.rmem_max")
        self.assertNotIn("bbr", self.read(SYSCTL_DROP_IN))
        self.assertNotIn("rmem_max", self.read(SYSCTL_DROP_IN))
        self.assertEqual(self.read("proc/sys/net/core/rmem_max"), "212992\n")
        self.assertEqual(self.read("proc/sys/net/ipv4/tcp_congestion_control"), "cubic\n")
        self.tune("--undo")
        self.assert_same(snapshot(self.root), before)

    def test_a_value_below_what_is_there_is_never_set(self):
        self.put("proc/sys/net/core/rmem_max", "268435456\n")
        self.tune("--apply")
        self.assertEqual(self.read("proc/sys/net/core/rmem_max"), "268435456\n")
        self.assertNotIn("rmem_max", self.read(SYSCTL_DROP_IN))

    def test_the_tree_of_an_image_gets_files_alone(self):
        shutil.rmtree(self.root / "proc")
        shutil.rmtree(self.root / "sys")
        before = snapshot(self.root)
        result = self.tune("--apply")
        self.assertIn("10 Gbit/s is assumed", result.stderr)
        self.assertIn("net.core.rmem_max = 4194304\n", self.read(SYSCTL_DROP_IN))
        self.assertFalse((self.root / "proc").exists())
        self.tune("--undo")
        self.assert_same(snapshot(self.root), before)

    def test_a_link_or_a_forged_record_changes_nothing(self):
        (self.root / "etc/sysctl.d").mkdir()
        (self.root / SYSCTL_DROP_IN).symlink_to("/dev/null")
        before = snapshot(self.root)
        self.assertIn("is a symbolic link", self.tune("--apply", code=1).stderr)
        self.assert_same(snapshot(self.root), before)
        self.put(RECORD, json.dumps({"version": 1, "files": [{"path": "/etc/../victim", "before": None}]})).chmod(0o600)
        self.put("victim", "safe")
        self.assertIn("is not a record", self.tune("--undo", code=1).stderr)
        self.assertEqual(self.read("victim"), "safe")

    def test_usage(self):
        self.assertIn("only one of", self.tune("--apply", "--undo", code=2).stderr)
        self.assertIn("no network interface nonsense", self.tune("--interface", "nonsense", code=1).stderr)
        self.murder("tune", "--root", str(self.path("missing")), code=1)

    def test_a_disk_that_takes_nothing_leaves_the_tree_as_it_was(self):
        before = snapshot(self.root)
        result = subprocess.run(
            [PROGRAM, "tune", "--root", self.root, "--apply"], capture_output=True, text=True, env=self.environment,
            timeout=60, check=False, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0)))
        self.assertEqual(result.returncode, 1)
        self.assertIn("cannot write", result.stderr)
        self.assert_same(snapshot(self.root), before)

    def test_only_root_changes_the_host_itself(self):
        def become_nobody():
            if os.geteuid() == 0:
                os.setgroups([])
                os.setgid(65534)
                os.setuid(65534)
        program = shutil.copy(PROGRAM, self.path("murder"))
        self.directory.chmod(0o755)
        result = subprocess.run([program, "tune", "--apply"], capture_output=True, text=True, timeout=60, check=False,
                                preexec_fn=become_nobody)
        self.assertEqual(result.returncode, 1)
        self.assertIn("only root", result.stderr)


@unittest.skipUnless(strace_works(), "needs strace, which must be allowed to trace")
class KilledTune(TuneCase):
    """At each call that changes something, one after the other."""

    # Of some an architecture has only the younger form.
    CALLS = ("openat", "?rename,?renameat,?renameat2", "?unlink,?unlinkat", "?mkdir,?mkdirat", "fsync", "ftruncate",
             "write", "fchmod")

    def killed(self, call, number, *words):
        """Whether the program was killed; else it made fewer such calls."""
        result = subprocess.run(
            ["strace", "-qq", "-o", "/dev/null", "-e", f"trace={call}", "-e",
             f"inject={call}:signal=KILL:when={number}", PROGRAM, "tune", "--root", self.root, *words],
            capture_output=True, text=True, env=self.environment, timeout=120, check=False)
        if result.returncode not in (0, -signal.SIGKILL, 128 + signal.SIGKILL):
            raise AssertionError(f"{call} {number}: {result.returncode} {result.stderr}")
        return result.returncode != 0

    @staticmethod
    def settled(tree):
        """A file that stands in for one of the kernel's has its value in the first line, whatever a cut left behind it."""
        return {path: (*about[:3], about[3].split(b"\n")[0]) if len(about) > 4 and
                ("/proc/" in path or "/sys/" in path.replace("/proc/sys/", "")) else about
                for path, about in tree.items()}

    def kill_everywhere(self, words, prepare, check):
        """Counts the kills; openat has most calls that only read, so every fifth is taken."""
        kills = 0
        for call in self.CALLS:
            number = 1
            while True:
                prepare()
                was_killed = self.killed(call, number, *words)
                if not was_killed:
                    break
                kills += 1
                check(f"{call} {number}")
                number += 23 if call == "openat" else 3
        return kills

    def test_killed_in_apply_undo_gives_the_original(self):
        before = self.settled(snapshot(self.root))

        def check(moment):
            self.tune("--undo")
            self.assert_same(self.settled(snapshot(self.root)), before, moment)

        kills = self.kill_everywhere(["--apply"], lambda: self.tune("--undo"), check)
        self.assertGreater(kills, 20)

    def test_killed_in_undo_the_next_undo_completes_it(self):
        before = self.settled(snapshot(self.root))

        def check(moment):
            self.tune("--undo")
            self.assert_same(self.settled(snapshot(self.root)), before, moment)

        kills = self.kill_everywhere(["--undo"], lambda: self.tune("--apply"), check)
        self.assertGreater(kills, 10)

    def test_killed_in_apply_the_next_apply_completes_it(self):
        self.tune("--apply")
        applied = self.settled(snapshot(self.root))
        applied_bytes = {path: about[:4] for path, about in applied.items()}

        def check(moment):
            self.tune("--apply")
            now = {path: about[:4] for path, about in self.settled(snapshot(self.root)).items()}
            self.assert_same(now, applied_bytes, moment)

        kills = self.kill_everywhere(["--apply"], lambda: self.tune("--undo"), check)
        self.assertGreater(kills, 20)


@unittest.skipUnless(os.geteuid() == 0, "needs root")
class TuneOfANamespace(TuneCase):
    def test_sysctls_of_a_network_namespace_are_set_and_come_back(self):
        shutil.rmtree(self.root / "proc")
        shutil.rmtree(self.root / "sys/kernel/irq")
        (self.root / "proc").mkdir()
        script = self.path("script")
        names = [name for name in SYSCTLS if name.startswith("net/ipv4/")]
        script.write_text(f"""set -e
mount --rbind /proc '{self.root}/proc'
show() {{ for name in {' '.join(names)}; do [ ! -e /proc/sys/$name ] || echo $name $(cat /proc/sys/$name); done; }}
echo 1024 65535 > /proc/sys/net/ipv4/ip_local_port_range
echo 4096 16384 100000 > /proc/sys/net/ipv4/tcp_wmem
echo 1 > /proc/sys/net/ipv4/tcp_slow_start_after_idle
show > before
skip="--skip fs.nr_open --skip kernel.io_uring_disabled --skip net.core.netdev_max_backlog --skip net.core.rmem_max"
skip="$skip --skip net.core.wmem_max --skip net.core.default_qdisc"
'{PROGRAM}' tune --root '{self.root}' --apply $skip
show > applied
'{PROGRAM}' tune --root '{self.root}' --apply $skip | grep 'nothing to change'
'{PROGRAM}' tune --root '{self.root}' --undo
show > after
""")
        result = subprocess.run(["unshare", "--net", "--mount", "--propagation", "private", "bash", str(script)],
                                capture_output=True, text=True, cwd=self.directory, timeout=60, check=False,
                                env=self.environment)
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        before, applied, after = [self.path(name).read_text() for name in ("before", "applied", "after")]
        self.assertEqual(before, after)
        self.assertIn("net/ipv4/tcp_wmem 4096 16384 4194304\n", applied)
        self.assertIn("net/ipv4/tcp_slow_start_after_idle 0\n", applied)


if __name__ == "__main__":
    unittest.main()
