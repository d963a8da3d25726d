package upstream

import (
	"errors"
	"fmt"
	"net/url"

	"github.com/postern-dev/postern/shared/oauth"
)

// The kinds of failure a caller acts on; ask with errors.Is. Every other error
// is an outage or a wrong setting: it is answered with 503, it ends no
// transaction, and it is never told as access_denied (UP-17).
//
// The first three come inside an [*oauth.Error] whose description is a fixed
// sentence of ours; nothing a provider or a browser sent is in it (UP-14).
var (
	// ErrDenied: the person said no at the provider. Relayed as access_denied.
	ErrDenied = errors.New("the person declined the sign-in")
	// ErrUsed: the callback's code was used before or is too old. Only a new sign-in helps.
	ErrUsed = errors.New("the provider's code is used or expired")
	// ErrRefused: the provider or the callback itself rules this sign-in out.
	ErrRefused = errors.New("the sign-in was refused")
	// ErrNotAllowed: every rule was asked, every answer was whole, and none admits
	// the person.
	ErrNotAllowed = errors.New("no rule of ALLOW admits this person")
	// ErrSuspended: the provider has closed the account to its owner. It is an
	// [ErrNotAllowed], whatever the rules say.
	ErrSuspended = fmt.Errorf("%w: the account is suspended at the provider", ErrNotAllowed)
)

// The kinds of lost evidence: nobody can say about a person who was let in whether they
// still may enter. None is a verdict. The provider may be wrong for a minute, or a
// setting of ours, so a caller waits before it asks for a new sign-in, which helps.
var (
	// ErrTokenDead: the kept token does not work here: revoked, expired, or
	// obtained with another client id (K5).
	ErrTokenDead = errors.New("the provider's token does not work")
	// ErrScopeMissing: the person never gave a permission that the rules, or tools, need now.
	// It is an [ErrTokenDead] that no waiting mends.
	ErrScopeMissing = fmt.Errorf("%w: it lacks a scope that is needed now", ErrTokenDead)
	// ErrEnded: the provider said in its own words that what it gave for a sign-in is over:
	// the account was closed, the person signed out, or the time is up. It is an
	// [ErrTokenDead] that no waiting mends.
	ErrEnded = fmt.Errorf("%w: the provider has ended it", ErrTokenDead)
	// ErrNotAsked: the provider was not reached, or turned us away before it looked at what
	// we brought, so that nothing has changed there. It is an outage or a wrong setting.
	ErrNotAsked = errors.New("the provider was not asked")
	// ErrCannotAsk: the provider gave nothing to ask with, so that its answer at the sign-in
	// is the last one there is.
	ErrCannotAsk = errors.New("the provider gave nothing to ask with again")
	// ErrOddAnswer: the provider answered, but not as it documents, so that the
	// answer is neither yes nor no.
	ErrOddAnswer = errors.New("the answer is not what the provider documents")
)

// Used returns [ErrUsed] as people read it.
func Used() error { return used() }

// Refused returns [ErrRefused] as people read it, with a sentence of ours.
func Refused(code oauth.ErrorCode, description string) error { return refused(code, description) }

func denied() error {
	return oauth.RefuseBecause(ErrDenied, oauth.AccessDenied, "the sign-in was declined at the identity provider")
}

func used() error {
	return oauth.RefuseBecause(ErrUsed, oauth.InvalidRequest,
		"this sign-in was already used or has expired; start again from the application")
}

func refused(code oauth.ErrorCode, description string) error {
	return oauth.RefuseBecause(ErrRefused, code, description)
}

// withoutURL drops the address from a transport error, which says it in quotes of
// any length, and keeps the reason.
func withoutURL(err error) error {
	if e, ok := errors.AsType[*url.Error](err); ok {
		return e.Err
	}
	return err
}
