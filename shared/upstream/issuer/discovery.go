package issuer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/postern-dev/postern/shared/keyfile"
	"github.com/postern-dev/postern/shared/origin"
	"github.com/postern-dev/postern/shared/upstream"
)

// wellKnown is where a provider describes itself, below its issuer (OpenID Connect Discovery
// 1.0 §4).
const wellKnown = "/.well-known/openid-configuration"

// discoveryAge is how old a description may get before a request fetches it again. Endpoints
// move about never.
const discoveryAge = time.Hour

// A Description is what a provider publishes of itself, as far as it is read (OpenID Connect
// Discovery 1.0 §3).
type Description struct {
	Issuer        string   `json:"issuer"`
	AuthURL       string   `json:"authorization_endpoint"`
	TokenURL      string   `json:"token_endpoint"`
	KeysURL       string   `json:"jwks_uri"`
	UserInfoURL   string   `json:"userinfo_endpoint"`
	RevocationURL string   `json:"revocation_endpoint"`
	Algorithms    []string `json:"id_token_signing_alg_values_supported"`
	AuthMethods   []string `json:"token_endpoint_auth_methods_supported"`
	Scopes        []string `json:"scopes_supported"`
	// Prompts are the values of prompt that it knows; empty if it does not say.
	Prompts []string `json:"prompt_values_supported"`
	// SaysIssuer is whether each answer to the browser names the issuer (RFC 9207 §3).
	SaysIssuer bool `json:"authorization_response_iss_parameter_supported"`
	// LogsOut and LogsOutSessions are about Back-Channel Logout 1.0 §2.1.
	LogsOut         bool `json:"backchannel_logout_supported"`
	LogsOutSessions bool `json:"backchannel_logout_session_supported"`
}

// Describe lets a log say what changed.
func (d Description) Describe() string { return d.TokenURL + " " + d.KeysURL }

// Description returns what the provider publishes of itself: fetched at first use, again when
// it is an hour old, and the last good one for as long as the provider is down. An error is
// an outage.
func (i *Issuer) Description(ctx context.Context) (Description, error) { return i.described.Get(ctx) }

// How often the provider is asked for a document: again at once when something names a key
// that is not in it, but not for everybody who makes up such a name; and soon after it was
// down.
const (
	keysAge  = 10 * time.Minute
	minRetry = 2 * time.Second
	maxRetry = 10 * time.Second
)

func ring[T any](
	i *Issuer, name string, age time.Duration, read func() ([]byte, error), parse func([]byte) (T, error),
) *keyfile.File[T] {
	return keyfile.New(name+" of "+i.issuer, parse, &keyfile.Options{
		Name: name, Log: i.log, Now: i.now, MaxAge: age, MinRetry: minRetry, MaxRetry: maxRetry,
		Patience: upstream.Timeout, Read: func(string) ([]byte, error) { return read() },
	})
}

// Keys returns the provider's keys as a ring with the same patience as our own have, read by
// parse. They are fetched at first use, when they are ten minutes old, and when something
// names a key that is not among them.
func Keys[T any](i *Issuer, parse func([]byte) (T, error)) *keyfile.File[T] {
	return ring(i, "oidc-keys", keysAge, func() ([]byte, error) {
		d, err := i.Description(context.Background())
		if err != nil {
			return nil, err
		}
		return i.fetch(d.KeysURL)
	}, parse)
}

// fetch reads a document of the provider. Its errors quote nothing of it.
func (i *Issuer) fetch(address string) ([]byte, error) {
	r, err := http.NewRequestWithContext(context.Background(), http.MethodGet, address, nil)
	if err != nil {
		return nil, errors.New("the address is not usable")
	}
	resp, err := i.client.Do(r)
	if err != nil {
		return nil, withoutURL(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("status %d", resp.StatusCode)
	}
	return body, nil
}

func (i *Issuer) parseDescription(body []byte) (Description, error) {
	var d Description
	if json.Unmarshal(body, &d) != nil {
		return d, errors.New("not the JSON of a provider's description")
	}
	if want := i.published(); d.Issuer != want {
		return d, fmt.Errorf("OIDC_ISSUER is %q, and what it publishes is about another issuer: write that one, "+
			"to the last character, if it is the right one%s", i.issuer, quoted(d.Issuer))
	}
	for name, address := range map[string]string{
		"authorization_endpoint": d.AuthURL, "token_endpoint": d.TokenURL, "jwks_uri": d.KeysURL,
	} {
		if address == "" {
			return d, fmt.Errorf("%s is missing", name)
		}
	}
	for name, address := range map[string]string{
		"authorization_endpoint": d.AuthURL, "token_endpoint": d.TokenURL, "jwks_uri": d.KeysURL,
		"userinfo_endpoint": d.UserInfoURL, "revocation_endpoint": d.RevocationURL,
	} {
		if address != "" && !i.mayAsk(address) {
			return d, fmt.Errorf("%s is not an https URL without fragment", name)
		}
	}
	return d, nil
}

// quoted returns an issuer as a provider wrote it, if it looks like one.
func quoted(s string) string {
	if _, err := origin.ParseBase(strings.TrimSuffix(s, "/")); err != nil || len(s) > 200 {
		return ""
	}
	return ": " + s
}

// mayAsk reports whether an address may be one of the provider's endpoints. A provider on
// this machine may have them on this machine; whatever else a name leads to is decided when
// it is dialled.
func (i *Issuer) mayAsk(address string) bool {
	u, err := url.Parse(address)
	return err == nil && u.Host != "" && u.User == nil && !strings.Contains(address, "#") &&
		(u.Scheme == "https" || i.local && u.Scheme == "http" && origin.Loopback(u.Hostname()))
}

// offers reports whether the provider lists a scope.
func (d Description) offers(scope string) bool { return slices.Contains(d.Scopes, scope) }

// prompts are wishes in words that the provider knows. One that lists its words and has no choice
// of accounts among them gives the same account again, unasked, unless it asks for a sign-in.
func (d Description) prompts(wishes []string) []string {
	var out []string
	for _, w := range wishes {
		if w == upstream.PromptSelectAccount && len(d.Prompts) > 0 && !slices.Contains(d.Prompts, w) {
			w = upstream.PromptLogin
		}
		if !slices.Contains(out, w) {
			out = append(out, w)
		}
	}
	return out
}

// withoutURL drops the address from a transport error, and keeps the reason.
func withoutURL(err error) error {
	if e, ok := errors.AsType[*url.Error](err); ok {
		return e.Err
	}
	return err
}
