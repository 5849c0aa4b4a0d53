//go:build !linux

// Command floor is the yardstick of docs/benchmarks.md; it needs Linux.
package main

import "fmt"

func main() { fmt.Println("floor needs Linux") }
