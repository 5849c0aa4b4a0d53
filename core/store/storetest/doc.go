// Package storetest is the conformance kit of store engines: what core/store
// promises to the shards, in executable form. An engine's test calls Test with how
// to open it. Every failure says which rule is broken.
//
// The rules are checked by plain cases, and by random operations next to a model
// (model.go) that keeps a list of pairs and searches it from end to end.
package storetest
