"""How fast codes are made, and learned, beside plain dense PyTorch: one thread, the same run, contenders in turn.

1,000 tokens, about 40 of them in a row, 1,024 latents, 32 active. The dense rows are there before the clock starts; the
sparse side begins with raw counts. BatchTopK learns beside TopK. With --device the training loop also runs there
(cuda), beside the CPU.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from statistics import median
from time import perf_counter

import numpy as np
import scipy.sparse as sp
import torch
from threadpoolctl import threadpool_limits
from torch import nn

from models.autoencoder.batch_topk import BatchTopKAutoencoder
from models.autoencoder.devices import torch_threads
from models.autoencoder.topk import TopKAutoencoder
from models.autoencoder.trainer import TrainingSettings

N_TOKENS, N_LATENTS, K, PER_ROW = 1000, 1024, 32, 40
BATCH, TURNS = 512, 5
PROMISED = {"encode": 5.0, "train": 3.0}


def random_counts(n_users: int, rng: np.random.Generator) -> sp.csr_matrix:
    rates = 1 / np.arange(1, N_TOKENS + 1) ** 0.5  # a few tokens are common, most are rare
    tokens = rng.choice(N_TOKENS, size=(n_users, PER_ROW), p=rates / rates.sum()).ravel()
    counts = (1 + rng.poisson(1.0, n_users * PER_ROW)).astype(np.float32)
    rows = sp.csr_matrix((counts, tokens, np.arange(0, len(tokens) + 1, PER_ROW)), shape=(n_users, N_TOKENS))
    rows.sum_duplicates()
    return rows


def rates_of(contenders: dict[str, Callable[[], object]], n_rows: int) -> dict[str, float]:
    """Give the median rows a second of each; contenders take turns, so that a slow minute hits all of them."""
    times: dict[str, list[float]] = {name: [] for name in contenders}
    for turn in range(TURNS + 1):
        for name, work in contenders.items():
            started = perf_counter()
            work()
            if turn:  # the first one warms up
                times[name].append(perf_counter() - started)
    return {name: n_rows / median(own) for name, own in times.items()}


def encoding(model: TopKAutoencoder, counts: sp.csr_matrix) -> dict[str, float]:
    """Measure encoding: raw counts to codes, against a dense forward pass with and without its selection."""
    encoder, dense = model.sparse_encoder(), torch.from_numpy(model.scaling_.apply(counts).toarray() - model.mean_)
    weight, bias = torch.from_numpy(model.encoder_), torch.from_numpy(model.encoder_bias_)

    def forward() -> list[torch.Tensor]:
        return [torch.relu(torch.addmm(bias, rows, weight)) for rows in dense.split(BATCH)]

    with torch.no_grad():
        return rates_of(
            {
                "ours, raw counts to codes": lambda: encoder.encode(counts),
                "dense forward, then topk": lambda: [one.topk(K, sorted=False) for one in forward()],
                "dense forward alone": forward,
            },
            counts.shape[0],
        )


class DenseAutoencoder(nn.Module):
    """A TopK autoencoder as one writes it without a thought for zeros."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder, self.decoder = nn.Linear(N_TOKENS, N_LATENTS), nn.Linear(N_LATENTS, N_TOKENS)

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        activations = torch.relu(self.encoder(rows))
        values, latents = activations.topk(K, dim=1, sorted=False)
        return self.decoder(torch.zeros_like(activations).scatter(1, latents, values))


def dense_epoch(rows: torch.Tensor) -> Callable[[], None]:
    network = DenseAutoencoder().to(rows.device)
    optimiser = torch.optim.Adam(network.parameters(), lr=1e-3)

    def epoch() -> None:
        for batch in rows.split(BATCH):
            optimiser.zero_grad()
            torch.autograd.backward((network(batch) - batch).square().mean())
            optimiser.step()

    return epoch


def training(models: dict[str, TopKAutoencoder], counts: sp.csr_matrix, device: str) -> dict[str, float]:
    """Measure a pass of training over scaled rows."""
    first = next(iter(models.values()))
    scaled = first.scaling_.apply(counts)
    plain = dense_epoch(torch.from_numpy(scaled.toarray() - first.mean_).to(device))

    def epoch_of(model: TopKAutoencoder) -> Callable[[], None]:
        trainer = model.set_params(device=device)._make_trainer(counts, np.random.default_rng(0), None)
        assert trainer.settings == TrainingSettings.of(model)
        return lambda: trainer.run_epoch(scaled)

    def done(epoch: Callable[[], None]) -> Callable[[], None]:
        def run() -> None:
            epoch()
            if device != "cpu":
                torch.cuda.synchronize()

        return run

    ours = {f"{name}, training": done(epoch_of(model)) for name, model in models.items()}
    return rates_of({**ours, "plain dense, training": done(plain)}, counts.shape[0])


def main() -> None:
    parser = argparse.ArgumentParser(prog="tests.benchmarks.embeddings.speed", description=__doc__)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--users", type=int, default=8192)
    args = parser.parse_args()
    counts = random_counts(args.users, np.random.default_rng(0))
    models = learned(counts, max_epochs=2)
    with threadpool_limits(limits=1), torch_threads(1):
        encoded, trained = encoding(models["TopK"], counts), training(models, counts, "cpu")
    print(f"| {args.users:,} rows, {counts.nnz / args.users:.0f} non-zeros each, one thread | rows/s |\n|---|---|")
    for name, rate in (encoded | trained).items():
        print(f"| {name} | {rate:,.0f} |")
    if args.device != "cpu":
        for name, rate in training(models, counts, args.device).items():
            print(f"| {name}, {args.device} | {rate:,.0f} |")
    ours, *dense = encoded.items()
    *own, plain = trained.items()
    for what, one, other in (*(("encode", ours, rival) for rival in dense), *(("train", one, plain) for one in own)):
        ratio = one[1] / other[1]
        print(f"- {one[0]}: {ratio:.1f} x {other[0]}; promised {PROMISED[what]:.0f} x: {verdict(ratio, what)}")


def learned(counts: sp.csr_matrix, *, max_epochs: int) -> dict[str, TopKAutoencoder]:
    """Fit the kinds whose decoder reads active latents alone."""
    kinds = {"TopK": TopKAutoencoder, "BatchTopK": BatchTopKAutoencoder}
    wide = {"n_latents": N_LATENTS, "k": K, "max_epochs": max_epochs, "device": "cpu"}
    return {name: kind(**wide).fit(counts) for name, kind in kinds.items()}


def verdict(ratio: float, what: str) -> str:
    return "kept" if ratio >= PROMISED[what] else "missed"


if __name__ == "__main__":
    main()
