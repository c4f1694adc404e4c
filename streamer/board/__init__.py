"""The board: follows the pane table and answers /metrics, the JSON API, and what looks at them."""
