#!/usr/bin/env python3
"""An MQ plugin for pushcore: Redis Streams in, by a consumer group, and out."""

import asyncio
import itertools
import json
import socket

import redis.asyncio as redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import AuthenticationError, AuthorizationError, ConnectionError, RedisError, TimeoutError

from options import Options
from pushcore import serve
from session import Refused, Session, stop

AWAY = (ConnectionError, TimeoutError, OSError)
FINAL = (AuthenticationError, AuthorizationError)  # They are ConnectionErrors, but do not mend themselves.
BACKOFF_FIRST, BACKOFF_LAST = 0.2, 10  # seconds


class RedisStreams:
    info = {"name": "redis_streams", "kind": "mq", "version": "1.0.0", "schema": json.dumps({"type": "object"}).encode()}

    def __init__(self):
        self.session = None  # while Redis is there
        self.runner = None
        self.paused = set()  # names of sources
        self.epochs, self.tokens = itertools.count(1), itertools.count(1)
        self.waiting = {}  # for a batch to be taken: futures by token

    def configure(self, given):
        self.options = Options(given)
        return self.options.reply()

    async def open(self, host):
        """Fails for what does not mend itself; a Redis that is away is tried again."""
        self.host, self.log = host, host.log
        (self.link,) = host.links
        if self.options.input is not None and not self.options.consumer:
            self.options.consumer = f"{socket.gethostname()}-{host.instance}"
        self.client = redis.Redis.from_url(
            self.options.url, retry=Retry(NoBackoff(), 0), socket_connect_timeout=5, socket_timeout=10, client_name="pushcore"
        )
        for command in ("XREADGROUP", "XAUTOCLAIM", "XRANGE", "XCLAIM"):
            self.client.set_response_callback(command, lambda reply, **_: reply)  # A field may stand more than once.
        session = Session(self)
        try:
            await session.prepare()
        except FINAL:
            raise
        except AWAY as e:
            session = None
            self.away(e)
        self.runner = asyncio.create_task(self.run(session))

    async def run(self, session):
        """Works in sessions, each from a connection's begin to its first error."""
        backoff = BACKOFF_FIRST
        while True:
            try:
                if session is None:
                    session = Session(self)
                    await session.prepare()
                self.session, backoff = session, BACKOFF_FIRST
                self.link.send({"kind": "status", "reached": True})
                await session.run()
            except (RedisError, OSError, Refused) as e:
                self.away(e)
            finally:
                if self.session:
                    self.session.end()
                self.session = session = None
                await self.client.connection_pool.disconnect()
            await asyncio.sleep(backoff)
            backoff = min(2 * backoff, BACKOFF_LAST)

    def away(self, error):
        self.link.send({"kind": "status", "text": str(error) or type(error).__name__})
        self.log.warn("Redis is not reached", error=str(error))

    def record(self, link, record):
        """Takes what the runtime says. Nothing here waits."""
        match record["kind"]:
            case "taken":
                future = self.waiting.pop(record["token"], None)
                if future and not future.done():
                    future.set_result("" if not record.get("refused") else record["text"] or "refused")
            case "settle":
                if self.session:
                    self.session.settle(record)  # Else its epoch has ended.
            case "publish":
                if self.session:
                    self.session.publish(record)
                else:
                    self.published(record, "Redis is not reached")
            case "pause_source":
                self.paused.add(record["source"])
                if self.session:
                    self.session.paused(record["source"])
            case "resume_source":
                self.paused.discard(record["source"])
                if self.session:
                    self.session.resumed(record["source"])

    def published(self, record, error=""):
        self.link.send({"kind": "published", "id": record["id"], "error": error})

    async def batch(self, source, epoch, records):
        """Hands over a batch and returns when the runtime has it."""
        token = next(self.tokens)
        future = self.waiting[token] = asyncio.get_running_loop().create_future()
        self.link.send({"kind": "batch", "source": source, "epoch": epoch, "token": token, "records": records})
        try:
            refused = await future
        except asyncio.CancelledError:
            self.link.send({"kind": "cancel", "token": token})
            raise
        if refused:
            raise Refused(f"the runtime has not taken a batch of {source}: {refused}")

    async def close(self, within):
        """Tells Redis what is settled, and ends."""
        if self.runner is None:
            return
        await asyncio.sleep(0.05)  # What was sent on the link before may come behind the call.
        if self.session:
            await self.session.finish()
        await stop({self.runner})
        await self.client.aclose()


if __name__ == "__main__":
    serve(RedisStreams())
