package oauthtest

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	if err := json.NewEncoder(w).Encode(v); err != nil {
		panic(http.ErrAbortHandler)
	}
}

func message(s string) map[string]string { return map[string]string{"message": s} }

// An answer is what an API method has to say: a status and a JSON value.
type answer struct {
	status int
	body   any
}

var notFound = answer{http.StatusNotFound, message("Not Found")}

// api authenticates a call and holds the lock while f answers. A scope that the
// token lacks is 404 for addresses and 403 for organisations, as at GitHub.
func (g *GitHub) api(scope string, f func(http.ResponseWriter, *http.Request, *account) answer) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		g.mu.Lock()
		a := g.call(w, r, scope, f)
		g.mu.Unlock()
		writeJSON(w, a.status, a.body)
	}
}

func (g *GitHub) call(
	w http.ResponseWriter, r *http.Request, scope string,
	f func(http.ResponseWriter, *http.Request, *account) answer,
) answer {
	kind, value, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	t := g.tokens[value]
	if t != nil && !t.until.IsZero() && !g.now().Before(t.until) {
		t = nil
	}
	if t == nil || !strings.EqualFold(kind, "Bearer") && !strings.EqualFold(kind, "token") {
		return answer{http.StatusUnauthorized, message("Bad credentials")}
	}
	if r.Header.Get("User-Agent") == "" {
		return answer{http.StatusForbidden, message("Request forbidden by administrative rules.")}
	}
	if g.accounts[t.account].suspended {
		return answer{http.StatusForbidden, message("Sorry. Your account was suspended.")}
	}
	w.Header().Set("X-OAuth-Scopes", t.scopes.String())
	if !t.scopes.allows(scope) {
		if scope == "read:org" {
			return answer{http.StatusForbidden, message("You need at least read:org scope.")}
		}
		return notFound
	}
	return f(w, r, g.accounts[t.account])
}

func (g *GitHub) getUser(_ http.ResponseWriter, _ *http.Request, a *account) answer {
	return answer{http.StatusOK, map[string]any{
		"id": a.ID, "login": a.Login, "name": a.Name, "email": nil, "type": "User",
		"html_url":   "https://github.com/" + a.Login,
		"avatar_url": "https://avatars.githubusercontent.com/u/" + strconv.FormatInt(a.ID, 10),
		"company":    nil, "location": "San Francisco", "bio": nil, "public_repos": 8, "followers": 20,
		"created_at": time.Date(2011, 1, 25, 18, 44, 36, 0, time.UTC),
	}}
}

func (g *GitHub) getEmails(_ http.ResponseWriter, _ *http.Request, a *account) answer {
	return answer{http.StatusOK, append([]Email{}, a.Emails...)}
}

func (g *GitHub) getOrgMembership(_ http.ResponseWriter, r *http.Request, a *account) answer {
	org := strings.ToLower(r.PathValue("org"))
	state := g.orgs[org][a.ID]
	if state == "" {
		return notFound
	}
	return answer{http.StatusOK, map[string]any{
		"state": state, "role": "member",
		"organization": map[string]any{"login": org},
		"user":         map[string]any{"login": a.Login, "id": a.ID},
	}}
}

// getTeamMembership shows a team to members of its organisation only.
func (g *GitHub) getTeamMembership(_ http.ResponseWriter, r *http.Request, a *account) answer {
	org := strings.ToLower(r.PathValue("org"))
	member := g.byLogin(r.PathValue("login"))
	if g.orgs[org][a.ID] != "active" || member == nil {
		return notFound
	}
	state := g.teams[org+"/"+strings.ToLower(r.PathValue("slug"))][member.ID]
	if state == "" {
		return notFound
	}
	return answer{http.StatusOK, map[string]any{"state": state, "role": "member"}}
}

// getOrgs pages as GitHub does: 30 or per_page up to 100, and a Link to the next.
func (g *GitHub) getOrgs(w http.ResponseWriter, r *http.Request, a *account) answer {
	var names []string
	for _, org := range slices.Sorted(maps.Keys(g.orgs)) {
		if g.orgs[org][a.ID] == "active" {
			names = append(names, org)
		}
	}
	size := min(positive(r.FormValue("per_page"), 30), 100)
	page := positive(r.FormValue("page"), 1)
	from := min((page-1)*size, len(names))
	to := min(from+size, len(names))
	if to < len(names) {
		w.Header().Set("Link", fmt.Sprintf(`<%s/user/orgs?per_page=%d&page=%d>; rel="next"`, g.URL, size, page+1))
	}
	list := []map[string]any{}
	for _, name := range names[from:to] {
		list = append(list, map[string]any{"login": name})
	}
	return answer{http.StatusOK, list}
}

func positive(s string, fallback int) int {
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 || n > 1_000_000 {
		return fallback
	}
	return n
}
