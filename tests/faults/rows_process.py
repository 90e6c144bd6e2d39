"""Processes are killed or stopped, on the node and on the server."""

from row import ANY, END, FULL, Row


def start(lab):
    lab.node.start()


def kill_worker(lab):
    lab.node.worker().kill()


def stop_worker(lab):
    lab.node.worker().stop()


def kill_supervisor(lab):
    lab.node.supervisor.kill()


def stop_supervisor(lab):
    lab.node.supervisor.stop()


def stop_supervisor_and_worker(lab):
    """Neither can end the other any more: that is for cron, which calls `ensure`."""
    supervisor, worker = lab.node.supervisor, lab.node.worker()
    supervisor.stop()
    worker.stop()
    yield
    lab.node.client("ensure")


def kill_agent(lab):
    lab.agent(lab.node).kill()


def stop_agent(lab):
    lab.agent(lab.node).stop()


def kill_sshd(lab):
    lab.session_sshd(lab.node).kill()


def stop_sshd(lab):
    lab.session_sshd(lab.node).stop()


def stop_agent_and_sshd(lab):
    agent, sshd = lab.agent(lab.node), lab.session_sshd(lab.node)
    agent.stop()
    sshd.stop()


ROWS = [
    Row("start", "`reversi-client run`", start, 1.5, 1, is_up_before=False, session=ANY),
    Row("worker-killed", "SIGKILL of the worker", kill_worker, 1.5, 1),
    Row("worker-stopped", "SIGSTOP of the worker", stop_worker, 12, 1),
    # The second that init waits, and a start.
    Row("supervisor-killed", "SIGKILL of the supervisor, under an init", kill_supervisor, 2.5, 1),
    # The worker gives it 30 s; then its own clock of one second, the second that init waits, and a start. The tunnel
    # carries users' bytes for the first 30 of these.
    Row("supervisor-stopped", "SIGSTOP of the supervisor, under an init", stop_supervisor, 33.5, 1),
    # From the end of `ensure`, which gives a supervisor 10 s to answer: a start.
    Row(
        "supervisor-and-worker-stopped",
        "SIGSTOP of both, then `ensure` from cron",
        stop_supervisor_and_worker,
        1.5,
        1,
        END,
        5,
    ),
    # The client is told by the end of its channel, which is as good as a reset.
    Row("agent-killed", "SIGKILL of the agent", kill_agent, 1.5, 1),
    # Users' bytes flow all the while, and bytes that flow are believed for a minute after the next heartbeat (15 s);
    # then there is a new session within the time of a reset. A tunnel that works must not be cut sooner.
    Row("agent-stopped", "SIGSTOP of the agent", stop_agent, 78, 1, is_after_heartbeat=True),
    Row("sshd-killed", "SIGKILL of the session's sshd", kill_sshd, 1.5, 1, tier=FULL),
    Row("sshd-stopped", "SIGSTOP of the session's sshd", stop_sshd, 24, 1, is_after_heartbeat=True),
    # For the client this is the same.
    Row(
        "agent-and-sshd-stopped",
        "SIGSTOP of the agent and of its sshd",
        stop_agent_and_sshd,
        24,
        1,
        is_after_heartbeat=True,
    ),
]
