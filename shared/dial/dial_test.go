package dial

import (
	"errors"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/postern-dev/postern/test/kit/dialtest"
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
		if got := Public(netip.MustParseAddr(address)); got != want {
			t.Errorf("%s: got public %t, want %t", address, got, want)
		}
	}
	if Public(netip.Addr{}) {
		t.Error("no address: got public")
	}
}

// What counts is the address that is dialled (SF-01, SF-02). A name that was public a moment ago
// does not lead to this machine now, and nothing is resolved twice.
func TestTheAddressThatIsDialledIsChecked(t *testing.T) {
	t.Parallel()
	port, met := dialtest.Sentinel(t)
	resolver, asked := dialtest.Resolver(t, "127.0.0.1", "192.0.2.1")
	dialer := &net.Dialer{Timeout: time.Minute, Control: Guard(Public), Resolver: resolver}
	for _, host := range []string{"rebound.example.com", "localhost", "127.0.0.1"} {
		for range 2 {
			before := asked.Load()
			c, err := dialer.DialContext(t.Context(), "tcp", net.JoinHostPort(host, port))
			if err == nil {
				c.Close()
			}
			if !errors.Is(err, ErrBlocked) {
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
		if got := Loopback(netip.MustParseAddr(address)); got != want {
			t.Errorf("%s: got %t, want %t", address, got, want)
		}
	}
}

// An organisation's own networks may be allowed; this machine, links and metadata servers may not.
func TestPrivateIsAnOrganisationsNetworkAndNoMore(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]bool{
		"8.8.8.8": true, "10.1.2.3": true, "172.16.0.1": true, "192.168.1.1": true, "100.64.0.1": true,
		"fd12:3456::1": true, "2606:4700::1111": true, "::ffff:10.0.0.1": true,
		"127.0.0.1": false, "::1": false, "0.0.0.0": false, "169.254.169.254": false, "fe80::1": false,
		"fd00:ec2::254": false, "fd20:ce::254": false, "100.100.100.200": false, "224.0.0.1": false,
		"::ffff:127.0.0.1": false, "64:ff9b::a00:1": false, "2002:a00:1::1": false, "fd12:3456::1%eth0": false,
		"fd12::5efe:a00:1": false,
	} {
		if got := Private(netip.MustParseAddr(address)); got != want {
			t.Errorf("%s: got private %t, want %t", address, got, want)
		}
	}
}
