"""The processor: a Faust worker with chunked transport and exact, write-behind tables."""
