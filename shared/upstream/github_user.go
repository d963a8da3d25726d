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
}

// user reads GET /user and refuses an answer without a usable id or login (UP-06).
func (g *GitHub) user(ctx context.Context, t Token) (githubUser, error) {
	var u githubUser
	err := g.get(ctx, t, "read user", "/user", &u)
	if errors.Is(err, errNotFound) {
		return githubUser{}, errors.New("read user: GITHUB_API_URL answers 404")
	}
	if err != nil {
		return githubUser{}, err
	}
	if u.ID <= 0 {
		return githubUser{}, errors.New("read user: the answer has no account id")
	}
	if !loginForm().MatchString(lowerASCII(u.Login)) {
		return githubUser{}, errors.New("read user: the answer has no login")
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
	id := Identity{Subject: u.subject(), Login: u.Login, Name: displayable(u.Name, 100)}
	if !g.VerifiesEmail() {
		return id, nil
	}
	id.Email, err = g.primaryEmail(ctx, t)
	return id, err
}

// primaryEmail returns the address that is both primary and verified, or "". One
// page of 100 holds all addresses an account may have; GitHub lists the primary
// one first, and a missing one only refuses (UP-08).
func (g *GitHub) primaryEmail(ctx context.Context, t Token) (string, error) {
	var addresses []struct {
		Email    string `json:"email"`
		Primary  bool   `json:"primary"`
		Verified bool   `json:"verified"`
	}
	if err := g.get(ctx, t, "read e-mail addresses", "/user/emails?per_page=100", &addresses); err != nil {
		return "", err
	}
	for _, a := range addresses {
		if a.Primary && a.Verified {
			return a.Email, nil
		}
	}
	return "", nil
}

// Profile reads the person's own profile with the person's own token, in one call.
func (g *GitHub) Profile(ctx context.Context, t Token) (Profile, error) {
	if err := g.usable(t); err != nil {
		return Profile{}, fmt.Errorf("read profile: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	u, err := g.user(ctx, t)
	if err != nil {
		return Profile{}, err
	}
	return Profile{
		Subject:     u.subject(),
		Login:       u.Login,
		Name:        displayable(u.Name, 100),
		Company:     displayable(u.Company, 100),
		Location:    displayable(u.Location, 100),
		Bio:         displayable(u.Bio, 500),
		URL:         webAddress(u.HTMLURL),
		AvatarURL:   webAddress(u.AvatarURL),
		PublicRepos: u.PublicRepos,
		Followers:   u.Followers,
		CreatedAt:   u.CreatedAt.UTC(),
	}, nil
}

// displayable drops control and formatting characters, direction overrides among
// them, and cuts after limit characters: people write their names themselves.
func displayable(s string, limit int) string {
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
