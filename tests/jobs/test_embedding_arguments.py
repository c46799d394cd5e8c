"""Every variant can be asked for, and what it cannot be is refused in one line."""

from __future__ import annotations

import argparse

import pytest

from jobs.embedding_arguments import add_embedding_arguments, estimator_of
from jobs.errors import BadInput
from jobs.run_pipeline import arg_parser, steps_of
from models.autoencoder.estimator import Autoencoder
from models.autoencoder.topk import TopKAutoencoder
from models.autoencoder.variants import ESTIMATORS


def asked(words: str) -> Autoencoder:
    parser = argparse.ArgumentParser()
    add_embedding_arguments(parser)
    return estimator_of(parser.parse_args(words.split()))


def test_the_default_is_what_it_was() -> None:
    model = asked("")

    assert type(model) is TopKAutoencoder
    settings = {"n_latents": 64, "k": 8, "dropout": 0.3, "scale_floor": 1.0, "click_weight": 0.0, "max_epochs": 30}
    assert model.get_params() == TopKAutoencoder(**settings, random_state=0).get_params()


@pytest.mark.parametrize("name", ESTIMATORS)
def test_every_variant_takes_the_arguments(name: str) -> None:
    model = asked(f"--variant {name} --latents 9 --threads 2 --device cpu --setting noise=0.5 --seed 3")

    assert type(model) is ESTIMATORS[name]
    assert (model.n_latents, model.n_threads, model.device, model.noise, model.random_state) == (9, 2, "cpu", 0.5, 3)


def test_a_variant_has_settings_of_its_own() -> None:
    model = asked("--variant UndercompleteAutoencoder --setting activation=tanh --setting value_bits=16")

    assert model.get_params()["activation"] == "tanh"
    assert model.value_bits == 16


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("--variant L1Autoencoder --setting k=3", "L1Autoencoder: Invalid parameter 'k'"),
        ("--setting noise", "expected NAME=VALUE, got 'noise'"),
        ("--setting noise=much", "TopKAutoencoder: "),
        ("--k 99", "k is 99, expected at most n_latents, 64"),
    ],
)
def test_what_cannot_be_is_refused(words: str, said: str) -> None:
    with pytest.raises(BadInput, match=said) as refused:
        asked(words)
    assert "\n" not in str(refused.value)


def test_the_threads_of_the_chain_do_not_decide_the_embedding() -> None:
    words = "--root r --ds 2026-01-01 --mapping m --input i --threads 4"
    arguments = {name: args for name, _, args in steps_of(arg_parser().parse_args(words.split()))}

    assert arguments["train_click_models"].threads == 4
    assert arguments["train_embedding"].threads == 1
