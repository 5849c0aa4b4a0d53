package sdk

// Sharer is an optional interface of a Host: a transport that can share its
// addresses asks for it in Open and AdoptListeners.
type Sharer interface {
	// Shared says that other processes of the instance listen on the same
	// addresses: each binds them so that the system spreads connections over all
	// (SO_REUSEPORT), and finding an address in use is no error. It is constant.
	Shared() bool
}
