"""The few calls into the kernel that Python's library lacks."""

import ctypes
import errno
import os

CLONE_NEWNS = 0x00020000
CLONE_NEWUTS = 0x04000000
CLONE_NEWIPC = 0x08000000
CLONE_NEWPID = 0x20000000

MS_RDONLY = 1
MS_BIND = 4096
MS_REC = 16384
MS_SLAVE = 1 << 19
MNT_DETACH = 2

_AT_FDCWD = -100
_AT_RECURSIVE = 0x8000
_MOUNT_ATTR_RDONLY = 1
_PR_SET_PDEATHSIG = 1
_PR_SET_NAME = 15
_SYSCALL_MOUNT_SETATTR = 442  # the same number on every architecture

_libc = ctypes.CDLL(None, use_errno=True)


class _MountAttributes(ctypes.Structure):
    _fields_ = [("set", ctypes.c_uint64), ("clear", ctypes.c_uint64),
                ("propagation", ctypes.c_uint64), ("userns_fd", ctypes.c_uint64)]


def _check(result, what):
    if result != 0:
        code = ctypes.get_errno()
        raise OSError(code, f"{what}: {os.strerror(code)}")


def unshare(flags):
    _check(_libc.unshare(flags), "unshare")


def setns(path, kind=0):
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        _check(_libc.setns(fd, kind), f"setns {path}")
    finally:
        os.close(fd)


def mount(source, target, kind=None, flags=0, options=None):
    encoded = [each.encode() if each is not None else None for each in (source, target, kind)]
    data = options.encode() if options is not None else None
    _check(_libc.mount(*encoded, ctypes.c_ulong(flags), data), f"mount {target}")


def unmount(target):
    """Whatever uses it still goes on with it. That nothing is mounted there is no error."""
    if _libc.umount2(str(target).encode(), MNT_DETACH) != 0 and ctypes.get_errno() not in (errno.EINVAL, errno.ENOENT):
        raise OSError(ctypes.get_errno(), f"unmount {target}: {os.strerror(ctypes.get_errno())}")


def set_read_only(target, is_read_only, *, is_recursive=True):
    """A mount, or a mount and all below it, of this mount namespace only."""
    attributes = _MountAttributes()
    if is_read_only:
        attributes.set = _MOUNT_ATTR_RDONLY
    else:
        attributes.clear = _MOUNT_ATTR_RDONLY
    result = _libc.syscall(
        _SYSCALL_MOUNT_SETATTR, _AT_FDCWD, target.encode(), _AT_RECURSIVE if is_recursive else 0,
        ctypes.byref(attributes), ctypes.c_size_t(ctypes.sizeof(attributes)))
    _check(result, f"mount_setattr {target}")


def die_with_parent(signal_number):
    _libc.prctl(_PR_SET_PDEATHSIG, signal_number, 0, 0, 0)


def set_process_name(name):
    _libc.prctl(_PR_SET_NAME, name.encode(), 0, 0, 0)
