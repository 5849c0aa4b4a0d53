package plugintest

import (
	"net/url"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/pushcore/pushcore/sdk"
)

var infoName = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)

// describes tries Info, Configure and the endpoints.
func (t *trial) describes() {
	info := t.transport.Info()
	if again := t.transport.Info(); !reflect.DeepEqual(info, again) {
		t.failf(RuleDescribes, nil, "Info is %+v, then %+v", info, again)
	}
	if info.Kind != sdk.KindTransport || !infoName.MatchString(info.Name) || info.Version == "" {
		t.failf(RuleDescribes, nil, "Info has kind %q, name %q, version %q", info.Kind, info.Name, info.Version)
	}
	if major(info.APIVersion) != major(sdk.APIVersion) {
		t.failf(RuleDescribes, nil, "Info says API version %q, this is %q", info.APIVersion, sdk.APIVersion)
	}
	other := t.placement.New()
	for _, options := range []string{`{"no_such_option_of_any_plugin":1}`, `[]`, `{`} {
		if _, faults := other.Configure([]byte(options)); len(faults) == 0 {
			t.failf(RuleDescribes, nil, "Configure takes %s without a fault", options)
		}
	}
	first, _ := other.Configure(t.suite.Options)
	second, faults := other.Configure(t.suite.Options)
	if len(faults) > 0 || !reflect.DeepEqual(first, second) {
		t.failf(RuleDescribes, nil, "Configure, called again with the same options, returns %+v and %v, before %+v", second, faults, first)
	}
	if len(first.Listen) == 0 {
		t.failf(RuleDescribes, nil, "Setup.Listen is empty: the runtime cannot know what is exposed")
	}
	for _, e := range t.endpoints {
		if u, err := url.Parse(e.URL); err != nil || u.Scheme == "" || u.Port() == "0" {
			t.failf(RuleEndpoints, nil, "endpoint %q is no URL with a real port", e.URL)
		}
	}
}

func major(version string) string {
	number, _, _ := strings.Cut(version, ".")
	return number
}

// listens tries Listen and StopListening.
func (t *trial) listens() {
	early := t.dialSoon(Dial{})
	if !t.stays(func() bool { return len(t.host.conns) == 0 }) {
		t.failf(RuleListen, nil, "Connect came before CommandListen")
	}
	t.listen(sdk.Listen{})
	d, err := early()
	t.supported(err, "open", nil)
	t.connected(d)
	t.accept(d, sdk.Accept{Owner: 0})
	t.attached(d)
	for l := range sdk.Loop(t.suite.Loops) {
		t.host.Turn(l, func() { t.command(l, sdk.Command{Kind: sdk.CommandStopListening}) })
	}
	t.cross()
	late := t.dialSoon(Dial{})
	if !t.stays(func() bool { return len(t.host.conns) == 1 }) {
		t.failf(RuleListen, nil, "Connect came after CommandStopListening")
	}
	t.host.Turn(0, func() { t.deliver(0, push{to: []*device{d}}) })
	t.verify(d)
	d.cut()
	t.close()
	_, _ = late() // It may have failed or not, but now it has ended.
}

// strangers tries the bounds on connections that do not say who they are.
func (t *trial) strangers() {
	const most = 2
	t.listen(sdk.Listen{MaxUnauthenticated: most, ConnectTimeout: 5 * time.Second})
	all := 3*most*t.suite.Loops + most
	var silent []*device
	refused := 0
	for range all {
		if d, err := t.tryDial(Dial{Silent: true}); err != nil {
			refused++
		} else {
			silent = append(silent, d)
		}
	}
	ended := func() int {
		n := refused
		for _, d := range silent {
			if d.sawLocked(Closed) != nil {
				n++
			}
		}
		return n
	}
	if least := all - most*t.suite.Loops; !t.await(func() bool { return ended() >= least }) {
		t.failf(RuleStrangers, nil, "of %d silent connections %d were closed at once; with MaxUnauthenticated %d on each of %d loops at least %d have to be", all, ended(), most, t.suite.Loops, least)
	}
	if t.host.direct && !t.lacks(HostTime) {
		for range 12 {
			t.host.Advance(time.Second)
		}
		if !t.await(func() bool { return ended() == all }) {
			t.failf(RuleStrangers, nil, "12 s after, with a ConnectTimeout of 5 s, %d of %d silent connections live", all-ended(), all)
		}
		t.session(0)
	}
	t.host.mu.Lock()
	defer t.host.mu.Unlock()
	for _, e := range t.host.events {
		if c := t.host.conns[e.Event.Conn]; c.device == nil {
			t.host.failLocked(RuleStrangers, c, "a connection that asked for nothing emitted %s", describeEvent(&e.Event))
		}
	}
}

// connects tries what Connect carries.
func (t *trial) connects() {
	want := Dial{Platform: "kit", Groups: []string{"g1", "g2"}, Codecs: []string{"zstd", "snappy"}, KeepAlive: 45 * time.Second, Window: 77}
	if !t.lacks(Resumes) {
		want.Resume = &sdk.Resume{Token: []byte("an earlier token"), Epoch: 3, Seq: 17}
	}
	d := t.connect(want)
	got := d.conn.connect
	for _, f := range []struct {
		lack      Ability
		name      string
		got, want any
	}{
		{Platforms, "Platform", got.Platform, want.Platform},
		{OpenGroups, "Groups", got.Groups, want.Groups},
		{Codecs, "Codecs", got.Codecs, want.Codecs},
		{KeepAlives, "KeepAlive", got.KeepAlive, want.KeepAlive},
		{Windows, "Window", got.Window, want.Window},
		{Resumes, "Resume", got.Resume, want.Resume},
	} {
		if !t.lacks(f.lack) && !reflect.DeepEqual(f.got, f.want) {
			t.failf(RuleConnectWhole, d.conn, "Connect.%s is %v, the device said %v", f.name, f.got, f.want)
		}
	}
	for _, name := range []string{sdk.MetaTransport, sdk.MetaPeer} {
		if !slices.ContainsFunc(got.Meta, func(m sdk.Meta) bool { return m.Name == name && m.Value != "" }) {
			t.failf(RuleConnectWhole, d.conn, "Connect.Meta has no %q", name)
		}
	}
}

// attaches tries Accept for each loop, from whatever loop accepts.
func (t *trial) attaches() {
	const each = 6
	for l := range sdk.Loop(t.suite.Loops) {
		for range each {
			d := t.session(l)
			if len(t.host.Failures()) > 0 {
				return // It is not where it should be.
			}
			t.host.Turn(l, func() { t.deliver(l, push{to: []*device{d}}, push{to: []*device{d}, fast: true}) })
			if !t.lacks(Acks) {
				t.verify(d)
				d.ack(1)
				t.coversAll(d)
			}
		}
	}
	for _, d := range t.devices {
		t.verify(d)
	}
}

// unread tries that a connection is left alone until Attached.
func (t *trial) unread() {
	for l := range sdk.Loop(t.suite.Loops) {
		d := t.connect(Dial{})
		for range 5 {
			d.send()
		}
		if !t.stays(func() bool { return len(d.conn.events) == 1 }) {
			return // The host has said it.
		}
		t.accept(d, sdk.Accept{Owner: l})
		t.attached(d)
		d.send()
		t.verifyUplinks(d, RuleUnread)
	}
}
