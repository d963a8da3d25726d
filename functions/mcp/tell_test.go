package mcp

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/postern-dev/postern/shared/behind"
	"github.com/postern-dev/postern/shared/boot"
	"github.com/postern-dev/postern/shared/credential"
	"github.com/postern-dev/postern/shared/keyfile"
	"github.com/postern-dev/postern/shared/store"
	"github.com/postern-dev/postern/shared/upstream"
)

// spoofed are names under which somebody could tell a server who calls.
var spoofed = []string{
	"X-Forwarded-User", "root", "X-Forwarded-Email", "root@evil.example", "X-Forwarded-Preferred-Username", "root",
	"X-Forwarded-Groups", "admins", "X-Auth-Request-User", "root", "X-Auth-Request-Email", "root@evil.example",
	"X-Auth-Request-Preferred-Username", "root", "X-Auth-Request-Groups", "admins", "X-Forwarded-Access-Token", "x",
	"X-Api-Key", "guessed", "X-Provider-Token", "guessed", "X-Serverless-Authorization", "Bearer guessed",
	"X_Forwarded_User", "root", "Remote-User", "root",
}

// Who calls is told as the operator says, and by nothing that the caller sent, whose own token
// never goes on (MP-17, MP-18, MP-23).
func TestWhoCallsIsToldAsTheOperatorSays(t *testing.T) {
	t.Parallel()
	plain := map[string]string{
		"User": "development:octocat", "Email": "octocat@example.com", "Preferred-Username": "octocat",
		"Groups": "dev,acme/ops",
	}
	told := map[string]string{}
	for name, value := range plain {
		told["X-Forwarded-"+name], told["X-Auth-Request-"+name] = value, value
	}
	kept, err := upstream.Token{AccessToken: credential.Wrap("gho_octocat")}.Marshal()
	must(t, err)
	for name, row := range map[string]struct {
		calling behind.Calling
		want    map[string]string
	}{
		"nothing": {behind.Calling{Identity: behind.None}, nil},
		"plain headers": {behind.Calling{Identity: behind.Headers, Groups: []string{
			"team:acme/ops", "group:dev", "group:sales", "group:a,b", "group:never-asked",
		}}, told},
		"a credential": {
			behind.Calling{Identity: behind.None, Credential: behind.Credential{Header: "X-Api-Key", File: "x"}},
			map[string]string{"X-Api-Key": "key of ours"},
		},
		"a credential in Authorization": {
			behind.Calling{Identity: behind.None, Credential: behind.Credential{Header: "Authorization", File: "x"}},
			map[string]string{"Authorization": "key of ours"},
		},
		"the person's token": {
			behind.Calling{Identity: behind.None, ProviderToken: "X-Provider-Token"},
			map[string]string{"X-Provider-Token": "gho_octocat"},
		},
		"the person's token in Authorization": {
			behind.Calling{Identity: behind.None, ProviderToken: "Authorization"},
			map[string]string{"Authorization": "Bearer gho_octocat"},
		},
	} {
		f := newEndpoint(t)
		got, _ := f.standBehind(t, answerBehind, func(c *behind.Calling) { *c = row.calling })
		if row.calling.Credential.Header != "" {
			f.Endpoints[0].Upstream.Secret = keyfile.Static(credential.Wrap("key of ours"))
		}
		h := f.open(t)
		token := f.connect(t, "octocat", "Client", kept, func(c *store.Code) {
			c.Person.Email = "octocat@example.com"
			c.Person.Groups = map[string]bool{
				"team:acme/ops": true, "group:dev": true, "group:sales": false, "group:a,b": true,
				"group:unasked": true,
			}
		}).token
		mustCode(t, h, request(t.Context(), token, listTools, spoofed...), http.StatusOK)
		r := <-got
		for i := 0; i < len(spoofed); i += 2 {
			if got, want := r.header.Get(spoofed[i]), row.want[spoofed[i]]; got != want {
				t.Errorf("%s: got %s %q, want %q", name, spoofed[i], got, want)
			}
		}
		if got, want := r.header.Get("Authorization"), row.want["Authorization"]; got != want {
			t.Errorf("%s: got Authorization %q, want %q", name, got, want)
		}
		if strings.Contains(fmt.Sprint(r.header), token) {
			t.Errorf("%s: got %v, want no token of the caller", name, r.header)
		}
	}
}

// A text that would end the header, come out of it as another, or be two groups, is left out.
func TestWhatCannotStandInAHeaderIsLeftOut(t *testing.T) {
	t.Parallel()
	out := http.Header{}
	tellPlainly(out, &Caller{Person: store.Person{Subject: "oidc:1", Email: "a\r\nX-Evil: 1", Login: "admin "}}, nil)
	if len(out) != 2 || out.Get("X-Forwarded-User") != "oidc:1" {
		t.Errorf("got %v, want the person's id alone", out)
	}
}

// Without the person's token, or with one of another app, nothing is sent, and the person is
// told to sign in again; without the credential nothing is sent, and that is a fault of ours.
func TestWithoutWhatItWantsNothingReachesTheServerBehind(t *testing.T) {
	t.Parallel()
	foreign, err := upstream.Token{AccessToken: credential.Wrap("gho_x"), ClientID: "another app"}.Marshal()
	must(t, err)
	github, err := upstream.NewGitHub(upstream.GitHubConfig{
		ClientID:     "ours",
		ClientSecret: func(context.Context) (credential.Secret, error) { return credential.Secret{}, nil },
	})
	must(t, err)
	for name, kept := range map[string][]byte{"none": nil, "of another app": foreign} {
		f := newEndpoint(t)
		f.Provider = github
		got, _ := f.standBehind(t, answerBehind, func(c *behind.Calling) { c.ProviderToken = "X-Provider-Token" })
		h := f.open(t)
		w := do(h, request(t.Context(), f.connect(t, "octocat", "Client", kept).token, listTools))
		a := answerOf(t, w.Body)
		if w.Code != http.StatusForbidden || a.Error == nil || a.Error.Message != string(signInAgain) ||
			string(a.ID) != "1" || w.Header().Get("WWW-Authenticate") != "" {
			t.Errorf("%s: got %d %+v %v, want the advice to sign in again", name, w.Code, a, w.Header())
		}
		nothingReached(t, got)
	}
	f := newEndpoint(t)
	got, _ := f.standBehind(t, answerBehind, func(c *behind.Calling) { c.Credential.Header = "X-Api-Key" })
	f.Endpoints[0].Upstream.Secret = keyfile.New("none", func([]byte) (credential.Secret, error) {
		return credential.Secret{}, errors.New("unreachable")
	}, nil)
	h := f.open(t)
	token := f.connect(t, "octocat", "Client", nil).token
	mustCode(t, h, request(t.Context(), token, listTools), http.StatusServiceUnavailable)
	nothingReached(t, got)
}

// The token of an OpenID Connect provider goes on while it is good, if it is of this issuer and
// this client. One that has ended is a 401, by which the client refreshes and gets a newer one
// with it; if there is nothing to renew it by, the person is told to sign in again.
func TestATokenOfOpenIDConnectGoesOn(t *testing.T) {
	t.Parallel()
	const at = "https://id.example.com"
	now := newEndpoint(t).Clock.Now()
	for name, row := range map[string]struct {
		token upstream.Token
		want  int
	}{
		"good":              {upstream.Token{Issuer: at, ClientID: "ours", Expiry: now.Add(1e9)}, http.StatusOK},
		"without an end":    {upstream.Token{Issuer: at, ClientID: "ours"}, http.StatusOK},
		"of another issuer": {upstream.Token{Issuer: at + "/other", ClientID: "ours"}, http.StatusForbidden},
		"of another client": {upstream.Token{Issuer: at, ClientID: "theirs"}, http.StatusForbidden},
		"ended":             {upstream.Token{Issuer: at, ClientID: "ours", Expiry: now}, http.StatusForbidden},
		"ended, to renew": {upstream.Token{
			Issuer: at, ClientID: "ours", Expiry: now, RefreshToken: credential.Wrap("r"),
		}, http.StatusUnauthorized},
	} {
		f := newEndpoint(t)
		f.Provider = upstream.TokensAlone{Issuer: at, ClientID: "ours"}
		got, _ := f.standBehind(t, answerBehind, func(c *behind.Calling) { c.ProviderToken = "X-Provider-Token" })
		row.token.AccessToken = credential.Wrap("at-1")
		kept, err := row.token.Marshal()
		must(t, err)
		w := do(f.open(t), request(t.Context(), f.connect(t, "octocat", "Client", kept).token, listTools))
		challenge := w.Header().Get("WWW-Authenticate")
		if w.Code != row.want || strings.Contains(challenge, `error="invalid_token"`) != (w.Code == 401) {
			t.Errorf("%s: got %d %s, %s; want %d", name, w.Code, w.Body, challenge, row.want)
		}
		if w.Code != http.StatusOK {
			nothingReached(t, got)
		} else if token := (<-got).header.Get("X-Provider-Token"); token != "at-1" {
			t.Errorf("%s: got %q at the server, want the person's token", name, token)
		}
	}
}

// A provider that gives no tokens, or of which it is not said whose they are, stops the start.
func TestASettingSaysWhoseTokensGoOn(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		values map[string]string
		want   string
	}{
		"development": {map[string]string{"IDENTITY_PROVIDER": "development"}, "must be github or oidc"},
		"GitHub":      {map[string]string{"IDENTITY_PROVIDER": "github", "GITHUB_CLIENT_ID": "x"}, ""},
		"Google":      {map[string]string{"IDENTITY_PROVIDER": "oidc:google", "OIDC_CLIENT_ID": "x"}, ""},
		"no client":   {map[string]string{"IDENTITY_PROVIDER": "oidc:google"}, "OIDC_CLIENT_ID is not set"},
		"no issuer":   {map[string]string{"IDENTITY_PROVIDER": "oidc", "OIDC_CLIENT_ID": "x"}, "OIDC_ISSUER is not"},
	} {
		values := map[string]string{
			"ALLOW": "anyone", "MCP_UPSTREAM_URL": "https://wiki.example.com/mcp",
			"MCP_UPSTREAM_OPTIONS": `{"identity":"none","provider_token":"Authorization"}`,
		}
		maps.Copy(values, row.values)
		_, err := boot.Open(t.Context(), "mcp", build, &boot.Env{Lookup: settings(values)})
		if (err == nil) != (row.want == "") || err != nil && !strings.Contains(err.Error(), row.want) {
			t.Errorf("%s: got %v, want %q", name, err, row.want)
		}
	}
}

func idToken(end time.Time) string {
	return "e30." + base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, `{"exp":%d}`, end.Unix())) + ".e30"
}

// A private Cloud Run service gets an ID token of ours beside who calls, kept until it nearly
// ends; without one nothing is sent, and that is a fault of ours (503), also after a time in
// which there was one.
func TestAPrivateServiceGetsAnIDToken(t *testing.T) {
	t.Parallel()
	f := newEndpoint(t)
	got, _ := f.standBehind(t, answerBehind, func(c *behind.Calling) { c.CloudRun = "https://wiki.run.app" })
	fetched := 0
	var failing error
	f.Endpoints[0].Upstream.run = &idTokens{
		audience: "https://wiki.run.app", now: f.Clock.Now,
		fetch: func(_ context.Context, audience string) (string, error) {
			fetched++
			return idToken(f.Clock.Now().Add(time.Hour)), failing
		},
	}
	h := f.open(t)
	conn := f.connect(t, "octocat", "Client", nil)
	for range 2 {
		mustCode(t, h, request(t.Context(), conn.token, listTools), http.StatusOK)
		r := <-got
		want := "Bearer " + idToken(f.Clock.Now().Add(time.Hour))
		if r.header.Get("X-Serverless-Authorization") != want ||
			!strings.HasPrefix(r.header.Get("Authorization"), "Bearer ") {
			t.Errorf("got %v, want the ID token beside who calls", r.header)
		}
	}
	if fetched != 1 {
		t.Errorf("got %d fetches, want 1", fetched)
	}
	f.Clock.Advance(54 * time.Minute) // a minute before its room begins
	mustCode(t, h, request(t.Context(), conn.token, listTools), http.StatusOK)
	<-got
	f.Clock.Advance(2 * time.Minute)
	failing = errors.New("no metadata server")
	w := mustCode(t, h, request(t.Context(), conn.token, listTools), http.StatusServiceUnavailable)
	if w.Header().Get("Retry-After") == "" || fetched != 2 {
		t.Errorf("got %v after %d fetches, want Retry-After after 2", w.Header(), fetched)
	}
	nothingReached(t, got)
}

// The platform's metadata server is asked for the audience, in its own way.
func TestTheMetadataServerIsAskedForTheAudience(t *testing.T) {
	asked := make(chan *http.Request, 1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked <- r
		fmt.Fprintln(w, idToken(time.Unix(2_000_000_000, 0)))
	}))
	t.Cleanup(server.Close)
	t.Setenv("GCE_METADATA_HOST", strings.TrimPrefix(server.URL, "http://"))
	tokens := newIDTokens("https://wiki.run.app/?x=1&y")
	token, err := tokens.get(t.Context())
	if err != nil || token != idToken(time.Unix(2_000_000_000, 0)) {
		t.Fatalf("got %q, %v; want the token", token, err)
	}
	r := <-asked
	if r.Header.Get("Metadata-Flavor") != "Google" || r.URL.Query().Get("audience") != "https://wiki.run.app/?x=1&y" ||
		r.URL.Path != "/computeMetadata/v1/instance/service-accounts/default/identity" {
		t.Errorf("got %s %v, want the identity for the audience", r.URL, r.Header)
	}
}

// What is no token is none.
func TestWhatIsNoIDTokenIsAFault(t *testing.T) {
	t.Parallel()
	endless := "e30." + base64.RawURLEncoding.EncodeToString([]byte(`{"exp":0}`)) + ".x"
	for _, text := range []string{"", "a.b", "a.b.c", "e30.e30.e30", endless} {
		tokens := &idTokens{now: time.Now, fetch: func(context.Context, string) (string, error) { return text, nil }}
		if got, err := tokens.get(t.Context()); err == nil {
			t.Errorf("%q: got %q, want an error", text, got)
		}
	}
}
