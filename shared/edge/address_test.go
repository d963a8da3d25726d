package edge_test

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"

	"github.com/postern-dev/postern/shared/edge"
)

const proof = "0b3f6c1e-6d0f-4f6e-9a53-2f1c7d9e8a41"

// proxy forwards to a server what change makes of a request.
func proxy(t *testing.T, to *httptest.Server, change func(*httputil.ProxyRequest)) *httptest.Server {
	t.Helper()
	u, err := url.Parse(to.URL)
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(u)
		change(r)
	}})
	t.Cleanup(s.Close)
	return s
}

// forwarded adds an address to what X-Forwarded-For has.
func forwarded(r *httputil.ProxyRequest, address string) {
	sent := append(r.In.Header.Values("X-Forwarded-For"), address)
	r.Out.Header.Set("X-Forwarded-For", strings.Join(sent, ", "))
}

// Nobody chooses the address that limits count for: through the load balancer it is the load balancer's
// word, and around it, at the gateway's own host, what the gateway saw (HT-01).
func TestTheAddressIsTheLoadBalancersWordOrTheGateways(t *testing.T) {
	t.Parallel()
	var got string
	d := deployment(t)
	d.ForwardedForHops = 2
	var err error
	if d.LoadBalancer, err = edge.ParseProof(proof); err != nil {
		t.Fatal(err)
	}
	read := func(_ http.ResponseWriter, r *http.Request) {
		got = edge.ClientKey(r) + strings.Join(r.Header.Values(edge.LoadBalancerHeader), ",")
	}
	function := httptest.NewServer(edge.Wrap(edge.Everything(http.HandlerFunc(read)), edge.Options{Deployment: d}))
	defer function.Close()
	const aroundIt, egress = "198.51.100.7", "192.0.2.1"
	gateway := proxy(t, function, func(r *httputil.ProxyRequest) {
		forwarded(r, aroundIt)
		forwarded(&httputil.ProxyRequest{In: r.Out, Out: r.Out}, egress)
	})
	const caller = "203.0.113.9"
	balancer := proxy(t, gateway, func(r *httputil.ProxyRequest) {
		forwarded(r, caller)
		r.Out.Header.Set(edge.LoadBalancerHeader, proof+" "+caller)
	})
	// One that adds its header to what a caller sent, and one that calls over IPv6.
	adding := proxy(t, gateway, func(r *httputil.ProxyRequest) {
		r.Out.Header.Add(edge.LoadBalancerHeader, proof+" "+caller)
	})
	modern := proxy(t, gateway, func(r *httputil.ProxyRequest) {
		r.Out.Header.Set(edge.LoadBalancerHeader, proof+" 2001:db8::1")
	})
	for _, c := range []struct {
		claim, url, sent, want string
	}{
		{"through it", balancer.URL, "", caller},
		{"through it, with a forged header", balancer.URL, "x 6.6.6.6", caller},
		{"through one that adds", adding.URL, "x 6.6.6.6", caller},
		{"through it over IPv6", modern.URL, "", "2001:db8::/64"},
		{"around it", gateway.URL, "", aroundIt},
		{"around it, with an address", gateway.URL, "6.6.6.6", aroundIt},
		{"around it, with another proof", gateway.URL, strings.Repeat("0", len(proof)) + " 6.6.6.6", aroundIt},
		{"around it, without a proof", gateway.URL, " 6.6.6.6", aroundIt},
	} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, c.url, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("X-Forwarded-For", "6.6.6.6, 6.6.6.7, 6.6.6.8")
		if c.sent != "" {
			r.Header.Set(edge.LoadBalancerHeader, c.sent)
		}
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if got != c.want {
			t.Errorf("%s: got %s, want %s", c.claim, got, c.want)
		}
	}
}

// Where no proof is set nobody has one, and one that can be guessed does not count.
func TestAProofIsSetAndLong(t *testing.T) {
	t.Parallel()
	var got string
	serve(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = edge.ClientKey(r) }),
		edge.Options{Deployment: deployment(t)}, "GET", "/", "", edge.LoadBalancerHeader+":  6.6.6.6")
	if got != "192.0.2.1" {
		t.Errorf("without a proof: got %s, want the address of the connection", got)
	}
	for _, s := range []string{
		"", "short", strings.Repeat("a", 31), strings.Repeat("a b", 20), strings.Repeat("a,b", 20),
	} {
		if _, err := edge.ParseProof(s); err == nil {
			t.Errorf("%q was taken for a proof", s)
		}
	}
}
