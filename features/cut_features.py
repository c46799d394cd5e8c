"""Features told apart by what they hang on: the user, the offer, both, or the past of the two."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from features.feature import Feature, Key

Names: TypeAlias = tuple[str, ...]


@dataclass(frozen=True)
class Cut:
    """Features by what they hang on."""

    of_person: list[Feature] = field(default_factory=list)
    of_user: list[Feature] = field(default_factory=list)
    of_offer: list[Feature] = field(default_factory=list)
    of_moment: dict[Names, list[Feature]] = field(default_factory=lambda: defaultdict(list))
    """By the columns of offers that they need besides what is known of users."""
    of_past: dict[Key, list[Feature]] = field(default_factory=lambda: defaultdict(list))
    """By the key of the past."""

    @property
    def of_users(self) -> list[Feature]:
        """Those of the person and of the user."""
        return [*self.of_person, *self.of_user]

    @property
    def any_past(self) -> list[Feature]:
        """Those of all pasts."""
        return [feature for ones in self.of_past.values() for feature in ones]

    @property
    def shared_names(self) -> list[Names]:
        """Columns of offers by which places are told apart, each set once."""
        return list(dict.fromkeys([*self.of_moment, *map(besides_user, self.of_past)]))


def cut_features(
    features: Iterable[Feature],
    people: Collection[str],
    users: Collection[str],
    offers: Collection[str],
    pasts: Mapping[Key, Collection[str]],
) -> Cut:
    """Tell features apart by the columns that their expressions name.

    Parameters
    ----------
    features : iterable of Feature
    people, users, offers : collection of str
        Columns that people have, with their devices; those of what is known of users; and those that offers have.
    pasts : mapping of Key to collection of str
        Key of a pair -> columns of what is known of it.

    Raises
    ------
    ValueError
        When a feature hangs on the past of a pair and on something else, or on what is known of a user and on the
        person's device.
    """
    cut, everywhere = Cut(), {*people, *users, *offers}.union(*pasts.values())
    for feature in features:
        needed = {*re.findall(r"\w+", feature.expression)} & everywhere
        key = next((key for key, known in pasts.items() if needed & {*known} - {*people, *users, *offers}), None)
        if key:
            if other := sorted(needed - {*pasts[key]}):
                raise ValueError(f"feature {feature.name} needs {', '.join(other)}; expected the past of {key} alone")
            cut.of_past[key].append(feature)
        elif needed <= {*people}:
            cut.of_person.append(feature)
        elif needed <= {*users}:
            cut.of_user.append(feature)
        elif needed <= {*offers}:
            cut.of_offer.append(feature)
        elif other := sorted(needed - {*users, *offers}):
            raise ValueError(f"feature {feature.name} needs {', '.join(other)}; expected users and offers alone")
        else:
            cut.of_moment[tuple(sorted(needed - {*users}))].append(feature)
    return cut


def besides_user(key: Key) -> Names:
    """Give the columns of a key that are not the user's.

    >>> besides_user(("user_id", "category"))
    ('category',)
    """
    return tuple(name for name in key if name != "user_id")
