package mcp

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/postern-dev/postern/shared/seal"
	"github.com/postern-dev/postern/shared/store"
	"github.com/postern-dev/postern/shared/upstream"
)

// Deps is what an author's server is given. It is safe for concurrent use.
type Deps struct {
	// APIBase is where the identity provider's API begins, without a slash at the end, like
	// https://api.github.com; empty if it has none.
	APIBase string
	// Log is the function's. What is logged with a context of a tool has the request's id.
	Log *slog.Logger
	// Now tells the time.
	Now func() time.Time

	store    *store.Store
	provider upstream.Provider
	box      *seal.Box
	lists    *bell
}

func (c Config) deps() Deps {
	d := Deps{Log: c.Log, Now: c.Now, store: c.Store, provider: c.Provider, box: c.Box, lists: new(bell)}
	if api, ok := c.Provider.(upstream.API); ok {
		d.APIBase = api.APIBase()
	}
	return d
}

// What people read when the provider cannot be asked in their name.
const (
	signInAgain = Problem("the identity provider does not accept the kept sign-in: try again later, " +
		"and if it stays so, remove the connection in your client and sign in again")
	reachMore = Problem("this server's tools need more of your account than when you signed in: " +
		"remove the connection in your client and sign in again")
	notNow = Problem("the identity provider could not be asked right now: try again later")
	noAPI  = Problem("this server's identity provider has nothing to ask in your name")
)

// Client returns a client for the provider's API in the caller's name: it sends the token
// that their own sign-in left, to addresses below [Deps.APIBase] and to no other (MP-15,
// AT-04). A token that was given to another app is not sent; if it is that, or missing, or
// refused by the provider, the error is a [Problem] that asks the person to sign in again,
// so a tool returns it as it is. An answer has at most 1 MiB and 5 s; any status but 401
// is for the tool to read. The client is for this call of the tool.
func (d Deps) Client(c Caller) *http.Client {
	api, ok := d.provider.(upstream.API)
	if !ok {
		return &http.Client{Transport: failing{noAPI}}
	}
	var once sync.Once
	var token upstream.Token
	var err error
	client := api.APIClient(func(ctx context.Context) (upstream.Token, error) {
		once.Do(func() { token, err = d.token(ctx, c) })
		return token, err
	})
	client.Transport = readableErrors{client.Transport}
	return client
}

// Profile returns what the provider says about the caller. Errors are those of [Deps.Client].
func (d Deps) Profile(ctx context.Context, c Caller) (upstream.Profile, error) {
	provider, ok := d.provider.(upstream.Profiler)
	if !ok { // the development sign-in knows no more than this
		return upstream.Profile{Subject: c.Person.Subject, Login: c.Person.Login, Name: c.Person.Name}, nil
	}
	token, err := d.token(ctx, c)
	if err != nil {
		return upstream.Profile{}, err
	}
	profile, err := provider.Profile(ctx, token)
	switch {
	case err != nil:
		return upstream.Profile{}, readableError(err)
	case profile.Subject != c.Person.Subject:
		return upstream.Profile{}, errors.New("read profile: the token of one person gave the profile of another")
	}
	return profile, nil
}

func (d Deps) token(ctx context.Context, c Caller) (upstream.Token, error) {
	account, err := d.store.Account(ctx, c.Person.Subject)
	if errors.Is(err, store.ErrNotFound) || err == nil && len(account.UpstreamToken) == 0 {
		return upstream.Token{}, signInAgain
	}
	if err != nil {
		return upstream.Token{}, fmt.Errorf("%w: read account: %w", notNow, err)
	}
	return upstream.UnmarshalToken(account.UpstreamToken)
}

// readableErrors turns what went wrong on the way into what a person can read.
type readableErrors struct{ next http.RoundTripper }

func (t readableErrors) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := t.next.RoundTrip(r)
	return res, readableError(err)
}

func readableError(err error) error {
	if _, ok := errors.AsType[Problem](err); ok || err == nil {
		return err
	}
	switch {
	case errors.Is(err, upstream.ErrScopeMissing):
		return fmt.Errorf("%w: %w", reachMore, err)
	case errors.Is(err, upstream.ErrTokenDead):
		return fmt.Errorf("%w: %w", signInAgain, err)
	case errors.Is(err, upstream.ErrElsewhere):
		return err // a fault of the tool
	}
	return fmt.Errorf("%w: %w", notNow, err)
}

// failing is for providers without an API.
type failing struct{ err error }

func (f failing) RoundTrip(*http.Request) (*http.Response, error) { return nil, f.err }

// stateTTL is how long a client may keep state that was sealed for it.
const stateTTL = 10 * time.Minute

// ErrState says that a client sent back what [Deps.Seal] did not make for this caller and
// purpose within ten minutes.
var ErrState = errors.New("not state that was sealed here lately for this caller")

// Seal encrypts state that the client is to send back, such as a page to go on with. Only
// [Deps.Open] with the same purpose, person and client opens it, and for ten minutes. The
// purpose has at most 200 bytes. State may come back more than once.
func (d Deps) Seal(ctx context.Context, c Caller, purpose string, state []byte) (string, error) {
	until := binary.BigEndian.AppendUint64(nil, uint64(d.Now().Add(stateTTL).Unix()))
	return d.box.Seal(ctx, stateLabel(c, purpose), append(until, state...))
}

// Open returns what [Deps.Seal] sealed. Its errors are [ErrState], and others while the
// keys cannot be read.
func (d Deps) Open(ctx context.Context, c Caller, purpose, sealed string) ([]byte, error) {
	payload, err := d.box.Open(ctx, stateLabel(c, purpose), sealed)
	switch {
	case errors.Is(err, seal.ErrUnreadable), errors.Is(err, seal.ErrMisplaced):
		return nil, ErrState
	case err != nil:
		return nil, err
	case len(payload) < 8 || uint64(d.Now().Unix()) >= binary.BigEndian.Uint64(payload):
		return nil, ErrState
	}
	return payload[8:], nil
}

func stateLabel(c Caller, purpose string) seal.Label {
	client := sha256.Sum256([]byte(c.ClientID)) // which may be long
	return seal.Label{
		Purpose: "tool state", Collection: purpose, Document: c.Person.Subject, Field: hex.EncodeToString(client[:]),
	}
}
