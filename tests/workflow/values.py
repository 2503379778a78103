"""Any value of our nouns, for properties: by the types of its fields, hostile texts included."""

from datetime import UTC, datetime, timedelta
from typing import Any, get_args, get_origin

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from aiops_agent.domain.environment import KIND, NAME, EnvironmentRef
from aiops_agent.domain.value import Value

# The same examples in every run, on a machine of any speed.
STEADY = settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
TEXT = st.text(st.characters(), max_size=12)  # with lone surrogates, control and bidi characters
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | TEXT,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXT, inner, max_size=2),
    max_leaves=3,
)
PLAIN: dict[Any, st.SearchStrategy[Any]] = {
    str: TEXT,
    EnvironmentRef: st.builds(
        EnvironmentRef,
        kind=st.from_regex(KIND, fullmatch=True),
        name=st.from_regex(NAME, fullmatch=True),
    ),
    Any: JSON,
    float: st.floats(allow_nan=False),  # which equals nothing, so no property speaks of it
    datetime: st.datetimes(timezones=st.just(UTC)),
    timedelta: st.timedeltas(timedelta(days=-1000), timedelta(days=1000)),
}


def any_of(kind: Any) -> st.SearchStrategy[Any]:
    """Return values of a type: a noun of ours, or what its fields are made of."""
    if kind in PLAIN:
        return PLAIN[kind]
    if isinstance(kind, type) and issubclass(kind, Value):
        fields = {name: any_of(field.annotation) for name, field in kind.model_fields.items()}
        return st.builds(kind, **fields)
    if (super_type := getattr(kind, "__supertype__", None)) is not None:  # a NewType
        return any_of(super_type)
    inner = [any_of(one) for one in get_args(kind) if one is not ...]
    if get_origin(kind) is tuple:
        return (
            st.lists(inner[0], max_size=2).map(tuple)
            if ... in get_args(kind)
            else st.tuples(*inner)
        )
    if get_origin(kind) is dict:
        return st.dictionaries(*inner, max_size=2)
    return st.one_of(inner) if inner else st.from_type(kind)
