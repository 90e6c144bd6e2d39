"""The service behind the tunnel misbehaves: reported, and no reason to touch the session."""

from row import END, FULL, SAME, Row


def misbehave(mode):
    def fault(lab):
        lab.the_service.mode = mode
        yield
        lab.the_service.mode = "ok"

    return fault


def be_slow(lab):
    lab.the_service.delay_s = 3  # longer than the prober waits, shorter than the server's limit of 5 s
    lab.the_service.mode = "slow"
    yield
    lab.the_service.mode = "ok"


def service_row(name, what, fault, limit_s=1, lasts_s=30, **more):
    never = ("hung", "not_listening")
    return Row(name, what, fault, limit_s, 0, END, lasts_s, SAME, never=never, answer_limit_s=1, **more)


def seen_row(mode, verdict):
    """Long enough to be checked with certainty. The status tells what the last check found: it may be a minute old."""
    what = f"the same for 90 s, `{verdict}` has to be seen"
    name = f"{verdict.replace('_', '-')}-seen"
    return service_row(name, what, misbehave(mode), 61, 90, sees=(verdict,), tier=FULL)


ROWS = [
    service_row("service-down", "nothing listens at the target for 30 s", misbehave("down")),
    service_row("service-hung", "the target says nothing for 30 s", misbehave("hang")),
    service_row("service-wrong", "the target says something else for 30 s", misbehave("wrong")),
    service_row("service-slow", "the target answers after 3 s, for 30 s", be_slow),
    seen_row("down", "service_down"),
    seen_row("hang", "service_hung"),
    seen_row("wrong", "wrong_answer"),
]
