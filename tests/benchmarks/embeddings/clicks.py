"""Whether codes that are also to tell clicks predict clicks better: the term's weights beside 0, on the same rows.

The default embedding, 16 bytes, on folders that `python -m tests.benchmarks.embeddings` has collected. Rows to learn
from: what every user had done before the validation part, and, as of its own midnight, each request of the training
part with how its sends ended. Both are there at weight 0 too ("with requests"), so that the term alone differs; "today"
learns from the first rows only. Log-loss on the validation part, mean over seeds, by the product's LightGBM on features
of send and campaign and the code.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from models.autoencoder.topk import TopKAutoencoder
from tests.benchmarks.embeddings.data import REQUEST, TRAIN, Data, load
from tests.benchmarks.embeddings.downstream import Downstream
from tests.benchmarks.embeddings.grid import DEFAULTS


def labelled_rows(data: Data) -> tuple[sp.csr_matrix, NDArray[np.int64]]:
    """Give the rows as of the cut, without labels, and behind them the training part's requests with theirs."""
    rows = data.rows[TRAIN]
    request, label = rows[REQUEST].to_numpy(), rows["label"].to_numpy()
    asked = np.unique(request[np.diff(data.requests.indptr)[request] > 0])  # who had done nothing has no row
    n_requests = data.requests.shape[0]
    ended = np.column_stack([np.bincount(request, weights, n_requests) for weights in (label, np.ones(len(label)))])
    unlabelled = np.zeros((data.learn.shape[0], 2), np.int64)
    counts = sp.vstack([data.learn, data.requests[asked]], format="csr")
    return sp.csr_matrix(counts), np.concatenate([unlabelled, ended[asked].astype(np.int64)])


def measured(data: Data, downstream: Downstream, seed: int, **settings: Any) -> dict[str, float]:
    model = TopKAutoencoder(random_state=seed, **{**DEFAULTS, **settings})
    if "click_weight" in settings:
        model.fit(*labelled_rows(data))
    else:
        model.fit(data.learn)
    outcome = downstream.measure(model.sparse_encoder().encode(data.requests), seed)
    return {"fvu": 1 - model.score(data.learn), "validation": outcome.validation_log_loss, "auc": outcome.holdout_auc}


def main() -> None:
    parser = argparse.ArgumentParser(prog="tests.benchmarks.embeddings.clicks", description=__doc__)
    parser.add_argument("--data", action="append", required=True, type=Path, help="a collected folder; repeatable")
    parser.add_argument("--weights", nargs="+", type=float, default=[0.03, 0.1, 0.3, 1.0])
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--threads", type=int, default=1, help="of LightGBM")
    args = parser.parse_args()
    tried: dict[str, dict[str, float]] = {"today": {}, "with requests": {"click_weight": 0.0}}
    tried |= {f"click weight {weight}": {"click_weight": weight} for weight in args.weights}
    print("| lake | codes | FVU | validation log-loss | less than today, x 1e-5, by seed | hold-out AUC |")
    print("|---|---|---|---|---|---|")
    for folder in args.data:
        data = load(folder)
        downstream = Downstream(data, all_features=False, n_threads=args.threads)
        today: list[float] = []
        for name, settings in tried.items():
            found = [measured(data, downstream, seed, **settings) for seed in args.seeds]
            fvu, validation, auc = (np.array([one[of] for one in found]) for of in ("fvu", "validation", "auc"))
            today = today or list(validation)
            gains = " ".join(f"{1e5 * gain:+.0f}" for gain in np.array(today) - validation)
            print(
                f"| {folder.parent.name} | {name} | {fvu.mean():.3f} | {validation.mean():.5f} | {gains} |"
                f" {auc.mean():.4f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
