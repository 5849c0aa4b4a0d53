package core

import (
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"time"

	"github.com/pushcore/pushcore/core/ack"
	"github.com/pushcore/pushcore/core/admin"
	"github.com/pushcore/pushcore/core/admit"
	"github.com/pushcore/pushcore/core/auth"
	"github.com/pushcore/pushcore/core/config"
	"github.com/pushcore/pushcore/core/dispatch"
	"github.com/pushcore/pushcore/core/loop"
	"github.com/pushcore/pushcore/core/shard"
	"github.com/pushcore/pushcore/sdk"
)

// This file turns the configuration's sections into those of the parts.

func ackSettings(c *config.Config) ack.Config {
	a := ack.Config{
		JitterPercent: c.Delivery.RetryJitter, AttemptsTotal: c.Delivery.AttemptsTotal,
		MessagesMax: c.Limits.Window.Messages, BytesMax: int(c.Limits.Window.Bytes),
	}
	for _, d := range c.Delivery.Retry {
		a.Delays = append(a.Delays, time.Duration(d))
	}
	return a
}

func shardSettings(c *config.Config, id, loops int, plugins []string, owner func(string) int) shard.Config {
	var seed [8]byte
	_, _ = rand.Read(seed[:]) // It never fails.
	s := shard.Config{
		ID: id, Plugins: plugins, Owner: owner, Seed: binary.LittleEndian.Uint64(seed[:]),
		ResumeWindow: time.Duration(c.Sessions.ResumeWindow), DeviceTTL: time.Duration(c.Devices.DeviceTTL), MemoryWait: time.Duration(c.Store.MemoryWait),
		Heartbeat: time.Duration(c.Sessions.Heartbeat), KeepExpired: c.Auth.OnExpiry == "keep",
		Platforms: map[string]shard.Platform{}, Group: groupRules(c), Ack: ackSettings(c),
		Outbox:     shard.Bound{Messages: c.Limits.Outbox.Messages, Bytes: int(c.Limits.Outbox.Bytes)},
		Mailbox:    shard.Bound{Messages: c.Delivery.Mailbox.Messages, Bytes: int(c.Delivery.Mailbox.Bytes)},
		PayloadMax: int(c.Limits.MaxPayload), UplinkRate: float64(c.Limits.Uplink.Rate),
		UplinkQueue: shard.Bound{
			Messages: share(c.Limits.Uplink.Queue.Messages, loops), Bytes: share(int(c.Limits.Uplink.Queue.Bytes), loops)},
		ForwardHeaders: c.Delivery.ForwardHeaders, SessionsMax: share(c.Limits.MaxConnections, loops),
		HistoryBytes: share(int(c.Limits.History), loops),
	}
	s.Fates = c.Routes.Fates != ""
	s.Events, s.Node = c.Routes.Events != "", c.Node.HostName()
	if s.ResumeWindow == 0 {
		s.ResumeWindow = time.Nanosecond // 0 is the shard's word for its default.
	}
	switch c.Delivery.SlowFast {
	case "newest":
		s.SlowFast = shard.KeepNewest
	case "close":
		s.SlowFast = shard.CloseSlow
	}
	for name, p := range c.Sessions.Platforms {
		s.Platforms[name] = shard.Platform{Max: p.Max, Oldest: p.Wins == "oldest"}
	}
	return s
}

func loopSettings(c *config.Config, began time.Time, log *slog.Logger) loop.Config {
	return loop.Config{
		Start: began, Mailbox: c.Limits.MailboxQueue, CPUs: c.Node.CPUs, Log: log,
		Burst: (c.Limits.Outbox.Messages + 1) / 2, BurstBytes: (int(c.Limits.Outbox.Bytes) + 1) / 2,
	}
}

// share is one loop's part of a bound of the node; 0 stays no bound.
func share(n, loops int) int { return (n + loops - 1) / loops }

func groupRules(c *config.Config) func(string) shard.GroupRule {
	return func(name string) shard.GroupRule {
		g := c.Group(name)
		rule := shard.GroupRule{MembersMax: g.MembersMax}
		switch g.Join {
		case "device":
			rule.Join = shard.JoinDevice
		case "backend":
			rule.Join = shard.JoinBackend
		}
		if g.History != nil {
			rule.History, rule.HistoryAge = true, time.Duration(g.History.Age)
		}
		return rule
	}
}

// historyRules is nil where no group has a history.
func historyRules(c *config.Config) func(string) dispatch.HistoryRule {
	if !slices.ContainsFunc(c.Groups, func(g config.Group) bool { return g.History != nil }) {
		return nil
	}
	return func(name string) dispatch.HistoryRule {
		g := c.Group(name)
		if g.History == nil {
			return dispatch.HistoryRule{}
		}
		return dispatch.HistoryRule{Count: g.History.Count, Age: time.Duration(g.History.Age)}
	}
}

// authSettings reads the keys that the configuration names.
func authSettings(c *config.Config, log *slog.Logger) (auth.Config, error) {
	a := auth.Config{None: c.Auth.Open(), Leeway: time.Duration(c.Auth.Leeway), Log: log}
	if a.Leeway == 0 {
		a.Leeway = time.Nanosecond // 0 is the authenticator's word for its default.
	}
	for _, j := range c.Auth.JWT {
		issuer := auth.Issuer{Name: j.Issuer, Audience: j.Audience, JWKSURL: j.JWKSURL, JWKSFile: j.JWKSFile, Claims: auth.Claims(j.Claims)}
		for _, k := range j.Keys {
			key := auth.Key{ID: k.KID, Algorithm: k.Alg, Secret: []byte(k.Secret.Reveal())}
			if k.PublicKeyFile != "" {
				pem, err := os.ReadFile(k.PublicKeyFile)
				if err != nil {
					return a, fmt.Errorf("key %q of issuer %q: %w", k.KID, j.Issuer, err)
				}
				key.PublicPEM = pem
			}
			issuer.Keys = append(issuer.Keys, key)
		}
		a.JWT = append(a.JWT, issuer)
	}
	for _, t := range c.Auth.Static {
		static := auth.Static{User: t.User, Device: t.Device, Platform: t.Platform, Groups: t.Groups}
		if _, err := hex.Decode(static.SHA256[:], []byte(t.SHA256)); err != nil {
			return a, fmt.Errorf("auth.static of user %q: sha256: %w", t.User, err)
		}
		a.Static = append(a.Static, static)
	}
	if cb := c.Auth.Callback; cb != nil {
		a.Callback = &auth.Callback{URL: cb.URL, Timeout: time.Duration(cb.Timeout), AllowOnFail: cb.OnError == "allow"}
	}
	return a, nil
}

func adminSettings(c *config.Config, log *slog.Logger) (admin.Config, error) {
	a := admin.Config{CORSOrigins: c.HTTP.CORSOrigins, PayloadMax: int(c.Limits.MaxPayload), BodiesMax: int64(c.HTTP.MaxOpen.Bytes), Log: log}
	for _, k := range c.HTTP.Keys {
		key := admin.Key{Name: k.Name}
		if _, err := hex.Decode(key.SHA256[:], []byte(k.SHA256)); err != nil {
			return a, fmt.Errorf("http.keys %q: sha256: %w", k.Name, err)
		}
		for _, s := range k.Scopes {
			key.Scopes = append(key.Scopes, admin.Scope(s))
		}
		a.Keys = append(a.Keys, key)
	}
	return a, nil
}

// httpInstance is admission's index of the HTTP interface, httpName its name; MQ
// instances follow.
const (
	httpInstance = 0
	httpName     = "http"
)

func admitSettings(p *Prepared, deadLetter func(instance string) bool, durable bool) admit.Config {
	d := &p.cfg.Delivery
	c := admit.Config{
		DedupeWindow: time.Duration(d.DedupeWindow), RememberMax: d.DedupeMax, SettleOnAcceptance: d.Settle == "memory", KeepIDs: durable,
		Instances: []admit.Instance{{Name: httpName, MaxSpan: -1, MaxOpen: sdk.MaxOpen{
			Records: int64(p.cfg.HTTP.MaxOpen.Records), Pairs: int64(p.cfg.HTTP.MaxOpen.Pairs), Bytes: sdk.Size(p.cfg.HTTP.MaxOpen.Bytes)}}},
	}
	if d.DedupeWindow == 0 {
		c.DedupeWindow = -1
	}
	for _, m := range p.mqs {
		in := admit.Instance{Name: m.name, DeadLetter: deadLetter(m.name)}
		if m.setup.Input != nil {
			in.MaxOpen, in.MaxSpan = m.setup.Input.MaxOpen, m.setup.Input.MaxSpan
		}
		c.Instances = append(c.Instances, in)
	}
	return c
}

// inputPolicy says how the records of an MQ instance are read.
func inputPolicy(c *config.Config, name string, in *sdk.InputOptions) (admit.Policy, error) {
	p := admit.Policy{
		Plugin: name, TTL: time.Duration(c.Delivery.TTL), StoreAfter: time.Duration(c.Delivery.StoreAfter), PayloadMax: int(c.Limits.MaxPayload),
	}
	if err := p.Format(in.Format); err != nil {
		return p, fmt.Errorf("format: %w", err)
	}
	if err := p.Allow(in.Allow); err != nil {
		return p, fmt.Errorf("allow: %w", err)
	}
	if in.DefaultTo != "" {
		to, err := admit.ParseDefaultTo(in.DefaultTo)
		if err != nil {
			return p, fmt.Errorf("default_to: %w", err)
		}
		p.DefaultTo = to
	}
	return p, nil
}
