package edge_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/postern-dev/postern/shared/edge"
)

// behindBalancer is an endpoint that only the load balancer may call. It says whose request it is, and its
// errors are no JSON.
func behindBalancer(t *testing.T) (*edge.Mux, edge.Options) {
	t.Helper()
	d := deployment(t)
	d.LoadBalancerOnly, d.ForwardedForHops = true, 2
	var err error
	if d.LoadBalancer, err = edge.ParseProof(proof); err != nil {
		t.Fatal(err)
	}
	mux := edge.NewMux()
	mux.Handle("POST", "/token", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write([]byte(edge.ClientKey(r) + " " + r.Header.Get("Authorization")))
	}))
	page := func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusTeapot) }
	return mux, edge.Options{Deployment: d, Answers: edge.Answers{Error: page}}
}

// A request around the load balancer, of another one in the project or from inside, is refused whatever
// it asks and however its endpoint speaks, and reads where to go (HT-10).
func TestAroundTheLoadBalancerNothingIsServed(t *testing.T) {
	t.Parallel()
	mux, o := behindBalancer(t)
	for _, target := range []string{
		"POST /token", "GET /token", "OPTIONS /token", "GET /nothing", "POST //token", "GET http://other.example/token",
	} {
		for _, header := range []string{
			"", "X-Postern-Load-Balancer: 203.0.113.9", "X-Postern-Load-Balancer: " + proof[:32] + " 203.0.113.9",
			"X-Postern-Load-Balancer: " + proof + ",", "X-Postern-Load-Balancer: " + proof + "x 203.0.113.9",
		} {
			method, path, _ := strings.Cut(target, " ")
			w := serve(mux, o, method, path, "a=b", header)
			if w.Code != http.StatusForbidden {
				t.Errorf("%s with %q: got %d, want 403", target, header, w.Code)
				continue
			}
			if code, description, id := errorOf(t, w); code != "access_denied" || id == "" ||
				!strings.HasSuffix(description, "use https://auth.example.com") {
				t.Errorf("%s with %q: got %s", target, header, w.Body)
			}
		}
	}
}

// The load balancer's word has the caller's address, and Authorization the client's credential; what a client
// sends under the names of a gateway counts for nothing.
func TestThroughTheLoadBalancerTheCredentialIsInAuthorization(t *testing.T) {
	t.Parallel()
	mux, o := behindBalancer(t)
	const balancer = "X-Postern-Load-Balancer: " + proof
	for _, c := range []struct {
		headers []string
		want    string
	}{
		{[]string{balancer + " 203.0.113.9", "Authorization: Bearer a"}, "203.0.113.9 Bearer a"},
		{[]string{balancer + " 203.0.113.9", "X-Forwarded-Authorization: Bearer b"}, "203.0.113.9 "},
		{[]string{balancer + " 203.0.113.9", "X-Serverless-Authorization: Bearer c"}, "203.0.113.9 "},
		{[]string{balancer + " 203.0.113.9", "X-Forwarded-For: 6.6.6.6, 6.6.6.7"}, "203.0.113.9 "},
		// Without a word about its caller, the load balancer's entry beside its own address counts.
		{[]string{balancer, "X-Forwarded-For: 6.6.6.6, 203.0.113.9, 198.51.100.1"}, "203.0.113.9 "},
	} {
		w := serve(mux, o, "POST", "/token", "", c.headers...)
		if w.Code != http.StatusOK || w.Body.String() != c.want {
			t.Errorf("%q: got %d %q, want %q", c.headers, w.Code, w.Body, c.want)
		}
	}
}

// Whoever prints or logs what a function was told of its front does not tell the proof (LG-01).
func TestAProofIsNotPrinted(t *testing.T) {
	t.Parallel()
	_, o := behindBalancer(t)
	var text, lines strings.Builder
	for _, format := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
		_, _ = fmt.Fprintf(&text, format+format, o.LoadBalancer, o.Deployment)
	}
	slog.New(slog.NewTextHandler(&lines, nil)).Info("front", "deployment", o.Deployment, "proof", o.LoadBalancer)
	slog.New(slog.NewJSONHandler(&lines, nil)).Info("front", "deployment", o.Deployment, "proof", o.LoadBalancer)
	if said := text.String() + lines.String(); strings.Contains(said, proof) || !strings.Contains(said, "[redacted]") {
		t.Errorf("got %s", said)
	}
}
