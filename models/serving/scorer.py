"""The scorer: a bundle that was loaded, ready for batches and single rows."""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .calibrators import Calibrator, calibrator_from_json
from .encoder import RowEncoder
from .engines import installed, load_engine
from .manifest import read_manifest, read_verified
from .types import Batch, Engine, Floats, RawRow

ENCODER_FILE = "encoder.json.gz"
CALIBRATOR_FILE = "calibrator.json"


class Scorer:
    """Gives the calibrated click probability of raw feature rows. Safe to share between threads.

    Parameters
    ----------
    encoder : RowEncoder
        Makes numbers of raw rows.
    engine : Engine
        Makes probabilities of numbers.
    calibrator : Calibrator
        Makes calibrated ones of those.
    manifest : mapping
        What the bundle says about itself; empty for a scorer that comes from no bundle.
    """

    def __init__(
        self,
        encoder: RowEncoder,
        engine: Engine,
        calibrator: Calibrator,
        manifest: Mapping[str, Any] | None = None,
    ) -> None:
        self.encoder = encoder
        self.engine = engine
        self.calibrator = calibrator
        self.manifest = manifest or {}

    @classmethod
    def load(cls, folder: str | Path, *, manifest_sha256: str | None = None, engine: str | None = None) -> Scorer:
        """Load a bundle, after its hashes were found to be right.

        Parameters
        ----------
        folder : str or Path
            The bundle.
        manifest_sha256 : str, optional
            Hash of the manifest as registered; the manifest vouches for everything else.
        engine : str, optional
            One of ``engines.ENGINES`` of the serving format; by default the one that the manifest names, which was the
            fastest when the bundle was measured, or the format's first where that one is not installed.

        Raises
        ------
        BundleError
            When something is missing or not known; `HashMismatchError` when a file is not what it should be.
        EngineError
            When the engine does not run the serving format, or is not installed.
        """
        manifest = read_manifest(Path(folder), manifest_sha256=manifest_sha256)
        contents = read_verified(Path(folder), manifest, manifest["serving_files"])
        fastest = manifest.get("engine")
        if engine is None and fastest is not None and installed(fastest):
            engine = fastest
        return cls.from_contents(manifest["serving_format"], contents, manifest, engine)

    @classmethod
    def from_contents(
        cls,
        serving_format: str,
        contents: Mapping[str, bytes],
        manifest: Mapping[str, Any] | None = None,
        engine: str | None = None,
    ) -> Scorer:
        """Make a scorer of the contents of its files, as `load` reads them."""
        return cls(
            engine=load_engine(serving_format, contents, engine),
            encoder=RowEncoder.from_json(json.loads(gzip.decompress(contents[ENCODER_FILE]))),
            calibrator=calibrator_from_json(json.loads(contents[CALIBRATOR_FILE])),
            manifest=manifest,
        )

    def score(self, batch: Batch) -> Floats:
        """Score a batch of raw feature rows.

        Returns
        -------
        ndarray of shape (n_rows,)
            Calibrated probabilities of a click.

        Raises
        ------
        RowError
            When a column is missing, or a code does not fit.
        """
        return self.calibrator.apply(self.engine.predict(self.encoder.encode(batch)))

    def score_one(self, row: RawRow) -> float:
        """Score one raw feature row; the number that `score` gives, to some 15 digits.

        Raises
        ------
        RowError
            When a column is missing, or a code does not fit.
        """
        return self.calibrator.apply_one(self.engine.predict_one(self.encoder.encode_one(row)))
