package token

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/postern-dev/postern/shared/accesstoken"
	"github.com/postern-dev/postern/shared/credential"
	"github.com/postern-dev/postern/shared/edge"
	"github.com/postern-dev/postern/shared/keyfile"
	"github.com/postern-dev/postern/shared/oauth"
	"github.com/postern-dev/postern/shared/origin"
	"github.com/postern-dev/postern/shared/signing"
	"github.com/postern-dev/postern/shared/store"
	"github.com/postern-dev/postern/shared/upstream"
	"github.com/postern-dev/postern/test/kit/fixture"
)

const (
	issuer    = fixture.Origin
	challenge = fixture.Challenge
	verifier  = fixture.Verifier

	redirectURI = "http://127.0.0.1:49152/callback"
)

// Clients that are registered from the start. The secret of each that has one is its id
// with "cs_" in front and the characters that Basic has to encode behind.
const (
	publicID   = "c_public"
	otherID    = "c_other" // public as well
	basicID    = "c_basic"
	postID     = "c_post"
	codeOnlyID = "c_code_only" // not registered for refresh_token
	serverID   = "c_resource_server"
)

func secretOf(id string) string { return "cs_" + id + " +%:é" }

func basic(id, secret string) string {
	r := http.Request{Header: http.Header{}}
	r.SetBasicAuth(url.QueryEscape(id), url.QueryEscape(secret))
	return r.Header.Get("Authorization")
}

// An endpoint is the token endpoint over a store in memory.
type endpoint struct {
	http.Handler
	Config
	*fixture.Base
	ring signing.Ring
}

var must = fixture.Must

// open returns the endpoint. change may adjust what it is made of.
func open(tb testing.TB, change func(*endpoint)) *endpoint {
	tb.Helper()
	f := &endpoint{Base: fixture.New(), ring: signing.Generate()}
	origin, err := origin.Parse(issuer)
	must(tb, err)
	allow, err := upstream.ParseAllow("anyone")
	must(tb, err)
	log := f.Lines.Logger()
	f.Config = Config{
		Edge:     edge.Deployment{Issuer: origin, Log: log},
		Issuer:   &accesstoken.Issuer{Ring: keyfile.Static(f.ring), TTL: time.Hour, Now: f.Clock.Now},
		Verifier: &accesstoken.Verifier{Keys: keyfile.Static(f.ring.Public()), Now: f.Clock.Now},
		Provider: &upstream.Development{}, Allow: allow, MembershipTTL: time.Hour, EvidenceMaxAge: 168 * time.Hour,
		Log: log, Now: f.Clock.Now,
	}
	if change != nil {
		change(f)
	}
	f.Store = f.Open(tb, store.Lifetimes{RefreshGrace: 2 * time.Minute})
	f.register(tb)
	f.Handler, err = New(f.Config)
	must(tb, err)
	f.Cost.Take()
	return f
}

func (f *endpoint) register(tb testing.TB) {
	tb.Helper()
	both := oauth.SupportedGrantTypes()
	for _, c := range []store.Client{
		{ID: publicID, Metadata: oauth.ClientMetadata{TokenEndpointAuthMethod: oauth.AuthMethodNone, GrantTypes: both}},
		{ID: otherID, Metadata: oauth.ClientMetadata{TokenEndpointAuthMethod: oauth.AuthMethodNone, GrantTypes: both}},
		{ID: codeOnlyID, Metadata: oauth.ClientMetadata{
			TokenEndpointAuthMethod: oauth.AuthMethodNone, GrantTypes: []string{oauth.GrantAuthorizationCode},
		}},
		{ID: basicID, Metadata: oauth.ClientMetadata{TokenEndpointAuthMethod: oauth.AuthMethodBasic, GrantTypes: both}},
		{ID: postID, Metadata: oauth.ClientMetadata{TokenEndpointAuthMethod: oauth.AuthMethodPost, GrantTypes: both}},
		{ID: serverID, Operator: true, ResourceServer: true, Metadata: oauth.ClientMetadata{
			TokenEndpointAuthMethod: oauth.AuthMethodBasic, GrantTypes: both,
		}},
	} {
		c.Metadata.RedirectURIs = []string{redirectURI, "https://client.example/cb"}
		if c.Metadata.TokenEndpointAuthMethod != oauth.AuthMethodNone {
			c.SecretHash = credential.Hash(secretOf(c.ID))
		}
		_, err := f.Store.RegisterClient(tb.Context(), c)
		must(tb, err)
	}
}

// issue issues a fixed or, if it is empty, a fresh code to a client.
func (f *endpoint) issue(tb testing.TB, clientID, code string, change func(*store.Login)) string {
	tb.Helper()
	l := f.Login(clientID)
	l.Record.RedirectURI, l.Record.Scopes = redirectURI, oauth.Scopes{oauth.ScopeMCP}
	if code != "" {
		l.Code = credential.Wrap(code)
	}
	if change != nil {
		change(&l)
	}
	must(tb, f.Store.IssueCode(tb.Context(), l, fixture.AnyClient))
	return l.Code.Reveal()
}

// post sends a form, names and values; an Authorization header is given as "Authorization".
func (f *endpoint) post(tb testing.TB, path string, nameValues ...string) *httptest.ResponseRecorder {
	tb.Helper()
	form, header := url.Values{}, http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}
	for i := 0; i < len(nameValues); i += 2 {
		if nameValues[i] == "Authorization" {
			header.Set("Authorization", nameValues[i+1])
			continue
		}
		form.Add(nameValues[i], nameValues[i+1])
	}
	r := httptest.NewRequestWithContext(context.Background(), http.MethodPost, path, strings.NewReader(form.Encode()))
	r.Header = header
	w := httptest.NewRecorder()
	f.ServeHTTP(w, r)
	return w
}

// A reply is any body of the endpoint.
type reply struct {
	response
	Error       string `json:"error"`
	Description string `json:"error_description"`
	Active      *bool  `json:"active"`
}

func decode(tb testing.TB, w *httptest.ResponseRecorder) reply {
	tb.Helper()
	var a reply
	if w.Body.Len() > 0 {
		must(tb, json.Unmarshal(w.Body.Bytes(), &a))
	}
	return a
}

// want checks status and error code; the empty code is success.
func want(tb testing.TB, what string, w *httptest.ResponseRecorder, status int, code string) reply {
	tb.Helper()
	a := decode(tb, w)
	if w.Code != status || a.Error != code {
		tb.Errorf("%s: got %d %q (%s), want %d %q", what, w.Code, a.Error, a.Description, status, code)
	}
	return a
}

// credentials returns how a client proves itself, as the names and values of a request.
func credentials(clientID string) []string {
	switch clientID {
	case basicID, serverID:
		return []string{"Authorization", basic(clientID, secretOf(clientID))}
	case postID:
		return []string{"client_id", clientID, "client_secret", secretOf(clientID)}
	}
	return []string{"client_id", clientID}
}

func (f *endpoint) redeem(tb testing.TB, clientID, code string, more ...string) *httptest.ResponseRecorder {
	tb.Helper()
	form := []string{"grant_type", "authorization_code", "code", code, "code_verifier", verifier}
	form = append(form, credentials(clientID)...)
	return f.post(tb, oauth.TokenPath, append(form, more...)...)
}

func (f *endpoint) refresh(tb testing.TB, clientID, token string, more ...string) *httptest.ResponseRecorder {
	tb.Helper()
	form := append([]string{"grant_type", "refresh_token", "refresh_token", token}, credentials(clientID)...)
	return f.post(tb, oauth.TokenPath, append(form, more...)...)
}

func (f *endpoint) revoke(tb testing.TB, clientID, token string, more ...string) *httptest.ResponseRecorder {
	tb.Helper()
	return f.post(tb, oauth.RevokePath, append(append([]string{"token", token}, credentials(clientID)...), more...)...)
}

// connect is a whole login of octocat by a client.
func (f *endpoint) connect(tb testing.TB, clientID string) reply {
	tb.Helper()
	return want(tb, "connect", f.redeem(tb, clientID, f.issue(tb, clientID, "", nil)), http.StatusOK, "")
}

// lives reports whether an access token's grant lives, as the MCP endpoint would ask.
func (f *endpoint) lives(tb testing.TB, access string) bool {
	tb.Helper()
	claims, err := f.Verifier.Verify(tb.Context(), credential.Wrap(access), issuer, issuer+oauth.MCPPath)
	must(tb, err)
	_, err = f.Store.LiveGrant(tb.Context(), claims.GrantID)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		tb.Fatal(err)
	}
	return err == nil
}
