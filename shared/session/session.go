// Package session is how a browser is known for some minutes after its person signed in at the
// identity provider to see their own page: a sealed cookie, and what proves that a form was on a
// page of it. Functions authorize, where the provider sends the browser back to, begins one;
// connections goes by it. Nothing is stored.
package session

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/postern-dev/postern/shared/credential"
	"github.com/postern-dev/postern/shared/edge"
	"github.com/postern-dev/postern/shared/pages"
	"github.com/postern-dev/postern/shared/seal"
)

// Life is how long a session lasts. It does not slide: it is for looking and ending, not for staying.
const Life = 10 * time.Minute

// cookie is the one cookie of a browser's session: who signs in again is somebody else in every tab.
const cookie = "postern-person"

// A Session is a person in a browser.
type Session struct {
	Subject string    `json:"s"` // as store.Person has it
	Login   string    `json:"l"` // for display
	Issuer  string    `json:"i"`
	Seed    []byte    `json:"k"` // 32 random bytes
	Expiry  time.Time `json:"e"`
}

func label() seal.Label {
	return seal.Label{Purpose: "session", Collection: "session", Document: "-", Field: "all"}
}

// Begin gives the browser a session of a person, in place of the one that it may have.
func Begin(w http.ResponseWriter, r *http.Request, box *seal.Box, subject, login string, now time.Time) error {
	s := Session{
		Subject: subject, Login: login, Issuer: edge.Issuer(r).String(), Seed: make([]byte, 32), Expiry: now.Add(Life),
	}
	rand.Read(s.Seed)
	plain, err := json.Marshal(s)
	if err != nil {
		return fmt.Errorf("encode session: %w", err)
	}
	sealed, err := box.Seal(r.Context(), label(), plain)
	if err != nil {
		return err
	}
	pages.SetCookie(w, r, cookie, sealed, Life)
	return nil
}

// End takes the session from the browser.
func End(w http.ResponseWriter, r *http.Request) { pages.ClearCookie(w, r, cookie) }

// Of returns the session of a request; false if there is none, or it is over. An error is a
// failure to look.
func Of(r *http.Request, box *seal.Box, now time.Time) (Session, bool, error) {
	sealed, ok := pages.Cookie(r, cookie)
	if !ok {
		return Session{}, false, nil
	}
	s, err := open(r.Context(), box, sealed)
	switch {
	case errors.Is(err, seal.ErrUnreadable), errors.Is(err, seal.ErrMisplaced):
		return Session{}, false, nil
	case err != nil:
		return Session{}, false, err
	case s.Issuer != edge.Issuer(r).String(), !now.Before(s.Expiry):
		return Session{}, false, nil
	}
	return s, true, nil
}

func open(ctx context.Context, box *seal.Box, sealed string) (s Session, err error) {
	plain, err := box.Open(ctx, label(), sealed)
	if err != nil {
		return s, err
	}
	if err := json.Unmarshal(plain, &s); err != nil {
		return s, fmt.Errorf("decode session: %w", err)
	}
	return s, nil
}

// Token is what a form on a page of the session carries. No other session has it, the same
// person's neither.
func (s Session) Token() string { return credential.Derive(s.Seed, "form") }

// Issued reports whether a form's token is the session's.
func (s Session) Issued(token string) bool { return credential.Same(token, s.Token()) }
