"""The arguments that say which autoencoder is learned, and how."""

from __future__ import annotations

import argparse
import ast
from typing import Any

from jobs.cli import at_least
from jobs.errors import BadInput
from models.autoencoder.estimator import Autoencoder
from models.autoencoder.variants import ESTIMATORS

DEFAULT = "TopKAutoencoder"
SETTINGS = {
    "latents": "n_latents",
    "k": "k",
    "dropout": "dropout",
    "scale_floor": "scale_floor",
    "click_weight": "click_weight",
    "max_epochs": "max_epochs",
    "threads": "n_threads",
    "device": "device",
    "seed": "random_state",
}
"""Argument -> setting of the estimator."""


def add_embedding_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the variant, its settings, and how it is trained."""
    parser.add_argument(
        "--variant", choices=sorted(ESTIMATORS), default=DEFAULT, metavar="NAME", help=f"default: {DEFAULT}; or "
        + ", ".join(sorted(set(ESTIMATORS) - {DEFAULT}))
    )  # fmt: skip
    parser.add_argument("--latents", type=at_least(2), default=64, help="width of the code")
    parser.add_argument(
        "--k", type=at_least(1), default=8, help="latents that a user may have, by TopK variants; two bytes each"
    )
    parser.add_argument("--dropout", type=float, default=0.3, help="share of a user's tokens hidden while learning")
    parser.add_argument(
        "--scale-floor", type=float, default=1.0, help="least scale of a token, in root mean squares of all deviations"
    )
    parser.add_argument("--click-weight", type=float, default=0.0, help="weight of telling clicks beside rebuilding")
    parser.add_argument(
        "--setting", action="append", default=[], metavar="NAME=VALUE",
        help="another setting of the variant, as its docstring has it; may be repeated",
    )  # fmt: skip
    parser.add_argument("--max-epochs", type=at_least(1), default=30)
    parser.add_argument("--threads", type=at_least(1), default=1, help="threads to learn with; decide the weights too")
    parser.add_argument(
        "--device", choices=("auto", "cpu", "cuda"), default="auto", help="auto: the GPU where there is one"
    )
    parser.add_argument("--seed", type=int, default=0)


def estimator_of(args: argparse.Namespace) -> Autoencoder:
    """Make the estimator that the arguments ask for.

    Raises
    ------
    BadInput
        When a setting is not one of the variant's, or out of its limits.
    """
    estimator = ESTIMATORS[args.variant]()
    known = estimator.get_params()
    given = {name: getattr(args, argument) for argument, name in SETTINGS.items() if name in known}
    try:
        return _checked(estimator.set_params(**given, **_settings(args.setting)))
    except (ValueError, TypeError) as error:
        raise BadInput(f"{args.variant}: {error}".partition("\n")[0]) from None


def _checked(estimator: Autoencoder) -> Autoencoder:
    estimator.check_settings()
    return estimator


def _settings(words: list[str]) -> dict[str, Any]:
    pairs = [word.partition("=") for word in words]
    if bare := [name for name, equals, _ in pairs if not equals]:
        raise BadInput(f"--setting: expected NAME=VALUE, got {bare[0]!r}")
    return {name: _value(text) for name, _, text in pairs}


def _value(text: str) -> Any:
    """Read a number; all else is a word."""
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text
