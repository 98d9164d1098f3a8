"""Tags: the vocabulary, people's changes to it, tags taught by example, counts."""
