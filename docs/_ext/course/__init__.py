"""What an author writes: scripts, their words and their mistakes. Knows neither torch nor Sphinx."""
