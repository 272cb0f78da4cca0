"""Power cuts: QEMU is killed with -9 at a random moment of `peer --to` and `activate`, its disk loses a part of what was not
flushed, and the next boot looks at what is there. What a job acknowledged before the cut has to be there after it."""

import os
import pathlib
import random
import shutil
import tempfile
import time

import image
import machine
import volatile_disk

CUTS = 20
CUTS_UNSYNCED = 8
DISK_BYTES = 768 << 20
BOOT_SECONDS_MAX = 900
# After the first cut is armed: longer than a peer, activate and the file system's own write-back of metadata take.
CUT_SECONDS_MAX = 25
# The second turns off what ext4 does for programs that do not sync.
MOUNT_OPTIONS = ("defaults", "commit=1,noauto_da_alloc,data=writeback")


class Cut:
    """What one cut found."""

    def __init__(self, is_good, text):
        self.is_good = is_good
        self.text = text


def survived(context, row):
    """Rows of the table: how many cuts the releases survived."""
    cuts = int(os.environ.get("MURDER_VM_CUTS", CUTS))
    found = list(_cuts(context, cuts, peer_options=()))
    good = sum(each.is_good for each in found)
    bad = next((f"; {each.text}" for each in found if not each.is_good), "")
    return [row("power cuts", "passed" if good == cuts else "FAILED", f"{good} of {cuts} whole{bad}")]


def lost_unsynced(context, row):
    """Whether this rig would see a loss: with --no-sync one is found soon."""
    for number, cut in enumerate(_cuts(context, CUTS_UNSYNCED, peer_options=("--no-sync",)), 1):
        if not cut.is_good:
            return [row("power cuts with --no-sync are seen", "passed", f"cut {number}: {cut.text}")]
    return [row("power cuts with --no-sync are seen", "FAILED", f"{CUTS_UNSYNCED} cuts lost nothing")]


def _cuts(context, cuts, peer_options):
    """Yields a Cut for each cut: what the boot after it found."""
    files = context.files("amd64")
    system = context.system("amd64")
    seed = int(os.environ.get("MURDER_VM_SEED", random.randrange(1 << 32)))
    chance = random.Random(seed)
    context.say(f"{cuts} power cuts, MURDER_VM_SEED={seed}")
    state = {"release": 1, "acknowledged": 0}
    directory = pathlib.Path(tempfile.mkdtemp(prefix="murder-vm-power-"))
    try:
        kept = directory / "kept.img"
        image.make_disk(kept, DISK_BYTES, "data")
        for number in range(cuts + 1):
            is_last = number == cuts
            arguments = {"job": "job_power", "mount_options": MOUNT_OPTIONS[number % 2], "state": state,
                         "peer_options": list(peer_options), "is_last": is_last}
            seconds = chance.uniform(0, CUT_SECONDS_MAX)
            with volatile_disk.VolatileDisk(directory, kept) as disk:
                disks = [machine.Disk("data", disk.source)]
                with machine.Machine(system, "Haswell-noTSX", files, arguments, disks, has_systemd=False) as running:
                    check, state = _boot(running, None if is_last else seconds, state)
                if number > 0:
                    context.say(f"cut {number} of {cuts}: {'whole' if check.is_good else check.text}")
                    yield check
                if not is_last:
                    disk.cut(chance)
                    context.say(f"power cut {seconds:.1f} s after the peer's start: {disk.lost_blocks} blocks lost")
    finally:
        shutil.rmtree(directory)


def _boot(running, cut_after_seconds, state):
    """Follows the job until its end, or until the power is cut. Returns (Cut of the one before, new state)."""
    state = dict(state)
    check = Cut(False, "the job did not tell what it found")
    said = []
    cut_at = None
    try:
        for line in running.lines(BOOT_SECONDS_MAX):
            if cut_at is not None and time.monotonic() >= cut_at:
                running.cut_power()
                return check, state
            if line is None:
                continue
            word, _, rest = line.partition(" ")
            if word == "WHOLE":
                check = Cut(True, rest)
            elif word == "LOST":
                check = Cut(False, rest)
            elif word == "PEER":
                state["release"] = int(rest)
                if cut_at is None and cut_after_seconds is not None:
                    cut_at = time.monotonic() + cut_after_seconds
            elif word == "ACTIVATED":
                state["acknowledged"] = int(rest)
            else:
                said.append(line)
    except machine.MachineError as error:
        return Cut(False, "\n".join([*said[-20:], str(error)])), state
    if cut_after_seconds is not None:
        return Cut(False, "the job ended before the cut\n" + "\n".join(said[-20:])), state
    return check, state
