package mcp

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"time"

	"cloud.google.com/go/compute/metadata"
)

// idTokens are tokens by which Google Cloud knows the function's own service account, for one
// audience. A private Cloud Run service takes one in X-Serverless-Authorization, and leaves
// Authorization to the program in it.
type idTokens struct {
	audience string
	fetch    func(ctx context.Context, audience string) (string, error)
	now      func() time.Time

	mu    sync.Mutex
	token string
	until time.Time // when another is fetched
}

const (
	// tokenRoom is how long before its end a token is replaced: it must outlast the way.
	tokenRoom = 5 * time.Minute
	// tokenPatience bounds a fetch. The metadata server is on the same machine.
	tokenPatience = 5 * time.Second
)

func newIDTokens(audience string) *idTokens {
	return &idTokens{audience: audience, fetch: fromMetadata, now: time.Now}
}

// get returns a token that is good for some minutes. Callers wait for one fetch together.
func (t *idTokens) get(ctx context.Context) (string, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.now().Before(t.until) {
		return t.token, nil
	}
	ctx, cancel := context.WithTimeout(ctx, tokenPatience)
	defer cancel()
	token, err := t.fetch(ctx, t.audience)
	if err != nil {
		return "", err
	}
	end, err := endOf(token)
	if err != nil {
		return "", err
	}
	t.token, t.until = token, end.Add(-tokenRoom)
	return token, nil
}

// fromMetadata asks the platform's metadata server, which GCE_METADATA_HOST may name.
func fromMetadata(ctx context.Context, audience string) (string, error) {
	token, err := metadata.GetWithContext(ctx,
		"instance/service-accounts/default/identity?format=full&audience="+url.QueryEscape(audience))
	if err != nil {
		return "", fmt.Errorf("metadata server: %w", err)
	}
	return strings.TrimSpace(token), nil
}

// endOf reads when a JWT ends. It was given to us, so it is not verified.
func endOf(token string) (time.Time, error) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return time.Time{}, errors.New("metadata server: not a JWT")
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	var claims struct {
		Expiry int64 `json:"exp"`
	}
	if err != nil || json.Unmarshal(payload, &claims) != nil || claims.Expiry <= 0 {
		return time.Time{}, errors.New("metadata server: a JWT without an end")
	}
	return time.Unix(claims.Expiry, 0), nil
}
