"""Copies and repeated shots: finding, choosing, merging."""
