package oauthtest

import (
	"context"
	"errors"
	"fmt"
	"net/url"
)

// ContextTB is the part of testing.TB that [Browser.SignIn] uses.
type ContextTB interface {
	Helper()
	Context() context.Context
	Fatalf(format string, args ...any)
}

// SignIn visits an authorization URL, approves, signs in as login, and returns the
// redirect to the client: our consent page, then either the development sign-in or
// GitHub's pages, in whatever order they come.
func (b *Browser) SignIn(t ContextTB, authorizeURL, login string) *url.URL {
	t.Helper()
	redirect, err := b.Walk(t.Context(), authorizeURL, login)
	if err != nil {
		t.Fatalf("sign in as %s: %v", login, err)
	}
	return redirect
}

// Walk is [Browser.SignIn] for goroutines: the error says where it got stuck.
func (b *Browser) Walk(ctx context.Context, authorizeURL, login string) (*url.URL, error) {
	if b.Stop == "" {
		return nil, errors.New("browser: Stop is empty, so no redirect would end the walk")
	}
	p, err := b.Get(ctx, authorizeURL)
	for range 10 {
		if err != nil {
			return nil, err
		}
		if p.Redirect != nil {
			return p.Redirect, nil
		}
		p, err = b.Continue(ctx, p, login)
	}
	return nil, errors.New("browser: ten pages and no end")
}

// Password is everybody's, where one is asked for.
const Password = "password"

// Continue does what a willing person does on one page: approves our consent page,
// or FastMCP's, fills in a sign-in form, agrees to what a provider asks, authorizes GitHub's app, and goes
// back to the application where there is no more to do. A page with none of these is an error.
func (b *Browser) Continue(ctx context.Context, p *Page, login string) (*Page, error) {
	if f := p.FormWith("decision=approve"); f != nil {
		return b.Submit(ctx, p, f, nil, "decision=approve")
	}
	if f := p.FormWith("action=approve"); f != nil {
		return b.Submit(ctx, p, f, nil, "action=approve")
	}
	f := p.FormWith("password")
	if f != nil && !f.Has("username") && p.Link("Restart login") != "" { // it asks whom it knows, for a password
		return b.Follow(ctx, p, "Restart login")
	}
	if f != nil {
		return b.Submit(ctx, p, f, map[string]string{"username": login, "password": Password}, "")
	}
	if f := p.FormWith("go=on"); f != nil {
		return b.Submit(ctx, p, f, nil, "go=on")
	}
	if f := p.FormWith("xsrf"); f != nil { // a script sends it in a browser that has one
		return b.Submit(ctx, p, f, nil, "")
	}
	if f := p.FormWith("login"); f != nil {
		return b.Submit(ctx, p, f, map[string]string{"login": login}, f.willing())
	}
	if f := p.FormWith("authorize=1"); f != nil {
		return b.Submit(ctx, p, f, nil, "authorize=1")
	}
	if p.Link("Back to the application") != "" {
		return b.Follow(ctx, p, "Back to the application")
	}
	return nil, fmt.Errorf("browser: nothing to press on %s", p.summary())
}

// willing names the first button that does not call the sign-in off, "" if there is no
// named one.
func (f *Form) willing() string {
	for _, b := range f.Buttons {
		if b.Name != "error" {
			return b.Name + "=" + b.Value
		}
	}
	return ""
}
