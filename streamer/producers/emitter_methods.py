"""The emitter's methods, one an event type, made from the event classes: `python -m streamer.producers.emitter_methods`.

They are written into modules, so that an editor shows their signatures; `--check` only compares.
"""

from __future__ import annotations

import argparse
import sys
import textwrap
from pathlib import Path
from typing import Any, Final

import msgspec.inspect

from streamer.events.envelope import Labels
from streamer.events.registry import TYPES

FOLDER: Final = Path(__file__).parent
#: the class of each generated module, and the entities of its methods
MODULES: Final = {
    "emitter_tickets.py": ("TicketMethods", ("ticket",)),
    "emitter_chats.py": ("ChatMethods", ("chat",)),
    "emitter_calls.py": ("CallMethods", ("call",)),
    "emitter_surveys.py": ("SurveyMethods", ("survey",)),
    "emitter_customers.py": ("CustomerMethods", ("customer", "cart", "mention")),
    "emitter_agents.py": ("AgentMethods", ("agent",)),
}
#: what a method calls its subject where that is not the entity's name: a survey's is one invitation to it
_SUBJECTS: Final = {"survey": "invitation"}
_COMMON: Final = frozenset(Labels.__struct_fields__)
_ABOUT_CUSTOMER: Final = "The customer's id at the source; it is hashed before it is sent."
_WIDTH: Final = 120
_INDENTS: Final[Any] = {"initial_indent": " " * 8, "subsequent_indent": " " * 12}

_HEAD: Final = '''"""Made by `python -m streamer.producers.emitter_methods`: the emitter's methods for {kinds}. Do not edit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
{imports}

class {name}:
    """The methods for {kinds}."""

    def _event(self, name: str, subject: str, common: Any, /, **fields: Any) -> None:
        raise NotImplementedError
'''


def texts() -> dict[str, str]:
    """Return the text of every module by its name; the same classes give the same text."""
    return {module: _module(name, entities) for module, (name, entities) in MODULES.items()}


def drift(folder: Path = FOLDER) -> list[str]:
    """Return the names of the modules that are missing or differ from the classes."""
    return [name for name, text in texts().items() if _read(folder / name) != text]


def main(arguments: list[str] | None = None) -> int:
    """Write the modules, or with --check only compare; return 1 if they differed then."""
    parser = argparse.ArgumentParser(prog="python -m streamer.producers.emitter_methods", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 if a module is out of date")
    check = parser.parse_args(arguments).check
    names = drift()
    for name in names:
        if not check:
            (FOLDER / name).write_text(texts()[name], encoding="utf-8")
        (sys.stderr if check else sys.stdout).write(f"{FOLDER / name}: {'out of date' if check else 'written'}\n")
    return int(check and bool(names))


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else ""


def _module(name: str, entities: tuple[str, ...]) -> str:
    methods = "".join(_method(kind, cls) for kind, cls in TYPES.items() if cls.entity in entities)
    lines = []
    if "dt.datetime" in methods:
        lines.append("    import datetime as dt\n")
    literals = ", ".join(word for word in ("Literal", "Unpack") if f"{word}[" in methods)
    lines.append(f"    from typing import {literals}\n\n")
    used = ", ".join(word for word in ("AgentCommon", "Common", "TopicCommon") if f"[{word}]" in methods)
    lines.append(f"    from streamer.producers.emitter_compose import {used}\n")
    kinds = ", ".join(f"{entity}s" for entity in entities)
    return _HEAD.format(name=name, kinds=kinds, imports="".join(lines)) + methods


def _method(kind: str, cls: type[Any]) -> str:
    entity = cls.entity
    subject = _SUBJECTS.get(entity, entity)
    fields = [field for field in _fields(cls) if field.name != subject]
    parameters = [f"{f.name}: {_python(f.type)}" + ("" if f.required else " | None = None") for f in fields]
    common = "AgentCommon" if entity == "agent" else "TopicCommon" if _has(fields, "topic") else "Common"
    star = ["*"] if parameters else []
    lines = ["self", f"{subject}: str", *star, *parameters, f"**common: Unpack[{common}]"]
    definition = _call(f"    def {entity}_{cls.what}(", lines, ") -> None:")
    words = [textwrap.fill(f"`{f.name}`: {_about(f)}", _WIDTH, **_INDENTS) for f in fields]
    notes = "\n\n" + "\n".join(words) + "\n        " if words else ""
    arguments = [f'"{kind}"', subject, "common", *(f"{f.name}={f.name}" for f in fields)]
    call = _call("        self._event(", arguments, ")")
    return f'\n{definition}\n        """{cls.__doc__}{notes}"""\n{call}\n'


def _fields(cls: type[Any]) -> list[Any]:
    """Return the fields of an event's data that its method names: its own and the customer, required ones first."""
    info: Any = msgspec.inspect.type_info(cls)
    (data,) = (field.type for field in info.fields if field.name == "data")
    named = [f for f in data.fields if f.name not in _COMMON or f.required]
    return sorted(named, key=lambda f: (f.name != "customer", not f.required))


def _has(fields: list[Any], name: str) -> bool:
    return any(field.name == name for field in fields)


def _about(field: Any) -> str:
    if field.name == "customer":
        return _ABOUT_CUSTOMER
    text: str = field.type.extra_json_schema["description"]
    return text


def _python(kind: Any) -> str:
    """Return how a field's type is written in Python."""
    if isinstance(kind, msgspec.inspect.Metadata):
        return _python(kind.type)
    if isinstance(kind, msgspec.inspect.LiteralType):
        return "Literal[" + ", ".join(f'"{value}"' for value in kind.values) + "]"
    if isinstance(kind, msgspec.inspect.ListType):
        return f"list[{_python(kind.item_type)}]"
    if isinstance(kind, msgspec.inspect.DictType):
        return f"dict[{_python(kind.key_type)}, {_python(kind.value_type)}]"
    names: dict[type, str] = {
        msgspec.inspect.StrType: "str",
        msgspec.inspect.BoolType: "bool",
        msgspec.inspect.FloatType: "float",
        msgspec.inspect.DateTimeType: "dt.datetime",
    }
    return names[type(kind)]


def _call(start: str, arguments: list[str], end: str) -> str:
    """Join a call as ruff formats it: on one line where it fits, on a line below, else one argument a line."""
    flat = f"{start}{', '.join(arguments)}{end}"
    if len(flat) <= _WIDTH:
        return flat
    indent = " " * (len(start) - len(start.lstrip()) + 4)
    below = f"{indent}{', '.join(arguments)}"
    inner = below if len(below) <= _WIDTH else "\n".join(f"{indent}{argument}," for argument in arguments)
    return f"{start}\n{inner}\n{' ' * (len(start) - len(start.lstrip()))}{end}"


if __name__ == "__main__":
    sys.exit(main())
