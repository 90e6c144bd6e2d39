#!/usr/bin/env python3
"""The forced command of the worker's tests: answers each JSON line, or does what the line asks for."""

import json
import sys


def answer(question):
    kind = question.get("do", "echo")
    if kind == "exit":
        sys.stderr.write("no more today\n")
        print(json.dumps({"last": True}), flush=True)
        sys.exit(3)
    if kind == "flood":
        for number in range(question["lines"]):
            print(json.dumps({"number": number, "text": "x" * question["size"]}))
        return {"done": True}
    if kind == "long":
        return {"text": "x" * question["size"]}
    return {"echo": question}


for line in sys.stdin:
    print(json.dumps(answer(json.loads(line))), flush=True)
