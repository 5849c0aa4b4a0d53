package ring

import "encoding/binary"

// AppendKey appends the key of a user to dst and returns it: the tenant, its
// length before it, then the user. No two pairs share a key. While there are
// no tenants, tenant is empty.
func AppendKey(dst []byte, tenant, user string) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(tenant)))
	dst = append(dst, tenant...)
	return append(dst, user...)
}

// appendLabel appends what the hash of a node's point is taken of.
func appendLabel(dst []byte, name string, replica int) []byte {
	dst = append(dst, name...)
	return binary.BigEndian.AppendUint32(dst, uint32(replica))
}
