"""A small validator for JSON Schema, draft 2020-12: the keywords that docs/schemas uses, and no other.

    mistakes = Schemas(directory).validate("server-status.json", document, closed=True)

Each mistake is one line, "/forwards/0/port: …". A keyword that is not known raises, so that a schema never promises what is
not checked. `closed`: a key that `properties` does not name is a mistake, also where the schema would let it pass.
"""

import json
import re
from datetime import datetime
from pathlib import Path

TYPES = {
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "null": lambda value: value is None,
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "number": lambda value: isinstance(value, (int, float)) and not isinstance(value, bool),
}
NOTES = {"$schema", "$id", "$defs", "title", "description"}
DATE_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


def same(one, other):
    """JSON's equality: true is not 1."""
    return one == other and isinstance(one, bool) == isinstance(other, bool)


def is_date_time(text):
    if not DATE_TIME.fullmatch(text):
        return False
    try:
        datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ")
    except ValueError:
        return False
    return True


class Schemas:
    def __init__(self, directory):
        self.files = {path.name: json.loads(path.read_text(encoding="utf-8")) for path in Path(directory).glob("*.json")}

    def validate(self, name, value, closed=False):
        return list(self._check(self.files[name], value, "", self.files[name], closed))

    def _resolve(self, reference, root):
        name, _, pointer = reference.partition("#")
        root = self.files[name] if name else root
        schema = root
        for part in filter(None, pointer.split("/")):
            schema = schema[part]
        return schema, root

    def _check(self, schema, value, path, root, closed):
        for keyword, rule in schema.items():
            if keyword in NOTES:
                continue
            check = getattr(self, "_" + keyword.lstrip("$").lower(), None)
            if check is None or keyword.startswith("_"):
                raise ValueError(f"keyword {keyword} is not known to the validator")
            yield from check(rule, value, path, root, closed, schema)

    # ---- one method a keyword, in lower case -------------------------------------------------------

    def _ref(self, rule, value, path, root, closed, _schema):
        schema, other_root = self._resolve(rule, root)
        yield from self._check(schema, value, path, other_root, closed)

    def _type(self, rule, value, path, *_):
        names = [rule] if isinstance(rule, str) else rule
        if not any(TYPES[name](value) for name in names):
            yield f"{path}: not {' or '.join(names)}: {value!r:.60}"

    def _format(self, rule, value, path, *_):
        if rule != "date-time":
            raise ValueError(f"format {rule} is not known to the validator")
        if isinstance(value, str) and not is_date_time(value):
            yield f"{path}: no time: {value!r:.60}"

    def _const(self, rule, value, path, *_):
        if not same(value, rule):
            yield f"{path}: not {rule!r}: {value!r:.60}"

    def _enum(self, rule, value, path, *_):
        if not any(same(value, each) for each in rule):
            yield f"{path}: none of {rule}: {value!r:.60}"

    def _properties(self, rule, value, path, root, closed, schema):
        if not isinstance(value, dict):
            return
        for key, item in value.items():
            if key in rule:
                yield from self._check(rule[key], item, f"{path}/{key}", root, closed)
            elif closed or schema.get("additionalProperties", True) is False:
                yield f"{path}/{key}: not in the schema"

    def _additionalproperties(self, rule, _value, _path, _root, _closed, schema):
        if rule is not False or "properties" not in schema:
            raise ValueError("additionalProperties: only false, beside properties, is known to the validator")
        return []

    def _required(self, rule, value, path, *_):
        if isinstance(value, dict):
            yield from (f"{path}/{key}: missing" for key in rule if key not in value)

    def _items(self, rule, value, path, root, closed, _schema):
        if isinstance(value, list):
            for index, item in enumerate(value):
                yield from self._check(rule, item, f"{path}/{index}", root, closed)

    def _choices(self, rules, value, root, closed):
        return sum(not list(self._check(rule, value, "", root, closed)) for rule in rules)

    def _anyof(self, rule, value, path, root, closed, _schema):
        if self._choices(rule, value, root, closed) == 0:
            yield f"{path}: matches none of the schema's choices: {value!r:.60}"

    def _oneof(self, rule, value, path, root, closed, _schema):
        if self._choices(rule, value, root, closed) != 1:
            yield f"{path}: does not match exactly one of the schema's choices: {value!r:.60}"

    def _pattern(self, rule, value, path, *_):
        if isinstance(value, str) and not re.search(rule, value):
            yield f"{path}: does not match {rule}: {value!r:.60}"


def _bound(kind, size, is_fine, word):
    def check(_self, rule, value, path, *_):
        if kind(value) and not is_fine(size(value), rule):
            yield f"{path}: {word} {rule}: {value!r:.60}"

    return check


for _name, _kind, _size in (("imum", "number", lambda value: value), ("length", "string", len), ("items", "array", len)):
    setattr(Schemas, "_min" + _name, _bound(TYPES[_kind], _size, lambda size, rule: size >= rule, "less than"))
    setattr(Schemas, "_max" + _name, _bound(TYPES[_kind], _size, lambda size, rule: size <= rule, "more than"))
