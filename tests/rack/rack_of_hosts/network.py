"""The rack's network: one bridge in a namespace of its own, one veth pair per host, tbf on both ends.

The bridge has a namespace of its own so that the machine's firewall does not see the traffic between hosts, and so
that one deletion takes bridge and links away. The machine itself reaches the hosts through one more pair, whose end
on the machine, mrackN, is also the claim on the subnet 10.213.N.0/24: two racks cannot both create it."""

import pathlib
import re
import subprocess

NAMESPACES = pathlib.Path("/run/netns")
SUBNET_COUNT_MAX = 250
MACHINE_NUMBER = 253
COMMAND_SECONDS_MAX = 60

_UNITS = {"bit": 1, "kbit": 10**3, "mbit": 10**6, "gbit": 10**9}
# tbf passes on whole segments of 64 KiB only if its bucket holds one with its headers.
_BURST_BYTES_MIN = 80 * 1024
_BURST_SECONDS = 0.002


class RackError(Exception):
    """What went wrong, in words for the user."""


def run(*command, text=None, is_checked=True):
    try:
        result = subprocess.run(
            command, input=text, stdin=None if text is not None else subprocess.DEVNULL,
            capture_output=True, text=True, timeout=COMMAND_SECONDS_MAX, check=False)
    except FileNotFoundError:
        raise RackError(f"{command[0]} is not installed (Debian: iproute2, openssh-server, "
                        "openssh-client)") from None
    except subprocess.TimeoutExpired:
        raise RackError(f"no end after {COMMAND_SECONDS_MAX} s: {' '.join(command)}") from None
    if is_checked and result.returncode != 0:
        words = result.stderr.strip() or f"exit status {result.returncode}"
        raise RackError(f"{' '.join(command)}: {words}")
    return result


def bits_per_second(rate):
    """"100mbit" as tc writes it."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)(bit|kbit|mbit|gbit)", rate.lower())
    value = int(float(match[1]) * _UNITS[match[2]]) if match else 0
    if value < 8000:
        raise RackError(f"{rate} is not a rate: write it like 100mbit or 1gbit")
    return value


def shaper(rate, queue_ms):
    """The words of a tbf qdisc."""
    bits = bits_per_second(rate)
    burst_bytes = max(_BURST_BYTES_MIN, int(bits / 8 * _BURST_SECONDS))
    return f"tbf rate {bits}bit burst {burst_bytes}b latency {queue_ms}ms"


def hardware_address(subnet, number):
    return f"02:6d:75:{subnet:02x}:00:{number:02x}"


class Network:
    """Of one rack. Everything is found again by name, so that a half-made one can be taken down."""

    def __init__(self, name):
        self.prefix = f"rack-{name}-"
        self.switch = f"{self.prefix}switch"
        self.subnet = None

    def address(self, number):
        return f"10.213.{self.subnet}.{number}"

    def namespace(self, host):
        return self.prefix + host

    # --- Up ---

    def create(self, numbers, rate, queue_ms):
        """`numbers` has the last part of each host's address."""
        run("ip", "netns", "add", self.switch)
        self._ip(self.switch, "link add br0 type bridge\nlink set br0 up\n")
        # A machine that filters bridged packets would do so in each namespace, at a cost for every packet.
        run("ip", "netns", "exec", self.switch, "sh", "-c",
            "for each in /proc/sys/net/bridge/bridge-nf-call-*; do [ ! -e $each ] || echo 0 >$each; done")
        self._claim_subnet()
        for host in numbers:
            run("ip", "netns", "add", self.namespace(host))
        self._ip(self.switch, "".join(
            f"link add {host} type veth peer name eth0 address "
            f"{hardware_address(self.subnet, number)} netns {self.namespace(host)}\n"
            f"link set {host} master br0\nlink set {host} up\n" for host, number in numbers.items()))
        for host, number in numbers.items():
            self._configure(host, number, numbers)
        if rate:
            self.shape(numbers, shaper(rate, queue_ms))

    def _claim_subnet(self):
        taken = run("ip", "-4", "route", "show", "table", "all").stdout
        for subnet in range(SUBNET_COUNT_MAX):
            if f"10.213.{subnet}." in taken:
                continue
            claim = run("ip", "link", "add", f"mrack{subnet}", "address",
                        hardware_address(subnet, MACHINE_NUMBER), "type", "veth", "peer", "name",
                        "uplink", "netns", self.switch, is_checked=False)
            if claim.returncode == 0:
                self.subnet = subnet
                break
            if "exists" not in claim.stderr:
                raise RackError(f"no veth pair: {claim.stderr.strip()}")
        else:
            raise RackError(f"all {SUBNET_COUNT_MAX} subnets are taken: `rack list` shows the racks")
        self._ip(self.switch, "link set uplink master br0\nlink set uplink up\n")
        run("ip", "-batch", "-", text=f"address add {self.address(MACHINE_NUMBER)}/24 dev "
            f"mrack{self.subnet}\nlink set mrack{self.subnet} up\n")

    def _configure(self, host, number, numbers):
        """Neighbours are permanent: the kernel bounds the others for all namespaces together, to 1024."""
        others = {each for each in (*numbers.values(), MACHINE_NUMBER) if each != number}
        neighbours = "".join(
            f"neighbour add {self.address(each)} lladdr {hardware_address(self.subnet, each)} "
            "dev eth0 nud permanent\n" for each in sorted(others))
        self._ip(self.namespace(host), f"link set lo up\naddress add {self.address(number)}/24 dev eth0\n"
                 f"link set eth0 up\n{neighbours}")
        # As hosts come; the machine may use another, which all would inherit.
        # A namespace may be denied cubic; at such short round trips reno does not differ from it.
        run("ip", "netns", "exec", self.namespace(host), "sh", "-c",
            "for each in cubic reno; do echo $each >/proc/sys/net/ipv4/tcp_congestion_control && exit; done")

    def shape(self, hosts, words):
        """What leaves the host at its end, what comes to it at the bridge's."""
        for host in hosts:
            run("tc", "-n", self.namespace(host), "qdisc", "replace", "dev", "eth0", "root",
                *words.split())
        run("tc", "-n", self.switch, "-batch", "-", text="".join(
            f"qdisc replace dev {host} root {words}\n" for host in hosts))

    def _ip(self, namespace, lines):
        run("ip", "-n", namespace, "-batch", "-", text=lines)

    # --- Down ---

    def namespaces(self):
        if not NAMESPACES.is_dir():
            return []
        return sorted(path for path in NAMESPACES.iterdir() if path.name.startswith(self.prefix))

    def identities(self):
        """What a process's own network namespace compares to."""
        found = (path.stat() for path in self.namespaces())
        return {(status.st_dev, status.st_ino) for status in found}

    def delete(self):
        paths = self.namespaces()
        if any(path.name == self.switch for path in paths):
            # At once, where the namespace itself is taken down some time later.
            run("ip", "-n", self.switch, "link", "delete", "uplink", is_checked=False)
        for path in paths:
            run("ip", "netns", "delete", path.name, is_checked=False)
            path.unlink(missing_ok=True)
