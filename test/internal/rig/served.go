package rig

import (
	"context"
	"net"
	"net/http"
	"regexp"
	"testing"
)

// Served says how a server runs as postern serve.
type Served struct {
	// Listen is the address, host:port, and Issuer the origin that clients know.
	Listen, Issuer string
	// Args are flags beyond --listen and --data.
	Args []string
	// Settings is the environment.
	Settings map[string]string
	// Transport leads requests for the issuer to Listen, and others where they go.
	Transport http.RoundTripper
	// Hosts are where a browser may go.
	Hosts []string
}

// StartServed starts postern serve. There is no front of ours, as with StartEmulated.
func StartServed(t testing.TB, o Served) *Server {
	t.Helper()
	s := &Server{
		URL: o.Issuer, MCP: o.Issuer + "/mcp", Witness: NewWitness(),
		t: t, options: Options{Data: t.TempDir()}, program: Program(t, "cmd/postern"), served: o,
	}
	s.transport = s.Witness
	s.Witness.next, s.Witness.pages = o.Transport, o.Transport
	t.Cleanup(s.finish)
	s.Serve()
	return s
}

var listens = regexp.MustCompile(`"postern serve listens"`)

// Serve starts the process of StartServed again, once the one before has ended.
func (s *Server) Serve() *Process {
	s.t.Helper()
	p, err := start(s.t, Command{
		Name: "serve", Path: s.program, Dir: s.options.Data, Env: s.served.Settings,
		Args: append([]string{"serve", "--listen", s.served.Listen, "--data", s.options.Data}, s.served.Args...),
	})
	if err != nil {
		s.t.Fatal(err)
	}
	s.mu.Lock()
	s.replicas, s.logs = []*Process{p}, append(s.logs, p.Log)
	s.mu.Unlock()
	if _, err := p.Says(s.t.Context(), listens); err != nil {
		s.t.Fatal(err)
	}
	return p
}

// Process returns the process that Serve started last.
func (s *Server) Process() *Process {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.replicas[0]
}

// DialInstead returns a transport's dialer that goes to one address for another.
func DialInstead(of, to string) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		if address == of {
			address = to
		}
		return new(net.Dialer).DialContext(ctx, network, address)
	}
}
