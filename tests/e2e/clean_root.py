"""A root directory with busybox, the libraries that the programs need and nothing else."""

import os
import shutil
import subprocess
from pathlib import Path

import namespaces
import tap

RUN_LIMIT_S = 120

# busybox has no crontab where it is built without crond: the same interface on a file.
CRONTAB = """#!/bin/sh
table=/var/spool/crontab
case $1 in
  -l) cat $table 2>/dev/null || { echo "no crontab" >&2; exit 1; } ;;
  *) cat "$1" >$table ;;
esac
"""

# procd's half of an init script: what it is told to start, it starts.
RC_COMMON = """#!/bin/sh
script=$1
action=$2
pid_file=/var/run/$(basename "$script").pid
config_load() { :; }
config_foreach() { ! grep -q "^config $2" /etc/config/reversi || "$1" main; }
config_get_bool() { eval "$1=\$4"; }
config_get() { eval "$1=\$4"; }
procd_open_instance() { command=; }
procd_set_param() {
  case $1 in
    command) shift; command="$*" ;;
  esac
}
procd_close_instance() {
  setsid $command </dev/null >>/var/log/client.log 2>&1 &
  echo $! >"$pid_file"
}
. "$script"
case $action in
  start) start_service ;;
  stop) [ ! -e "$pid_file" ] || { kill "$(cat "$pid_file")"; rm -f "$pid_file"; } ;;
  enable) ln -sf "$script" "/etc/rc.d/S${START}reversi-client" ;;
  disable) rm -f "/etc/rc.d/S${START}reversi-client" ;;
esac
"""


def find_busybox():
    busybox = shutil.which("busybox")
    if not busybox:
        raise tap.Skip("needs busybox")
    return busybox


def libraries_of(program):
    """Paths of the shared libraries of a program, its loader among them."""
    shown = subprocess.run(["ldd", str(program)], stdout=subprocess.PIPE, check=False, timeout=30).stdout.decode()
    words = [word for line in shown.splitlines() for word in line.split()]
    return [word for word in words if word.startswith("/")]


class CleanRoot:
    def __init__(self, directory, programs, uid=None):
        """`uid`: who runs in it; as who runs the tests if not said."""
        namespaces.need()
        busybox = find_busybox()
        self.path = Path(directory)
        self.uid = uid if uid is not None else os.geteuid()
        self.home = "/root" if self.uid == 0 else "/home/somebody"
        for name in ("bin dev etc/config etc/rc.d etc/init.d proc run tmp usr/bin sbin var/spool var/run var/log").split():
            (self.path / name).mkdir(parents=True)
        (self.path / self.home[1:]).mkdir(parents=True)
        shutil.copy2(busybox, self.path / "bin/busybox")
        for library in {each for program in (busybox, *programs) for each in libraries_of(program)}:
            place = self.path / library[1:]
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(library, place)
        (self.path / "etc/passwd").write_text(
            f"root:x:0:0::/root:/bin/sh\nsomebody:x:{self.uid}:{os.getegid()}::{self.home}:/bin/sh\n", encoding="utf-8"
        )
        (self.path / "etc/group").write_text("root:x:0:\n", encoding="utf-8")
        self.script("bin/crontab", CRONTAB)
        namespaces.bind("/proc", self.path / "proc", recursive=True)
        for device in ("null", "urandom"):
            (self.path / "dev" / device).touch()
            namespaces.bind(f"/dev/{device}", self.path / "dev" / device)
        if self.uid != os.geteuid():
            for place in (self.home[1:], "tmp", "var/spool", "var/run"):
                os.chown(self.path / place, self.uid, self.uid)
        self.run("/bin/busybox --install -s /bin", as_root=True)

    def close(self):
        for place in ("proc", "dev/null", "dev/urandom"):
            namespaces.unmount(self.path / place)

    def script(self, place, text):
        file = self.path / place
        # A link of busybox's leads out of this root, to the busybox of the machine.
        file.unlink(missing_ok=True)
        file.write_text(text, encoding="utf-8")
        file.chmod(0o755)

    def start(self, command, as_root=False):
        """Runs shell words in it; returns the Popen."""

        def enter():
            os.chroot(self.path)
            os.chdir("/")
            if self.uid != os.geteuid() and not as_root:
                os.setgroups([])
                os.setgid(self.uid)
                os.setuid(self.uid)

        return subprocess.Popen(
            ["/bin/busybox", "sh", "-c", command],
            env={"PATH": "/bin:/usr/bin:/sbin", "HOME": self.home if not as_root else "/"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            preexec_fn=enter,
        )

    def run(self, command, code=0, as_root=False):
        """The same to its end; returns what it said."""
        process = self.start(command, as_root)
        try:
            said = process.communicate(timeout=RUN_LIMIT_S * tap.SLOWNESS)[0].decode(errors="replace")
        except subprocess.TimeoutExpired:
            process.kill()
            raise tap.Failed(f"{command}: not within {RUN_LIMIT_S} s") from None
        right = code is None or process.returncode == code
        tap.check(right, f"{command}: exit {process.returncode}, expected {code}: {said}")
        return said

    def files(self):
        """Every path below it but what the kernel makes."""
        skipped = {self.path / "proc", self.path / "dev"}
        found = set()
        for directory, names, files in os.walk(self.path):
            names[:] = [name for name in names if Path(directory) / name not in skipped]
            found |= {str((Path(directory) / name).relative_to(self.path)) for name in (*names, *files)}
        return found
