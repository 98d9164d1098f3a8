"""Photos put together: albums and their links, places, journeys, memories."""
