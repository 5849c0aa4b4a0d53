package disk

import (
	"github.com/pushcore/pushcore/core/store"
)

func (d *data) putDevice(op *store.Op) {
	d.set(deviceKey(d.key[:0], op.User, op.Device), appendTime(appendText(begin(d.value), op.Platform), op.Seen))
}

func (c *content) device(id string) store.Device {
	return store.Device{ID: id, Platform: c.text(), Seen: c.time()}
}

// forgetDevice removes a device and ends what is stored for it.
func (d *data) forgetDevice(op *store.Op, a *store.Answer) error {
	d.delete(deviceKey(d.key[:0], op.User, op.Device))
	u := d.users[op.User]
	if u == nil {
		return nil
	}
	only := []store.Receiver{{Device: op.Device}}
	return d.eachEntry(u, 0, func(e *entry) (bool, error) {
		return true, d.end(e, only, op.Fate, op.Reason, a)
	})
}

// eraseUser removes all there is of a user.
func (d *data) eraseUser(op *store.Op, a *store.Answer) error {
	if u := d.users[op.User]; u != nil {
		err := d.eachEntry(u, 0, func(e *entry) (bool, error) {
			if err := d.readOrStandIn(e); err != nil {
				return false, err
			}
			return true, d.end(e, nil, op.Fate, op.Reason, a)
		})
		if err != nil {
			return err
		}
	}
	from := userKey(nil, keyUser, op.User)
	return d.scan(from, end(from), func(key []byte, _ *content) (bool, error) {
		if p := parse(key, len(from)); p.octet() == userMember {
			d.delete(memberOf(d.key[:0], op.User, string(p.rest)))
		}
		d.delete(key)
		return true, nil
	})
}

func (d *data) putMember(user, group string) {
	d.mark(memberKey(d.key[:0], user, group))
	d.mark(memberOf(d.key[:0], user, group))
}

func (d *data) removeMember(user, group string) {
	d.delete(memberKey(d.key[:0], user, group))
	d.delete(memberOf(d.key[:0], user, group))
}

// memberOf is the key of a membership in the index by group.
func memberOf(k []byte, user, group string) []byte {
	return appendUser(groupKey(k, keyGroup, group), user)
}

// dissolve removes the memberships in a group, its history and its position.
func (d *data) dissolve(group string) error {
	from := groupKey(nil, keyGroup, group)
	err := d.scan(from, end(from), func(key []byte, _ *content) (bool, error) {
		p := parse(key, len(from))
		user := p.user()
		if p.bad {
			return false, damaged(key, "it is no key")
		}
		d.removeMember(user, group)
		return true, nil
	})
	if err != nil {
		return err
	}
	return d.forgetHistory(group)
}
