package config

// Bound is a bound in messages and bytes; whichever is reached first holds. One
// message alone is always let through.
type Bound struct {
	// The number of messages.
	Messages int `key:"messages" min:"1" max:"10000000"`
	// The bytes of their payloads.
	Bytes Size `key:"bytes" min:"1KiB" max:"1TiB"`
}
