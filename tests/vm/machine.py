"""A machine under QEMU without KVM: an image, a processor, a job. The job is a directory that the guest mounts at /job
and whose guest/run.py it runs when it is up; what that prints arrives here line by line."""

import contextlib
import ctypes
import json
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time

import image

BOOT_LINES_SHOWN = 15
MEMORY_MIB = 1536
POLL_SECONDS = 0.1
PR_SET_PDEATHSIG = 1
GUEST = pathlib.Path(__file__).resolve().parent / "guest"
TREE_TOOL = pathlib.Path(__file__).resolve().parent.parent / "tools" / "tree.py"

EMULATORS = {"amd64": "qemu-system-x86_64", "arm64": "qemu-system-aarch64"}


class MachineError(Exception):
    """The machine did not do what was waited for."""


def _end_with_parent():
    """A test that is killed leaves no machine behind."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class Disk:
    """A disk beside that of the system. `source` is what QEMU opens: a file, or nbd:unix:SOCKET."""

    def __init__(self, name, source):
        self.name = name
        self.source = source


class Machine:
    """Runs one job; a context manager that leaves no process and no file."""

    def __init__(self, system, cpu, files, arguments, disks=(), may_reboot=False, has_systemd=True,
                 interface=None, ssh_port=None):
        self._system = system
        self._cpu = cpu
        self._files = files          # into /job: name -> path
        self._arguments = arguments  # of the job: a JSON object
        self._disks = disks
        self._may_reboot = may_reboot
        self._has_systemd = has_systemd
        self._interface = interface  # its model; it leads nowhere
        self._ssh_port = ssh_port    # of 127.0.0.1, that leads to the machine's port 22
        self._read_bytes = 0

    def __enter__(self):
        self._directory = pathlib.Path(tempfile.mkdtemp(prefix="murder-vm-"))
        try:
            self._make_job_disk()
            self._start()
        except BaseException:
            shutil.rmtree(self._directory)
            raise
        return self

    def __exit__(self, *_):
        self.cut_power()
        shutil.rmtree(self._directory)

    def _make_job_disk(self):
        job = self._directory / "job"
        shutil.copytree(GUEST, job / "guest", ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(TREE_TOOL, job / "tree.py")
        for name, path in self._files.items():
            shutil.copy(path, job / name)
        (job / "arguments.json").write_text(json.dumps(self._arguments))
        size = sum(each.stat().st_size for each in job.rglob("*") if each.is_file())
        image.make_disk(self._directory / "job.img", size * 5 // 4 + (24 << 20), "job", job)

    def _command(self):
        system = self._system
        is_arm = system.architecture == "arm64"
        console = "ttyAMA0" if is_arm else "ttyS0"
        # Under load the kernel's test of the timer's interrupt comes out wrong (no_timer_check).
        command = [
            EMULATORS[system.architecture], "-accel", "tcg,thread=multi", "-cpu", self._cpu, "-smp", "2",
            "-m", str(MEMORY_MIB), "-display", "none", "-monitor", "none",
            "-nic", self._network(),
            "-kernel", system.kernel, "-initrd", system.initrd,
            "-append", f"root=LABEL=root rw console={console} quiet panic=5 no_timer_check{self._init()}",
            "-serial", f"file:{self._directory}/console",
            "-device", "virtio-serial-pci", "-chardev", f"file,id=job,path={self._directory}/out",
            "-device", "virtserialport,chardev=job,name=job"]
        command += ["-machine", "virt"] if is_arm else []
        command += [] if self._may_reboot else ["-no-reboot"]
        command += self._drive("system", f"file={system.root},format=raw,snapshot=on")
        command += self._drive("job", f"file={self._directory}/job.img,format=raw,readonly=on")
        for disk in self._disks:
            command += self._drive(disk.name, f"file={disk.source},format=raw,cache=writeback")
        return list(map(str, command))

    def _network(self):
        if not self._interface:
            return "none"
        forwarded = f",hostfwd=tcp:127.0.0.1:{self._ssh_port}-:22" if self._ssh_port else ""
        return f"user,restrict=on,model={self._interface}{forwarded}"

    def _init(self):
        if self._has_systemd:
            return ""
        # A word "ro" anywhere in it would be read as an option of the root.
        mount = "mkdir -p /job; mount -r /dev/disk/by-label/job /job"
        return f' init=/bin/bash -- -c "{mount}; exec /bin/bash /job/guest/init.sh"'

    @staticmethod
    def _drive(name, options):
        return ["-drive", f"{options},if=none,id={name}", "-device", f"virtio-blk-pci,drive={name},serial={name}"]

    def _start(self):
        (self._directory / "out").touch()
        with open(self._directory / "qemu", "wb") as output:
            self._process = subprocess.Popen(
                self._command(), stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
                preexec_fn=_end_with_parent)

    def cut_power(self):
        """Ends it at once, as by kill -9."""
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        self._process.wait()

    def _new_lines(self):
        with open(self._directory / "out", "rb") as output:
            output.seek(self._read_bytes)
            text = output.read()
        whole = text[:text.rfind(b"\n") + 1]
        self._read_bytes += len(whole)
        return [line.rstrip("\r") for line in whole.decode(errors="replace").splitlines()]

    def lines(self, seconds_max):
        """Yields what the job prints, None when there is nothing new; ends when the job does."""
        deadline = time.monotonic() + seconds_max
        while True:
            has_ended = self._process.poll() is not None
            lines = self._new_lines()
            for line in lines:
                if line.startswith("JOB-EXIT "):
                    return
                yield line
            if has_ended:
                raise MachineError(f"the machine ended before its job did\n{self._last_words()}")
            if time.monotonic() > deadline:
                raise MachineError(f"the job did not end within {seconds_max} s\n{self._last_words()}")
            if not lines:
                yield None
                time.sleep(POLL_SECONDS)

    def _last_words(self):
        words = []
        for name in ("qemu", "console"):
            path = self._directory / name
            if path.exists():
                words += path.read_text(errors="replace").splitlines()[-BOOT_LINES_SHOWN:]
        return "\n".join(words)
