"""What devices need: uploads in pieces, repeated requests, delta sync, folders, pairing."""
