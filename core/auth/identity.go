package auth

import (
	"errors"
	"log/slog"
	"time"

	"github.com/pushcore/pushcore/core/shard"
	"github.com/pushcore/pushcore/sdk/wire"
)

// Identity is who credentials prove a device to be. Empty fields are left to
// what the device says in its CONNECT.
type Identity struct {
	User, Device, Platform string
	Groups                 []string
	Expires                time.Time
}

// idBytesMax bounds user, device and group ids.
const idBytesMax = 255

// claimedBy holds the identity against what the device said of itself. Claims of
// the credentials win: what the device says is absent, equal, or about something
// that the credentials leave open.
func (id Identity) claimedBy(r *shard.AuthRequest) (Identity, error) {
	c := r.Connect
	if r.Refresh {
		return id.refreshes(r.User)
	}
	for _, claim := range []struct {
		name   string
		proven *string
		said   string
	}{{"user", &id.User, c.User}, {"device", &id.Device, c.Device}, {"platform", &id.Platform, c.Platform}} {
		switch {
		case *claim.proven == "":
			*claim.proven = claim.said
		case claim.said != "" && claim.said != *claim.proven:
			return id, refuse(wire.CodeClaimsMismatch, claim.name+" in CONNECT is not the one the credentials name")
		}
	}
	if id.User == "" {
		return id, refuse(wire.CodeUnauthorized, "no user: neither the credentials nor CONNECT name one")
	}
	return id, id.checkIDs()
}

// refreshes checks new credentials of a running session.
func (id Identity) refreshes(user string) (Identity, error) {
	if id.User == "" {
		id.User = user
	}
	if id.User != user {
		return id, refuse(wire.CodeClaimsMismatch, "the new credentials are another user's")
	}
	return id, nil
}

func (id Identity) checkIDs() error {
	ids := append([]string{id.User}, id.Groups...)
	if id.Device != "" {
		ids = append(ids, id.Device)
	}
	for _, s := range ids {
		if !wire.ValidID(s) {
			return refuse(wire.CodeBadRequest, "user, device and group ids are 1 to 255 bytes of UTF-8 without control characters")
		}
	}
	if len(id.Platform) > idBytesMax {
		return refuse(wire.CodeBadRequest, "platform is longer than 255 bytes")
	}
	return nil
}

// refusalOf turns an error into what the device is told. Faults of ours or of
// the backend are logged here, for the device cannot mend them.
func refusalOf(err error, log *slog.Logger) (uint16, string) {
	var r refusal
	if errors.As(err, &r) {
		return r.code, r.text
	}
	log.Warn("authentication is not available", "error", err)
	return uint16(wire.CodeAuthUnavailable), "authentication is not available"
}
