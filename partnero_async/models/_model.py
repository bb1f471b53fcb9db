"""What all models have: fields that take no memory until there is something in them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeVar

import attrs

T = TypeVar("T", bound=attrs.AttrsInstance)

MADE_LATE: Final = ("extra", "custom_fields", "kept_sparsely")
"""Maps that are most often empty: each empty dict would be an eighth of a partner."""


def no_extra() -> dict[str, Any]:
    """Return nothing yet: ``dict[str, Any]()`` is the same, and six times slower."""
    return {}


class Model:
    """A model whose empty maps are made once somebody asks for them."""

    __slots__ = ()

    if not TYPE_CHECKING:  # for a checker, a name that is misspelt would be one

        def __getattr__(self, name: str) -> Any:
            """Make a map where the model was read without one."""
            if name not in MADE_LATE:
                kind = type(self).__name__
                raise AttributeError(
                    f"{kind!r} object has no attribute {name!r}", name=name, obj=self
                )
            setattr(self, name, no_extra())
            return object.__getattribute__(self, name)


# --- fields that most answers leave out ----------------------------------------------


class Sparse:
    """A field that is kept beside the others, where it is not None."""

    __slots__ = ("_name",)

    def __init__(self, name: str) -> None:
        self._name = name

    def __get__(self, model: Any, _: Any) -> Any:
        """Return what there is."""
        return self if model is None else model.kept_sparsely.get(self._name)

    def __set__(self, model: Any, value: Any) -> None:
        """Keep it; that there is none is kept where there was one."""
        kept = model.kept_sparsely
        if value is not None or self._name in kept:
            kept[self._name] = value


def sparse(kind: type[T]) -> type[T]:
    """Keep the fields of a class sparsely: a slot for each would be there in any case.

    The class is the base of a model, and has the one slot ``kept_sparsely``.
    """
    for field in attrs.fields(kind):
        setattr(kind, field.name, Sparse(field.name))
    return kind


def own_first(_: type, fields: list[attrs.Attribute[Any]]) -> list[Any]:
    """Order the fields of a model: those of its base are what is seldom there."""
    return sorted(fields, key=lambda field: field.inherited)
