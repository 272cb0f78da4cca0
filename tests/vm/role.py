"""The Ansible role of integrations/ansible by the ways that a rack of this machine cannot go: .deb files, and tracker and seeders
as units of systemd. Ansible runs here, the machine it works on is emulated."""

import json
import os
import pathlib
import re
import shutil
import socket
import subprocess
import tempfile

import machine
import packages

ROLES = pathlib.Path(__file__).resolve().parents[2] / "integrations" / "ansible" / "roles"
RECAP = re.compile(r"(?m)^(\S+) +: ok=(\d+) +changed=(\d+) +unreachable=(\d+) +failed=(\d+)")
BOOT_SECONDS_MAX = 1200
PLAY_SECONDS_MAX = 3600
COMMAND_SECONDS_MAX = 300
LINES_SHOWN = 30
NAME = "stock"

# What the role's README has as three plays in one, since one machine is all three: the seeder needs the tracker as it was
# configured a moment ago.
PLAYBOOK = """\
- hosts: all
  roles:
    - {role: murder, murder_tracker_enabled: true}
    - {role: murder, murder_trackers: ["127.0.0.1:9001"], murder_seed_source: "/srv/build-{{ murder_tag }}"}
    - {role: murder, murder_release_to: /srv/app, murder_release_timeout: 10m}
"""
ADDRESS = "127.0.0.1:9001"
ADDRESSES = [ADDRESS, "127.0.0.1:9002"]


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


class Controller:
    """Ansible and ssh of this machine, with nothing of its user."""

    def __init__(self, place, port, debs):
        self._place = place
        self._port = port
        self._ssh = ["-i", str(place / "key"), "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null",
                     "-o", "BatchMode=yes", "-o", "LogLevel=ERROR", "-o", "ConnectTimeout=120"]
        (place / "site.yml").write_text(PLAYBOOK)
        (place / "hosts").write_text(
            f"{NAME} ansible_host=127.0.0.1 ansible_port={port} ansible_user=root "
            f"ansible_ssh_common_args='{' '.join(self._ssh)}'\n[all:vars]\n"
            f"murder_package={debs['murder']}\nmurder_tracker_package={debs['murder-tracker']}\n")
        self._environment = dict(
            os.environ, LC_ALL="C.UTF-8", HOME=str(place), ANSIBLE_ROLES_PATH=str(ROLES), ANSIBLE_HOME=str(place / "ansible"),
            ANSIBLE_LOCAL_TEMP=str(place / "ansible"), ANSIBLE_NOCOLOR="1", ANSIBLE_PIPELINING="1", ANSIBLE_GATHERING="smart",
            ANSIBLE_HOST_KEY_CHECKING="0", ANSIBLE_TIMEOUT="120", ANSIBLE_PYTHON_INTERPRETER="/usr/bin/python3",
            ANSIBLE_DEVEL_WARNING="0")

    def play(self, **variables):
        """Returns what the recap counts, and all that was printed."""
        done = subprocess.run(
            ["ansible-playbook", "-i", "hosts", "site.yml", "-e", json.dumps(variables)], cwd=self._place,
            env=self._environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace",
            timeout=PLAY_SECONDS_MAX, check=False)
        said = "\n".join((done.stdout + done.stderr).splitlines()[-LINES_SHOWN:])
        match = RECAP.search(done.stdout)
        counts = dict(zip(("ok", "changed", "unreachable", "failed"), map(int, match.groups()[1:]))) if match else {}
        return (counts if done.returncode == 0 else {}), said

    def ask(self, command):
        """What a command prints there; what went wrong if it fails."""
        done = subprocess.run(
            ["ssh", *self._ssh, "-p", str(self._port), "root@127.0.0.1", command], stdin=subprocess.DEVNULL,
            capture_output=True, text=True, errors="replace", timeout=COMMAND_SECONDS_MAX, check=False)
        return (done.stdout if done.returncode == 0 else f"exit status {done.returncode}: {done.stdout}{done.stderr}").strip()


def wait_until_ready(running):
    for line in running.lines(BOOT_SECONDS_MAX):
        if line == "READY":
            return
        if line is not None:
            raise machine.MachineError(line)
    raise machine.MachineError("the machine is not ready for ssh")


class Trial:
    """What is done with the role, and the rows of the table that come of it."""

    UNITS = ("murder-tracker.service", "murder-seed@v1.service", "murder-seed@v2.service")

    def __init__(self, controller, row):
        self._controller = controller
        self._row = row
        self.rows = []

    def note(self, name, is_good, text):
        self.rows.append(self._row(name, "passed" if is_good else "FAILED", text))

    def play(self, name, tag, addresses, is_wanted):
        counts, said = self._controller.play(murder_tag=tag, murder_tracker_listen=addresses)
        self.note(name, bool(counts) and is_wanted(counts["changed"]), f"{counts}" if counts else said)
        return bool(counts)

    def check_units(self, name, units):
        asked = " && ".join(f"systemctl is-active {unit} && systemctl is-enabled {unit}" for unit in units)
        said = self._controller.ask(asked).split()
        self.note(name, said == ["active", "enabled"] * len(units), " ".join(said))

    def check_release(self, tag):
        said = self._controller.ask(
            f"/usr/bin/python3 -B /job/tree.py /srv/build-{tag} /srv/app/{tag} && readlink /srv/app/current")
        self.note(f"{tag} is deployed and current", said == tag, said)

    def process_ids(self):
        return self._controller.ask("systemctl show --value -p MainPID murder-tracker murder-seed@v1").split()

    def run(self):
        if not self.play("packages, units and a release by the role", "v1", [ADDRESS], lambda changed: changed > 0):
            return
        self.check_units("tracker and seeder are units", self.UNITS[:2])
        self.check_release("v1")
        before = self.process_ids()
        self.play("the second run changes nothing", "v1", [ADDRESS], lambda changed: changed == 0)
        after = self.process_ids()
        self.note("nor does it start a service again", before == after, f"{before} {after}")
        # The next release, and a tracker that listens at another address as well.
        self.play("the next release, another configuration", "v2", ADDRESSES, lambda changed: changed > 0)
        self.check_release("v2")
        self.check_units("both seeders serve", self.UNITS)
        listed = self._controller.ask("murder status")
        self.note("status lists the services with both addresses",
                  all(each in listed for each in (*ADDRESSES, *self.UNITS)), listed)


def deployed_by_ansible(context, folder, skipped, row):
    debs = packages.built_packages(folder, "amd64")
    if debs is None:
        raise skipped(f"there are no packages in {folder}: ./dev package builds them")
    for program in ("ansible-playbook", "ssh", "ssh-keygen"):
        if shutil.which(program) is None:
            raise skipped(f"there is no {program}")
    system = context.system("amd64")
    with tempfile.TemporaryDirectory(prefix="murder-vm-ansible-") as name:
        place = pathlib.Path(name)
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", place / "key"], check=True)
        port = free_port()
        controller = Controller(place, port, {name: path.resolve() for name, path in debs.items()})
        arguments = {"job": "job_ansible", "key": (place / "key.pub").read_text()}
        context.say("booting Haswell-noTSX: job_ansible")
        with machine.Machine(system, "Haswell-noTSX", context.files("amd64"), arguments, interface="virtio-net-pci",
                             ssh_port=port) as running:
            try:
                wait_until_ready(running)
            except machine.MachineError as error:
                return [row("job", "FAILED", str(error))]
            trial = Trial(controller, row)
            trial.run()
            return trial.rows
