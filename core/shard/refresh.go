package shard

import (
	"github.com/pushcore/pushcore/core/session"
	"github.com/pushcore/pushcore/sdk"
	"github.com/pushcore/pushcore/sdk/wire"
)

// refresh has new credentials of a session checked.
func (s *Shard) refresh(ses *session.Session, c *sdk.Credentials) {
	if ses.Refreshing || c == nil { // One at a time, each with its answer.
		code := wire.CodeRateExceeded
		s.command(ses.Plugin, sdk.Command{
			Kind: sdk.CommandRefreshResult, Conn: ses.Conn, Code: uint16(code), Text: "an earlier one is being checked", Expires: ses.Expires})
		return
	}
	ses.Refreshing = true
	s.effects.Auth = append(s.effects.Auth, AuthRequest{
		Loop: s.cfg.ID, Plugin: ses.Plugin, Conn: ses.Conn, Refresh: true, User: ses.User.ID,
		Connect: cloneConnect(&sdk.Connect{Credentials: *c, User: ses.User.ID, Device: ses.Device, Platform: ses.Platform}),
	})
}

// refreshed takes the answer; credentials that are refused leave the old ones in
// force until they expire.
func (s *Shard) refreshed(key connKey, r *AuthResult) {
	ses := s.conns[key]
	if ses == nil {
		return
	}
	ses.Refreshing = false
	if r.Code == 0 {
		ses.Expires = r.Expires
		s.keepAnew(ses)
	}
	s.command(key.plugin, sdk.Command{
		Kind: sdk.CommandRefreshResult, Conn: key.conn, Code: r.Code, Text: r.Text, Expires: ses.Expires})
	s.arm(ses)
}
