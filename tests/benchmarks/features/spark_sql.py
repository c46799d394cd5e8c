"""DuckDB's queries as plain Spark SQL: sqlglot translates them; what it does not know of Spark 4 is added."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from sqlglot import exp, parse_one
from sqlglot.dialects.spark import Spark
from sqlglot.generator import Generator


def in_spark_sql(query: str) -> str:
    """Translate a query."""
    return parse_one(query, read="duckdb").sql(Spark4)


def _call(name: str, *places: int) -> Callable[[Generator, exp.Anonymous], str]:
    """Call another function with some of the arguments, in this order."""
    return lambda self, call: self.func(name, *(call.expressions[place] for place in places))


FUNCTIONS = {
    "timezone": _call("from_utc_timestamp", 1, 0),
    "make_timestamp_ms": _call("timestamp_millis", 0),
    "list_resize": _call("array_repeat", 2, 1),
}
"""By name, functions of DuckDB that sqlglot leaves as they are."""


def _unix_time(self: Generator, call: exp.UnixToTime) -> str:
    """Milliseconds of a time, which sqlglot takes for a time of milliseconds; or a time of seconds."""
    return self.func("unix_millis" if call.args.get("scale") else "timestamp_seconds", call.this)


def _list(self: Generator, call: exp.ArrayAgg) -> str:
    """A list in the order of columns, all of them ascending or all of them descending."""
    if not isinstance(call.this, exp.Order):
        return self.func("collect_list", call.this)
    value, keys = call.this.this, call.this.expressions
    assert len({bool(key.args.get("desc")) for key in keys}) == 1
    row = self.func("struct", *(key.this for key in keys), exp.alias_(value.copy(), "listed"))
    ordered = self.func("array_sort", self.func("collect_list", row))
    in_order = self.func("reverse", ordered) if keys[0].args.get("desc") else ordered
    return f"transform({in_order}, one -> one.listed)"


class Spark4(Spark):
    """Spark SQL as version 4 takes it."""

    class Generator(Spark.Generator):
        EXPRESSIONS_WITHOUT_NESTED_CTES: ClassVar = set()
        TRANSFORMS: ClassVar = {
            **Spark.Generator.TRANSFORMS,
            exp.Anonymous: lambda self, call: FUNCTIONS.get(call.name.lower(), Generator.anonymous_sql)(self, call),
            exp.ArgMin: lambda self, call: self.func("min_by", call.this, call.expression, call.args.get("count")),
            exp.ArrayAgg: _list,
            exp.DayOfWeekIso: lambda self, call: f"({self.func('weekday', call.this)} + 1)",
            exp.UnixToTime: _unix_time,
        }
