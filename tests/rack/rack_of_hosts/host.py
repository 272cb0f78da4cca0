"""One host: a first process in namespaces of its own (network, mounts, names, processes), and commands in them.

When the first process ends, the kernel ends all others of the host and takes its mounts away."""

import os
import pathlib
import select
import signal
import socket
import subprocess
import sys

from . import kernel
from .network import NAMESPACES, RackError

# Of the host alone; all else of the machine is there too, but cannot be written.
PRIVATE = ("/tmp", "/var/tmp", "/var/lib", "/srv", "/opt", "/root", "/run", "/mnt")
PRIVATE_OF_CONTROL = ("/run", "/tmp")
IN_MEMORY = "/run"  # as every host has it; seen from the machine as well, until release_directories()
CHECKOUT = pathlib.Path(__file__).resolve().parent.parent.parent.parent
START_SECONDS_MAX = 60

ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME": "/root", "USER": "root", "LOGNAME": "root", "SHELL": "/bin/bash", "LANG": "C.UTF-8",
}


def make_directories(directory, is_control):
    for path in PRIVATE_OF_CONTROL if is_control else PRIVATE:
        private = directory / path[1:]
        private.mkdir(parents=True, exist_ok=True)
        if path == IN_MEMORY:
            kernel.mount("tmpfs", str(private), "tmpfs")
        private.chmod({"/tmp": 0o1777, "/var/tmp": 0o1777, "/root": 0o700}.get(path, 0o755))


def release_directories(directory):
    kernel.unmount(directory / IN_MEMORY[1:])


def start(host, directory, namespace, files, sshd, *, is_control):
    """Starts the first process and returns its pid. `files` replace files of the machine: path -> source;
    `sshd` is the command line of the daemon, or None."""
    reader, writer = os.pipe()
    maker = os.getpid()
    helper = os.fork()
    if helper == 0:
        code = 1
        try:
            # Until it is in the host's network nobody would find it.
            kernel.die_with_parent(signal.SIGKILL)
            if os.getppid() != maker:
                os._exit(code)
            os.close(reader)
            _start_in_namespaces(host, directory, namespace, files, sshd, is_control, writer)
            code = 0
        except BaseException as error:  # nothing of the caller's may run in this process
            os.write(writer, f" failed {error} ".encode()[:500])
        finally:
            os._exit(code)
    os.close(writer)
    answer = _read_all(reader)
    os.close(reader)
    os.waitpid(helper, 0)
    # Its pid and how it went come from two processes, in either order.
    words = answer.decode(errors="replace").split()
    pids = [int(word) for word in words if word.isdigit()]
    if len(words) == 2 and len(pids) == 1 and "ready" in words:
        return pids[0]
    raise RackError(f"host {host} did not start: {' '.join(words)[:500] or 'no word from it'}")


def _read_all(fd):
    """Until every writer has closed, or until the time is over."""
    answer = b""
    while select.select([fd], [], [], START_SECONDS_MAX)[0]:
        part = os.read(fd, 4096)
        if not part:
            break
        answer += part
    return answer


def _start_in_namespaces(host, directory, namespace, files, sshd, is_control, writer):
    os.setsid()
    # First of all, since what is left of a rack is found by its network.
    kernel.setns(str(NAMESPACES / namespace))
    kernel.unshare(kernel.CLONE_NEWNS | kernel.CLONE_NEWUTS | kernel.CLONE_NEWIPC | kernel.CLONE_NEWPID)
    first = os.fork()
    if first > 0:
        os.write(writer, f" {first} ".encode())
        return
    try:
        socket.sethostname(host)
        kernel.set_process_name(f"rack {host}")
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        _arrange_mounts(directory, files, is_control)
        _let_go_of_files(writer)
        if sshd:
            subprocess.Popen(sshd, env=ENVIRONMENT, stdin=subprocess.DEVNULL)
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel reaps whoever comes to us
        os.write(writer, b" ready ")
        os.close(writer)
    except BaseException as error:
        os.write(writer, f" failed {error} ".encode()[:500])
        os._exit(1)
    while True:
        signal.pause()


def _let_go_of_files(writer):
    """Whoever reads the output of `rack up` must see its end."""
    null = os.open("/dev/null", os.O_RDWR)
    for fd in (0, 1, 2):
        os.dup2(null, fd)
    for name in os.listdir("/proc/self/fd"):
        if int(name) > 2 and int(name) != writer:
            try:
                os.close(int(name))
            except OSError:
                pass  # the listing's own


def _arrange_mounts(directory, files, is_control):
    # Nothing done here is seen outside; what the machine unmounts is let go of here too.
    kernel.mount("none", "/", flags=kernel.MS_REC | kernel.MS_SLAVE)
    checkout = os.open(CHECKOUT, os.O_PATH)
    private = PRIVATE_OF_CONTROL if is_control else PRIVATE
    sources = {path: os.open(directory / path[1:], os.O_PATH) for path in private}
    replaced = {path: os.open(source, os.O_PATH) for path, source in files.items()}
    if not is_control:
        kernel.set_read_only("/", True)
        kernel.set_read_only("/dev", False)
    for path, fd in sources.items():
        kernel.mount(f"/proc/self/fd/{fd}", path, flags=kernel.MS_BIND)
        kernel.set_read_only(path, False, is_recursive=False)
    for path, fd in replaced.items():
        kernel.mount(f"/proc/self/fd/{fd}", path, flags=kernel.MS_BIND)
    if any(CHECKOUT.is_relative_to(path) for path in private):
        # A program that was just built can be run on every host by its path.
        CHECKOUT.mkdir(parents=True, exist_ok=True)
        kernel.mount(f"/proc/self/fd/{checkout}", str(CHECKOUT), flags=kernel.MS_BIND)
    kernel.mount("proc", "/proc", "proc")
    kernel.mount("sysfs", "/sys", "sysfs")
    if not is_control:
        kernel.mount("tmpfs", "/dev/shm", "tmpfs", options="mode=1777")


# --- Commands ---

def enter(pid):
    """This process sees what the host sees; its children, but not itself, are among the host's processes."""
    for kind in ("ipc", "uts", "net", "pid", "mnt"):
        kernel.setns(f"/proc/{pid}/ns/{kind}")


def execute(pid, command, *, is_control):
    """Runs a command on a host with our own stdin, stdout and stderr; returns its exit status (128 + N: signal N)."""
    directory = os.getcwd()
    environment = os.environ if is_control else ENVIRONMENT
    enter(pid)
    child = os.fork()
    if child == 0:
        try:
            kernel.die_with_parent(signal.SIGKILL)
            os.chdir(directory if os.path.isdir(directory) else "/")
            os.execvpe(command[0], command, environment)
        except OSError as error:
            sys.stderr.write(f"rack: {command[0]}: {error.strerror}\n")
            sys.stderr.flush()
        finally:
            os._exit(127)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda received, _: os.kill(child, received))
    # ^C reaches the child by itself: it has our terminal.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    status = os.waitpid(child, 0)[1]
    return os.waitstatus_to_exitcode(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status)
