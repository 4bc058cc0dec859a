"""Ratios of what ckstore costs to what a peer costs for the same, measured in one run. POSIX only."""
