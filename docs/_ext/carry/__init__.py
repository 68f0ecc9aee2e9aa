"""Finished pages to what is taken along, and to what stands above the languages."""
