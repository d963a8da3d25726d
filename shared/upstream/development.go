package upstream

import (
	"context"
	"errors"
	"net/url"

	"github.com/postern-dev/postern/shared/oauth"
	"github.com/postern-dev/postern/shared/origin"
)

// DevelopmentField is the name of the text field of the development sign-in page.
const DevelopmentField = "login"

// HintField is what the text field begins with, in the query that asks for the sign-in page.
const HintField = "login_hint"

// developmentMark in a callback's query asks for the sign-in page.
const developmentMark = "development"

// Development is a sign-in without a password, for a server that only this computer
// can reach. It is a [FormSignIn], whose form is posted to the callback URL with a hidden
// field "state", the text field [DevelopmentField], and if it likes a button named "error"
// with the value "access_denied".
type Development struct{}

// NewDevelopment returns the development sign-in for an issuer. An issuer that is
// not a loopback address is refused; empty means that the issuer is detected,
// which happens on loopback only. The callback is checked again at each sign-in.
func NewDevelopment(issuer string) (*Development, error) {
	if issuer != "" && !origin.LoopbackURL(issuer) {
		return nil, errors.New("the development sign-in lets everybody be anybody: " +
			"it needs an ISSUER_URL on loopback, like http://127.0.0.1:8085")
	}
	return &Development{}, nil
}

const developmentName = "development"

// Name returns "development".
func (*Development) Name() string { return developmentName }

// Title returns "development", which pages say in the words of their language.
func (*Development) Title() string { return developmentName }

// Answers implements [Provider].
func (*Development) Answers(r Rule) error {
	switch r.Kind {
	case Anyone, User:
		return nil
	case Org, Team:
		return errors.New("the development sign-in has no organisations or teams: write user:octocat or anyone")
	case UserID:
		return errors.New("the development sign-in has no numeric ids: write user:octocat or anyone")
	case Email, EmailDomain:
		return errors.New("the development sign-in has no verified e-mail addresses: write user:octocat or anyone")
	}
	return errors.New("the development sign-in knows names alone: write user:octocat or anyone")
}

// AuthCodeURL returns the callback with a mark, the state, and the login hint, which the form
// begins with. The verifier is not needed: nothing leaves this server.
func (*Development) AuthCodeURL(_ context.Context, callback, state, _ string, hints Hints) (string, error) {
	query := url.Values{developmentMark: {"1"}, "state": {state}}
	if hints.LoginHint != "" {
		query.Set(HintField, hints.LoginHint)
	}
	return callback + "?" + query.Encode(), nil
}

// WantsForm implements [FormSignIn].
func (*Development) WantsForm(query url.Values) bool {
	return query.Has(developmentMark) && !query.Has(DevelopmentField) && !query.Has("error")
}

// Exchange reads the field [DevelopmentField]: 1 to 39 letters, digits and hyphens,
// not starting with a hyphen. The subject is "development:" and the login in lower
// case. There is no token.
func (d *Development) Exchange(
	_ context.Context, callback string, query url.Values, _ string,
) (Identity, Token, error) {
	if !origin.LoopbackURL(callback) {
		return Identity{}, Token{}, errors.New("development sign-in: the callback is not on loopback")
	}
	if err := CallbackError(query); err != nil {
		return Identity{}, Token{}, err
	}
	login, err := CallbackField(query, DevelopmentField)
	if err != nil {
		return Identity{}, Token{}, err
	}
	if !orgForm.fits(lowerASCII(login)) {
		return Identity{}, Token{}, refused(oauth.InvalidRequest,
			"login must be 1 to 39 letters, digits or hyphens and not start with a hyphen")
	}
	return Identity{Subject: d.Name() + ":" + lowerASCII(login), Login: login}, Token{}, nil
}
