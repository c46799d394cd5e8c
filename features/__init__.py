"""The data contract and the point-in-time features: pure DataFrame -> DataFrame functions on Spark."""
