"""Facts to panes: sums and histograms by number, group and time slice; merging partitions and windows is addition. Pure."""
