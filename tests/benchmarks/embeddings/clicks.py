"""Whether codes that are also to tell clicks predict clicks better: the term's weights beside 0, on the same rows.

The default embedding, 16 bytes, on folders that `python -m tests.benchmarks.embeddings` has collected. The training
part is cut in two by time: codes learn from the sends of the first half, which ended before the second one begins, each
request as of its own midnight, and the click model learns from the second half. LightGBM on rows whose own labels had
shaped their codes would trust them too much. The same rows are there at weight 0 too ("first half"), so that the term
alone differs; "today" learns, without labels, from what every user had done before the validation part. Log-loss on
that part, mean over seeds, by the product's LightGBM on features of send and campaign and the code.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from tests.benchmarks.embeddings.data import REQUEST, TRAIN, Data, load
from tests.benchmarks.embeddings.downstream import Downstream
from tests.benchmarks.embeddings.grid import default

GAP_DAYS = 2
"""Days until a send's label is final: none of the first half's labels is of a send so close to the second one."""


@dataclass(frozen=True)
class Halves:
    """The training part in two."""

    counts: sp.csr_matrix
    """Requests of the first half, each as of its own midnight."""
    labels: NDArray[np.int64]
    """Clicks and sends of each."""
    later: Data
    """All data, but the training part is its second half."""

    @classmethod
    def of(cls, data: Data) -> Halves:
        rows = data.rows[TRAIN]
        as_of = rows["as_of"].to_numpy().astype("datetime64[D]")
        days = np.unique(as_of)
        middle = days[len(days) // 2]
        first, second = as_of < middle - np.timedelta64(GAP_DAYS, "D"), as_of >= middle
        request, label = rows[REQUEST].to_numpy()[first], rows["label"].to_numpy()[first]
        asked = np.unique(request[np.diff(data.requests.indptr)[request] > 0])  # who had done nothing has no row
        n_requests = data.requests.shape[0]
        ended = np.column_stack([np.bincount(request, weights, n_requests) for weights in (label, np.ones(len(label)))])
        later = replace(data, rows={**data.rows, TRAIN: rows.filter(second)})
        return cls(sp.csr_matrix(data.requests[asked]), ended[asked].astype(np.int64), later)


def measured(halves: Halves, downstream: Downstream, seed: int, **settings: Any) -> dict[str, float]:
    data = halves.later
    model = default(random_state=seed, **settings)
    if "click_weight" in settings:
        model.fit(halves.counts, halves.labels)
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
    tried: dict[str, dict[str, float]] = {"today": {}, "first half": {"click_weight": 0.0}}
    tried |= {f"click weight {weight}": {"click_weight": weight} for weight in args.weights}
    print("| lake | codes | FVU | validation log-loss | less than today, x 1e-5, by seed | hold-out AUC |")
    print("|---|---|---|---|---|---|")
    for folder in args.data:
        halves = Halves.of(load(folder))
        downstream = Downstream(halves.later, all_features=False, n_threads=args.threads)
        today: list[float] = []
        for name, settings in tried.items():
            found = [measured(halves, downstream, seed, **settings) for seed in args.seeds]
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
