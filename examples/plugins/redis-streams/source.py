"""A source is one stream. Its records have positions that count up from 1 in each epoch; entry ids do not grow, for entries
come again: after a requeue, a lost connection, or from a consumer that has died."""

import asyncio
import time

AGAIN_AFTER = 1  # seconds until what was not taken is given out again


class Source:
    def __init__(self, name, epoch, options):
        self.name, self.epoch, self.options = name, epoch, options
        self.position = 0
        self.open = {}  # entry ids by position: handed over and not settled
        self.ids = set()  # the same ids, and those in again
        self.again = []  # (when, entry id): to be given out again
        self.running = asyncio.Event()
        self.running.set()

    def records(self, entries, redelivered):
        """Makes records of entries, which are open from now on."""
        return [self.record(entry_id, fields, redelivered) for entry_id, fields in entries]

    def record(self, entry_id, fields, redelivered):
        self.position += 1
        self.open[self.position] = entry_id
        self.ids.add(entry_id)
        record = {
            "position": self.position,
            "timestamp_ms": int(entry_id.split(b"-")[0]),
            "message_id": f"{self.name}/{entry_id.decode()}",
            "redelivered": redelivered,
            "headers": [],
        }
        for name, value in zip(fields[::2], fields[1::2]):
            if name == self.options.body_field:
                record["body"] = value
            elif name == self.options.key_field:
                record["key"] = value
            else:
                record["headers"].append({"name": name.decode(errors="replace"), "value": value})
        return record

    def settle(self, positions):
        """Returns the ids of positions, which are open no longer."""
        ids = [self.open.pop(position) for position in positions if position in self.open]
        self.ids.difference_update(ids)
        return ids

    def requeue(self, positions):
        due = time.monotonic() + AGAIN_AFTER
        ids = self.settle(positions)
        self.again += [(due, entry_id) for entry_id in ids]
        self.ids.update(ids)

    def due(self):
        """Takes the ids that are to be given out again now."""
        now = time.monotonic()
        ids = [entry_id for when, entry_id in self.again if when <= now]
        self.again = [(when, entry_id) for when, entry_id in self.again if when > now]
        return ids
