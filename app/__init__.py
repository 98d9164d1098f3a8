"""Albumen's application: storage, accounts, services, search, API, pages and commands."""
