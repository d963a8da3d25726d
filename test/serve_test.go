package test

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/postern-dev/postern/test/internal/authority"
	"github.com/postern-dev/postern/test/internal/rig"
	"github.com/postern-dev/postern/test/kit/freeport"
)

const servedHost = "auth.postern.test"

// onOneMachine starts postern serve with a certificate of an authority that reaches it on
// its port, or for plain http alone. More ends its command line.
func onOneMachine(
	t *testing.T, challenge string, settings map[string]string, more ...string,
) (s *rig.Server, plain string) {
	t.Helper()
	free := freeport.Addresses(t, 3)
	listen, plain, nobody := free[0], free[1], free[2]
	tlsPort := port(t, listen)
	if challenge == "http-01" {
		tlsPort = port(t, nobody)
	}
	a := authority.Start(t, tlsPort, port(t, plain))
	issuer := "https://" + servedHost
	settings["ISSUER_URL"] = issuer
	transport := &http.Transport{
		DialContext:     rig.DialInstead(servedHost+":443", listen),
		TLSClientConfig: &tls.Config{RootCAs: a.Issued}, ForceAttemptHTTP2: true,
	}
	t.Cleanup(transport.CloseIdleConnections)
	hosts := []string{servedHost}
	if github, err := url.Parse(settings["GITHUB_URL"]); err == nil {
		hosts = append(hosts, github.Host)
	}
	return rig.StartServed(t, rig.Served{
		Listen: listen, Issuer: issuer, Settings: settings, Transport: transport, Hosts: hosts,
		Args: append([]string{"--http", plain, "--acme-directory", a.Directory, "--acme-ca", a.Roots}, more...),
	}), plain
}

func port(t *testing.T, address string) int {
	t.Helper()
	_, p, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	n, err := strconv.Atoi(p)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// metadata reads a document of the server, which reads no record and asks nobody, and
// returns the answer with its connection's state.
func metadata(t *testing.T, s *rig.Server) *http.Response {
	t.Helper()
	resp, err := s.Client().Get(s.URL + "/.well-known/oauth-authorization-server")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("metadata: got %s, %v", resp.Status, err)
	}
	return resp
}

// ends asks the process to end and returns its exit status.
func ends(t *testing.T, p *rig.Process) int {
	t.Helper()
	p.Stop()
	status, err := p.Wait(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return status
}

// From an empty directory to a signed-in client, over a certificate of its own: the first
// handshake waits for it. Started again, with the same directory, the server has the same
// certificate and the client need not sign in.
func TestServeOnOneMachine(t *testing.T) {
	rig.Slow(t)
	g := rig.StartGitHub(t, "-callback", "https://"+servedHost+"/auth/callback")
	settings := g.Settings("user:octocat")
	settings["ACCESS_TOKEN_TTL"] = "2s"
	s, plain := onOneMachine(t, "tls-alpn-01", settings)
	s.Witness.Remember(g.Secret())
	c := connectGo(t, s, "octocat")
	who, err := c.whoami(t.Context())
	if err != nil || who.Login != "octocat" {
		t.Fatalf("got %+v, %v; want octocat", who, err)
	}
	before := metadata(t, s)
	if before.ProtoMajor != 2 {
		t.Errorf("got %s, want HTTP/2", before.Proto)
	}
	redirected(t, plain)
	if status := ends(t, s.Process()); status != 0 {
		t.Errorf("got exit status %d, want 0", status)
	}
	s.Serve()
	if got, want := serial(metadata(t, s)), serial(before); got != want {
		t.Errorf("got certificate %s after the start, want the one before, %s", got, want)
	}
	first := s.Witness.Refreshes()
	eventually(t, "a refresh after the start", func() error {
		if _, err := c.whoami(t.Context()); err != nil {
			t.Fatalf("whoami: %v", err)
		}
		if s.Witness.Refreshes() == first {
			return fmt.Errorf("got none")
		}
		return nil
	})
	oneLogin(t, s, c)
}

func serial(r *http.Response) string { return r.TLS.PeerCertificates[0].SerialNumber.String() }

// redirected checks that plain http leads to the issuer.
func redirected(t *testing.T, plain string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+plain+"/mcp?a=b", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if want := "https://" + servedHost + "/mcp?a=b"; resp.Header.Get("Location") != want {
		t.Errorf("plain http: got %s to %q, want %s", resp.Status, resp.Header.Get("Location"), want)
	}
}

// somebodysGitHub are settings of a server that nobody signs in to.
func somebodysGitHub(t *testing.T) map[string]string {
	return map[string]string{
		"IDENTITY_PROVIDER": "github", "ALLOW": "user:octocat", "GITHUB_CLIENT_ID": "Iv1.0123456789abcdef",
		"GITHUB_CLIENT_SECRET_FILE": filepath.Join(t.TempDir(), "secret"),
	}
}

// An authority that cannot reach the port of TLS is answered on the other.
func TestServeAnswersTheChallengeOfPlainHTTP(t *testing.T) {
	rig.Slow(t)
	s, _ := onOneMachine(t, "http-01", somebodysGitHub(t))
	if names := metadata(t, s).TLS.PeerCertificates[0].DNSNames; len(names) != 1 || names[0] != servedHost {
		t.Errorf("got a certificate for %v, want %s", names, servedHost)
	}
}

// systemd hears that the server is ready, and that it stops.
type systemd struct{ *net.UnixConn }

func newSystemd(t *testing.T) systemd {
	t.Helper()
	name := filepath.Join(t.TempDir(), "notify")
	c, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: name, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return systemd{c}
}

func (s systemd) hears(t *testing.T, want string) {
	t.Helper()
	message := make([]byte, 100)
	n, err := s.Read(message)
	if got := string(message[:n]); err != nil || got != want {
		t.Errorf("systemd: got %q, %v; want %s", got, err, want)
	}
}

// A request that is under way when the server is told to stop is answered in full; new ones
// are no longer taken; the exit status is 0. Behind a proxy it speaks plain http.
func TestServeFinishesWhatIsUnderWay(t *testing.T) {
	rig.Slow(t)
	t.Parallel()
	watch, settings := newSystemd(t), somebodysGitHub(t)
	settings["ISSUER_URL"] = "https://" + servedHost
	settings["NOTIFY_SOCKET"] = watch.LocalAddr().String()
	listen := freeport.Addresses(t, 1)[0]
	s := rig.StartServed(t, rig.Served{
		Listen: listen, Issuer: settings["ISSUER_URL"], Settings: settings, Args: []string{"--behind-proxy"},
	})
	watch.hears(t, "READY=1")
	slow := beginRequest(t, listen, "grant_type=refresh_token")
	ended := make(chan int, 1)
	go func() {
		s.Process().Stop()
		status, _ := s.Process().Wait(context.Background()) // it has ended
		ended <- status
	}()
	watch.hears(t, "STOPPING=1")
	eventually(t, "no new connections", func() error {
		c, err := net.Dial("tcp", listen)
		if err != nil {
			return nil
		}
		c.Close()
		return fmt.Errorf("still taken")
	})
	resp := slow.finish(t)
	if resp.StatusCode != http.StatusUnauthorized {
		t.Errorf("got %s to the request under way, want the server's own 401", resp.Status)
	}
	if status := <-ended; status != 0 {
		t.Errorf("got exit status %d, want 0", status)
	}
}

// A begunRequest is one whose body is still to come.
type begunRequest struct {
	conn net.Conn
	r    *bufio.Reader
	body string
}

// beginRequest sends a token request without its body, and waits until the server asks
// for that (RFC 9110 §10.1.1).
func beginRequest(t *testing.T, address, body string) begunRequest {
	t.Helper()
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	fmt.Fprintf(c, "POST /token HTTP/1.1\r\nHost: %s\r\nX-Forwarded-For: 192.0.2.1\r\nExpect: 100-continue\r\n"+
		"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n", servedHost, len(body))
	b := begunRequest{c, bufio.NewReader(c), body}
	line, err := b.r.ReadString('\n')
	if err != nil || !strings.Contains(line, "100 Continue") {
		t.Fatalf("got %q, %v; want 100 Continue", line, err)
	}
	if _, err := b.r.ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	return b
}

// finish sends the body and returns the answer.
func (b begunRequest) finish(t *testing.T) *http.Response {
	t.Helper()
	if _, err := io.WriteString(b.conn, b.body); err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(b.r, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	return resp
}
