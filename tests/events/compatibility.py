"""The rule of docs/decisions/010: what may not change between two releases of one schema, found by comparing them."""

from hypothesis import strategies as st

# Words for people; nothing is accepted or refused by them.
NOTES = frozenset({"title", "description", "$id", "$schema", "$defs"})
TIMES = ("2026-03-14T09:26:53.589Z", "2016-12-31T23:59:60Z", "2026-03-14t10:26:53+01:00", "2026-03-14 09:26:53.123456Z")
WORDS = st.sampled_from(["a", "billing", "é" * 60, "x" * 128]) | st.text(st.characters(codec="utf-8"), max_size=128)


def differences(old, new):
    """Return what of `new` breaks old producers or old readers, each as `path keyword`: sorted, empty if nothing does."""
    return sorted(_differences(old, new, (old, new), "$"))


def _differences(old, new, roots, path):
    old, new = _resolved(old, roots[0]), _resolved(new, roots[1])
    fields, further = old.get("properties", {}), new.get("properties", {})
    for word in sorted((old.keys() | new.keys()) - NOTES - {"properties"}):
        one, other = old.get(word), new.get(word)
        if word in ("items", "additionalProperties") and isinstance(one, dict) and isinstance(other, dict):
            yield from _differences(one, other, roots, f"{path}.{word}")
        elif _comparable(word, one) != _comparable(word, other):
            yield f"{path} {word}"
    for name, field in fields.items():
        if name in further:
            yield from _differences(field, further[name], roots, f"{path}.{name}")
        else:
            yield f"{path}.{name} removed"


def _resolved(schema, root):
    return root["$defs"][schema["$ref"].removeprefix("#/$defs/")] if "$ref" in schema else schema


def _comparable(word, value):
    """Lists that are sets are compared as such, and 1 differs from true."""
    members = value if word in ("enum", "required") and value is not None else [value]
    return {(type(one).__name__ if isinstance(one, bool) else "", repr(one)) for one in members}


def instances(schema, root=None, *, full=False):
    """Draw what the schema accepts; with `full`, every field that it names. AssertionError for a keyword not known here."""
    root = root or schema
    schema = _resolved(schema, root)
    kind = schema.get("type")
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    if kind == "object":
        return _objects(schema, root, full=full)
    if kind == "array":
        return st.lists(instances(schema["items"], root), min_size=1 if full else 0, max_size=3)
    if kind == "number":
        return st.floats(schema["minimum"], schema["maximum"]) | st.integers(
            int(schema["minimum"]), int(schema["maximum"])
        )
    if kind == "string":
        shortest = schema.get("minLength", 0)
        texts = st.sampled_from(TIMES) if schema.get("format") == "date-time" else WORDS
        return texts.filter(lambda text: len(text) >= shortest)
    assert kind == "boolean", schema
    return st.booleans()


def _objects(schema, root, *, full):
    fields = {name: instances(field, root, full=full) for name, field in schema.get("properties", {}).items()}
    required = fields if full else {name: fields.pop(name) for name in schema.get("required", ())}
    known = st.fixed_dictionaries(required, optional={} if full else fields)
    if isinstance(schema.get("additionalProperties"), dict):
        more = st.dictionaries(WORDS, instances(schema["additionalProperties"], root), max_size=2)
        return st.builds(lambda one, other: other | one, known, more)
    return known
