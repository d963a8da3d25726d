package upstream

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// githubUser is the part of GET /user that is read. The id is an int64 and not a
// float, which would give neighbours above 2^53 one id (UP-07).
type githubUser struct {
	ID          int64     `json:"id"`
	Login       string    `json:"login"`
	Name        string    `json:"name"`
	Company     string    `json:"company"`
	Location    string    `json:"location"`
	Bio         string    `json:"bio"`
	HTMLURL     string    `json:"html_url"`
	AvatarURL   string    `json:"avatar_url"`
	PublicRepos int64     `json:"public_repos"`
	Followers   int64     `json:"followers"`
	CreatedAt   time.Time `json:"created_at"`
	// SuspendedAt is said by Enterprise Servers; the public GitHub answers 403 instead.
	SuspendedAt *time.Time `json:"suspended_at"`
}

// user reads GET /user and refuses an answer without a usable id or login (UP-06).
func (g *GitHub) user(ctx context.Context, t Token) (githubUser, error) {
	const what = "read user"
	var u githubUser
	err := g.get(ctx, t, what, "/user", &u)
	if errors.Is(err, errNotFound) {
		return githubUser{}, errors.New("read user: GITHUB_API_URL answers 404")
	}
	if err != nil {
		return githubUser{}, err
	}
	switch {
	case u.ID <= 0:
		return githubUser{}, odd(what, "it has no account id")
	case !loginForm.fits(lowerASCII(u.Login)):
		return githubUser{}, odd(what, "it has no login")
	case u.SuspendedAt != nil:
		return githubUser{}, fmt.Errorf("%s: %w", what, ErrSuspended)
	}
	return u, nil
}

func (u githubUser) subject() string { return githubName + ":" + strconv.FormatInt(u.ID, 10) }

// identity reads who the token belongs to.
func (g *GitHub) identity(ctx context.Context, t Token) (Identity, error) {
	u, err := g.user(ctx, t)
	if err != nil {
		return Identity{}, err
	}
	id := u.identity()
	if !g.VerifiesEmail() {
		return id, nil
	}
	id.Email, err = g.primaryEmail(ctx, t)
	return id, err
}

func (u githubUser) identity() Identity {
	return Identity{Subject: u.subject(), Login: u.Login, Name: Displayable(u.Name, 100)}
}

// Today reads the account that the token belongs to, in one call. GitHub keeps an account's
// id when it is renamed, so the owner of the token is the person, under whatever login; the
// token of a deleted account is dead. No scope is needed (K8).
func (g *GitHub) Today(ctx context.Context, t Token, known Identity) (Identity, error) {
	if err := g.usable(t); err != nil {
		return Identity{}, fmt.Errorf("read user: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, Timeout)
	defer cancel()
	u, err := g.user(ctx, t)
	if err != nil {
		return Identity{}, err
	}
	if u.subject() != known.Subject {
		return Identity{}, odd("read user", "it is about another account")
	}
	id := u.identity()
	id.Email = known.Email
	return id, nil
}

// VerifiedEmail reads the verified primary address of the token's owner, in one call.
func (g *GitHub) VerifiedEmail(ctx context.Context, t Token) (string, error) {
	if err := g.usable(t); err != nil {
		return "", fmt.Errorf("read e-mail addresses: %w", err)
	}
	if !t.allows(scopeEmail) {
		return "", fmt.Errorf("read e-mail addresses: %w: %s", ErrScopeMissing, scopeEmail)
	}
	ctx, cancel := context.WithTimeout(ctx, Timeout)
	defer cancel()
	return g.primaryEmail(ctx, t)
}

// A githubEmail is an address of an account. An entry without one of the members says
// nothing about the address.
type githubEmail struct {
	Email    string `json:"email"`
	Primary  *bool  `json:"primary"`
	Verified *bool  `json:"verified"`
}

// emailPage is how many addresses are asked for, the most that GitHub gives at once.
const emailPage = 100

// primaryEmail returns the address that is both primary and verified, or "" if the account
// has none: every address was read and said so (UP-08).
func (g *GitHub) primaryEmail(ctx context.Context, t Token) (string, error) {
	const what = "read e-mail addresses"
	var addresses []githubEmail
	if err := g.get(ctx, t, what, "/user/emails?per_page="+strconv.Itoa(emailPage), &addresses); err != nil {
		return "", err
	}
	if addresses == nil {
		return "", odd(what, "it is not a list")
	}
	for _, a := range addresses {
		switch {
		case a.Email == "" || a.Primary == nil || a.Verified == nil:
			return "", odd(what, "an entry is not whole")
		case *a.Primary && *a.Verified:
			return a.Email, nil
		}
	}
	if len(addresses) >= emailPage {
		return "", odd(what, "there are more addresses than were read")
	}
	return "", nil
}

// Profile reads the person's own profile with the person's own token, in one call.
func (g *GitHub) Profile(ctx context.Context, t Token) (Profile, error) {
	if err := g.usable(t); err != nil {
		return Profile{}, fmt.Errorf("read profile: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, Timeout)
	defer cancel()
	u, err := g.user(ctx, t)
	if err != nil {
		return Profile{}, err
	}
	return Profile{
		Subject:     u.subject(),
		Login:       u.Login,
		Name:        Displayable(u.Name, 100),
		Company:     Displayable(u.Company, 100),
		Location:    Displayable(u.Location, 100),
		Bio:         Displayable(u.Bio, 500),
		URL:         webAddress(u.HTMLURL),
		AvatarURL:   webAddress(u.AvatarURL),
		PublicRepos: u.PublicRepos,
		Followers:   u.Followers,
		CreatedAt:   u.CreatedAt.UTC(),
	}, nil
}

// Displayable drops control and formatting characters, direction overrides among
// them, and cuts after limit characters: people write their names themselves.
func Displayable(s string, limit int) string {
	s = strings.ToValidUTF8(s, "")
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.Is(unicode.Cf, r):
			return -1
		case unicode.IsSpace(r), unicode.IsControl(r):
			return ' '
		}
		return r
	}, s)
	if runes := []rune(s); len(runes) > limit {
		s = string(runes[:limit])
	}
	return strings.TrimSpace(s)
}

// webAddress returns s if it is an http or https URL, else "".
func webAddress(s string) string {
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return ""
	}
	return s
}
