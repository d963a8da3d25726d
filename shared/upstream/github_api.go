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

// errNotFound is GitHub's "no such thing, or not for you".
var errNotFound = errors.New("status 404")

// get reads path into dst with a person's token. what says in a log what was
// tried. Errors: errNotFound, [ErrTokenDead], or an outage; none quotes the answer.
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
		return fmt.Errorf("%s: %w", what, statusError(status))
	}
	if json.Unmarshal(body, dst) != nil {
		return fmt.Errorf("%s: the answer is not the JSON that GitHub documents", what)
	}
	return nil
}

// statusError sorts a status. 403 is not a "no": GitHub uses it for rate limits, for
// single sign-on that has to be renewed, and for organisations that have not
// approved our app. All of them are for the operator, and none admits anybody.
func statusError(status int) error {
	switch status {
	case http.StatusUnauthorized:
		return ErrTokenDead
	case http.StatusNotFound:
		return errNotFound
	case http.StatusForbidden:
		return errors.New("status 403: rate limit, single sign-on, or an organisation that restricts OAuth apps and has not approved this one")
	}
	return fmt.Errorf("status %d", status)
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
// answers 404 or 422 for a token it does not know; that is the wanted end as well.
// A token of another app cannot be ended from here: the error is [ErrTokenDead].
func (g *GitHub) Revoke(ctx context.Context, t Token) error {
	if t.IsZero() {
		return nil
	}
	if t.ClientID != g.clientID {
		return fmt.Errorf("revoke the GitHub token: given to another client id: %w", ErrTokenDead)
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	r, err := g.revokeRequest(ctx, t)
	if err != nil {
		return err
	}
	status, _, err := g.send(r)
	if err != nil {
		return fmt.Errorf("revoke the GitHub token: %w", err)
	}
	switch status {
	case http.StatusNoContent, http.StatusNotFound, http.StatusUnprocessableEntity:
		return nil
	}
	// Not statusError: 401 is about our app's secret here, not about the token.
	return fmt.Errorf("revoke the GitHub token: status %d", status)
}

func (g *GitHub) revokeRequest(ctx context.Context, t Token) (*http.Request, error) {
	secret, err := g.secret(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the GitHub client secret: %w", err)
	}
	body, err := json.Marshal(map[string]string{"access_token": t.AccessToken.Reveal()})
	if err != nil {
		return nil, fmt.Errorf("revoke the GitHub token: %w", err)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodDelete, g.api+"/applications/"+url.PathEscape(g.clientID)+"/token", bytes.NewReader(body))
	if err != nil {
		return nil, errors.New("revoke the GitHub token: the address is not usable")
	}
	r.SetBasicAuth(g.clientID, secret.Reveal())
	r.Header.Set("Content-Type", "application/json")
	return r, nil
}
