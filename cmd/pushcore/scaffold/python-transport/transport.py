"""The transport: a listener, connections, what the runtime says to them. All runs on one asyncio loop."""

import asyncio

from connection import Connection
from line import body, push


class Transport:
    info = {"name": "yourplugin", "kind": "transport", "version": "0.1.0"}

    def __init__(self):
        self.conns, self.last_id = {}, 0
        self.dirty = {}  # by link: connections with something to write
        self.server, self.links, self.log = None, (), None
        self.bounds = {}  # by link: what listen said
        self.asking = {}  # by link: connections without a session
        self.held = []  # who connected before listen

    def configure(self, options):
        if not isinstance(options, dict):
            return {"errors": [{"pointer": "", "message": "must be an object"}]}
        errors = [{"pointer": f"/{name}", "message": "unknown option; there is only listen"} for name in options if name != "listen"]
        host, _, port = str(options.get("listen", "")).rpartition(":")
        if not port.isdigit() or int(port) > 65535:
            errors.append({"pointer": "/listen", "message": "must be host:port"})
            return {"errors": errors}
        self.address = host, int(port)
        return {"listen": [options["listen"]], "errors": errors}

    async def open(self, host):
        """Binds. Who connects waits for listen."""
        self.log, self.links = host.log, host.links
        self.server = await asyncio.get_running_loop().create_server(lambda: Connection(self), *self.address)
        host, port = self.server.sockets[0].getsockname()[:2]
        return [f"yourplugin://{host}:{port}"]

    def welcome(self, conn):
        """Gives a connection to the link that has the fewest without a session."""
        if not self.bounds:
            self.held.append(conn)
            return
        link = min(self.bounds, key=lambda k: self.asking[k])
        most = self.bounds[link]["max_unauthenticated"]
        if most and self.asking[link] >= most:
            conn.transport.abort()
            return
        self.last_id += 1
        self.conns[self.last_id] = conn
        conn.begin(self.last_id, link, self.bounds[link]["connect_timeout_ms"] / 1000)

    def record(self, link, record):
        """What came down on a link."""
        kind = record["kind"]
        if kind == "deliver":
            self.deliver(record)
        elif kind == "listen":
            self.bounds[link], self.asking[link] = record["listen"], 0
            held, self.held = self.held, []
            for conn in held:
                self.welcome(conn)
        elif kind == "stop_listening":
            self.bounds.pop(link, None)
            if not self.bounds:
                self.server.close()
        elif record["conn"] in self.conns:  # Else it has gone.
            self.conns[record["conn"]].command(record)

    def deliver(self, record):
        bodies = {}
        for item in record["items"]:
            conn, i = self.conns.get(item["conn"]), item["message"]
            if conn is None or conn.state != "attached":
                continue
            if i not in bodies:
                bodies[i] = body(record["messages"][i])
            conn.append(push(item["seq"], bodies[i]))

    def flush(self, link):
        """The end of a turn."""
        for conn in self.dirty.pop(link, ()):
            conn.write()

    async def close(self, within):
        if self.server is None:
            return
        self.server.close()
        conns = list(self.conns.values()) + self.held
        for conn in conns:
            conn.transport.abort()
        for conn in conns:
            await conn.over.wait()
