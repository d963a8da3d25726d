package test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"golang.org/x/sync/errgroup"

	"github.com/postern-dev/postern/test/internal/rig"
)

const (
	rotations = 3
	// readersWait is for --wait, a little above KEYS_MAX_AGE. Rings remember whole
	// seconds, so up to one of it is lost.
	readersWait = "4s"
	// rotationLifetime is that of access tokens, sign-ins and identity tokens, which a rotation waits
	// for: short, and long enough for a login on a busy machine.
	rotationLifetime = "20s"
	// lingering is how long a slow person reads the consent page.
	lingering = 6 * time.Second
	// mostOfEach bounds what one worker does.
	mostOfEach = 2000
)

// rotationSettings are those of a server whose rings are rotated in a minute and a half,
// and of the command that rotates them.
func rotationSettings() map[string]string {
	return map[string]string{
		"KEYS_MAX_AGE": "1s", "ACCESS_TOKEN_TTL": rotationLifetime, "SIGN_IN_TTL": rotationLifetime,
		"IDENTITY_TOKEN_TTL": rotationLifetime,
	}
}

// With three processes of each function, which read the rings at different times, three rotations of
// every ring fail no request and leave no record that cannot be opened (SC-07).
func TestThreeRotationsUnderLoadFailNoRequest(t *testing.T) {
	rig.Slow(t)
	t.Parallel()
	settings := rotationSettings()
	s := rig.StartEmulated(t, 3, settings)
	began := time.Now()
	tr := newTraffic(t, s)
	idle := tr.connect(t, "idle") // is not heard of until the keys of its time are gone
	tr.start(t)
	defer tr.stop()
	keys := ringsOf(t, s, settings)
	for range rotations {
		postern(t, s, settings, "keys", "rotate", "--wait", readersWait)
		next := ringsOf(t, s, settings)
		wantAllReplaced(t, keys, next)
		keys = next
	}
	tr.stop()
	tr.wantNoFailure(t)
	wantEveryRecordReadable(t, s, settings, keys)
	tr.wantEverythingKept(t, idle)
	for _, line := range logged(s, "keys.reload_failed") {
		t.Errorf("got a ring that could not be read: %v", line)
	}
	t.Logf("%s: %v, %d JWKS reads, %d signing keys seen, %d requests beside browsers",
		time.Since(began).Round(time.Second),
		tr.done, tr.verifier.reads, len(tr.verifier.seen), s.Witness.Count(func(rig.Exchange) bool { return true }))
}

// postern runs the operator's command on the server's records and keys and returns its
// standard output.
func postern(t *testing.T, s *rig.Server, settings map[string]string, args ...string) []byte {
	t.Helper()
	var out bytes.Buffer
	p := rig.Launch(t, rig.Command{
		Name: "postern-" + args[0], Path: rig.Program(t, "cmd/postern"), Dir: s.Data(), Env: settings, Stdout: &out,
		Args: append(slices.Clone(args), "--store", "embedded:"+s.Data()),
	})
	ctx, cancel := context.WithTimeout(t.Context(), 2*rig.Patience)
	defer cancel()
	code, err := p.Wait(ctx)
	if err != nil {
		t.Fatalf("postern %s: %v", strings.Join(args, " "), err)
	}
	s.Witness.CheckLogs(t, p.Log)
	if code != 0 {
		t.Fatalf("postern %s: exit code %d, want 0:\n%s", strings.Join(args, " "), code, p.Log.Tail(4000))
	}
	return out.Bytes()
}

// posternItems reads the items that a command answers with, which must be all there are.
func posternItems(t *testing.T, s *rig.Server, settings map[string]string, into any, args ...string) {
	t.Helper()
	var answer struct {
		Items      json.RawMessage `json:"items"`
		Unreadable int             `json:"unreadable"`
		Error      *string         `json:"error"`
	}
	if err := json.Unmarshal(postern(t, s, settings, append(args, "--json")...), &answer); err != nil {
		t.Fatalf("postern %s --json: %v", strings.Join(args, " "), err)
	}
	if answer.Error != nil || answer.Unreadable != 0 {
		t.Fatalf("postern %s --json: got %d records unreadable, error %v",
			strings.Join(args, " "), answer.Unreadable, answer.Error)
	}
	if err := json.Unmarshal(answer.Items, into); err != nil {
		t.Fatalf("postern %s --json: %v", strings.Join(args, " "), err)
	}
}

// A keysStatus is what postern keys status says.
type keysStatus struct {
	Rings []struct {
		Ring string `json:"ring"`
		Keys []struct {
			Key string `json:"key"`
		} `json:"keys"`
	} `json:"rings"`
	Sealed map[string]map[string]int `json:"sealed"`
}

// ringsOf returns the names of the keys of each ring.
func ringsOf(t *testing.T, s *rig.Server, settings map[string]string) map[string][]string {
	t.Helper()
	var status [1]keysStatus
	posternItems(t, s, settings, &status, "keys", "status")
	rings := map[string][]string{}
	for _, ring := range status[0].Rings {
		for _, key := range ring.Keys {
			rings[ring.Ring] = append(rings[ring.Ring], key.Key)
		}
	}
	return rings
}

func wantAllReplaced(t *testing.T, before, after map[string][]string) {
	t.Helper()
	for _, ring := range []string{"fernet-keys", "signing-keys", "verification-keys", "identity-keys"} {
		if len(after[ring]) != 1 || slices.Contains(before[ring], after[ring][0]) {
			t.Errorf("%s: got %v after %v, want one other key", ring, after[ring], before[ring])
		}
	}
}

func wantEveryRecordReadable(t *testing.T, s *rig.Server, settings map[string]string, keys map[string][]string) {
	t.Helper()
	var status [1]keysStatus
	posternItems(t, s, settings, &status, "keys", "status", "--count")
	if got, want := slices.Sorted(maps.Keys(status[0].Sealed)), keys["fernet-keys"]; !slices.Equal(got, want) {
		t.Errorf("records are sealed with %q, want all with %q (\"\" are unreadable): %v", got, want, status[0].Sealed)
	}
	var counts []struct {
		Collection       string
		Seen, Unreadable int
	}
	posternItems(t, s, settings, &counts, "keys", "reseal")
	for _, n := range counts {
		if some := n.Collection != "refusals"; n.Seen > 0 != some || n.Unreadable != 0 { // anyone may enter here
			t.Errorf("%s: got %d records and %d unreadable, want some %t and none",
				n.Collection, n.Seen, n.Unreadable, some)
		}
	}
	if len(counts) != 5 {
		t.Errorf("got %v, want five collections", counts)
	}
	t.Logf("reseal: %v", counts)
}

// logged returns the lines of an event.
func logged(s *rig.Server, event string) []map[string]any {
	var lines []map[string]any
	for line := range strings.Lines(s.LogText()) {
		if !strings.Contains(line, event) {
			continue
		}
		var fields map[string]any
		if json.Unmarshal([]byte(line), &fields) == nil && fields["event"] == event {
			lines = append(lines, fields)
		}
	}
	return lines
}

// traffic is a mixed load in which nothing may fail, and what it did.
type traffic struct {
	s        *rig.Server
	verifier *resourceServer
	quit     chan struct{}
	once     sync.Once
	workers  sync.WaitGroup

	mu       sync.Mutex
	clients  []*rig.App    // that registered
	kept     []*connection // whose refresh token has to work for good
	problems []error
	done     map[string]int // by what was done
}

// A connection is a client that a person signed in to.
type connection struct {
	app   *rig.App
	login string
}

func newTraffic(t *testing.T, s *rig.Server) *traffic {
	t.Helper()
	tr := &traffic{s: s, verifier: newResourceServer(s), quit: make(chan struct{}), done: map[string]int{}}
	for range 3 {
		if err := tr.register(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	return tr
}

// connect signs login in before the load begins.
func (tr *traffic) connect(t *testing.T, login string) *connection {
	t.Helper()
	c := &connection{newApp(t, tr.s), login}
	if err := c.app.SignIn(t.Context(), tr.s.Browser(c.app.Redirect), login); err != nil {
		t.Fatal(err)
	}
	return c
}

// start sets the workers to work, each at a pace that leaves the machine to the others.
func (tr *traffic) start(t *testing.T) {
	t.Helper()
	tr.work(t.Context(), "registrations", time.Second, tr.register)
	for range 2 {
		tr.work(t.Context(), "logins", 300*time.Millisecond, tr.signIn)
		tr.work(t.Context(), "slow logins", time.Millisecond, tr.signInSlowly)
	}
	for i := range 3 {
		c := tr.connect(t, fmt.Sprintf("steady-%d", i))
		tr.kept = append(tr.kept, c)
		tr.work(t.Context(), "refreshes", 150*time.Millisecond, func(ctx context.Context) error {
			return tr.refresh(ctx, c)
		})
	}
}

// work repeats one thing until stop.
func (tr *traffic) work(ctx context.Context, what string, every time.Duration, do func(context.Context) error) {
	tr.workers.Go(func() {
		tick := time.NewTicker(every)
		defer tick.Stop()
		for range mostOfEach {
			tr.note(what, do(ctx))
			select {
			case <-tick.C:
			case <-tr.quit:
				return
			}
		}
	})
}

func (tr *traffic) note(what string, err error) {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	tr.done[what]++
	if err != nil {
		tr.problems = append(tr.problems, fmt.Errorf("%s %s: %w", time.Now().Format(time.TimeOnly), what, err))
	}
}

// stop waits until each worker has finished what it is at.
func (tr *traffic) stop() {
	tr.once.Do(func() { close(tr.quit) })
	tr.workers.Wait()
}

func (tr *traffic) register(ctx context.Context) error {
	a := rig.NewApp(tr.s)
	if err := a.Register(ctx, nil); err != nil {
		return err
	}
	tr.mu.Lock()
	defer tr.mu.Unlock()
	tr.clients = append(tr.clients, a)
	return nil
}

// visitor is somebody who is about to sign in to a client that registered some time ago.
func (tr *traffic) visitor() *connection {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	a := *tr.clients[rand.IntN(len(tr.clients))]
	return &connection{&a, fmt.Sprintf("visitor-%d", rand.IntN(50))}
}

// keep checks a fresh connection and remembers it.
func (tr *traffic) keep(ctx context.Context, c *connection) error {
	tr.mu.Lock()
	tr.kept = append(tr.kept, c)
	tr.mu.Unlock()
	return tr.use(ctx, c)
}

func (tr *traffic) signIn(ctx context.Context) error {
	c := tr.visitor()
	if err := c.app.SignIn(ctx, tr.s.Browser(c.app.Redirect), c.login); err != nil {
		return err
	}
	return tr.keep(ctx, c)
}

// signInSlowly is a sign-in whose form and cookie were sealed a while ago.
func (tr *traffic) signInSlowly(ctx context.Context) error {
	c := tr.visitor()
	b := tr.s.Browser(c.app.Redirect)
	address, verifier, _ := c.app.AuthorizeURL()
	page, err := b.Get(ctx, address)
	if err != nil {
		return err
	}
	select {
	case <-time.After(lingering):
	case <-tr.quit:
	}
	for page.Redirect == nil {
		if page, err = b.Continue(ctx, page, c.login); err != nil {
			return err
		}
	}
	if err := c.app.Redeem(ctx, page.Redirect.Query().Get("code"), verifier); err != nil {
		return err
	}
	return tr.keep(ctx, c)
}

func (tr *traffic) refresh(ctx context.Context, c *connection) error {
	if err := c.app.Refresh(ctx); err != nil {
		return err
	}
	return tr.use(ctx, c)
}

// use shows a token that was just issued to another resource server and to ours.
func (tr *traffic) use(ctx context.Context, c *connection) error {
	if err := tr.verifier.verify(ctx, c.app.AccessToken); err != nil {
		return err
	}
	login, err := c.app.Whoami(ctx, rig.Modern)
	if err == nil && login != c.login {
		err = fmt.Errorf("whoami: got %q, want %q", login, c.login)
	}
	return err
}

func (tr *traffic) wantNoFailure(t *testing.T) {
	t.Helper()
	for i, err := range tr.problems {
		if i == 10 {
			t.Errorf("and %d more", len(tr.problems)-i)
			break
		}
		first, _, _ := strings.Cut(err.Error(), "\n") // a page may follow
		t.Errorf("failed: %s", first)
	}
	if got := tr.s.Witness.Count(func(e rig.Exchange) bool { return e.Status >= 400 }); got != 0 {
		t.Errorf("got %d answers of 400 and above, want none", got)
	}
	for _, what := range []string{"registrations", "logins", "slow logins", "refreshes"} {
		if tr.done[what] < rotations {
			t.Errorf("got %d %s, want a load that deserves the name", tr.done[what], what)
		}
	}
	if got, want := len(tr.verifier.seen), rotations+1; got < want {
		t.Errorf("got tokens of %d signing keys, want %d", got, want)
	}
}

// wantEverythingKept looks whether everything from before and between the rotations is there.
func (tr *traffic) wantEverythingKept(t *testing.T, idle *connection) {
	t.Helper()
	var all errgroup.Group
	all.SetLimit(4)
	for _, c := range append([]*connection{idle}, tr.kept...) {
		all.Go(func() error {
			if err := tr.refresh(t.Context(), c); err != nil {
				return fmt.Errorf("the connection of %s: %w", c.login, err)
			}
			return nil
		})
	}
	for i, a := range append([]*rig.App{idle.app}, tr.clients...) {
		all.Go(func() error {
			address, _, _ := a.AuthorizeURL()
			page, err := tr.s.Browser(a.Redirect).Get(t.Context(), address)
			if err == nil && (page.Status != http.StatusOK || page.FormWith("decision=approve") == nil) {
				err = fmt.Errorf("registration %d: got status %d, want the consent page", i, page.Status)
			}
			return err
		})
	}
	if err := all.Wait(); err != nil {
		t.Error(err)
	}
	again := *idle.app
	if err := again.SignIn(t.Context(), tr.s.Browser(again.Redirect), idle.login); err != nil {
		t.Errorf("sign in again with the first client: %v", err)
	}
}

// A resourceServer verifies access tokens by the JWKS, as a program of somebody else's
// does: it keeps the set and reads it again when a token names a key that is not in it.
type resourceServer struct {
	issuer, audience string
	client           *http.Client

	mu    sync.Mutex
	set   jose.JSONWebKeySet
	reads int
	seen  map[string]bool // ids of keys that signed tokens
}

func newResourceServer(s *rig.Server) *resourceServer {
	return &resourceServer{issuer: s.URL, audience: s.MCP, client: s.Client(), seen: map[string]bool{}}
}

func (v *resourceServer) verify(ctx context.Context, token string) error {
	parsed, err := jwt.ParseSigned(token, []jose.SignatureAlgorithm{jose.ES256})
	if err != nil {
		return fmt.Errorf("parse access token: %w", err)
	}
	key, err := v.key(ctx, parsed.Headers[0].KeyID)
	if err != nil {
		return err
	}
	var claims jwt.Claims
	if err := parsed.Claims(key, &claims); err != nil {
		return fmt.Errorf("verify access token: %w", err)
	}
	return claims.Validate(jwt.Expected{Issuer: v.issuer, AnyAudience: jwt.Audience{v.audience}, Time: time.Now()})
}

func (v *resourceServer) key(ctx context.Context, kid string) (*jose.JSONWebKey, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	found := v.set.Key(kid)
	if len(found) == 0 {
		if err := v.read(ctx); err != nil {
			return nil, err
		}
		found = v.set.Key(kid)
	}
	if len(found) != 1 {
		return nil, fmt.Errorf("JWKS: got %d keys %s, want 1", len(found), kid)
	}
	v.seen[kid] = true
	return &found[0], nil
}

// read fetches the set. The caller holds mu.
func (v *resourceServer) read(ctx context.Context) error {
	set, err := fetchJWKS(ctx, v.client, v.issuer)
	if err == nil {
		v.set = set
		v.reads++
	}
	return err
}

func fetchJWKS(ctx context.Context, client *http.Client, issuer string) (set jose.JSONWebKeySet, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, issuer+"/.well-known/jwks.json", nil)
	if err != nil {
		return set, err
	}
	resp, err := client.Do(r)
	if err != nil {
		return set, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return set, fmt.Errorf("JWKS: status %d", resp.StatusCode)
	}
	return set, json.NewDecoder(resp.Body).Decode(&set)
}

// A ring whose file is gone or malformed while servers run is kept as it was (SC-09). No request
// fails, the log says so and quotes nothing, and what is written later is read.
func TestLostOrMalformedRingIsKeptAndLogged(t *testing.T) {
	rig.Slow(t)
	t.Parallel()
	const replicas = 3
	settings := map[string]string{"KEYS_MAX_AGE": "1s"}
	s := rig.StartEmulated(t, replicas, settings)
	a := newApp(t, s)
	for range replicas { // every process of every function has seen its rings
		wantServed(t, s, newApp(t, s))
	}
	for _, ring := range []struct {
		name, file string
		readers    int // functions, for each way they read it
	}{
		{"fernet-keys", "fernet-keys", 5},
		{"signing-keys", "signing-keys.json", 2},
		{"verification-keys", "verification-keys.json", 2},
	} {
		file := filepath.Join(s.Data(), "keys", ring.file)
		for how, spoil := range map[string]func(string) error{"lost": lose, "malformed": malform} {
			failures := func() int { return len(keptRings(s, ring.name)) }
			before, since := failures(), time.Now()
			if err := errors.Join(os.Link(file, file+".aside"), spoil(file)); err != nil {
				t.Fatal(err)
			}
			eventually(t, ring.name+" "+how, func() error {
				wantServed(t, s, a)
				if failures() == before {
					return errors.New("got no line keys.reload_failed that says the ring is kept")
				}
				return nil
			})
			for range replicas {
				wantServed(t, s, newApp(t, s))
			}
			// Once for a read that failed, and not for each request.
			most := replicas * ring.readers * (int(time.Since(since)/time.Second) + 2)
			if got := failures() - before; got > most {
				t.Errorf("%s %s: got %d lines, want at most one a second from each process: %d",
					ring.name, how, got, most)
			}
			if err := os.Rename(file+".aside", file); err != nil {
				t.Fatal(err)
			}
		}
	}
	if strings.Contains(s.LogText(), rubbish) {
		t.Error("the log quotes the file")
	}
	postern(t, s, settings, "keys", "stage", "signing-keys")
	eventually(t, "the staged key in the JWKS", func() error {
		set, err := fetchJWKS(t.Context(), s.Client(), s.URL)
		if err == nil && len(set.Keys) != 2 {
			err = fmt.Errorf("got %d keys, want 2", len(set.Keys))
		}
		return err
	})
	wantServed(t, s, a)
}

const rubbish = "canary-that-is-no-ring"

func lose(file string) error { return os.Remove(file) }

func malform(file string) error {
	if err := os.WriteFile(file+".new", []byte(rubbish), 0o600); err != nil {
		return err
	}
	return os.Rename(file+".new", file)
}

// keptRings are the lines that say that a ring could not be read and stays as it was.
func keptRings(s *rig.Server, ring string) []map[string]any {
	return slices.DeleteFunc(logged(s, "keys.reload_failed"), func(line map[string]any) bool {
		return line["ring"] != ring || line["kept"] != true
	})
}

// wantServed signs in, refreshes, calls a tool and reads the JWKS.
func wantServed(t *testing.T, s *rig.Server, a *rig.App) {
	t.Helper()
	if err := a.SignIn(t.Context(), s.Browser(a.Redirect), "octocat"); err != nil {
		t.Fatal(err)
	}
	if err := a.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	if login, err := a.Whoami(t.Context(), rig.Modern); err != nil || login != "octocat" {
		t.Fatalf("whoami: got %q, %v; want octocat", login, err)
	}
	if err := newResourceServer(s).verify(t.Context(), a.AccessToken); err != nil {
		t.Fatal(err)
	}
}
