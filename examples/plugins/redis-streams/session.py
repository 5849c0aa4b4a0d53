"""A session is one life of the connection to Redis. With it the epoch of each source begins and ends: what was not settled
is still in Redis' list of pending entries, and comes again in the next one."""

import asyncio
import time

from redis.exceptions import ResponseError

from source import Source

BLOCK_MS = 1000
BEHIND_MAX = 10_000  # entries that a new group may be behind without being told where to begin
PIPELINE_MAX = 500
LAG_EVERY = 5  # seconds


class Refused(Exception):
    """It does not go on like this; a person has to look."""


class Session:
    def __init__(self, plugin):
        self.plugin, self.link, self.options = plugin, plugin.link, plugin.options
        self.client, self.log = plugin.client, plugin.log
        self.sources = {}
        self.acks = []  # (stream, entry ids)
        self.outgoing = []  # records to publish
        self.sending = False  # some are on their way
        self.work = asyncio.Event()  # something is in acks
        self.mail = asyncio.Event()  # something is in outgoing
        self.acked = asyncio.Event()  # acks is empty
        self.acked.set()

    # What is done before a session counts as one.

    async def prepare(self):
        await self.client.ping()
        if self.options.input is not None:
            for stream in self.options.streams:
                await self.prepare_group(stream)

    async def prepare_group(self, stream):
        if await self.has_group(stream):
            return
        length = await self.client.xlen(stream)
        if length > BEHIND_MAX and not self.options.offset_reset:
            raise Refused(
                f"the group {self.options.group} is new and {stream} has {length} entries: "
                "set input.offset_reset to earliest (all of them) or latest (none)"
            )
        begin = "$" if self.options.offset_reset == "latest" else "0"
        try:
            await self.client.xgroup_create(stream, self.options.group, begin, mkstream=True)
        except ResponseError as e:
            if not str(e).startswith("BUSYGROUP"):  # Another one was faster.
                raise

    async def has_group(self, stream):
        if not await self.client.exists(stream):
            return False
        groups = await self.client.xinfo_groups(stream)
        return any(text(g["name"]) == self.options.group for g in groups)

    # The session's tasks. The first error ends all of them.

    async def run(self):
        work = [self.publishing()]
        if self.options.input is not None:
            work += [self.acking(), self.keeping(), self.lagging()]
            work += [self.reading(self.assign(stream)) for stream in self.options.streams]
        tasks = {asyncio.create_task(w) for w in work}
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            await stop(tasks)

    def end(self):
        """Ends the epochs, and answers what will not be published."""
        for source in self.sources.values():
            self.link.send({"kind": "revoked", "name": source.name, "epoch": source.epoch})
        self.sources = {}
        for record in self.outgoing:
            self.plugin.published(record, "the connection to Redis was lost")
        self.outgoing = []
        self.acked.set()

    def assign(self, stream):
        epoch = next(self.plugin.epochs)
        source = self.sources[stream] = Source(stream, epoch, self.options)
        if stream in self.plugin.paused:
            source.running.clear()
        self.link.send({"kind": "assigned", "name": stream, "epoch": epoch})
        return source

    async def reading(self, source):
        """Gives out what this consumer had and did not settle, then what others had, then what is new."""
        last = b"0"
        while entries := await self.read(source, last):
            last = entries[-1][0]
            await self.hand(source, entries, redelivered=True)
        claim = 0
        while True:
            await source.running.wait()
            if ids := source.due():
                await self.hand(source, await self.fetch(source, ids), redelivered=True)
            if time.monotonic() >= claim:
                claim = time.monotonic() + self.options.claim_after / 2
                await self.claiming(source)
            await self.hand(source, await self.read(source, b">", BLOCK_MS), redelivered=False)

    async def read(self, source, after, block_ms=None):
        block = ["BLOCK", block_ms] if block_ms else []
        found = await self.client.execute_command(
            "XREADGROUP", "GROUP", self.options.group, self.options.consumer, "COUNT", self.options.count, *block, "STREAMS", source.name, after
        )
        return list(found.values())[0] if found else []

    async def fetch(self, source, ids):
        """Entries by their ids. One that was deleted has no fields."""
        found = {}
        for entry_id in ids:
            entries = await self.client.execute_command("XRANGE", source.name, entry_id, entry_id)
            found[entry_id] = entries[0][1] if entries else None
        return list(found.items())

    async def claiming(self, source):
        """Takes over entries of consumers that have been silent for too long."""
        cursor = b"0-0"
        while True:
            cursor, entries, *_ = await self.client.execute_command(
                "XAUTOCLAIM", source.name, self.options.group, self.options.consumer,
                round(self.options.claim_after * 1000), cursor, "COUNT", self.options.count,
            )  # fmt: skip
            claimed = [(entry_id, fields) for entry_id, fields in entries if entry_id not in source.ids]
            await self.hand(source, claimed, redelivered=True)
            if cursor == b"0-0":
                return

    async def hand(self, source, entries, redelivered):
        deleted = [entry_id for entry_id, fields in entries if not fields]
        if deleted:
            self.log.warn("entries were deleted before they were settled", stream=source.name, entries=len(deleted))
            self.ack(source, deleted)
        records = source.records([(i, fields) for i, fields in entries if fields], redelivered)
        if records:
            await source.running.wait()  # It may have been paused while they were read.
            await self.plugin.batch(source.name, source.epoch, records)

    async def keeping(self):
        """Shows other consumers that this one lives: what is open with it does not grow old."""
        while True:
            await asyncio.sleep(self.options.claim_after / 3)
            for source in list(self.sources.values()):
                ids = list(source.ids)
                for at in range(0, len(ids), PIPELINE_MAX):
                    some = ids[at : at + PIPELINE_MAX]
                    await self.client.execute_command(
                        "XCLAIM", source.name, self.options.group, self.options.consumer, 0, *some, "JUSTID"
                    )

    async def lagging(self):
        while True:
            for source in list(self.sources.values()):
                for group in await self.client.xinfo_groups(source.name):
                    if text(group["name"]) == self.options.group and group.get("lag") is not None:
                        self.link.send({"kind": "lag", "source": source.name, "count": group["lag"]})
            await asyncio.sleep(LAG_EVERY)

    # Settling: the runtime says what became of records, a task tells Redis.

    def settle(self, record):
        source = self.sources.get(record["source"])
        if source is None or source.epoch != record["epoch"]:
            return  # Of an epoch that has ended.
        match record["outcome"]:
            case 1:
                source.requeue(record["positions"])
                return
            case 2:  # Redis has no place for the dead: the entry stays in the stream, for who wants to look.
                self.log.warn("records are given up", stream=source.name, entries=[text(source.open.get(p, b"")) for p in record["positions"]])
        self.ack(source, source.settle(record["positions"]))

    def ack(self, source, ids):
        if ids:
            self.acks.append((source.name, ids))
            self.acked.clear()
            self.work.set()

    async def acking(self):
        while True:
            await self.work.wait()
            self.work.clear()
            acks, self.acks = self.acks, []
            async with self.client.pipeline(transaction=False) as pipeline:
                for stream, ids in acks:
                    pipeline.xack(stream, self.options.group, *ids)
                await pipeline.execute()
            if not self.acks:
                self.acked.set()

    def paused(self, name):
        if name in self.sources:
            self.sources[name].running.clear()

    def resumed(self, name):
        if name in self.sources:
            self.sources[name].running.set()

    # Publishing.

    def publish(self, record):
        self.outgoing.append(record)
        self.mail.set()

    async def publishing(self):
        while True:
            await self.mail.wait()
            records, self.outgoing = self.outgoing[:PIPELINE_MAX], self.outgoing[PIPELINE_MAX:]
            if not self.outgoing:
                self.mail.clear()
            results = ["the connection to Redis was lost"] * len(records)
            self.sending = True
            try:
                async with self.client.pipeline(transaction=False) as pipeline:
                    for record in records:
                        pipeline.execute_command("XADD", *self.entry(record))
                    results = await pipeline.execute(raise_on_error=False)
            finally:
                self.sending = False
                for record, result in zip(records, results):
                    self.plugin.published(record, "" if isinstance(result, bytes) else str(result))

    def entry(self, record):
        stream, maxlen = self.options.outputs[record["output"]]
        bound = ["MAXLEN", "~", maxlen] if maxlen else []
        headers = [part for h in record["headers"] for part in (h["name"], h["value"])]
        key = [self.options.key_field, record["key"]] if record["key"] else []
        return [stream, *bound, "*", *headers, *key, self.options.body_field, record["body"]]

    async def finish(self):
        """Stops reading, tells Redis what is settled, and publishes what is there."""
        for source in self.sources.values():
            source.running.clear()
        await self.acked.wait()
        while self.outgoing or self.sending:
            await asyncio.sleep(0.01)


async def stop(tasks):
    """Cancels tasks until they have ended: a library may swallow a cancellation."""
    while tasks:
        for task in tasks:
            task.cancel()
        done, tasks = await asyncio.wait(tasks, timeout=0.1)
        for task in done:
            task.cancelled() or task.exception()  # Nobody else wants it.


def text(value):
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)
