package main

import (
	"context"
	"fmt"
	"html"
	"net/http"
	"strings"

	"github.com/zitadel/oidc/v3/pkg/op"
)

// signInPage asks for a name and a password.
func signInPage(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	fmt.Fprintf(w, `<!doctype html><title>Sign in</title><form method="post"><input type="hidden" name="id" `+
		`value="%s"><input name="username"><input type="password" name="password"><button>Sign in</button></form>`,
		html.EscapeString(r.FormValue("id")))
}

func (s *storage) signIn(callback func(context.Context, string) string, issuer string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		id, name := r.FormValue("id"), r.FormValue("username")
		s.mu.Lock()
		request, user := s.requests[id], s.Users[name]
		ok := request != nil && user != nil && !user.Disabled && r.FormValue("password") == password
		if ok {
			request.login = name
		}
		s.mu.Unlock()
		if !ok {
			http.Error(w, "no such account", http.StatusForbidden)
			return
		}
		http.Redirect(w, r, callback(op.ContextWithIssuer(r.Context(), issuer), id), http.StatusFound)
	}
}

// password is everybody's.
const password = "password"

// control turns a knob: what tests want of the provider.
func (s *storage) control(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	name, closed := r.FormValue("name"), r.FormValue("disabled") == "true"
	switch r.FormValue("do") {
	case "client":
		s.Clients[name] = &client{ID: name, Secret: r.FormValue("secret"), Callback: r.FormValue("callback")}
	case "user":
		s.Users[name] = &user{Groups: strings.Fields(r.FormValue("groups")), Disabled: closed}
	case "rotate":
		s.newKey()
	default:
		http.Error(w, "no such knob", http.StatusBadRequest)
		return
	}
	s.save()
}
