"""The Debian packages on a stock machine: what the host side of the scenario prepares."""

import pathlib
import subprocess
import tarfile
import tempfile

import machine

RACK = pathlib.Path(__file__).resolve().parent.parent / "rack"
NAMES = ("murder", "murder-tracker", "murder-agent")
SECONDS_MAX = 3600


def built_packages(folder, architecture):
    """name -> path of the packages that `./dev package` built last, or None."""
    packages = {}
    for name in NAMES:
        found = [path for each in (architecture, "all") for path in pathlib.Path(folder).glob(f"{name}_*_{each}.deb")]
        if not found:
            return None
        packages[name] = max(found, key=lambda path: path.stat().st_mtime)
    return packages


def field(package, name):
    return subprocess.run(["dpkg-deb", "--field", package, name], check=True, capture_output=True, text=True).stdout.strip()


def make_newer(package, place):
    """The same package with a higher version: an upgrade with its maintainer scripts."""
    tree = pathlib.Path(tempfile.mkdtemp(dir=place)) / "tree"
    subprocess.run(["dpkg-deb", "--raw-extract", package, tree], check=True, capture_output=True)
    control = tree / "DEBIAN" / "control"
    version = field(package, "Version")
    control.write_text(control.read_text().replace(f"Version: {version}\n", f"Version: {version}+newer\n"))
    newer = pathlib.Path(place) / f"newer-{field(package, 'Package')}.deb"
    subprocess.run(["dpkg-deb", "--root-owner-group", "-Zgzip", "-z1", "--build", tree, newer], check=True, capture_output=True)
    return newer


def pack_rack(place):
    """The tool that makes hosts, as a checkout has it."""
    packed = pathlib.Path(place) / "rack.tar"
    with tarfile.open(packed, "w") as archive:
        archive.add(RACK, "tests/rack", filter=lambda each: None if "__pycache__" in each.name else each)
    return packed


def life_of_packages(context, folder, skipped, rows_of, job):
    """The packages, newer ones of the same, and the tool that makes hosts go to a machine that may reboot."""
    packages = built_packages(folder, "amd64")
    if packages is None:
        raise skipped(f"there are no packages in {folder}: ./dev package builds them")
    system = context.system("amd64")
    with tempfile.TemporaryDirectory(prefix="murder-vm-packages-") as place:
        files = dict(context.files("amd64"))
        for name, path in packages.items():
            files[f"{name}.deb"] = path
            files[f"newer-{name}.deb"] = make_newer(path, place)
        files["rack.tar"] = pack_rack(place)
        context.say(f"booting Haswell-noTSX: {job}")
        with machine.Machine(system, "Haswell-noTSX", files, {"job": job}, may_reboot=True) as running:
            return rows_of(running, SECONDS_MAX)
