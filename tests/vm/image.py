"""Disk images of a stock Debian 12, made once per machine and kept outside of the checkout.

An image is a directory DIR/debian-12-ARCHITECTURE-RECIPE with root.img (ext4, labelled root), kernel and initrd. It is
made beside its place and renamed into it, under a lock: two runs at once are safe, and what a killed run leaves is
removed by the next. RECIPE is a hash of what it is made from, so a changed recipe makes a new image."""

import contextlib
import fcntl
import hashlib
import os
import pathlib
import shutil
import subprocess
import tempfile

SUITE = "bookworm"
KERNELS = {"amd64": "linux-image-cloud-amd64", "arm64": "linux-image-cloud-arm64"}
PACKAGES = (
    "systemd", "systemd-sysv", "libpam-systemd", "udev", "dbus", "iproute2", "openssh-server", "openssh-client", "kmod",
    "procps", "e2fsprogs", "zstd", "iputils-ping", "curl", "sudo", "python3")
# What Ansible's modules need on hosts.
PACKAGES_NATIVE = ("python3-apt",)
# Of another architecture each package sets itself up under an emulator, some twenty times slower: what the main job
# needs, and an initramfs of few modules.
PACKAGES_FOREIGN = ("systemd", "systemd-sysv", "udev", "iproute2", "kmod", "procps", "python3")
INITRAMFS_HOOK = """\
#!/bin/sh
[ "$1" = prereqs ] && exit
. /usr/share/initramfs-tools/hook-functions
manual_add_modules virtio_pci virtio_blk ext4
"""
DISK_BYTES = 3 << 30
SECONDS_MAX = 3600
LINES_SHOWN = 20

# /job is the disk that the run brings; what its program prints goes to a serial port of its own.
JOB_UNIT = """\
[Unit]
Description=The job of this run
After=multi-user.target
[Service]
Type=oneshot
ExecStart=/usr/local/sbin/job
TimeoutStartSec=infinity
[Install]
WantedBy=multi-user.target
"""
JOB_SCRIPT = """\
#!/bin/bash
# The port is there before it can be opened.
until { exec 3>/dev/virtio-ports/job; } 2>/dev/null; do sleep 0.1; done
exec >&3 2>&1
mkdir -p /job
mount -o ro LABEL=job /job
ip link set lo up
cd /job
/usr/bin/python3 -B -u guest/run.py
echo "JOB-EXIT $?"
sync
systemctl poweroff
"""


class ImageError(Exception):
    """Why there is no image."""


def cache_directory():
    named = os.environ.get("MURDER_VM_DIR")
    if named:
        return pathlib.Path(named)
    return pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "murder-vm"


def is_foreign(architecture):
    native = subprocess.run(["dpkg", "--print-architecture"], check=True, capture_output=True, text=True).stdout.strip()
    return architecture != native


def recipe(architecture):
    parts = (SUITE, KERNELS[architecture], *PACKAGES, JOB_UNIT, JOB_SCRIPT, str(DISK_BYTES))
    if is_foreign(architecture):
        parts += (*PACKAGES_FOREIGN, INITRAMFS_HOOK)
    else:
        parts += PACKAGES_NATIVE
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:12]


class Image:
    """One that is made: paths of its files."""

    def __init__(self, architecture, directory):
        self.architecture = architecture
        self.root = directory / "root.img"
        self.kernel = directory / "kernel"
        self.initrd = directory / "initrd"


def ensure_image(architecture, say):
    """The image for this architecture, made now if there is none."""
    cache = cache_directory()
    cache.mkdir(parents=True, exist_ok=True)
    name = f"debian-12-{architecture}-{recipe(architecture)}"
    place = cache / name
    with open(cache / f"lock-{architecture}", "w", encoding="ascii") as lock:
        if not place.is_dir():
            say(f"waiting for another run that makes the {architecture} image, or making it (some 4 minutes): {place}")
            fcntl.flock(lock, fcntl.LOCK_EX)  # released when the file is closed
        if not place.is_dir():
            for left in cache.glob(f".making-{architecture}-*"):
                shutil.rmtree(left, ignore_errors=True)
            making = pathlib.Path(tempfile.mkdtemp(prefix=f".making-{architecture}-", dir=cache))
            try:
                _make(architecture, making)
                making.chmod(0o755)
                making.rename(place)
            finally:
                shutil.rmtree(making, ignore_errors=True)
    return Image(architecture, place)


def _run(command, log):
    try:
        with open(log, "ab") as output:
            code = subprocess.run(
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, timeout=SECONDS_MAX,
                check=False, env=dict(os.environ, LC_ALL="C", DEBIAN_FRONTEND="noninteractive")).returncode
    except subprocess.TimeoutExpired:
        code = f"none after {SECONDS_MAX} s"
    if code != 0:
        end = "\n".join(log.read_text(errors="replace").splitlines()[-LINES_SHOWN:])
        raise ImageError(f"{command[0]} failed (exit status {code}):\n{end}")


def _make(architecture, directory):
    if os.geteuid() != 0:
        raise ImageError("making an image needs root: run it once as root with the same MURDER_VM_DIR")
    log = directory / "log"
    root = directory / "root"
    # What it mounts is in a namespace of its own, so that nothing of it is left when it is killed.
    command = ["unshare", "--mount", "--propagation", "private", "mmdebstrap", "--variant=minbase", "--mode=root",
               f"--architectures={architecture}"]
    packages = (*PACKAGES, *PACKAGES_NATIVE)
    if is_foreign(architecture):
        packages = PACKAGES_FOREIGN
        hook = directory / "initramfs-hook"
        hook.write_text(INITRAMFS_HOOK)
        command += ["--essential-hook=mkdir -p \"$1/etc/initramfs-tools/conf.d\" \"$1/etc/initramfs-tools/hooks\"",
                    "--essential-hook=echo MODULES=list >\"$1/etc/initramfs-tools/conf.d/modules\"",
                    f"--essential-hook=install -m 755 {hook} \"$1/etc/initramfs-tools/hooks/modules\""]
    with _foreign_programs(architecture):
        _run([*command, f"--include={','.join((*packages, KERNELS[architecture]))}", SUITE, str(root)], log)
    (root / "etc/hostname").write_text("stock\n")
    # The name of the host is a loopback address of its own, as Debian's installer writes it.
    (root / "etc/hosts").write_text("127.0.0.1 localhost\n127.0.1.1 stock\n::1 localhost ip6-localhost\n")
    unit = root / "etc/systemd/system/job.service"
    unit.write_text(JOB_UNIT)
    script = root / "usr/local/sbin/job"
    script.write_text(JOB_SCRIPT)
    script.chmod(0o755)
    wants = root / "etc/systemd/system/multi-user.target.wants"
    wants.mkdir(exist_ok=True)
    (wants / "job.service").symlink_to("../job.service")
    shutil.rmtree(root / "var/lib/apt/lists", ignore_errors=True)
    for name in ("vmlinuz", "initrd.img"):
        found = sorted((root / "boot").glob(f"{name}-*"))
        if not found:
            raise ImageError(f"the distribution's kernel package brought no {name}")
        shutil.copyfile(found[-1], directory / {"vmlinuz": "kernel", "initrd.img": "initrd"}[name])
    make_disk(directory / "root.img", DISK_BYTES, "root", root)
    shutil.rmtree(root)


def make_disk(path, size, label, tree=None, options=()):
    """An ext4 file system in a sparse file, with the content of `tree`."""
    with open(path, "wb") as file:
        file.truncate(size)
    command = ["/sbin/mkfs.ext4", "-q", "-F", "-L", label, *options]
    subprocess.run([*command, *(["-d", str(tree)] if tree else []), str(path)], check=True, capture_output=True)


# --- Programs of another architecture while the image is made ---

BINFMT = pathlib.Path("/proc/sys/fs/binfmt_misc")
ARM64_MAGIC = (
    r"\x7f\x45\x4c\x46\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00",
    r"\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff")


@contextlib.contextmanager
def _foreign_programs(architecture):
    """Lets this kernel run programs of that architecture; where nobody arranged for it, for as long as this lasts."""
    if not is_foreign(architecture):
        yield
        return
    if not (BINFMT / "register").exists():
        subprocess.run(["mount", "-t", "binfmt_misc", "binfmt_misc", str(BINFMT)], check=False, capture_output=True)
    if not (BINFMT / "register").exists():
        raise ImageError("this kernel has no binfmt_misc, by which the packages of another architecture set themselves up")
    if any("qemu-aarch64" in each.name for each in BINFMT.iterdir()):
        yield
        return
    emulator = shutil.which("qemu-aarch64-static")
    if emulator is None:
        raise ImageError("there is no qemu-aarch64-static (package qemu-user-static)")
    name = f"murder-vm-{os.getpid()}"
    (BINFMT / "register").write_text(f":{name}:M::{ARM64_MAGIC[0]}:{ARM64_MAGIC[1]}:{emulator}:F", encoding="ascii")
    try:
        yield
    finally:
        (BINFMT / name).write_text("-1", encoding="ascii")
