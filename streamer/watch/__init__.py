"""What Prometheus and Alertmanager are told: alert rules from one table, and both of them beside the demo."""
