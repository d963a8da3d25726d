package cimd

import (
	"context"
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"sync/atomic"
	"testing"
	"time"
)

// No address of a special-use range is dialled, in any form in which IPv6 carries IPv4 (SF-01,
// SF-03, G3, CIM-11).
func TestOnlyPublicUnicastIsDialled(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]bool{
		"8.8.8.8": true, "1.1.1.1": true, "172.15.255.255": true, "172.32.0.0": true, "100.63.255.255": true,
		"100.128.0.0": true, "198.17.255.255": true, "223.255.255.255": true, "2606:4700::1111": true,
		"2a00:1450:4001::200e": true, "2001:4860:4860::8888": true, "::ffff:8.8.8.8": true,
		"64:ff9b::808:808": true,

		"0.0.0.0": false, "0.1.2.3": false, "10.0.0.1": false, "100.64.0.1": false, "100.100.100.200": false,
		"127.0.0.1": false, "127.255.255.254": false, "169.254.169.254": false, "172.16.0.1": false,
		"172.31.255.255": false, "192.0.0.8": false, "192.0.2.1": false, "192.31.196.1": false,
		"192.52.193.1": false, "192.88.99.1": false, "192.168.1.1": false, "192.175.48.1": false,
		"198.18.0.1": false, "198.19.255.255": false, "198.51.100.1": false, "203.0.113.1": false,
		"224.0.0.1": false, "239.255.255.255": false, "240.0.0.1": false, "255.255.255.255": false,

		"::": false, "::1": false, "::127.0.0.1": false, "::8.8.8.8": false, // compatible
		"::ffff:127.0.0.1": false, "::ffff:10.0.0.1": false, "::ffff:169.254.169.254": false, // mapped
		"::ffff:0:127.0.0.1": false, "::ffff:0:8.8.8.8": false, // translated
		"64:ff9b::7f00:1": false, "64:ff9b::a9fe:a9fe": false,
		"64:ff9b::a00:1": false, "64:ff9b:1::808:808": false, // NAT64
		"2002:7f00:1::": false, "2002:a00:1::1": false, "2002:808:808::1": false, // 6to4
		"2001:0:53aa:64c:0:0:80ff:fffe": false, "2001:0:808:808::": false, // Teredo
		"2606:4700::5efe:7f00:1": false, "2606:4700::200:5efe:a00:1": false, // ISATAP
		"100::1": false, "100:0:0:1::1": false, "2001:2::1": false, "2001:10::1": false, "2001:20::1": false,
		"2001:db8::1": false, "2620:4f:8000::1": false, "3fff::1": false, "5f00::1": false, "fc00::1": false,
		"fd00:ec2::254": false, "fe80::1": false, "fe80::1%eth0": false, "fec0::1": false, "ff02::1": false,
		"2606:4700::1111%eth0": false,
	} {
		if got := public(netip.MustParseAddr(address)); got != want {
			t.Errorf("%s: got public %t, want %t", address, got, want)
		}
	}
	if public(netip.Addr{}) {
		t.Error("no address: got public")
	}
}

// A sentinel counts connections to a port of this machine.
func sentinel(t *testing.T) (port string, met *atomic.Int64) {
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

// names is a resolver whose name server answers every question of an IPv4 address with
// the next of addresses, and of an IPv6 one with none. asked counts the former.
func names(t *testing.T, addresses ...string) (r *net.Resolver, asked *atomic.Int64) {
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

// What counts is the address that is dialled (SF-01, SF-02). A name that was public a moment ago
// does not lead to this machine now, and nothing is resolved twice.
func TestTheAddressThatIsDialledIsChecked(t *testing.T) {
	t.Parallel()
	port, met := sentinel(t)
	resolver, asked := names(t, "127.0.0.1", "192.0.2.1")
	dialer := &net.Dialer{Timeout: time.Minute, Control: guard(public), Resolver: resolver}
	for _, host := range []string{"rebound.example.com", "localhost", "127.0.0.1"} {
		for range 2 {
			before := asked.Load()
			c, err := dialer.DialContext(t.Context(), "tcp", net.JoinHostPort(host, port))
			if err == nil {
				c.Close()
			}
			if !errors.Is(err, errBlocked) {
				t.Errorf("%s: got %v, want it blocked", host, err)
			}
			if n := asked.Load() - before; n > 1 {
				t.Errorf("%s: got %d resolutions, want one", host, n)
			}
		}
	}
	if met.Load() != 0 {
		t.Errorf("got %d connections to this machine, want none", met.Load())
	}
}

// For a client on our own machine nothing but this machine is dialled (CIM-11).
func TestLocalClientsLeadNowhereElse(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]bool{
		"127.0.0.1": true, "::1": true, "::ffff:127.0.0.1": true, "10.0.0.1": false, "169.254.169.254": false,
		"8.8.8.8": false,
	} {
		if got := loopback(netip.MustParseAddr(address)); got != want {
			t.Errorf("%s: got %t, want %t", address, got, want)
		}
	}
}
