"""Autoencoders, click models, calibration, evaluation, the light scorer; no Spark, no paths of the lake."""

import os

# Before any OpenMP library is loaded: waiting threads sleep instead of spinning. On a machine that something
# else uses as well (Spark, another job), spinning made LightGBM fifteen times slower.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
