//go:build !linux

package main

import (
	"context"
	"errors"
	"io"
	"os"
)

var errBenchLinux = errors.New("bench is built for Linux only: it drives its devices by epoll and reads /proc")

func runBench(context.Context, benchOptions, *api) (*benchResult, error) { return nil, errBenchLinux }

func runBenchWorker(io.Reader, io.Writer, *os.File) error { return errBenchLinux }

func benchSharedFile() *os.File { return nil }
