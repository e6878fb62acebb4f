"""The messaging hub: application acknowledgements, alerts, batches."""
