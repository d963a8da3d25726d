package upstream

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
)

// apiVersion pins GitHub's REST API.
const apiVersion = "2022-11-28"

// errNotFound is GitHub's "no such thing, or not for you", in GitHub's own words.
var errNotFound = errors.New("status 404")

// get reads path into dst with a person's token. what says in a log what was
// tried. Errors: errNotFound, [ErrTokenDead], [ErrSuspended], [ErrOddAnswer], or an
// outage; none quotes the answer. JSON of the right type may still lack members, which
// the caller looks at.
func (g *GitHub) get(ctx context.Context, t Token, what, path string, dst any) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, g.api+path, nil)
	if err != nil {
		return fmt.Errorf("%s: the address is not usable", what)
	}
	r.Header.Set("Authorization", "Bearer "+t.AccessToken.Reveal())
	status, body, err := g.send(r)
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	if status != http.StatusOK {
		return fmt.Errorf("%s: %w", what, statusError(status, body))
	}
	if json.Unmarshal(body, dst) != nil {
		return odd(what, "it is not the JSON of this call")
	}
	return nil
}

// odd is the error of an answer that says nothing, with what is wrong with it.
func odd(what, flaw string) error { return fmt.Errorf("%s: %w: %s", what, ErrOddAnswer, flaw) }

// Messages by which GitHub says no. Its other errors have others.
const (
	saysNotFound  = "Not Found"
	saysSuspended = "Sorry. Your account was suspended."
)

// statusError sorts an error's status. 403 is a "no" for a suspended account alone: GitHub
// uses it for rate limits, for single sign-on that has to be renewed, and for organisations
// that have not approved our app. All of them are for the operator, and none admits anybody.
func statusError(status int, body []byte) error {
	said := saidBy(body)
	switch {
	case status == http.StatusUnauthorized:
		return ErrTokenDead
	case status == http.StatusNotFound && said == saysNotFound:
		return errNotFound
	case status == http.StatusNotFound:
		return errors.New("status 404 that is not GitHub's: GITHUB_API_URL may be another server's")
	case status == http.StatusForbidden && said == saysSuspended:
		return ErrSuspended
	case status == http.StatusForbidden:
		return errors.New("status 403: rate limit, single sign-on, an organisation that restricts OAuth apps and " +
			"has not approved this one, or a GitHub App that lacks the permission or is not installed there")
	}
	return fmt.Errorf("status %d", status)
}

// saidBy returns the message of an error of GitHub's API, empty if body is none.
func saidBy(body []byte) string {
	var e struct {
		Message string `json:"message"`
	}
	if json.Unmarshal(body, &e) != nil {
		return ""
	}
	return e.Message
}

// send does one call and reads its whole answer.
func (g *GitHub) send(r *http.Request) (status int, body []byte, err error) {
	r.Header.Set("Accept", "application/vnd.github+json")
	r.Header.Set("X-GitHub-Api-Version", apiVersion)
	resp, err := g.client.Do(r)
	if err != nil {
		return 0, nil, withoutURL(err)
	}
	defer resp.Body.Close()
	body, err = io.ReadAll(resp.Body)
	if err != nil {
		return 0, nil, err
	}
	return resp.StatusCode, body, nil
}

// usable returns [ErrTokenDead] if t cannot work here whatever GitHub says: it is
// missing, has ended, or was given to another app (K5).
func (g *GitHub) usable(t Token) error {
	if t.IsZero() || t.ClientID != g.clientID || t.Expired(g.now()) {
		return ErrTokenDead
	}
	return nil
}

// Revoke ends the token at GitHub (DELETE /applications/{client_id}/token). GitHub
// answers 404 or 422, each with a message, for a token it does not know; that is the
// wanted end as well.
// A token of another app cannot be ended from here: the error is [ErrTokenDead].
func (g *GitHub) Revoke(ctx context.Context, t Token) error {
	if t.IsZero() {
		return nil
	}
	if t.ClientID != g.clientID {
		return fmt.Errorf("revoke the GitHub token: given to another client id: %w", ErrTokenDead)
	}
	ctx, cancel := context.WithTimeout(ctx, Timeout)
	defer cancel()
	r, err := g.revokeRequest(ctx, t)
	if err != nil {
		return err
	}
	status, body, err := g.send(r)
	if err != nil {
		return fmt.Errorf("revoke the GitHub token: %w", err)
	}
	switch said := saidBy(body); {
	case status == http.StatusNoContent,
		status == http.StatusNotFound && said == saysNotFound,
		status == http.StatusUnprocessableEntity && said != "":
		return nil
	}
	// Not statusError: 401 is about our app's secret here, not about the token.
	return fmt.Errorf("revoke the GitHub token: status %d", status)
}

// Separate is true: GitHub keeps ten tokens of a person for an app, and ends each by itself.
func (g *GitHub) Separate() bool { return true }

func (g *GitHub) revokeRequest(ctx context.Context, t Token) (*http.Request, error) {
	secret, err := g.secret(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the GitHub client secret: %w", err)
	}
	body, err := json.Marshal(map[string]string{"access_token": t.AccessToken.Reveal()})
	if err != nil {
		return nil, fmt.Errorf("revoke the GitHub token: %w", err)
	}
	address := g.api + "/applications/" + url.PathEscape(g.clientID) + "/token"
	r, err := http.NewRequestWithContext(ctx, http.MethodDelete, address, bytes.NewReader(body))
	if err != nil {
		return nil, errors.New("revoke the GitHub token: the address is not usable")
	}
	r.SetBasicAuth(g.clientID, secret.Reveal())
	r.Header.Set("Content-Type", "application/json")
	return r, nil
}
