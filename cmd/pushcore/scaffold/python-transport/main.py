#!/usr/bin/env python3
"""yourplugin: a transport for pushcore."""

from pushcore import serve
from transport import Transport

if __name__ == "__main__":
    serve(Transport())
