"""Tracking: windows become records, records go to the journal, the journal goes to MLflow."""
