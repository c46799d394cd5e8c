"""What the benchmark reads of a local lake, without Spark: labelled rows, and the bundles that were measured."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from models.batch import LabelledRows, joined, to_labelled_rows
from models.schema import FeatureSchema
from models.serving.types import RawRow


@dataclass(frozen=True)
class LakeFiles:
    """A day of a lake."""

    root: Path
    ds: str

    def folder(self, table: str) -> Path:
        """Give the folder of the day's current write."""
        write = (self.root / table / "_current" / f"ds={self.ds}").read_text().strip()
        return self.root / table / write / f"ds={self.ds}"

    def fitted_on(self) -> LabelledRows:
        """Give the rows that candidates are fitted on at last: training and validation."""
        return joined(self._rows("train"), self._rows("validation"))

    def holdout(self) -> LabelledRows:
        """Give the rows that nothing was learned from."""
        return self._rows("holdout")

    def raw_rows(self, n: int) -> list[RawRow]:
        """Give some of the hold-out's rows as they lie in the table, spread evenly."""
        table = self._part("holdout")
        step = max(table.num_rows // n, 1)
        return table.take(list(range(0, table.num_rows, step))[:n]).to_pylist()

    def _decision(self) -> dict[str, Any]:
        decision: dict[str, Any] = json.loads((self.root / "decision" / f"ds={self.ds}.json").read_text())
        return decision

    def _part(self, part: str) -> pa.Table:
        rows = pq.read_table(self.folder("training_set"), partitioning=None, filters=[("part", "==", part)])
        return rows.sort_by("send_id")

    def _rows(self, part: str) -> LabelledRows:
        meta = json.loads((self.root / "training_set_meta" / f"ds={self.ds}.json").read_text())
        return to_labelled_rows(self._part(part), FeatureSchema.from_json(meta["schema"]))

    def chosen(self) -> str:
        """Name the candidate that was chosen when the gates had left out whom they leave out.

        Raises
        ------
        ValueError
            When nobody was.
        """
        decision = self._decision()
        if decision["chosen"] is None:
            raise ValueError(f"decision of {self.ds}: expected a chosen candidate, got {decision['reasons']}")
        return str(decision["chosen"])

    def tolerance(self) -> float:
        """Give the log-loss excess that counted as being as good as the best."""
        return float(self._decision()["choice"]["tolerance"])

    def quality(self) -> dict[str, tuple[float, float]]:
        """Give each measured candidate's AUC and log-loss on the hold-out."""
        measures = json.loads((self.folder("measured") / "measures.json").read_text())
        return {one["name"]: (one["auc"], one["log_loss"]) for one in measures["candidates"]}

    def bundle(self, name: str) -> Path:
        """Give the folder of a measured bundle."""
        return self.folder("measured") / name
