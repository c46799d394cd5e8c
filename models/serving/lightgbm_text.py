"""Tree ensembles in the text that LightGBM's library loads: only what it needs to predict."""

from __future__ import annotations

from itertools import chain
from typing import Any

from .compact_trees import ON_CATEGORY, Tree, TreeEnsemble

OBJECTIVES = {"sigmoid": "objective=binary sigmoid:1\n", "mean": "objective=regression\naverage_output\n"}
NUMBER, CATEGORY = "[-inf:inf]", "none"
"""What a column may hold: LightGBM's library does not look, lleaves takes all but brackets for categories."""


def to_lightgbm_text(ensemble: TreeEnsemble) -> str:
    """Write an ensemble as a model of LightGBM; numbers keep all of their digits."""
    names = " ".join(f"c{column}" for column in range(ensemble.n_columns))
    categories = {column for tree in ensemble.trees for column in _categories(tree)}
    infos = " ".join(CATEGORY if column in categories else NUMBER for column in range(ensemble.n_columns))
    head = (
        "tree\nversion=v4\nnum_class=1\nnum_tree_per_iteration=1\nlabel_index=0\n"
        f"max_feature_idx={ensemble.n_columns - 1}\n{OBJECTIVES[ensemble.output]}"
        f"feature_names={names}\nfeature_infos={infos}\n\n"
    )
    trees = (_tree(number, tree) for number, tree in enumerate(ensemble.trees))
    return "".join(chain([head], trees, ["end of trees\n"]))


def _categories(tree: Tree) -> list[int]:
    return [int(column) for column in tree.column[(tree.decision & ON_CATEGORY) != 0]]


def _tree(number: int, tree: Tree) -> str:
    sets = [words for words in tree.members if words is not None]
    place = iter(range(len(sets)))
    thresholds = [
        next(place) if decision & ON_CATEGORY else value
        for decision, value in zip(tree.decision.tolist(), tree.threshold.tolist(), strict=True)
    ]
    lines: dict[str, Any] = {"num_leaves": [len(tree.leaf)], "num_cat": [len(sets)]}
    if len(tree.column):
        lines |= {
            "split_feature": tree.column.tolist(),
            "threshold": thresholds,
            "decision_type": tree.decision.tolist(),
            "left_child": tree.left.tolist(),
            "right_child": tree.right.tolist(),
        }
    lines["leaf_value"] = tree.leaf.tolist()
    if sets:
        ends = [0]
        for words in sets:
            ends.append(ends[-1] + len(words))
        lines |= {"cat_boundaries": ends, "cat_threshold": list(chain(*sets))}
    lines |= {"is_linear": [0], "shrinkage": [1]}
    text = "\n".join(f"{name}={' '.join(map(repr, values))}" for name, values in lines.items())
    return f"Tree={number}\n{text}\n\n\n"
