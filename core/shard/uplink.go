package shard

import (
	"bytes"
	"strings"
	"time"

	"github.com/pushcore/pushcore/core/session"
	"github.com/pushcore/pushcore/sdk"
	"github.com/pushcore/pushcore/sdk/wire"
)

// uplink is a message of a device that waits for the broker.
type uplink struct {
	key   connKey
	id    string
	bytes int
}

// uplink hands a device's message to the broker, or refuses it. The device hears
// that it was taken when the broker has it.
func (s *Shard) uplink(ses *session.Session, e *sdk.Event) {
	if code, retry := s.refuseUplink(ses, e); code != 0 {
		s.uplinkResult(connKey{ses.Plugin, ses.Conn}, e.ID, code, retry)
		return
	}
	token := s.nextToken()
	s.uplinks[token] = uplink{connKey{ses.Plugin, ses.Conn}, e.ID, len(e.Payload)}
	s.upBytes += len(e.Payload)
	s.effects.Publish = append(s.effects.Publish, Publish{
		Loop: s.cfg.ID, Token: token, Output: sdk.OutputUplink,
		Key: []byte(ses.User.ID), Headers: s.uplinkHeaders(ses, e), Body: bytes.Clone(e.Payload),
	})
}

func (s *Shard) refuseUplink(ses *session.Session, e *sdk.Event) (code wire.Code, retry bool) {
	switch {
	case !wire.ValidMessageID(e.ID) || !wire.ValidName(e.Name):
		return wire.CodeBadRequest, false
	case len(e.Payload) > s.cfg.PayloadMax:
		return wire.CodeFrameTooLarge, false
	case s.draining != 0:
		return wire.CodeDraining, true
	case !ses.Uplink.Take(s.now.Mono, s.cfg.UplinkRate):
		return wire.CodeRateExceeded, true
	case len(s.uplinks) >= s.cfg.UplinkQueue.Messages || s.upBytes+len(e.Payload) > s.cfg.UplinkQueue.Bytes:
		return wire.CodeOverloaded, true
	}
	return 0, false
}

func (s *Shard) uplinkHeaders(ses *session.Session, e *sdk.Event) []sdk.Header {
	headers := []sdk.Header{
		{Name: "push-from", Value: []byte(receiverAddress(ses.User.ID, ses.Device))},
		{Name: "push-id", Value: []byte(e.ID)},
		{Name: "push-session", Value: []byte(ses.ID)},
		{Name: "push-at", Value: []byte(s.now.Wall.UTC().Format(time.RFC3339Nano))},
	}
	if e.Name != "" {
		headers = append(headers, sdk.Header{Name: "push-name", Value: []byte(e.Name)})
	}
	if ses.Platform != "" {
		headers = append(headers, sdk.Header{Name: "push-platform", Value: []byte(ses.Platform)})
	}
	for _, h := range e.Headers {
		if !strings.HasPrefix(strings.ToLower(h.Name), "push-") { // Those are the node's word.
			headers = append(headers, sdk.Header{Name: strings.Clone(h.Name), Value: bytes.Clone(h.Value)})
		}
	}
	return headers
}

// uplinked tells the device what became of its message, if the connection is
// still the one it came by; else the device sends it again.
func (s *Shard) uplinked(r *PublishResult) {
	up, found := s.uplinks[r.Token]
	if !found {
		return
	}
	delete(s.uplinks, r.Token)
	s.upBytes -= up.bytes
	switch {
	case r.Err == "":
		s.uplinkResult(up.key, up.id, 0, false)
	case r.Retryable:
		s.uplinkResult(up.key, up.id, wire.CodeUnavailable, true)
	default:
		s.uplinkResult(up.key, up.id, wire.CodeNoRoute, false)
	}
}

func (s *Shard) uplinkResult(key connKey, id string, code wire.Code, retry bool) {
	if s.conns[key] == nil {
		return
	}
	c := sdk.Command{Kind: sdk.CommandUplinkResult, Conn: key.conn, ID: id, Code: uint16(code), Retryable: retry}
	if code != 0 {
		c.Text = code.String()
	}
	s.command(key.plugin, c)
}
