"""Faces and the people they belong to."""
