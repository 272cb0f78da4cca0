"""A machine that Ansible works on from outside: sshd with the key of the run, at a port that QEMU forwards. Ends with the
machine."""

import pathlib
import time

import host

# What QEMU's own network gives to a machine.
ADDRESS = "10.0.2.15/24"
TAGS = ("v1", "v2")


def open_network():
    interface = next(each.name for each in sorted(pathlib.Path("/sys/class/net").iterdir()) if each.name != "lo")
    host.must("ip", "link", "set", interface, "up")
    host.must("ip", "address", "add", ADDRESS, "dev", interface)


def main(key):
    pathlib.Path(host.PROGRAM).unlink()  # the package's program alone
    place = pathlib.Path("/root/.ssh")
    place.mkdir(mode=0o700, exist_ok=True)
    (place / "authorized_keys").write_text(key)
    for number, tag in enumerate(TAGS):
        host.make_tree(f"/srv/build-{tag}", number)
    open_network()
    host.must("systemctl", "start", "ssh")
    host.say("READY")
    while True:
        time.sleep(60)
