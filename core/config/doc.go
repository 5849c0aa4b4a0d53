// Package config reads a node's configuration: a YAML file, environment
// variables over it, references inside its values. [Load] gives a [Config] whose
// every key has a value, or all faults of what was written, each with its place
// and in one line ([Errors]).
//
// A section is a struct with a file of its own. The comment of a field is its
// documentation everywhere: docs/config.md, the JSON Schema ([WriteSchema]) and
// the starter file ([WriteStarter]) are made from these comments, from the
// fields' tags and from the defaults, so that they cannot disagree with what the
// node does. A field's tags are
//
//	key:"ttl"         its name in the file
//	need:"yes"        it has no default and must be written
//	min:"1s" max:"7d" bounds, in the field's own notation
//	oneof:"a b"       the values it takes
//	path:"file"       a path (or "directory"), made relative to the configuration file's directory
//	list:"one"        a list that may be written without brackets if it has one item
//
// What a key will mean in a later version is refused, not ignored: notyet.txt is
// the one table of that.
//
// The options of a plugin are a sub-tree that only the plugin reads. It crosses
// as JSON ([Plugin.Options]); the faults that the plugin finds come back as JSON
// pointers and get their places here ([Config.PluginErrors]).
package config

//go:generate go run ./internal/generate comments
//go:generate go run ./internal/generate reference
