"""Processes as /proc shows them, and the promise that none of ours is left behind.

A process is known by pid *and* start time, so that a signal never reaches a stranger who got the pid later.
"""

import ctypes
import os
import shutil
import signal
import sys
import tempfile
import time

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
END_LIMIT_S = 20


def prctl(option, value):
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(option, ctypes.c_ulong(value), 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl")


def read_stat(pid):
    """(state, ppid, start time), or None once the process is gone and reaped."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as stream:
            fields = stream.read().rpartition(")")[2].split()
    except OSError:
        return None
    return fields[0], int(fields[1]), int(fields[19])


class Process:
    """One process, whether it is our child or not."""

    def __init__(self, pid):
        stat = read_stat(pid)
        if stat is None:
            raise ProcessLookupError(f"process {pid} is gone")
        self.pid = pid
        self.start = stat[2]

    def __eq__(self, other):
        return isinstance(other, Process) and (self.pid, self.start) == (other.pid, other.start)

    def __hash__(self):
        return hash((self.pid, self.start))

    def __repr__(self):
        return f"{self.pid} [{self.state or 'gone'}] {self.command_line}"

    @property
    def state(self):
        """One letter (`R`, `S`, `T` …), or "" when gone. A zombie counts as gone."""
        stat = read_stat(self.pid)
        return "" if stat is None or stat[2] != self.start or stat[0] in "ZX" else stat[0]

    @property
    def is_alive(self):
        return self.state != ""

    @property
    def parent_pid(self):
        stat = read_stat(self.pid)
        return stat[1] if stat else 0

    @property
    def command_line(self):
        try:
            with open(f"/proc/{self.pid}/cmdline", "rb") as stream:
                return stream.read().replace(b"\0", b" ").decode(errors="replace").strip()
        except OSError:
            return ""

    @property
    def rss_kib(self):
        try:
            with open(f"/proc/{self.pid}/status", encoding="utf-8") as stream:
                for line in stream:
                    if line.startswith("VmRSS:"):
                        return int(line.split()[1])
        except OSError:
            pass
        return 0

    @property
    def wake_ups(self):
        """How often its threads have gone to sleep and were woken."""
        count = 0
        try:
            for task in os.listdir(f"/proc/{self.pid}/task"):
                with open(f"/proc/{self.pid}/task/{task}/status", encoding="utf-8") as stream:
                    count += sum(int(line.split()[1]) for line in stream if line.startswith("voluntary_ctxt_switches:"))
        except OSError:
            pass
        return count

    @property
    def private_dirty_kib(self):
        try:
            with open(f"/proc/{self.pid}/smaps_rollup", encoding="utf-8") as stream:
                return sum(int(line.split()[1]) for line in stream if line.startswith("Private_Dirty:"))
        except OSError:
            return 0

    def signal(self, number):
        """False when it is gone."""
        try:
            handle = os.pidfd_open(self.pid) if hasattr(os, "pidfd_open") else None
        except OSError:
            return False
        try:
            if not self.is_alive:
                return False
            if handle is None:
                os.kill(self.pid, number)
            else:
                signal.pidfd_send_signal(handle, number)
            return True
        except ProcessLookupError:
            return False
        finally:
            if handle is not None:
                os.close(handle)

    def kill(self):
        return self.signal(signal.SIGKILL)

    def stop(self):
        return self.signal(signal.SIGSTOP)

    def resume(self):
        return self.signal(signal.SIGCONT)

    def children(self):
        return [child for child in all_processes() if child.parent_pid == self.pid]

    def descendants(self):
        """Children, their children, and so on; not itself."""
        by_parent = {}
        for process in all_processes():
            by_parent.setdefault(process.parent_pid, []).append(process)
        found, queue = [], [self.pid]
        while queue:
            children = by_parent.get(queue.pop(), [])
            found += children
            queue += [child.pid for child in children]
        return found


def all_processes():
    found = []
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                found.append(Process(int(name)))
            except ProcessLookupError:
                pass
    return found


def end(processes, limit_s=END_LIMIT_S):
    """SIGKILLs these processes and waits until all are gone; returns those that are not."""
    for process in processes:
        process.kill()
    deadline = time.monotonic() + limit_s
    while any(process.is_alive for process in processes) and time.monotonic() < deadline:
        time.sleep(0.01)
    return [process for process in processes if process.is_alive]


def die_with_parent():
    """For preexec_fn: whatever ends this program ends its child too."""
    prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def end_below(process):
    """Ends every descendant, those born meanwhile too."""
    deadline = time.monotonic() + END_LIMIT_S
    while time.monotonic() < deadline:
        rest = [each for each in process.descendants() if each.is_alive]
        if not rest:
            return
        end(rest, 1)


def on_ending_signals(handler):
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, handler)


def leave(number, _):
    """Unwinds the stack, so that everything is closed in order, and lets no second signal disturb that."""
    on_ending_signals(signal.SIG_IGN)
    sys.exit(128 + number)


def guard(body):
    """Runs `body(scratch directory)` in a child process and exits with its exit code.

    Whatever becomes of the child, even SIGKILL, every process that it started ends (orphans are adopted by the guard)
    and the scratch directory is removed. SIGTERM, SIGINT and SIGHUP end the child in order first.
    """
    prctl(PR_SET_CHILD_SUBREAPER, 1)
    scratch = tempfile.mkdtemp(prefix="reversi-e2e-")
    sys.stdout.flush()
    sys.stderr.flush()
    guard_pid = os.getpid()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
            on_ending_signals(leave)
            if os.getppid() == guard_pid:
                code = body(scratch)
        except SystemExit as leaving:
            code = leaving.code if isinstance(leaving.code, int) else 1
        except BaseException:  # noqa: BLE001: this process ends here whatever it was
            sys.excepthook(*sys.exc_info())
        finally:
            if os.getppid() != guard_pid:  # the guard was killed: nobody else clears up
                shutil.rmtree(scratch, ignore_errors=True)
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code or 0)

    ending_since = []

    def pass_on(number, _):
        if not ending_since:
            ending_since.append(time.monotonic())
        os.kill(child, signal.SIGTERM)

    on_ending_signals(pass_on)
    status = None
    while status is None:
        pid, code = os.waitpid(-1, os.WNOHANG)  # adopted orphans are reaped here too
        if pid == child:
            status = code
        elif pid == 0:
            time.sleep(0.02)
        if ending_since and time.monotonic() - ending_since[0] > END_LIMIT_S:
            os.kill(child, signal.SIGKILL)
    end_below(Process(os.getpid()))
    while True:
        try:
            os.waitpid(-1, 0)
        except ChildProcessError:
            break
    if os.environ.get("REVERSI_E2E_KEEP"):
        print(f"# kept: {scratch}", flush=True)
    else:
        shutil.rmtree(scratch, ignore_errors=True)
    sys.exit(os.WEXITSTATUS(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status))
