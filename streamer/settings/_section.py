"""What all sections have in common, and how a validator reports many mistakes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn, TypeAlias

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Self

    from pydantic import ModelWrapValidatorHandler

Key: TypeAlias = tuple[str | int, ...]


class Section(BaseModel):
    """A table of the configuration: it cannot be changed, and a key that it does not know is a mistake."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @classmethod
    def between(cls, data: dict[str, Any]) -> Iterable[tuple[Key, str]]:  # noqa: ARG003 (for those that override it)
        """Find what is wrong between values. `data` is as it was written: any part of it may be wrong by itself."""
        return ()

    @model_validator(mode="wrap")
    @classmethod
    def _all_at_once(cls, data: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        """Report what is wrong between values together with what is wrong with single ones."""
        found = list(cls.between(data)) if isinstance(data, dict) else []
        try:
            section = handler(data)
        except ValidationError as error:
            if not found:
                raise
            lines = [
                InitErrorDetails(
                    type=PydanticCustomError(line["type"], line["msg"], line.get("ctx")),
                    loc=line["loc"],
                    input=line["input"],
                )
                for line in error.errors(include_url=False)
            ]
            lines.append(InitErrorDetails(type=_mistakes(found), input=data))
            raise ValidationError.from_exception_data(cls.__name__, lines) from None
        if found:
            fail(found)
        return section


def fail(mistakes: Iterable[tuple[Key, str]]) -> NoReturn:
    """Raise one validation error for many mistakes, each with its place below the validated value."""
    raise _mistakes(mistakes)


def fail_unless_unique(values: tuple[Any, ...] | None) -> None:
    """Refuse a list that has a value twice."""
    values = values or ()
    repeated = [
        ((index,), f"{_shown(value)} stands here twice")
        for index, value in enumerate(values)
        if value in values[:index]
    ]
    if repeated:
        fail(repeated)


def _shown(value: Any) -> str:
    return repr(list(value) if isinstance(value, tuple) else value)


def _mistakes(mistakes: Iterable[tuple[Key, str]]) -> PydanticCustomError:
    return PydanticCustomError("mistakes", "wrong values", {"mistakes": list(mistakes)})
