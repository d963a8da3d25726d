package test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/postern-dev/postern/test/internal/rig"
	"github.com/postern-dev/postern/test/kit/oauthtest"
	"github.com/postern-dev/postern/test/kit/tool"
)

// revocationMaxAge is REVOCATION_MAX_AGE of the servers here.
const revocationMaxAge = 2 * time.Second

// startRevocable starts an emulated deployment in front of a fake GitHub.
func startRevocable(t *testing.T, replicas int, more ...string) (*rig.Server, *rig.GitHub) {
	t.Helper()
	g := rig.StartGitHub(t)
	settings := g.Settings("anyone")
	settings["REVOCATION_MAX_AGE"] = revocationMaxAge.String()
	s := rig.StartEmulated(t, replicas, settings, more...)
	s.Witness.Remember(g.Secret())
	t.Cleanup(func() {
		if githubToken.MatchString(s.LogText()) {
			t.Error("got a token of GitHub's in the log, want none (LG-01)")
		}
	})
	return s, g
}

// An ending is a way to end what a person allowed a client.
type ending struct {
	name string
	end  func(t *testing.T, s *rig.Server, c *connection)
	// refused is what a refresh gets from then on, and reason what the grant says.
	refused, reason string
}

var endings = []ending{
	{"revocation of the refresh token", revokeWith(func(a *rig.App) string { return a.RefreshToken }),
		"invalid_grant", "revoked by the client"},
	{"revocation of the access token", revokeWith(func(a *rig.App) string { return a.AccessToken }),
		"invalid_grant", "revoked by the client"},
	{"the operator ends a person", func(t *testing.T, s *rig.Server, c *connection) {
		postern(t, s, nil, "grants", "revoke", "--yes", "--user", c.login)
	}, "invalid_grant", "revoked by the operator"},
	{"the operator deletes the client", func(t *testing.T, s *rig.Server, c *connection) {
		postern(t, s, nil, "clients", "delete", "--yes", c.app.ID)
	}, "invalid_client", "client deleted"},
	{"the client deletes itself", deleteItself, "invalid_client", "client deleted"},
	{"the person ends it on their own page", endOnOwnPage, "invalid_grant", "ended by the person"},
}

// revokeWith sends a token to /revoke (RFC 7009).
func revokeWith(token func(*rig.App) string) func(*testing.T, *rig.Server, *connection) {
	return func(t *testing.T, s *rig.Server, c *connection) {
		t.Helper()
		form := url.Values{"token": {token(c.app)}, "client_id": {c.app.ID}}
		r := newRequest(t, http.MethodPost, s.URL+"/revoke", strings.NewReader(form.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		wantStatus(t, s, r, http.StatusOK)
	}
}

// deleteItself is RFC 7592 §2.3.
func deleteItself(t *testing.T, s *rig.Server, c *connection) {
	t.Helper()
	r := newRequest(t, http.MethodDelete, s.URL+"/register/"+c.app.ID, nil)
	r.Header.Set("Authorization", "Bearer "+c.app.ManageToken)
	wantStatus(t, s, r, http.StatusNoContent)
}

// endOnOwnPage signs the person in again, in a browser that knows nothing, and ends what the page shows (CD-19).
func endOnOwnPage(t *testing.T, s *rig.Server, c *connection) {
	t.Helper()
	b := s.Browser("")
	p, err := b.Get(t.Context(), s.URL+"/connections")
	press := func(button string) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		form := p.FormWith(button)
		if form == nil {
			t.Fatalf("no button %s on %s\n%s", button, p.URL, p.Body)
		}
		p, err = b.Submit(t.Context(), p, form, nil, button)
	}
	press("account=another")
	for err == nil && (p.FormWith("login") != nil || p.FormWith("authorize=1") != nil) {
		p, err = b.Continue(t.Context(), p, c.login)
	}
	press("end=all")
	if err != nil || p.FormWith("end=all") != nil || !strings.Contains(p.Body, "Ended lately") {
		t.Fatalf("after the end: got %v, %s", err, p.Body)
	}
}

func newRequest(t *testing.T, method, address string, body io.Reader) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, address, body)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func wantStatus(t *testing.T, s *rig.Server, r *http.Request, want int) {
	t.Helper()
	resp, err := s.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != want {
		t.Fatalf("%s %s: got status %d, want %d", r.Method, r.URL.Path, resp.StatusCode, want)
	}
}

// Once an ending is acknowledged no refresh works on any of three replicas, and within
// REVOCATION_MAX_AGE no access token; what hung from it goes, the token at GitHub included (RT-05,
// SC-18).
func TestEndingReachesEveryReplicaAndGitHub(t *testing.T) {
	rig.Slow(t)
	t.Parallel()
	s, g := startRevocable(t, 3)
	for i, e := range endings {
		t.Run(e.name, func(t *testing.T) {
			c := signInNew(t, s, s.Browser(rig.RedirectURI), fmt.Sprintf("person-%d", i))
			rotated := c.app.RefreshToken // in its grace, so it works as well until the end
			if err := c.app.Refresh(t.Context()); err != nil {
				t.Fatal(err)
			}
			for range 9 { // each replica has seen that the grant lives
				if err := c.call(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			wantLiveTokens(t, g, c.login, 1)
			revoked := tokensRevoked(t, g)
			e.end(t, s, c)
			ended := time.Now()
			for range 5 {
				wantRefreshRefused(t, c.app, c.app.RefreshToken, e.refused)
				wantRefreshRefused(t, c.app, rotated, e.refused)
			}
			wantAccessEnds(t, c, ended)
			wantLiveTokens(t, g, c.login, 0)
			if got := tokensRevoked(t, g); got <= revoked {
				t.Errorf("got %d requests of the app to delete a token, want more than %d", got, revoked)
			}
			wantGrantsRevoked(t, s, c.app.ID, e.reason)
		})
	}
}

// signInNew registers a client and signs login in to it.
func signInNew(t *testing.T, s *rig.Server, b *oauthtest.Browser, login string) *connection {
	t.Helper()
	c := &connection{newApp(t, s), login}
	if err := c.app.SignIn(t.Context(), b, login); err != nil {
		t.Fatal(err)
	}
	return c
}

// call is one request with the access token.
func (c *connection) call(ctx context.Context) error {
	whoami := map[string]any{"name": "whoami", "arguments": map[string]any{}}
	return c.app.RPC(ctx, rig.Modern, "tools/call", whoami, nil)
}

func wantRefreshRefused(t *testing.T, a *rig.App, token, want string) {
	t.Helper()
	same := *a
	same.RefreshToken = token
	err := same.Refresh(t.Context())
	if refusal, ok := errors.AsType[*rig.Refusal](err); !ok || refusal.Code != want {
		t.Errorf("refresh after the end: got %v, want %s", err, want)
	}
}

// wantAccessEnds calls until every replica has refused several times. A call that began
// when the bound was over must not work; before that, either is right.
func wantAccessEnds(t *testing.T, c *connection, ended time.Time) {
	t.Helper()
	refused := 0
	eventually(t, "the end of the access token", func() error {
		began := time.Now()
		over := began.Sub(ended) >= revocationMaxAge
		err := c.call(t.Context())
		refusal, ok := errors.AsType[*rig.Refusal](err)
		switch {
		case err == nil && over:
			t.Fatalf("an access token works %s after its end, want at most %s", began.Sub(ended), revocationMaxAge)
		case err == nil:
			refused = 0
		case !ok || refusal.Status != http.StatusUnauthorized:
			t.Fatalf("call after the end: got %v, want status 401", err)
		case over:
			refused++
		}
		if refused < 12 {
			return fmt.Errorf("got %d refusals in a row after the bound, want 12", refused)
		}
		return nil
	})
}

// wantLiveTokens waits until GitHub has so many tokens of a person.
func wantLiveTokens(t *testing.T, g *rig.GitHub, login string, want int) {
	t.Helper()
	eventually(t, "tokens of "+login+" at GitHub", func() error {
		if got := g.Do("tokens", map[string]string{"login": login}); got != strconv.Itoa(want) {
			return fmt.Errorf("got %s, want %d", got, want)
		}
		return nil
	})
}

// tokensRevoked counts the requests by which the app itself ended tokens.
func tokensRevoked(t *testing.T, g *rig.GitHub) int {
	t.Helper()
	resp, err := http.Get(g.URL + "/_control/requests")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var requests []oauthtest.Request
	if err := json.NewDecoder(resp.Body).Decode(&requests); err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, r := range requests {
		if r.Method == http.MethodDelete && strings.HasPrefix(r.Path, "/applications/") && r.Authorization == "Basic" {
			n++
		}
	}
	return n
}

// wantGrantsRevoked waits until the grants of a client say that they ended, and why.
func wantGrantsRevoked(t *testing.T, s *rig.Server, client, reason string) {
	t.Helper()
	eventually(t, "the end of the client's grants", func() error {
		var grants []struct{ State, Reason string }
		posternItems(t, s, nil, &grants, "grants", "list", "--ended", "--client", client)
		if len(grants) != 1 || grants[0].State != "revoked" || grants[0].Reason != reason {
			return fmt.Errorf("got %v, want one that is %s", grants, reason)
		}
		return nil
	})
}

// The token at GitHub serves all connections of a person. Only the last takes it along.
func TestEndOfOneConnectionLeavesTheOthersTheirToken(t *testing.T) {
	rig.Slow(t)
	t.Parallel()
	s, g := startRevocable(t, 3)
	b := s.Browser(rig.RedirectURI)
	one, two := signInNew(t, s, b, "octocat"), signInNew(t, s, b, "octocat")
	marker := signInNew(t, s, s.Browser(rig.RedirectURI), "monalisa")
	revokeWith(func(a *rig.App) string { return a.RefreshToken })(t, s, one)
	deleteItself(t, s, marker)
	wantLiveTokens(t, g, "monalisa", 0) // events come in order, so the first has been handled
	wantAccessEnds(t, one, time.Now())
	if login, failed := readProfile(t, two.app); failed || login != "octocat" {
		t.Errorf("profile through the connection that is left: got %q, failed %t; want octocat", login, failed)
	}
	before, err := strconv.Atoi(g.Do("tokens", map[string]string{"login": "octocat"}))
	if err != nil {
		t.Fatal(err)
	}
	deleteItself(t, s, two)
	wantLiveTokens(t, g, "octocat", before-1)
	wantRefreshRefused(t, two.app, two.app.RefreshToken, "invalid_client")
}

// The same by the real events of the Firestore emulator, delivered to the packages as they are
// deployed, out of order and some of them twice (SC-13, SC-18).
func TestCascadeFollowsFirestoreEvents(t *testing.T) {
	rig.Slow(t)
	t.Parallel()
	tool.Firestore.Need(t)
	s, g := startRevocable(t, 2, "--store", "firestore")
	revoked := signInNew(t, s, s.Browser(rig.RedirectURI), "octocat")
	deleted := signInNew(t, s, s.Browser(rig.RedirectURI), "monalisa")
	stays := signInNew(t, s, s.Browser(rig.RedirectURI), "hubot")

	revokeWith(func(a *rig.App) string { return a.RefreshToken })(t, s, revoked)
	wantRefreshRefused(t, revoked.app, revoked.app.RefreshToken, "invalid_grant")
	wantAccessEnds(t, revoked, time.Now())
	wantLiveTokens(t, g, "octocat", 0)

	deleteItself(t, s, deleted)
	wantRefreshRefused(t, deleted.app, deleted.app.RefreshToken, "invalid_client")
	wantAccessEnds(t, deleted, time.Now())
	wantLiveTokens(t, g, "monalisa", 0)
	eventually(t, "the end of the deleted client's grant", func() error {
		for _, line := range logged(s, "grant.revoked") {
			if line["client_id"] == deleted.app.ID && line["reason"] == "client deleted" {
				return nil
			}
		}
		return fmt.Errorf("got no line grant.revoked for it: %v", logged(s, "grant.revoked"))
	})

	if login, failed := readProfile(t, stays.app); failed || login != "hubot" {
		t.Errorf("profile of somebody else: got %q, failed %t; want hubot", login, failed)
	}
	wantLiveTokens(t, g, "hubot", 1)
}
