"""What `./dev vm` does: each scenario boots one machine or several and returns rows of the table."""

import json
import pathlib
import shutil
import subprocess

import image
import machine
import packages
import power
import role

# Emulated, on two busy cores.
JOB_SECONDS_MAX = 1800


class Skipped(Exception):
    """Why a scenario cannot be run here."""


class Row:
    """A line of the table."""

    def __init__(self, name, outcome, text=""):
        self.name = name
        self.outcome = outcome  # "passed", "FAILED", "skipped"
        self.text = text


class Context:
    """What is under test, and where its images are."""

    def __init__(self, programs, packages_folder, say):
        self._programs = programs  # architecture -> build folder
        self.packages = packages_folder
        self.say = say
        self._images = {}

    def files(self, architecture):
        """What goes to /job: the program, and the unit tests of hashes where they are built."""
        folder = self._programs.get(architecture)
        program = folder and pathlib.Path(folder) / "murder"
        if not program or not program.exists():
            raise Skipped(f"there is no program for {architecture}")
        _check_glibc(program)
        files = {"murder": program}
        tests = pathlib.Path(folder) / "subprojects/shalanes/tests/test_shalanes"
        if tests.exists():
            files["test_shalanes"] = tests
        return files

    def system(self, architecture):
        emulator = machine.EMULATORS[architecture]
        for program in (emulator, "/sbin/mkfs.ext4"):
            if shutil.which(program) is None:
                raise Skipped(f"there is no {pathlib.Path(program).name}")
        if architecture not in self._images:
            try:
                self._images[architecture] = image.ensure_image(architecture, self.say)
            except (image.ImageError, FileNotFoundError) as error:
                raise Skipped(f"there is no {architecture} image: {error}") from None
        return self._images[architecture]


def _check_glibc(program):
    """A program that was built on a newer distribution does not start on Debian 12."""
    listing = subprocess.run(["objdump", "-T", program], capture_output=True, text=True, check=False).stdout
    versions = [each.split("GLIBC_2.")[1] for each in listing.split() if "GLIBC_2." in each]
    newest = max((int(each.strip("()").split(".")[0]) for each in versions), default=0)
    if newest > 36:
        raise Skipped(f"the program needs glibc 2.{newest}, Debian 12 has 2.36")


def rows_of(running, seconds_max=JOB_SECONDS_MAX):
    """The results that one job prints; what else it says belongs to its failure."""
    rows = []
    said = []
    try:
        for line in running.lines(seconds_max):
            if line is None:
                continue
            if line.startswith("RESULT "):
                rows.append(Row(*json.loads(line.removeprefix("RESULT "))))
            else:
                said.append(line)
    except machine.MachineError as error:
        said.append(str(error))
        rows.append(Row("job", "FAILED", "\n".join(said[-30:])))
        return rows
    if not rows or (said and "exit status" in said[-1]) or any("Traceback" in each for each in said):
        rows.append(Row("job", "FAILED", "\n".join(said[-30:])))
    return rows


def _job(context, architecture, cpu, job, arguments=None, **options):
    files = context.files(architecture)
    system = context.system(architecture)
    context.say(f"booting {cpu}: {job}")
    with machine.Machine(system, cpu, files, {"job": job, **(arguments or {})}, **options) as running:
        return rows_of(running)


def quick(context):
    return _job(context, "amd64", "Haswell-noTSX", "job_main", {"all_kernels": False})


def haswell(context):
    return _job(context, "amd64", "Haswell-noTSX", "job_main")


def nehalem(context):
    return _job(context, "amd64", "Nehalem", "job_main")


def largest(context):
    return _job(context, "amd64", "max", "job_main")


def arm64(context):
    return _job(context, "arm64", "max,pauth-impdef=on", "job_main")


def arm64_a57(context):
    return _job(context, "arm64", "cortex-a57", "job_main")


def reboot(context):
    return _job(context, "amd64", "Haswell-noTSX", "job_reboot", may_reboot=True)


def netem(context):
    return _job(context, "amd64", "Haswell-noTSX", "job_netem")


def session(context):
    return _job(context, "amd64", "Haswell-noTSX", "job_session")


def installed_packages(context):
    return packages.life_of_packages(context, context.packages, Skipped, rows_of, "job_packages")


def agents(context):
    return packages.life_of_packages(context, context.packages, Skipped, rows_of, "job_agents")


def ansible(context):
    return role.deployed_by_ansible(context, context.packages, Skipped, Row)


def tune(context):
    return _job(context, "amd64", "Haswell-noTSX", "job_tune", may_reboot=True, interface="vmxnet3")


def ktls(context):
    return _job(context, "amd64", "max", "job_ktls")


def power_cuts(context):
    return power.survived(context, Row)


def unsynced(context):
    return power.lost_unsynced(context, Row)


SCENARIOS = {
    "haswell": (haswell, "main job on -cpu Haswell: AVX2, no SHA instructions"),
    "nehalem": (nehalem, "main job on -cpu Nehalem: no AVX"),
    "max": (largest, "main job on -cpu max"),
    "arm64": (arm64, "main job on arm64, -cpu max"),
    "arm64-a57": (arm64_a57, "main job on arm64, -cpu cortex-a57"),
    "power": (power_cuts, "power cuts in the middle of peer and activate"),
    "unsynced": (unsynced, "power cuts with --no-sync, to see that the rig notices what is lost"),
    "reboot": (reboot, "a reboot by systemd in the middle of a fetch"),
    "netem": (netem, "hosts 20 ms apart that lose 1 % of their packets"),
    "tune": (tune, "murder tune: applied, undone, kept over a reboot; one TCP stream before and after"),
    "ktls": (ktls, "links under TLS by the kernel: sendfile, alerts, what is changed on the way, past a key's gigabyte"),
    "session": (session, "a user session that ends"),
    "packages": (installed_packages, "the Debian packages: install, deploy, upgrade during a transfer, reboot, purge"),
    "agents": (agents, "coordinator and agents as services: a rollout, upgrade and reboot in the middle of a fetch, a reset"),
    "ansible": (ansible, "the Ansible role from here: packages, tracker and seeders as units, a release; twice"),
    "quick": (quick, "one boot on -cpu Haswell, main job with the choice that murder makes"),
}
# Of `./dev vm` without names.
DEFAULT = [each for each in SCENARIOS if each != "quick"]
