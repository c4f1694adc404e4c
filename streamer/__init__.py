"""Live customer-service metrics from the events of a support operation."""

__version__ = "0.1.0"
