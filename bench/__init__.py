"""Measurements of the product itself; what they are fed with is in README.md, what came out in docs/performance.md."""
