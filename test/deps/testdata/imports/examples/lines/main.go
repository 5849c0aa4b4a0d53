package main

import (
	_ "fake/core"
	_ "fake/plugins/tcp"
)
