"""Makes the database of a demo look as if its lines had been read when they were written: what is counted by the time of arrival
(timeline, rates, newest first) then has a history. For pictures only.

usage: as_live.py DATABASE MIGRATIONS
"""

import re
import sqlite3
import sys
from pathlib import Path

database, migrations = sys.argv[1:]
# The statements with which the store itself once counted what was there.
counting = (Path(migrations) / "0003_counts.sql").read_text()
counts = re.findall(r"^WITH minutes AS .*?;$", counting, re.MULTILINE | re.DOTALL)
assert len(counts) == 2, "the migration has changed"

with sqlite3.connect(database) as connection:
    connection.execute("UPDATE log_entries SET ingest_time = timestamp_iso WHERE timestamp_iso < ingest_time")
    connection.execute("UPDATE detections SET detected_at = timestamp_iso WHERE timestamp_iso < detected_at")
    connection.execute("DELETE FROM entry_counts")
    connection.execute("DELETE FROM detection_counts")
    for statement in counts:
        connection.execute(statement)
