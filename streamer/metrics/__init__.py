"""Panes to gauges: the catalogue of every number, and its evaluation at an instant."""
