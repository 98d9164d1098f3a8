"""The models, as data: each module holds ``ENTRIES``, a tuple of ``ml.registry.ModelEntry``."""
