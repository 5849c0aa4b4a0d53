// Package deps holds the rules on which package may know which, and what may not stand where: rules.go is the table, each
// rule with its reason, and its tests hold the tree to it. The code is read, not built, so that files for every system and
// build tag count, and a package that does not compile just now does not hide the others.
package deps
