"""What an author writes: scripts and their mistakes. Knows neither torch nor Sphinx."""
