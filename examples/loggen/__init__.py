"""Writes the example logs: one incident of an invented shop, told by ten sources whose times agree."""
