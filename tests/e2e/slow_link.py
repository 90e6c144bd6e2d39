"""One user stream fills a link of 1 Mbit/s for minutes; the session must live through it."""

import threading
import time

import tap

BYTES_PER_SECOND = 125_000  # 1 Mbit/s
DURATION_S = 180 if tap.SLOWNESS == 1 else 60  # patience is judged in the plain build, memory in the sanitized one
QUIET_S = 5  # for the stream to get under way


def saturate(lab, service, move, link, counted):
    """`move(connection, until)` keeps the stream going; `counted(relay)` is the relay's direction that it fills."""
    relay = lab.relay(bytes_per_second=BYTES_PER_SECOND)
    node = lab.add_node("node-a", {"stream": service, "ssh": lab.nonce_service("node-a")}, server_port=relay.port)
    session = lab.up(node, 30)["session"]["id"]
    worker = node.worker()
    until = time.monotonic() + DURATION_S
    connection = node.connect("stream")
    stream = threading.Thread(target=move, args=(connection, until), daemon=True)
    began, passed = time.monotonic(), counted(relay).passed
    stream.start()
    verdicts = {}
    last = [{}]

    def same_session():
        last[0] = lab.status(node)
        for forward in last[0].get("forwards", []):
            key = forward["name"], forward["verdict"]
            verdicts[key] = verdicts.get(key, 0) + 1
        return last[0].get("state") in ("up", "unknown", "degraded") and last[0]["session"]["id"] == session

    tap.hold(same_session, DURATION_S - QUIET_S, lambda: f"session {session} under load, last: {last[0]}", every_s=1)
    took = time.monotonic() - began
    rate = (counted(relay).passed - passed) / took
    tap.note(f"{link}: {rate / 1000:.0f} kB/s for {took:.0f} s, verdicts seen: {verdicts}")
    tap.check(rate > 0.8 * BYTES_PER_SECOND, f"the link was not full: {rate:.0f} bytes a second")
    tap.check(node.worker() == worker, "another worker")
    bad = [key for key in verdicts if key[1] in ("hung", "not_listening", "service_hung", "wrong_answer")]
    tap.check(not bad, f"a good tunnel was called {bad}")
    stream.join(60)
    connection.close()
    tap.note(f"an answer {lab.wait_answer(node, 120, 'ssh'):.1f} s after the stream's end")
    status = lab.wait_state(node, "up", 90)[0]
    tap.check(status["session"]["id"] == session, "another session id afterwards")
    tap.check(status["counters"]["sessions"] == 1, f"sessions {status['counters']}")
