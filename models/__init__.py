"""Autoencoders, click models, calibration, evaluation and the light scorer; no Spark, no paths of the lake."""
