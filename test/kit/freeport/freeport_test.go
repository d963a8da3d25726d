package freeport

import (
	"net"
	"testing"
)

// Every address is another, and can be listened on beside the others.
func TestAddressesAreFreeAndDiffer(t *testing.T) {
	t.Parallel()
	all := Addresses(t, 5)
	if len(all) != 5 {
		t.Fatalf("got %v, want five", all)
	}
	for _, address := range all {
		l, err := net.Listen("tcp", address)
		if err != nil {
			t.Errorf("%s: %v", address, err)
			continue
		}
		defer l.Close()
	}
}
