package config

import (
	"encoding/hex"
	"maps"
	"slices"
	"strings"
)

const (
	sha256Digits   = 64
	pluginLeastMem = 16 << 20 // bytes; no program of ours starts with less
)

// validate checks what keys of an instance mean together.
func (p *Plugin) validate(at place) {
	switch {
	case p.Use != "" && len(p.Command) > 0:
		at.key("command").fail("`use` names a plugin of this program and `command` an executable: one of them")
		return
	case p.Use == "" && (len(p.Command) == 0 || p.Command[0] == ""):
		at.key("command").fail("wants an executable, such as [./%s]", p.Name)
		return
	case len(p.Command) > 0 && p.Placement == PlacementCore:
		at.key("placement").fail("an executable runs in a process of its own: leave this out")
		return
	}
	p.validateChecksum(at.key("sha256"))
	p.validateEnv(at.key("env"))
	if m := p.Limits.Memory; m != 0 && m < pluginLeastMem {
		at.key("limits").key("memory").fail("must be 0 or at least 16MiB, is %s", m)
	}
	if p.Placement == PlacementCore {
		p.refuseProcessKeys(at)
	}
}

// refuseProcessKeys reports what would have no effect inside the core.
func (p *Plugin) refuseProcessKeys(at place) {
	const why = "is for a process of its own: add `placement: process`, or leave this out"
	if len(p.Env) > 0 {
		at.key("env").fail(why)
	}
	if p.Limits.Memory != 0 {
		at.key("limits").fail(why)
	}
	if p.Processes > 1 {
		at.key("processes").fail(why)
	}
}

func (p *Plugin) validateChecksum(at place) {
	switch _, err := hex.DecodeString(p.SHA256); {
	case p.SHA256 == "":
	case len(p.Command) == 0:
		at.fail("is for a `command`: a plugin that is named by `use` is a part of this program")
	case err != nil || len(p.SHA256) != sha256Digits:
		at.fail("wants the %d hexadecimal digits that `sha256sum %s` prints", sha256Digits, p.Command[0])
	}
}

// validateEnv keeps names for those who speak the plugin protocol.
func (p *Plugin) validateEnv(at place) {
	for _, name := range slices.Sorted(maps.Keys(p.Env)) {
		switch {
		case name == "" || strings.ContainsAny(name, "=\x00"):
			at.key(name).fail("is no name of a variable")
		case strings.HasPrefix(name, "PUSHCORE_") || strings.HasPrefix(name, "PLUGIN_"):
			at.key(name).fail("names that begin with PUSHCORE_ and PLUGIN_ are set by pushcore")
		}
	}
}
