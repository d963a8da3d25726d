package upstream

import (
	"errors"
	"net/url"

	"github.com/postern-dev/postern/shared/oauth"
)

// The kinds of failure a caller acts on; ask with errors.Is. An error that is none
// of these is an outage or a wrong setting: it is answered with 503, it ends no
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
	// ErrTokenDead: the kept token is of no use to this server any more: revoked,
	// expired, or obtained with another client id or fewer scopes than are
	// needed now (K5). Only a new sign-in helps.
	ErrTokenDead = errors.New("the provider's token no longer works")
	// ErrNotAllowed: every rule was asked and none admits the person.
	ErrNotAllowed = errors.New("no rule of ALLOW admits this person")
)

func denied() error {
	return oauth.RefuseBecause(ErrDenied, oauth.AccessDenied, "the sign-in was declined at the identity provider")
}

func used() error {
	return oauth.RefuseBecause(ErrUsed, oauth.InvalidRequest, "this sign-in was already used or has expired; start again from the application")
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
