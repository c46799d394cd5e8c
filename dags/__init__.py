"""DAG files: schedule, order, resources, alerts."""
