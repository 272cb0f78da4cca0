"""Hosts 20 ms apart that lose 1 % of what they send: namespaces on a bridge, each with netem on its link."""

import pathlib
import re
import threading

import host

BASE = pathlib.Path("/var/tmp/netem")
HOSTS = 4
DELAY_MS = 20


def inside(number, *words):
    return ["ip", "netns", "exec", f"h{number}", *words]


def make_network():
    host.must("ip", "link", "add", "br0", "type", "bridge")
    host.must("ip", "link", "set", "br0", "up")
    for number in range(HOSTS):
        host.must("ip", "netns", "add", f"h{number}")
        host.must("ip", "link", "add", f"p{number}", "type", "veth", "peer", "name", "eth0", "netns", f"h{number}")
        host.must("ip", "link", "set", f"p{number}", "master", "br0", "up")
        for words in (["ip", "link", "set", "lo", "up"], ["ip", "address", "add", f"10.0.0.{number + 1}/24", "dev", "eth0"],
                      ["ip", "link", "set", "eth0", "up"],
                      ["tc", "qdisc", "add", "dev", "eth0", "root", "netem", "delay", f"{DELAY_MS}ms", "loss", "1%",
                       "limit", "10000"]):
            host.must(*inside(number, *words))


def murder_on(number, *words):
    return inside(number, host.PROGRAM, *words, "--run-dir", f"/run/murder-h{number}")


def main():
    BASE.mkdir()
    make_network()
    ping = host.run(*inside(1, "ping", "-q", "-c", "20", "-i", "0.2", "10.0.0.1")).stdout
    found = re.search(r"= [\d.]+/([\d.]+)/", ping)
    host.result("hosts are 40 ms of round trip apart", found and float(found[1]) >= 2 * DELAY_MS, ping.strip().splitlines()[-1])
    source = host.make_tree(BASE / "source", 1, big_bytes=8_000_000)
    torrent = host.murder_json("create", source, "--tag", "v1", "--tracker", "10.0.0.1:8998", "--temp-path", BASE)["torrent"]
    host.must(*murder_on(0, "tracker", "--listen", "10.0.0.1:8998", "--background"))
    host.must(*murder_on(0, "seed", torrent, "--background"))
    errors = [""] * HOSTS

    def fetch(number):
        done = host.run(*murder_on(number, "peer", torrent, "--to", BASE / f"host-{number}", "--temp-path",
                                   BASE / f"temp-{number}", "--seed-for", "60s"))
        errors[number] = done.stderr if done.returncode else host.difference(source, BASE / f"host-{number}" / "v1")

    threads = [threading.Thread(target=fetch, args=(number,)) for number in range(1, HOSTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    host.result("the release arrives", not any(errors), "; ".join(filter(None, errors)))
    dropped = [re.search(r"dropped (\d+)", host.must(*inside(number, "tc", "-s", "qdisc", "show", "dev", "eth0")).stdout)
               for number in range(HOSTS)]
    count = sum(int(each[1]) for each in dropped if each)
    host.result("packets were lost", count > 0, f"{count} dropped")
    for number in range(HOSTS):
        host.run(*murder_on(number, "stop"))
