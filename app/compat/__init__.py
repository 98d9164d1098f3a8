"""Clients that exist: other products' APIs, spoken over this product's services."""
