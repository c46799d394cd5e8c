"""Training on a Spark cluster: rows stay on the executors, where LightGBM's ranks fit together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.barrier import Fit, fit_together
from jobs.cli import say
from jobs.training_route import TRAIN, VALIDATION
from models.batch import to_batch
from models.bins import make_bins
from models.candidates import CandidateSpec
from models.encoding import encoder_of_words
from models.family import FittedModel
from models.out_of_core import FAMILIES
from models.ranks import Ranks
from models.schema import FeatureSchema
from models.serving.encoder import LATENT_VALUES, LATENTS, RowEncoder
from models.serving.types import Floats


@dataclass(frozen=True)
class Keys:
    """The validation rows, in the order of ``send_id``: all that the driver has to hold of them."""

    table: pa.Table
    """``send_id``, ``user_id`` and ``label``."""

    @cached_property
    def label(self) -> NDArray[np.int64]:
        """Shape (n_validation,): 1 where the send was clicked."""
        return np.asarray(self.table["label"], dtype=np.int64)

    @cached_property
    def user(self) -> NDArray[np.int64]:
        """Shape (n_validation,): a number for each user."""
        users = self.table["user_id"].combine_chunks().dictionary_encode().indices
        return np.asarray(users, dtype=np.int64)


@dataclass(frozen=True)
class OnCluster:
    """A trainer of boosted trees and histogram forests by ranks; their number is part of what decides the trees."""

    rows: DataFrame
    """Both parts, with ``part``, ``send_id``, ``label`` and the columns of the schema."""
    validation: Keys
    click_rate: float
    """Share of the training rows that were clicked."""
    schema: FeatureSchema
    n_latents: int
    seed: int
    n_ranks: int
    n_threads: int
    """Threads of each rank."""

    def try_out(self, spec: CandidateSpec) -> tuple[FittedModel, Floats]:
        """Fit on the training part."""
        encoder = self._encoder(spec, [TRAIN])
        model = self._fit(spec, encoder, stops=True)
        return model, self._predict(model, encoder)

    def fit_on_both(self, spec: CandidateSpec) -> tuple[RowEncoder, FittedModel]:
        """Fit on both parts."""
        encoder = self._encoder(spec, [TRAIN, VALIDATION])
        return encoder, self._fit(spec, encoder, stops=False)

    @cached_property
    def _words(self) -> dict[tuple[str, str], Counter[str]]:
        """Rows of each word, by part and column."""
        pairs = F.explode(F.array(*(F.struct(F.lit(n).alias("name"), F.col(n).alias("word")) for n in self._texts)))
        counted = self.rows.select("part", pairs.alias("of")).groupBy("part", "of.name", "of.word").count()
        found: dict[tuple[str, str], Counter[str]] = {}
        for part, name, word, rows in counted.where("word IS NOT NULL").collect():
            found.setdefault((part, name), Counter())[word] = rows
        return found

    @property
    def _texts(self) -> tuple[str, ...]:
        return self.schema.categorical

    def _encoder(self, spec: CandidateSpec, parts: Sequence[str]) -> RowEncoder:
        words = self._words if self._texts else {}
        counted = {name: sum((words.get((part, name), Counter()) for part in parts), Counter()) for name in self._texts}
        return encoder_of_words(
            counted, self.schema, self.n_latents if spec.codes else 0, missing=spec.settings.missing
        )

    def _fit(self, spec: CandidateSpec, encoder: RowEncoder, *, stops: bool) -> FittedModel:
        assert isinstance(spec.settings, FAMILIES)  # others were refused before
        is_later = F.col("part") == VALIDATION if stops else F.lit(False)
        rows = self._sampled(spec).select(*self._columns(encoder), "send_id", "label", is_later.alias("later"))
        prepare = RankOfRows(spec.settings, encoder, self.schema, self.seed, self.n_threads, stops)
        made = fit_together(rows, self.n_ranks, "send_id", prepare)
        megabytes = made.peak_rss_bytes / 1e6
        say(f"{spec.name}: {self.n_ranks} ranks, {made.seconds:.1f} s, at most {megabytes:,.0f} MB each")
        return spec.settings.from_text(made.text)

    def _sampled(self, spec: CandidateSpec) -> DataFrame:
        """Leave out negatives as the candidate asks for: by a hash of the send, wherever its row lies."""
        if spec.negatives_kept == 1:
            return self.rows
        drawn = F.pmod(F.xxhash64("send_id", F.lit(self.seed)), F.lit(2**32)) / 2**32
        return self.rows.where((F.col("label") == 1) | (drawn < spec.negatives_kept))

    def _predict(self, model: FittedModel, encoder: RowEncoder) -> Floats:
        schema = self.schema

        def score(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
            for batch in batches:
                rows = encoder.encode(to_batch(pa.Table.from_batches([batch]), schema))
                p = model.predict(rows) if len(rows) else np.empty(0)
                yield pa.RecordBatch.from_arrays([batch.column("send_id"), pa.array(p)], ["send_id", "p"])

        rows = self.rows.where(F.col("part") == VALIDATION).select("send_id", *self._columns(encoder))
        scored = rows.mapInArrow(score, "send_id string, p double").toArrow()
        return np.asarray(scored.sort_by("send_id")["p"], dtype=np.float64)

    def _columns(self, encoder: RowEncoder) -> list[str]:
        codes = [LATENTS, LATENT_VALUES] if encoder.n_latents else []
        return [*self.schema.numeric, *self.schema.categorical, *codes]


@dataclass(frozen=True)
class RankOfRows:
    """What a rank does with the rows that Spark gives it: encodes them as they come, and fits with the others."""

    settings: Any
    encoder: RowEncoder
    schema: FeatureSchema
    seed: int
    n_threads: int
    stops: bool
    """Whether there are rows to stop by, where ``later`` is true."""

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Fit:
        """Encode a rank's rows.

        Raises
        ------
        ValueError
            When the rank has no row of a kind that it needs.
        """
        rows: dict[bool, list[Floats]] = {False: [], True: []}
        label: dict[bool, list[NDArray[np.int64]]] = {False: [], True: []}
        for batch in batches:
            table = pa.Table.from_batches([batch])
            later, encoded = np.asarray(table["later"]), self.encoder.encode(to_batch(table, self.schema))
            for kind in rows:
                if (later == kind).any():
                    rows[kind].append(encoded[later == kind])
                    label[kind].append(np.asarray(table["label"], dtype=np.int64)[later == kind])
        for kind, name in {False: "fit on", **({True: "stop by"} if self.stops else {})}.items():
            if not rows[kind]:
                raise ValueError(f"expected rows to {name} on every rank, got none; take fewer ranks")
        return self._fit_on(rows, label)

    def _fit_on(self, rows: Mapping[bool, list[Floats]], label: Mapping[bool, list[NDArray[np.int64]]]) -> Fit:
        later = (rows[True], np.concatenate(label[True])) if self.stops else ()

        def fit(ranks: Ranks) -> str:
            bins = make_bins(self.encoder, rows[False], np.concatenate(label[False]), *later)
            text: str = self.settings.fit_bins(bins, seed=self.seed, n_threads=self.n_threads, ranks=ranks).text
            return text

        return fit
