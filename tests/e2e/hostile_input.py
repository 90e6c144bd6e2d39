"""Seeded input for an agent: sessions of valid lines, mutated. The same seed gives the same bytes."""

import json
import random

EXTREMES = [0, -1, 1 << 31, 1 << 63, -(1 << 63), 1 << 64, 1e308, 0.5, "", "x" * 300, "\u0000", None, True, [], {}]
NASTY_TEXT = ["../node-c", "node-c", "/etc/passwd", "node-c\n", "a" * 5000, "%s%n", "\ud800", "é", "$(id)", "-x"]
MOST_LINES = 20


def valid_lines(node):
    hello = {
        "type": "hello",
        "protocol": 1,
        "features": ["check", "ping", "verdict", "forward_again", "expect_probe"],
        "node": node,
        "instance": "i" * 16,
        "run": "r" * 16,
        "machine": "m" * 16,
        "client_version": "0.1.0",
        "os": "linux",
        "arch": "x86_64",
        "metered": False,
        "forwards": [{"name": "ssh", "target": "127.0.0.1:22", "expect": {"kind": "banner", "match": "SSH-2.0-"}}],
    }
    rest = [
        {"type": "forwarded", "forward": "ssh", "listens": True},
        {"type": "forwarded", "forward": "ssh", "listens": False, "error": "refused"},
        {"type": "ready"},
        {"type": "heartbeat", "seq": 1},
        {"type": "check"},
        {"type": "check", "forward": "ssh"},
        {"type": "path_seen", "probe": 1, "target": "ok"},
        {"type": "pong", "challenge": 1},
    ]
    return hello, rest, {"type": "bye", "reason": "stop"}


def mutate_value(value, dice):
    """The same document with one thing in it changed."""
    if isinstance(value, dict) and value and dice.random() < 0.9:
        key = dice.choice(list(value))
        changed = dict(value)
        kind = dice.randrange(5)
        if kind == 0:
            del changed[key]
        elif kind == 1:
            changed[dice.choice(NASTY_TEXT)] = changed.pop(key)
        else:
            changed[key] = mutate_value(value[key], dice)
        return changed
    if isinstance(value, list) and value and dice.random() < 0.7:
        if dice.random() < 0.2:
            return value * dice.choice([2, 40, 200])
        at = dice.randrange(len(value))
        return value[:at] + [mutate_value(value[at], dice)] + value[at + 1 :]
    return dice.choice(EXTREMES + NASTY_TEXT)


def mutate_bytes(line, dice):
    line = bytearray(line)
    for _ in range(dice.randint(1, 4)):
        at = dice.randrange(len(line) + 1)
        kind = dice.randrange(7)
        if kind == 0 and at < len(line):
            line[at] ^= 1 << dice.randrange(8)
        elif kind == 1:
            line[at:at] = bytes(dice.randrange(256) for _ in range(dice.randint(1, 8)))
        elif kind == 2:
            del line[at : at + dice.randint(1, 16)]
        elif kind == 3:
            line[at:at] = line[at : at + 64] * dice.randint(1, 50)
        elif kind == 4:
            del line[at:]
        elif kind == 5:
            line[at:at] = dice.choice([b"[" * 3000, b'{"a":' * 3000, b"\xff\xfe", b"\x00" * 20, b"\\ud800", b"9" * 400])
        elif dice.random() < 0.05:
            line[at:at] = b"x" * dice.choice([65_000, 70_000, 300_000])
    return bytes(line)


def session(seed, node):
    """The bytes of one session and how many mutated inputs they hold."""
    dice = random.Random(seed)
    hello, rest, bye = valid_lines(node)
    documents = [hello, *dice.choices(rest, k=dice.randint(1, MOST_LINES - 1))]
    # After a goodbye the agent waits for the end, for 3 s if what follows is rubbish: once in a while is enough.
    if dice.random() < 0.05:
        documents.insert(len(documents) if dice.random() < 0.9 else 1, bye)
    lines, mutated = [], 0
    for document in documents:
        text = json.dumps(document).encode()
        is_hello = document is hello
        if dice.random() < (0.2 if is_hello else 0.9):
            mutated += 1
            if dice.random() < 0.6:
                text = json.dumps(mutate_value(document, dice)).encode()
            else:
                text = mutate_bytes(text, dice)
        lines.append(text)
    end = b"" if dice.random() < 0.1 else b"\n"
    return b"\n".join(lines) + end, mutated
