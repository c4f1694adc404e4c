"""Grafana's dashboards, made by code from the catalogue: `python -m streamer.watch.dashboards [--check]`.

One module a dashboard; `promql` writes the queries, `panels` the panels, `page` what all dashboards have.
"""
