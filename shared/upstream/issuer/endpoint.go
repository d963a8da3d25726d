package issuer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/postern-dev/postern/shared/upstream"
)

// How we prove who we are (OpenID Connect Core §9).
const (
	methodBasic     = "client_secret_basic"
	methodPost      = "client_secret_post"
	methodAssertion = "private_key_jwt"

	assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
)

// authMethod is how we prove who we are: what the operator said, or what we have and the
// provider takes. One that lists nothing takes basic (Discovery 1.0 §3).
func (i *Issuer) authMethod(d Description) string {
	switch {
	case i.method != "":
		return i.method
	case i.key != nil:
		return methodAssertion
	case !slices.Contains(d.AuthMethods, methodBasic) && slices.Contains(d.AuthMethods, methodPost):
		return methodPost
	}
	return methodBasic
}

// An Answer is what a token endpoint gave (RFC 6749 §5.1, OpenID Connect Core §3.1.3.3).
type Answer struct {
	AccessToken  string      `json:"access_token"`
	TokenType    string      `json:"token_type"`
	RefreshToken string      `json:"refresh_token"`
	IDToken      string      `json:"id_token"`
	Scope        string      `json:"scope"`
	ExpiresIn    json.Number `json:"expires_in"` // seconds; some write it as a string
}

// A Refusal is an error that the provider answered in its own words (RFC 6749 §5.2): a whole
// answer, and not an outage. Only the code is kept, and only in its characters.
type Refusal struct{ Code string }

func (r *Refusal) Error() string { return "the provider answered " + r.Code }

// refusalOf returns the refusal in the body of an error, nil if it is none.
func refusalOf(resp *http.Response, body []byte) *Refusal {
	media, _, err := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	var said struct {
		Error string `json:"error"`
	}
	if err != nil || media != "application/json" || json.Unmarshal(body, &said) != nil || said.Error == "" ||
		len(said.Error) > 64 || strings.Trim(said.Error, "abcdefghijklmnopqrstuvwxyz_") != "" {
		return nil
	}
	return &Refusal{Code: said.Error}
}

// Ask sends a form to the token endpoint, within 5 s. The error is a [*Refusal] if the
// provider refused what the form brings; everything else is an outage or a wrong setting.
func (i *Issuer) Ask(ctx context.Context, form url.Values) (Answer, error) {
	d, err := i.Description(ctx)
	if err != nil {
		return Answer{}, fmt.Errorf("%w: %w", upstream.ErrNotAsked, err)
	}
	body, err := i.post(ctx, d, d.TokenURL, form)
	if err != nil {
		return Answer{}, err
	}
	var a Answer
	if json.Unmarshal(body, &a) != nil {
		return Answer{}, errors.New("the answer is not a token")
	}
	return a, nil
}

// post sends a form as ourselves. The answer of a status other than 200 is an error.
func (i *Issuer) post(ctx context.Context, d Description, address string, form url.Values) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, upstream.Timeout)
	defer cancel()
	var sent atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		WroteHeaders: func() { sent.Store(true) },
	})
	r, err := i.request(ctx, d, address, form)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", upstream.ErrNotAsked, err)
	}
	resp, err := i.client.Do(r)
	if err != nil && !sent.Load() {
		return nil, fmt.Errorf("%w: %w", upstream.ErrNotAsked, withoutURL(err))
	}
	if err != nil {
		return nil, withoutURL(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode == http.StatusOK {
		return body, nil
	}
	refusal := refusalOf(resp, body)
	switch {
	case resp.StatusCode == http.StatusTooManyRequests:
		return nil, fmt.Errorf("%w: status %d", upstream.ErrNotAsked, resp.StatusCode)
	case refusal == nil || resp.StatusCode >= 500:
		return nil, fmt.Errorf("status %d", resp.StatusCode)
	case refusal.Code == "invalid_client" || refusal.Code == "unauthorized_client":
		return nil, fmt.Errorf("%w: the provider does not know us: OIDC_CLIENT_ID, its secret or key, "+
			"or OIDC_CLIENT_AUTH is wrong (%s by %s)", upstream.ErrNotAsked, refusal.Code, i.authMethod(d))
	}
	return nil, refusal
}

func (i *Issuer) request(ctx context.Context, d Description, address string, form url.Values) (*http.Request, error) {
	var basic string
	switch method := i.authMethod(d); method {
	case methodAssertion:
		signed, err := i.assertion(ctx, d)
		if err != nil {
			return nil, err
		}
		form.Set("client_id", i.clientID)
		form.Set("client_assertion_type", assertionType)
		form.Set("client_assertion", signed)
	default:
		secret, err := i.secret(ctx)
		if err != nil {
			return nil, fmt.Errorf("read OIDC_CLIENT_SECRET_FILE: %w", err)
		}
		if method == methodPost {
			form.Set("client_id", i.clientID)
			form.Set("client_secret", secret.Reveal())
		} else {
			basic = secret.Reveal()
		}
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, address, strings.NewReader(form.Encode()))
	if err != nil {
		return nil, errors.New("the address is not usable")
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if basic != "" { // RFC 6749 §2.3.1: both are encoded as in a form first
		r.SetBasicAuth(url.QueryEscape(i.clientID), url.QueryEscape(basic))
	}
	return r, nil
}

// Separate is false: several products end all that a person gave us with any of its tokens,
// and none says so.
func (i *Issuer) Separate() bool { return false }

// Revoke ends a token at the provider, the refresh token if there is one (RFC 7009 §2.1). A
// provider without such an endpoint leaves it to expire. A token of another issuer or client
// cannot be ended from here: the error is [upstream.ErrTokenDead].
func (i *Issuer) Revoke(ctx context.Context, t upstream.Token) error {
	if t.IsZero() {
		return nil
	}
	if !i.Gave(t) {
		return fmt.Errorf("revoke the provider's token: given by another issuer or to another client: %w",
			upstream.ErrTokenDead)
	}
	d, err := i.Description(ctx)
	if err != nil {
		return fmt.Errorf("revoke the provider's token: %w", err)
	}
	if d.RevocationURL == "" {
		return nil
	}
	form := url.Values{"token": {t.AccessToken.Reveal()}, "token_type_hint": {"access_token"}}
	if !t.RefreshToken.IsZero() {
		form = url.Values{"token": {t.RefreshToken.Reveal()}, "token_type_hint": {"refresh_token"}}
	}
	_, err = i.post(ctx, d, d.RevocationURL, form)
	if refusal, ok := errors.AsType[*Refusal](err); ok && refusal.Code == "unsupported_token_type" {
		return nil // it ends by itself
	}
	if err != nil {
		return fmt.Errorf("revoke the provider's token: %w", err)
	}
	return nil
}

// Gave reports whether a token is this issuer's, and given to us (K5).
func (i *Issuer) Gave(t upstream.Token) bool { return t.Issuer == i.issuer && t.ClientID == i.clientID }
