package rig

import (
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/postern-dev/postern/test/kit/freeport"
	"github.com/postern-dev/postern/test/kit/oauthtest"
)

// A Server is one Postern server: one or more processes of postern dev with the same
// settings, behind one origin.
type Server struct {
	// URL is the issuer, MCP the URL a person pastes into a client.
	URL, MCP string
	// Witness sees all that passes the front.
	Witness *Witness

	t         testing.TB
	options   Options
	transport http.RoundTripper // nil where the front sees the requests
	program   string
	front     *front
	served    Served // for StartServed

	mu        sync.Mutex
	replicas  []*Process
	addresses []string // host:port of each replica, "" if it does not run
	logs      []*Log
}

// Options are what differs between servers. The zero value is a server as the README
// starts it: embedded store, development sign-in, anyone may enter.
type Options struct {
	Replicas int               // 0 means 1
	Data     string            // directory of records and keys; empty means a fresh one
	Settings map[string]string // environment, over the defaults
	Bare     bool              // without even ISSUER_URL, as README.md starts it
	Args     []string          // flags beyond --listen and --data
}

// Start builds postern if need be and starts a server. When the test ends it is asked to
// stop, and its logs are searched for every secret that passed.
func Start(t testing.TB, o Options) *Server {
	t.Helper()
	if o.Data == "" {
		o.Data = t.TempDir()
	}
	o.Replicas = max(o.Replicas, 1)
	s := &Server{t: t, options: o, program: Program(t, "cmd/postern"), Witness: NewWitness()}
	s.front = newFront(t, s.Witness)
	s.URL, s.MCP = s.front.url, s.front.url+"/mcp"
	s.replicas, s.addresses = make([]*Process, o.Replicas), make([]string, o.Replicas)
	t.Cleanup(s.finish)
	s.Restart()
	return s
}

// Restart starts every process that does not run.
func (s *Server) Restart() {
	s.t.Helper()
	for i := range s.replicas {
		if s.addresses[i] == "" {
			s.StartReplica(i)
		}
	}
}

// StartReplica starts one process on a free port and waits until it listens.
func (s *Server) StartReplica(i int) {
	s.t.Helper()
	if err := s.TryStartReplica(i); err != nil {
		s.t.Fatal(err)
	}
}

var (
	welcome = regexp.MustCompile(`MCP URL: (\S+)`)
	inUse   = regexp.MustCompile(`address already in use`)
)

// TryStartReplica is StartReplica for goroutines, which may not start the same one twice
// at a time.
func (s *Server) TryStartReplica(i int) error {
	for {
		address, err := freeport.Address()
		if err != nil {
			return err
		}
		p, err := s.launch(i, address)
		if err != nil {
			return err
		}
		if _, err = p.Says(s.t.Context(), welcome); err == nil {
			s.came(i, p, address)
			return nil
		}
		p.Kill()
		if !inUse.MatchString(p.Log.String()) { // somebody was quicker to take the port
			return err
		}
	}
}

func (s *Server) launch(i int, address string) (*Process, error) {
	settings := map[string]string{}
	if !s.options.Bare {
		settings["ISSUER_URL"] = s.URL
	}
	maps.Copy(settings, s.options.Settings)
	p, err := start(s.t, Command{
		Name: fmt.Sprintf("postern-%d-%s", i+1, address[strings.LastIndexByte(address, ':')+1:]),
		Path: s.program, Env: settings, Dir: s.options.Data,
		Args: append([]string{"dev", "--listen", address, "--data", s.options.Data}, s.options.Args...),
	})
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.replicas[i], s.logs = p, append(s.logs, p.Log)
	return p, nil
}

func (s *Server) came(i int, p *Process, address string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.replicas[i], s.addresses[i] = p, address
	s.route()
}

// KillReplica is kill -9 of one process.
func (s *Server) KillReplica(i int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.addresses[i] == "" {
		return
	}
	s.replicas[i].Kill()
	s.addresses[i] = ""
	s.route()
}

// Kill is kill -9 of every process.
func (s *Server) Kill() {
	for i := range s.replicas {
		s.KillReplica(i)
	}
}

// route tells the front who is there. The caller holds mu.
func (s *Server) route() {
	s.front.set(slices.DeleteFunc(slices.Clone(s.addresses), func(a string) bool { return a == "" }))
}

// Elsewhere lets another program at an address (host:port) answer at the origin, until the
// next process is started or killed.
func (s *Server) Elsewhere(address string) { s.front.set([]string{address}) }

// Browser returns a person's browser that ends its walk at the URL prefix stop.
func (s *Server) Browser(stop string) *oauthtest.Browser {
	b := oauthtest.NewBrowser(stop, s.served.Hosts...)
	b.Transport = s.Witness.Tap()
	return b
}

// Client returns an HTTP client that does not follow redirects.
func (s *Server) Client() *http.Client {
	here := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &http.Client{Timeout: Patience, Transport: s.transport, CheckRedirect: here}
}

func (s *Server) finish() {
	for _, p := range s.replicas {
		if p != nil {
			p.Stop()
		}
	}
	s.rememberKeys()
	s.Witness.CheckLogs(s.t, s.logs...)
	if s.t.Failed() {
		for _, log := range s.logs {
			s.t.Logf("log of postern:\n%s", log.Tail(3000))
		}
	}
}

// rememberKeys makes the rings secrets to look for: each Fernet key, each private part.
func (s *Server) rememberKeys() {
	files, _ := filepath.Glob(filepath.Join(s.options.Data, "keys", "*"))
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil || strings.HasPrefix(filepath.Base(name), "verification") {
			continue
		}
		if strings.HasPrefix(filepath.Base(name), "fernet") {
			s.Witness.Remember(strings.Fields(string(data))...)
			continue
		}
		for _, m := range privatePart.FindAllStringSubmatch(string(data), -1) {
			s.Witness.Remember(m[1])
		}
	}
}

var privatePart = regexp.MustCompile(`"d"\s*:\s*"([^"]+)"`)

// LogText is the log of all processes so far.
func (s *Server) LogText() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all strings.Builder
	for _, log := range s.logs {
		all.WriteString(log.String())
	}
	return all.String()
}

// Data is the directory of the records and keys.
func (s *Server) Data() string { return s.options.Data }

// Replica returns the origin of one process, behind the front's back.
func (s *Server) Replica(i int) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return "http://" + s.addresses[i]
}
