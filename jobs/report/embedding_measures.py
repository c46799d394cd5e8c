"""What is reported of an embedding's latents and of the map of users: a part of ``metrics.json``."""

from __future__ import annotations

from jobs.report.measures import Entry, Number


class Driver(Entry):
    """A behaviour that a latent changes most."""

    behaviour: str
    """In words, in the plural."""
    without: Number
    """How often a user does it whose code has no latent, as the decoder has it."""
    having: Number
    """The same of a user who has this latent alone, at its mean value."""


class Latent(Entry):
    """A latent that is much used, and the clicks of the users who have it."""

    latent: int
    """Its number."""
    user_share: Number
    """Share of the users who have it."""
    top_share: Number
    """Share of the users whose greatest one it is."""
    drivers: tuple[Driver, ...]
    """The one that changes most first."""
    click_rate: Number
    """Of the users who have it, in the hold-out."""
    rest_click_rate: Number
    """Of all others."""
    gap_ci: tuple[Number, Number]
    """95 % bootstrap interval over users of the difference."""


class Points(Entry):
    """Dots of the map, one a user, by column."""

    x: tuple[int, ...]
    """0 to 1000."""
    y: tuple[int, ...]
    """0 to 1000."""
    click_rate: tuple[Number, ...]
    """Of the users whose codes are most alike, in the hold-out."""
    latent: tuple[int, ...]
    """The greatest one of the user's code."""


class EmbeddingMap(Entry):
    """Users in two dimensions, and what the most used latents stand for."""

    embedding_version: str
    """Hash of the embedding's learned files."""
    users: int
    """Users of the hold-out who have a code."""
    without_code: int
    """Users of it who have none."""
    alike: int
    """How many users' clicks colour a dot."""
    trustworthiness: Number
    """Whether neighbours on the map are neighbours by code; 1 is perfect."""
    latents: tuple[Latent, ...]
    """The one that most users have first."""
    points: Points
    """A sample of the users."""
