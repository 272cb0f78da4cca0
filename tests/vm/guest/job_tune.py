"""murder tune on a stock Debian: applied and undone, kept over a reboot, undone again; and what it changes for one TCP
stream between two namespaces with a delay. The interface is an emulated vmxnet3, which calls itself 10 Gbit/s."""

import array
import fcntl
import hashlib
import json
import pathlib
import re
import socket
import struct
import sys
import time

import host

BASE = pathlib.Path("/var/tmp/tune")
BEFORE = BASE / "before.json"
APPLY = ("--bandwidth", "10gbit", "--rtt", "40ms")
# What changes by itself.
RESTLESS = re.compile(
    r"^(kernel\.random\.|fs\.(dentry-state|inode-|file-nr|aio-nr|quota)|kernel\.(ns_last_pid|pty\.nr|perf_|core_pattern)|"
    r"net\.netfilter\.|net\.ipv[46]\.(conf|neigh)\.|kernel\.usermodehelper|net\.ipv4\.tcp_(mem|fastopen_key)|"
    r"vm\.(stat|user_reserve_kbytes|admin_reserve_kbytes)|kernel\.hostname|net\.ipv4\.udp_mem|net\.core\.netdev_rss_key|net\.ipv6\.route\.)")
RATE_SECONDS = 24
ROUNDS = 2
STOCK = {"net.ipv4.tcp_rmem": "4096 131072 6291456", "net.ipv4.tcp_wmem": "4096 16384 4194304",
         "net.ipv4.tcp_slow_start_after_idle": 1, "net.ipv4.tcp_congestion_control": "cubic"}

STREAM = """
import socket, sys, threading, time
seconds = float(sys.argv[1])
listener = socket.create_server(("10.9.0.1", 9000)) if sys.argv[2] == "receive" else None
if listener:
    print("ready", flush=True)
    link, _ = listener.accept()
    place = bytearray(1 << 20)
    count, half = 0, None
    begin = time.monotonic()
    while time.monotonic() - begin < seconds:
        count += link.recv_into(place)
        if half is None and time.monotonic() - begin > seconds / 3:
            half, half_count = time.monotonic(), count
    print(int((count - half_count) / (time.monotonic() - half)), flush=True)
else:
    link = socket.create_connection(("10.9.0.1", 9000))
    block = bytes(1 << 20)
    try:
        while True:
            link.sendall(block)
    except OSError:
        pass
"""
# After a pause 2 MiB are sent and answered.
BURST = """
import socket, sys, time
size = 2 << 20
place = bytearray(1 << 20)
def receive(link, left):
    while left:
        left -= link.recv_into(place, min(left, len(place)))
if sys.argv[2] == "receive":
    listener = socket.create_server(("10.9.0.1", 9000))
    print("ready", flush=True)
    link, _ = listener.accept()
    for _ in range(12):
        receive(link, size)
        link.sendall(b"x")
else:
    link = socket.create_connection(("10.9.0.1", 9000))
    times = []
    for number in range(12):
        begin = time.monotonic()
        link.sendall(bytes(size))
        receive(link, 1)
        times.append(time.monotonic() - begin)
        time.sleep(2 if number >= 6 else 0)
    print(sorted(times[7:])[2], flush=True)
"""


def etc_tree():
    tree = {}
    for path in sorted(pathlib.Path("/etc").rglob("*")):
        status = path.lstat()
        about = [oct(status.st_mode), status.st_uid, status.st_gid]
        if path.is_symlink():
            about.append(str(path.readlink()))
        elif path.is_file():
            about += [hashlib.sha256(path.read_bytes()).hexdigest(), status.st_mtime_ns]
        # Written anew at each boot.
        if path.name not in ("mtab", "resolv.conf", "machine-id", ".updated"):
            tree[str(path)] = about
    return tree


def sysctls():
    lines = host.run("sysctl", "-a").stdout.splitlines()
    pairs = [line.partition(" = ")[::2] for line in lines]
    return {name: value for name, value in pairs if not RESTLESS.match(name)}


def modules():
    return sorted(name for name in ("tls", "tcp_bbr", "sch_fq") if pathlib.Path("/sys/module", name).exists())


def interface():
    return next((path.parent.name for path in sorted(pathlib.Path("/sys/class/net").glob("*/device"))), None)


def ring_of(name):
    """rx_pending, by the ioctl that ethtool makes."""
    ring = array.array("B", struct.pack("9I", 0x10, *[0] * 8))
    address, _ = ring.buffer_info()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        fcntl.ioctl(control, 0x8946, struct.pack("16sP8x", name.encode(), address))
    return struct.unpack("9I", ring.tobytes())[5]


def state():
    return {"etc": etc_tree(), "sysctls": sysctls(), "modules": modules(), "ring": ring_of(interface())}


def differences(before, now):
    """The names that differ, at most some."""
    found = []
    for kind in ("etc", "sysctls"):
        keys = sorted(set(before[kind]) | set(now[kind]))
        found += [f"{key}: {before[kind].get(key)} {now[kind].get(key)}" for key in keys
                  if before[kind].get(key) != now[kind].get(key)]
    found += [f"{kind}: {before[kind]} {now[kind]}" for kind in ("modules", "ring") if before[kind] != now[kind]]
    return "; ".join(found[:8])


# --- One stream over a delay ---

def make_network(delay_ms, loss="0%"):
    for name, number in (("a", 1), ("b", 2)):
        host.must("ip", "netns", "add", name)
    host.must("ip", "link", "add", "eth0", "netns", "a", "type", "veth", "peer", "name", "eth0", "netns", "b")
    for name, number in (("a", 1), ("b", 2)):
        for words in (["ip", "link", "set", "lo", "up"], ["ip", "address", "add", f"10.9.0.{number}/24", "dev", "eth0"],
                      ["ip", "link", "set", "eth0", "up"],
                      ["tc", "qdisc", "add", "dev", "eth0", "root", "netem", "delay", f"{delay_ms}ms", "loss", loss,
                       "limit", "100000"]):
            host.must("ip", "netns", "exec", name, *words)


def remove_network():
    for name in ("a", "b"):
        host.must("ip", "netns", "delete", name)


def between(program, delay_ms, settings, loss="0%", reader="receive"):
    """What the end `reader` prints."""
    make_network(delay_ms, loss)
    try:
        words = [f"{name}={value}" for name, value in {**STOCK, **settings}.items()]
        for name in ("a", "b"):
            host.must("ip", "netns", "exec", name, "sysctl", "-qw", *words)
        words = [sys.executable, "-c", program, str(RATE_SECONDS)]
        receiving = host.start("ip", "netns", "exec", "a", *words, "receive")
        if receiving.stdout.readline().strip() != "ready":
            raise SystemExit(f"exit status 1: {receiving.stdout.read()}")
        sending = host.start("ip", "netns", "exec", "b", *words, "send")
        output = (receiving if reader == "receive" else sending).communicate(timeout=host.SECONDS_MAX)[0]
        for process in (receiving, sending):
            process.kill()
            process.wait()
        return float(output.split()[-1])
    finally:
        remove_network()


def alternate(name, program, unit, delay_ms, one, other, **options):
    """Figures of the table, in turns; they decide nothing."""
    figures = {"before": [], "after": []}
    for _ in range(ROUNDS):
        for kind, settings in (("before", one), ("after", other)):
            figures[kind].append(f"{between(program, delay_ms, settings, **options):.3g}")
    host.result(f"measured: {name}", "passed",
                "; ".join(f"{kind} {', '.join(values)} {unit}" for kind, values in figures.items()))


def measure():
    buffers = {"net.ipv4.tcp_rmem": "4096 131072 22745088", "net.ipv4.tcp_wmem": "4096 16384 22745088"}
    alternate("2 MiB after a pause, 40 ms", BURST, "s", 20, {}, {"net.ipv4.tcp_slow_start_after_idle": 0}, reader="send")
    alternate("buffers, 400 ms", STREAM, "bytes/s", 200, {}, buffers)
    alternate("BBR, 40 ms, 1 % lost", STREAM, "bytes/s", 20, buffers, {**buffers, "net.ipv4.tcp_congestion_control": "bbr"},
              loss="1%")


# --- The two boots ---

def tune(*words):
    return host.run(host.PROGRAM, "tune", *words)


def check_applied(name):
    now = sysctls()
    expected = {"net.core.rmem_max": None, "net.ipv4.tcp_slow_start_after_idle": "0", "net.core.default_qdisc": "fq",
                "net.ipv4.tcp_congestion_control": "bbr", "net.core.netdev_max_backlog": "9000"}
    wrong = [f"{key} = {now.get(key)}" for key, value in expected.items() if value and now.get(key) != value]
    wrong += [] if int(now["net.core.rmem_max"]) > 8 << 20 else [f"rmem_max {now['net.core.rmem_max']}"]
    wrong += [] if modules() == ["sch_fq", "tcp_bbr", "tls"] else [f"modules {modules()}"]
    wrong += [] if ring_of(interface()) == 4096 else [f"ring of {interface()}: {ring_of(interface())}"]
    dry = tune(*APPLY)
    wrong += [] if dry.returncode == 0 else [dry.stdout[:1500] + dry.stderr]
    host.result(name, not wrong, "; ".join(wrong) or f"rmem_max {now['net.core.rmem_max']}, tcp_rmem {now['net.ipv4.tcp_rmem']}")


def first_boot():
    BASE.mkdir(exist_ok=True)
    before = state()
    BEFORE.write_text(json.dumps(before))
    dry = tune("--json", *APPLY)
    host.result("the dry run finds something to do", dry.returncode == 3, dry.stderr)
    plan = json.loads(dry.stdout)
    host.say("\n".join(f"PLAN {change['what']}: {change['now']} -> {change['wanted']}" for change in plan["changes"]))
    host.result("the dry run changes nothing", not differences(before, state()), differences(before, state()))
    applied = tune("--apply", *APPLY)
    host.result("apply", applied.returncode == 0, applied.stdout + applied.stderr)
    check_applied("applied")
    again = tune("--apply", *APPLY)
    host.result("a second apply changes nothing", again.returncode == 0 and "nothing to change" in again.stdout,
                again.stdout + again.stderr)
    undone = tune("--undo")
    found = undone.stderr or differences(before, state())
    host.result("undo: /etc, sysctl -a, modules and ring as before", undone.returncode == 0 and not found, found)
    host.must(host.PROGRAM, "tune", "--apply", *APPLY)
    host.must("sync")
    host.must("systemctl", "reboot")
    time.sleep(host.SECONDS_MAX)


def second_boot():
    before = json.loads(BEFORE.read_text())
    unit = host.run("systemctl", "show", "-p", "Result,ExecMainStatus,ActiveEnterTimestamp", "murder-tune.service").stdout
    check_applied("it survives the reboot")
    host.result("the unit ran at the start", "ExecMainStatus=0" in unit and "Result=success" in unit, unit)
    undone = tune("--undo")
    now = state()
    # Interfaces that came up meanwhile hold theirs.
    in_use = [name for name in now["modules"] if f"module {name} is in use" in undone.stderr]
    now["modules"] = [name for name in now["modules"] if name not in in_use]
    if "tcp_bbr" in in_use:  # stays on offer with its module
        for kind in ("available", "allowed"):
            name = f"net.ipv4.tcp_{kind}_congestion_control"
            now["sysctls"][name] = now["sysctls"][name].removesuffix(" bbr")
    found = differences(before, now) or (undone.stderr if undone.returncode else "")
    host.result("undo after the reboot: as before apply", not found, found or f"in use: {in_use}")
    left = [str(path) for folder in ("/etc", "/var/lib") for path in pathlib.Path(folder).rglob("*murder*")]
    host.result("nothing is left", not left, " ".join(left))
    measure()


def main():
    host.must("ip", "link", "set", interface(), "up")
    second_boot() if BEFORE.exists() else first_boot()
