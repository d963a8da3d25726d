// Package dialtest has names that lead where they should not, and a port of this machine that
// notices who follows them.
package dialtest

import (
	"context"
	"encoding/binary"
	"net"
	"net/netip"
	"sync/atomic"
)

// TB is the part of testing.TB that this package uses.
type TB interface {
	Helper()
	Cleanup(func())
	Fatal(args ...any)
}

// Sentinel counts connections to a port of this machine.
func Sentinel(t TB) (port string, met *atomic.Int64) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	met = &atomic.Int64{}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			met.Add(1)
			c.Close()
		}
	}()
	_, port, _ = net.SplitHostPort(l.Addr().String())
	return port, met
}

// Resolver is one whose name server answers every question of an IPv4 address with
// the next of addresses, and of an IPv6 one with none. asked counts the former.
func Resolver(t TB, addresses ...string) (r *net.Resolver, asked *atomic.Int64) {
	t.Helper()
	server, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close() })
	asked = &atomic.Int64{}
	go func() {
		for b := make([]byte, 1500); ; {
			n, from, err := server.ReadFrom(b)
			if err != nil {
				return
			}
			_, _ = server.WriteTo(reply(b[:n], func() netip.Addr {
				return netip.MustParseAddr(addresses[int(asked.Add(1)-1)%len(addresses)])
			}), from)
		}
	}()
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "udp", server.LocalAddr().String())
	}}, asked
}

// reply answers one question (RFC 1035 §4.1).
func reply(query []byte, next func() netip.Addr) []byte {
	end := 12
	for query[end] != 0 {
		end += int(query[end]) + 1
	}
	end += 5
	out := append([]byte(nil), query[:end]...)
	out[2], out[3] = 0x81, 0x80 // an answer, with recursion
	binary.BigEndian.PutUint16(out[6:], 0)
	binary.BigEndian.PutUint32(out[8:], 0)
	if binary.BigEndian.Uint16(query[end-4:]) == 1 { // of type A
		out[7] = 1
		a := next().As4()
		out = append(append(out, 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4), a[:]...)
	}
	return out
}
