"""Readers of other frameworks' weight files: bytes in, named arrays out, nothing executed or unpickled."""
