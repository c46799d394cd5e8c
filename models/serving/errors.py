"""What can go wrong between a bundle, a row and a probability."""

from __future__ import annotations


class BundleError(ValueError):
    """A bundle that cannot be read: something is missing, or of a format that this version does not know."""


class HashMismatchError(BundleError):
    """A file of a bundle is not the one that the manifest (or the caller) vouches for."""


class EngineError(RuntimeError):
    """The engine of a serving format is not installed, or refused the model."""


class RowError(ValueError):
    """A raw feature row (or batch) that does not fit the encoder."""
