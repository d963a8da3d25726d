package upstream

import (
	"context"
	"errors"
	"net/http"
	"strings"
)

// An API is a provider whose API tools may ask in a person's name.
type API interface {
	// APIBase is where the API begins, without a slash at the end.
	APIBase() string
	// APIClient returns a client that sends the token to addresses below APIBase, and
	// nothing to any other ([ErrElsewhere]), redirects included. The token is asked for on
	// each use. Its errors are [ErrTokenDead], for a token of another app or one that the
	// provider answers with 401, the token's own, or an outage.
	APIClient(token func(context.Context) (Token, error)) *http.Client
}

// ErrElsewhere says that a tool asked for an address that is not the provider's API.
var ErrElsewhere = errors.New("the address is not below the provider's API")

// APIBase returns GITHUB_API_URL.
func (g *GitHub) APIBase() string { return g.api }

// APIClient implements [API].
func (g *GitHub) APIClient(token func(context.Context) (Token, error)) *http.Client {
	client := *g.client
	client.Transport = inTheName{g, token}
	client.CheckRedirect = func(r *http.Request, via []*http.Request) error {
		if len(via) >= 5 || !g.owns(r) {
			return http.ErrUseLastResponse
		}
		return nil
	}
	return &client
}

// owns reports whether a request is to GitHub's API. Dots could lead out of a base with a
// path, and the library sends them as they are.
func (g *GitHub) owns(r *http.Request) bool {
	address := r.URL.Scheme + "://" + r.URL.Host + r.URL.EscapedPath()
	return (r.Host == "" || r.Host == r.URL.Host) && strings.HasPrefix(address, g.api+"/") &&
		!strings.Contains(r.URL.Path, "/..")
}

// inTheName sends requests to GitHub in a person's name.
type inTheName struct {
	github *GitHub
	token  func(context.Context) (Token, error)
}

func (t inTheName) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := t.send(r)
	if err != nil && r.Body != nil {
		_ = r.Body.Close() // which a RoundTripper must do
	}
	return res, err
}

func (t inTheName) send(r *http.Request) (*http.Response, error) {
	if !t.github.owns(r) {
		return nil, ErrElsewhere
	}
	token, err := t.token(r.Context())
	if err != nil {
		return nil, err
	}
	if err := t.github.usable(token); err != nil {
		return nil, err
	}
	if err := t.github.reaches(token); err != nil {
		return nil, err
	}
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+token.AccessToken.Reveal())
	if r.Header.Get("Accept") == "" {
		r.Header.Set("Accept", "application/vnd.github+json")
	}
	if r.Header.Get("X-GitHub-Api-Version") == "" {
		r.Header.Set("X-GitHub-Api-Version", apiVersion)
	}
	res, err := t.github.client.Transport.RoundTrip(r)
	if err == nil && res.StatusCode == http.StatusUnauthorized {
		_ = res.Body.Close()
		return nil, ErrTokenDead
	}
	return res, err
}
