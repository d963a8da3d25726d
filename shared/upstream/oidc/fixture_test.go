package oidc_test

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/postern-dev/postern/shared/credential"
	"github.com/postern-dev/postern/shared/oauth"
	"github.com/postern-dev/postern/shared/upstream"
	"github.com/postern-dev/postern/shared/upstream/issuer"
	"github.com/postern-dev/postern/shared/upstream/oidc"
	"github.com/postern-dev/postern/test/kit/oauthtest"
)

const (
	callback = "https://auth.example.com/auth/callback"
	verifier = "a-verifier-of-forty-three-characters-or-more"
)

// A clock that stands still until it is moved, for us and the provider.
type clock struct{ ns atomic.Int64 }

func (c *clock) now() time.Time          { return time.Unix(1_900_000_000, 0).Add(time.Duration(c.ns.Load())) }
func (c *clock) advance(d time.Duration) { c.ns.Add(int64(d)) }

// A rig is our side of a fake provider.
type rig struct {
	*oidc.Provider
	fake  *oauthtest.OpenID
	clock *clock
}

// config is our side of the fake, for those who may enter.
func config(t *testing.T, fake *oauthtest.OpenID, allow string) issuer.Config {
	t.Helper()
	a, err := upstream.ParseAllow(allow)
	if err != nil {
		t.Fatal(err)
	}
	generic, _ := issuer.PresetByName("")
	return issuer.Config{
		Preset: generic, Issuer: fake.URL, ClientID: fake.ClientID, Allow: a,
		Secret: func(context.Context) (credential.Secret, error) { return credential.Wrap(fake.ClientSecret), nil },
	}
}

func open(t *testing.T, allow string, change func(*issuer.Config)) *rig {
	t.Helper()
	c := &clock{}
	fake := oauthtest.StartOpenID(t, &oauthtest.OpenIDOptions{Now: c.now})
	cfg := config(t, fake, allow)
	cfg.Now = c.now
	if change != nil {
		change(&cfg)
	}
	p, err := oidc.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return &rig{p, fake, c}
}

func (r *rig) away(t *testing.T, hints upstream.Hints) string {
	t.Helper()
	u, err := r.AuthCodeURL(t.Context(), callback, "the-state", verifier, hints)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// answer is the callback's query of a sign-in as login.
func (r *rig) answer(t *testing.T, login string) url.Values {
	t.Helper()
	return url.Values{"code": {r.fake.Issue(login, r.away(t, upstream.Hints{}))}, "iss": {r.fake.URL}}
}

func (r *rig) signIn(t *testing.T, login string) (upstream.Identity, upstream.Token, error) {
	t.Helper()
	return r.Exchange(t.Context(), callback, r.answer(t, login), verifier)
}

func (r *rig) mustSignIn(t *testing.T, login string) (upstream.Identity, upstream.Token) {
	t.Helper()
	id, token, err := r.signIn(t, login)
	if err != nil {
		t.Fatal(err)
	}
	return id, token
}

// kind sorts an error as a caller does.
func kind(err error) string {
	_, readable := errors.AsType[*oauth.Error](err)
	switch {
	case err == nil:
		return "ok"
	case errors.Is(err, upstream.ErrDenied):
		return "denied"
	case errors.Is(err, upstream.ErrUsed):
		return "used"
	case errors.Is(err, upstream.ErrRefused):
		return "refused"
	case readable:
		return "an oauth.Error of no kind"
	case errors.Is(err, upstream.ErrEnded):
		return "ended"
	case errors.Is(err, upstream.ErrNotAllowed) && !errors.Is(err, upstream.ErrOddAnswer):
		return "not allowed"
	case errors.Is(err, upstream.ErrTokenDead):
		return "token dead"
	case errors.Is(err, upstream.ErrCannotAsk):
		return "cannot ask"
	case errors.Is(err, upstream.ErrOddAnswer):
		return "odd"
	}
	return "outage"
}

func want(t *testing.T, what string, err error, kinds string, words ...string) {
	t.Helper()
	if got := kind(err); got != kinds {
		t.Errorf("%s: got %s (%v), want %s", what, got, err, kinds)
	}
	for _, w := range words {
		if err == nil || !strings.Contains(err.Error(), w) {
			t.Errorf("%s: error got %v, want %q in it", what, err, w)
		}
	}
}

func jsonAnswer(body string) *http.Response {
	return &http.Response{StatusCode: 200, Header: http.Header{"Content-Type": {"application/json"}},
		Body: io.NopCloser(strings.NewReader(body))}
}

// withIssuer puts the issuer that they are for into a provider's keys.
func withIssuer(t *testing.T, keys any, iss string) (out []map[string]any) {
	t.Helper()
	b, err := json.Marshal(keys)
	if err == nil {
		err = json.Unmarshal(b, &out)
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range out {
		k["issuer"] = iss
	}
	return out
}

// clientKey is a private key of ours, in PEM.
func clientKey(t *testing.T) []byte {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(foreignKey())
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}
