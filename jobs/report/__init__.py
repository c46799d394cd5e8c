"""The daily report: one web page for people and the same figures as JSON for machines."""
