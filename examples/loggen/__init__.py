"""Writes the example logs: one incident of an invented shop, told by ten sources whose times agree."""

from datetime import timedelta

# By how much all that is told happens later than on the morning of the story; set before the sources are imported.
shift = timedelta(0)
