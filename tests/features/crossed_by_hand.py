"""Users and offers crossed one by one: what is fast is held against it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from features.places import GROUP, PLACE
from features.scoring_parts import Parts
from jobs.pair_parts import Offers

Row = dict[str, Any]


def crossed_by_hand(users: Sequence[Row], offers: Sequence[Row], cut: Parts | Offers) -> Iterator[tuple[Row, Row, Row]]:
    """Give each user with each offer that it may get, and the features of the two."""
    for user, offer in ((user, offer) for user in users for offer in offers if user[GROUP] == offer[GROUP]):
        row = {name: user[name] for name in cut.of_user} | {name: offer[name] for name in cut.of_offer}
        for place, names in cut.of_moment.items():
            row |= {name: user[name][offer[place]] for name in names}
        for place, names in cut.of_past.items():
            pasts = {past[PLACE]: past for past in user[place] or ()}
            row |= {name: pasts[offer[place]][name] for name in names if offer[place] in pasts}
        yield user, offer, row
