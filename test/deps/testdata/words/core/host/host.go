package host

// Serve works over TCP or
// a WebSocket.
const port = "kcp://:0"

var isKafkaSource bool
