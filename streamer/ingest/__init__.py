"""The HTTP ingress: webhooks of the systems people have become events; one adapter for each source."""
