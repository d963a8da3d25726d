package upstream

import (
	"context"
	"net/url"
	"strings"
	"time"
)

// A Provider signs people in. Implementations hold no mutable state and are safe
// for concurrent use. What a provider can do beyond this it shows by also being a
// [Identifier], [Membership], [Revoker], [Profiler], [EmailVerifier] or [FormSignIn].
type Provider interface {
	// Name is "github", "oidc" or "development". It is the part of a subject before the colon.
	Name() string

	// Title is the name by which people know the provider.
	Title() string

	// Answers returns an error if the provider can never answer a rule, which says to the
	// operator what to write instead.
	Answers(Rule) error

	// AuthCodeURL returns where the browser goes next. callback is our absolute
	// callback URL, state comes back with it unchanged, verifier is the
	// code_verifier of this leg (RFC 7636 §4.1), of which only the S256
	// challenge is sent. hints are wishes. An error is an outage: a provider may have to
	// be asked where its pages are.
	AuthCodeURL(ctx context.Context, callback, state, verifier string, hints Hints) (string, error)

	// Exchange turns the callback's query into an identity. callback and verifier
	// are those given to AuthCodeURL. The caller has checked state and browser
	// before. See [ErrDenied] for the kinds of error. The token that was given for a
	// sign-in that then failed comes with the error, so that it can be ended.
	Exchange(ctx context.Context, callback string, query url.Values, verifier string) (Identity, Token, error)
}

// An Identity is who signed in.
type Identity struct {
	// Subject keys the person: "github:583231", "development:octocat", and for OpenID Connect
	// the issuer without https:// and the sub, percent-encoded: "oidc:id.example.com#1a2b". It
	// never changes for an account and is never given to another one.
	Subject string
	// Login is the account's name of today. It may change and be taken by another person.
	Login string
	// Name is what the person wants to be called; empty if not said. Control
	// and direction characters are gone, and it has at most 100 characters.
	Name string
	// Email is the verified primary address, or empty. It is read only if
	// e-mail rules ask for it.
	Email string
	// Session is the provider's id of the session in which the person signed in, by which it
	// may say later that the session is over; empty if it does not.
	Session string
	// Claims are what the provider said beyond this; nil if it is not one that does.
	Claims *Claims
}

// account returns the provider's own id of the account, in the words of a [UserID] rule.
func (id Identity) account(provider string) string {
	own, ok := strings.CutPrefix(id.Subject, provider+":")
	if !ok || provider == developmentName {
		return ""
	}
	if _, sub, ok := strings.Cut(own, "#"); ok {
		own, _ = url.PathUnescape(sub)
	}
	return own
}

// saidEmail reports whether the provider said which address is verified.
func (id Identity) saidEmail() bool {
	return id.Claims == nil || id.Claims.EmailSaid || id.Claims.AbsentIsNo
}

// An Identifier can be asked later who somebody is by now.
type Identifier interface {
	// Today returns the token's owner as the account is now, with the address of
	// known, who it was at the last look. An owner with another subject is
	// an error, like everything else that is not the account: [ErrSuspended] is the
	// one "no" there is.
	Today(ctx context.Context, t Token, known Identity) (Identity, error)
}

// A Renewer gives tokens that it exchanges for newer ones.
type Renewer interface {
	// Due reports whether t has to be exchanged before the account is asked about, so that
	// what comes of it is good until then.
	Due(t Token, until time.Time) bool
	// Renew exchanges t for a newer token of the same sign-in. [ErrEnded] is the provider's
	// word that there is no more. After any other error the exchange may have been made,
	// unless it is [ErrNotAsked].
	Renew(ctx context.Context, t Token) (Token, error)
	// Renews reports whether tokens are exchanged whatever the rules, because somebody uses them.
	Renews() bool
}

// A SignOut says that somebody signed out at a provider, or was signed out there.
type SignOut struct {
	// Subject is who, and Session in which session they had signed in, as [Identity] has
	// them. One may be empty. A session alone, or both, is about that session and no other.
	Subject, Session string
	// Before bounds what it is about: sign-ins before that time.
	Before time.Time
}

// A SignOutReceiver tells us when people sign out.
type SignOutReceiver interface {
	// SignedOut reads what the provider sent. An [*oauth.Error] says that it is not good;
	// every other error is an outage.
	SignedOut(ctx context.Context, token string) (SignOut, error)
}

// A LastWord is a provider whose answer at a sign-in may be the last about the person for a
// while: what it gives may be no good for asking again.
type LastWord interface {
	// LastWord reports whether that is so with the rules as they are.
	LastWord() bool
}

// A Membership knows organisations and teams.
type Membership interface {
	// Member says whether the person is an active member of what rule names, an
	// [Org] or [Team] rule. "No" is an answer of the provider; everything that
	// is not an answer is an error.
	Member(ctx context.Context, t Token, id Identity, rule Rule) (bool, error)
}

// A Revoker can end a token at the provider.
type Revoker interface {
	// Revoke ends t. A token that is already gone is not an error, so it may be repeated.
	Revoke(ctx context.Context, t Token) error
	// Separate reports whether a token can be ended without others of the same person.
	Separate() bool
}

// A Profiler reads a person's own profile with the person's own token.
type Profiler interface {
	// Profile returns what the provider says of the token's owner. [ErrTokenDead]
	// if the token does not work any more.
	Profile(ctx context.Context, t Token) (Profile, error)
}

// An EmailVerifier can say which address a person has proved to own.
type EmailVerifier interface {
	// VerifiesEmail says whether [Identity].Email is filled in by this
	// provider as it is configured.
	VerifiesEmail() bool

	// VerifiedEmail returns the verified primary address of the token's owner as it
	// is now, empty if there is none. What is not a whole answer is an error.
	VerifiedEmail(ctx context.Context, t Token) (string, error)
}

// A FormSignIn has no page of its own. AuthCodeURL leads straight to our callback, which
// shows the sign-in form and takes its answer by POST.
type FormSignIn interface {
	// WantsForm reports whether a callback's query asks for the form rather than
	// bringing its answer.
	WantsForm(query url.Values) bool
}

// A Profile is what a provider tells people about themselves. Members that the
// provider left out are empty.
type Profile struct {
	Subject     string    `json:"subject"`
	Login       string    `json:"login"`
	Name        string    `json:"name,omitempty"`
	Company     string    `json:"company,omitempty"`
	Location    string    `json:"location,omitempty"`
	Bio         string    `json:"bio,omitempty"`
	URL         string    `json:"url,omitempty"`
	AvatarURL   string    `json:"avatar_url,omitempty"`
	PublicRepos int64     `json:"public_repos"`
	Followers   int64     `json:"followers"`
	CreatedAt   time.Time `json:"created_at,omitzero"`
}

// Timeout bounds everything one call of this package does at a provider (UP-16).
const Timeout = 5 * time.Second
