"""As of which midnights DuckDB rebuilds what is known of users: of one for all of them, or of each request's own."""

from __future__ import annotations

from dataclasses import dataclass

REQUESTS = "requests"
"""A table of ``request`` (a number), ``user_id, as_of``, unique: one number is faster to group by than its two."""


@dataclass(frozen=True)
class Midnights:
    """What queries for one midnight and for many differ in.

    Parameters
    ----------
    as_of : str
        SQL for the midnight of a row.
    sends : str
        SQL for which sends ask, each as of its own midnight; empty for one midnight of all there is.
    """

    as_of: str = "as_of"
    sends: str = ""

    @property
    def are_many(self) -> bool:
        """Whether each request has its own."""
        return bool(self.sends)

    @property
    def per(self) -> str:
        """Column that results are told by."""
        return "request" if self.are_many else "user_id"

    @property
    def tables(self) -> dict[str, str]:
        """Queries for the table of midnights, and that of requests where there are many, by name."""
        if not self.are_many:
            return {"midnights": f"SELECT {self.as_of} AS as_of"}
        number = "CAST(row_number() OVER () AS INTEGER) AS request"
        return {
            REQUESTS: f"SELECT {number}, * FROM ({self.asked('user_id')})",
            "midnights": f"SELECT DISTINCT as_of FROM {REQUESTS}",
        }

    def asked(self, key: str) -> str:
        """Give SQL for what sends ask for, of one column: it and ``as_of``, unique."""
        asked = f"SELECT DISTINCT {key}, CAST(sent_at AS DATE) AS as_of FROM sends"
        return f"{asked} WHERE {self.sends} AND {key} IS NOT NULL"

    def rows(self, source: str) -> str:
        """Give SQL for the rows of users, once for each request of theirs."""
        return f"{REQUESTS} JOIN {source} USING (user_id)" if self.are_many else source

    def known(self, days: int | None = None) -> str:
        """Give SQL for whether a row became known before the midnight, in so many days or ever."""
        since = "" if days is None else f" AND known >= {self.as_of} - {days}"
        return f"known < {self.as_of}{since}"

    def named(self, query: str) -> str:
        """Give a query's rows with the user, and the midnight where there are many."""
        if not self.are_many:
            return query
        return (
            f"SELECT user_id, as_of, found.* EXCLUDE (request) FROM {REQUESTS} JOIN ({query}) AS found USING (request)"
        )
