package brokers

import (
	"context"
	"errors"
	"net"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
)

// rabbitReady opens a channel in the default virtual host: a node listens only when its queues have been recovered.
func rabbitReady(ctx context.Context, url string) error {
	conn, err := amqp.DialConfig(url, amqp.Config{Dial: func(network, addr string) (net.Conn, error) {
		var dialer net.Dialer
		conn, err := dialer.DialContext(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		deadline, _ := ctx.Deadline() // Covers the handshake, after which the library clears it.
		return conn, conn.SetDeadline(deadline)
	}})
	if err != nil {
		return err
	}
	if _, err := conn.Channel(); err != nil {
		return errors.Join(err, conn.CloseDeadline(time.Now().Add(time.Second)))
	}
	return conn.CloseDeadline(time.Now().Add(readyTimeout))
}
