package sockets

import "testing"

func TestSharedAddressIsBoundByMany(t *testing.T) {
	first, err := bind("127.0.0.1:0", 1, true)
	if err != nil {
		t.Fatal(err)
	}
	defer first.close()
	address := first.address.String()
	second, err := bind(address, 1, true)
	if err != nil {
		t.Fatalf("the second process of an instance: %v", err)
	}
	second.close()
	if e, err := bind(address, 1, false); err == nil {
		e.close()
		t.Error("another node has taken a part of the connections")
	}
}
