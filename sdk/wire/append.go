package wire

import "encoding/binary"

// appendBytes appends a length and the bytes.
func appendBytes[T string | []byte](dst []byte, v T) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(v))), v...)
}

// appendList appends a count and the texts.
func appendList(dst []byte, list []string) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(list)))
	for _, v := range list {
		dst = appendBytes(dst, v)
	}
	return dst
}

// flagBit returns bit if set.
func flagBit(set bool, bit byte) byte {
	if set {
		return bit
	}
	return 0
}
