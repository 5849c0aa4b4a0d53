package memory

import (
	"cmp"
	"slices"

	"github.com/pushcore/pushcore/core/store"
)

// user is what is stored of one user.
type user struct {
	name     string
	devices  []store.Device
	groups   []string
	messages []*stored // by order
	bytes    int       // of messages
	pairs    int

	// collapse has the messages with a collapse key, by key.
	collapse map[string][]*stored
}

func (u *user) carried() store.Carried {
	return store.Carried{
		User: u.name, Devices: slices.Clone(u.devices), Groups: slices.Clone(u.groups),
		Pairs: u.pairs, Messages: len(u.messages), Bytes: u.bytes,
	}
}

// find returns where a message of an order stands, or would stand.
func (u *user) find(order uint64) (at int, found bool) {
	return slices.BinarySearchFunc(u.messages, order, func(m *stored, order uint64) int {
		return cmp.Compare(m.order, order)
	})
}

func (u *user) has(order uint64) bool {
	_, found := u.find(order)
	return found
}

func (u *user) putDevice(device store.Device) {
	at := slices.IndexFunc(u.devices, func(o store.Device) bool { return o.ID == device.ID })
	if at < 0 {
		u.devices = append(u.devices, device)
		return
	}
	u.devices[at] = device
}

// forgetDevice removes a device and ends what is stored for it.
func (d *data) forgetDevice(op *store.Op) (removed []store.Pair) {
	u := d.users[op.User]
	if u == nil {
		return nil
	}
	u.devices = slices.DeleteFunc(u.devices, func(o store.Device) bool { return o.ID == op.Device })
	only := []store.Receiver{{Device: op.Device}}
	for _, m := range slices.Clone(u.messages) {
		removed = append(removed, d.end(m, only, op.Fate, op.Reason)...)
	}
	d.forgetEmpty(u)
	return removed
}

// eraseUser removes all there is of a user.
func (d *data) eraseUser(op *store.Op) (removed []store.Pair) {
	u := d.users[op.User]
	if u == nil {
		return nil
	}
	for _, m := range slices.Clone(u.messages) {
		removed = append(removed, d.end(m, nil, op.Fate, op.Reason)...)
	}
	for _, group := range slices.Clone(u.groups) {
		d.removeMember(u.name, group)
	}
	delete(d.users, op.User)
	return removed
}

func (d *data) putMember(op *store.Op) {
	u := d.makeUser(op.User)
	if slices.Contains(u.groups, op.Group) {
		return
	}
	u.groups = append(u.groups, op.Group)
	members := d.groups[op.Group]
	if members == nil {
		members = map[*user]struct{}{}
		d.groups[op.Group] = members
	}
	members[u] = struct{}{}
}

func (d *data) removeMember(name, group string) {
	u := d.users[name]
	if u == nil {
		return
	}
	u.groups = slices.DeleteFunc(u.groups, func(o string) bool { return o == group })
	delete(d.groups[group], u)
	if len(d.groups[group]) == 0 {
		delete(d.groups, group)
	}
	d.forgetEmpty(u)
}
