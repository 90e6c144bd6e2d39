"""A private mount table for the calling process and its children, as root or, where allowed, as anybody.

enter() has to come before the process has threads. Nothing needs to be undone: it ends with the process.
"""

import ctypes
import os

import tap

CLONE_NEWNS = 0x00020000
CLONE_NEWUSER = 0x10000000
MS_BIND, MS_REC, MS_PRIVATE = 4096, 16384, 1 << 18

_why_not = "enter() was not called"


def _call(name, *arguments):
    libc = ctypes.CDLL(None, use_errno=True)
    if getattr(libc, name)(*arguments) != 0:
        error = ctypes.get_errno()
        raise OSError(error, f"{name}: {os.strerror(error)}")


def enter():
    """Tries; need() says later what came of it."""
    global _why_not
    uid, gid = os.geteuid(), os.getegid()
    try:
        if uid == 0:
            _call("unshare", CLONE_NEWNS)
        else:
            _call("unshare", CLONE_NEWUSER | CLONE_NEWNS)
            for file, text in (("setgroups", "deny"), ("uid_map", f"{uid} {uid} 1"), ("gid_map", f"{gid} {gid} 1")):
                with open(f"/proc/self/{file}", "w", encoding="ascii") as stream:
                    stream.write(text)
        _call("mount", b"none", b"/", None, ctypes.c_ulong(MS_REC | MS_PRIVATE), None)
        _why_not = ""
    except OSError as error:
        _why_not = f"no private mounts here: {error}"


def need():
    if _why_not:
        raise tap.Skip(_why_not)


def mount_tmpfs(path, size):
    """An empty file system of so many bytes (as text, "1m") that belongs to us."""
    options = f"size={size},mode=0700,uid={os.geteuid()},gid={os.getegid()}"
    _call("mount", b"tmpfs", os.fsencode(path), b"tmpfs", ctypes.c_ulong(0), options.encode())


def bind(source, path, recursive=False):
    flags = MS_BIND | (MS_REC if recursive else 0)
    _call("mount", os.fsencode(source), os.fsencode(path), None, ctypes.c_ulong(flags), None)


def unmount(path):
    _call("umount2", os.fsencode(path), 2)  # MNT_DETACH
