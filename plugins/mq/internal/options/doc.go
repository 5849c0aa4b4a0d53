// Package options reads the options of an MQ plugin: JSON into a struct, with
// every fault found at its JSON pointer and the nearest known name for a typo,
// and what brokers have in common among options: TLS and the input.
package options
