package connections

import (
	"net/http"
	"time"

	"github.com/postern-dev/postern/shared/pages"
	"github.com/postern-dev/postern/shared/session"
)

// Samples returns every page of the function, in each of its states, with data made up.
func Samples() []pages.Sample {
	const host, provider = "auth.example.com", "GitHub"
	servers := []server{
		{Title: "Acme Tools", URL: "https://auth.example.com/mcp"},
		{Title: "Wiki", URL: "https://auth.example.com/mcp/wiki"},
	}
	of := func(name, destination string) connection {
		return connection{
			Document: "x", Name: name, Destination: destination, Scopes: []scope{{Own: true}},
			Started: "2026-09-01 08:15 UTC", Used: "2026-11-30 13:41 UTC", Until: "2027-02-28 13:41 UTC",
		}
	}
	app, ended := of("", "cursor:"), of("Gemini CLI", "127.0.0.1:7777")
	app.PrivateUse, app.Server, app.Scopes = true, "Wiki", append(app.Scopes, scope{Words: "delete what was kept"})
	ended.Ended = "2026-11-30 13:30 UTC"
	list := listData{
		ServerHost: host, Provider: provider, Login: "octocat", Token: "x",
		Within: pages.InWords(30 * time.Second), Renewed: pages.InWords(time.Hour),
		Live: []connection{of("Claude", "claude.ai"), app}, Ended: []connection{ended},
	}
	many, none := list, list
	many.More, many.Within = 3, pages.Duration{}
	for range maxShown - len(list.Live) {
		many.Live = append(many.Live, of("Claude Code", "127.0.0.1:54545"))
	}
	none.Live, none.Ended, none.Provider = nil, nil, "development"
	within := pages.InWords(session.Life)
	return []pages.Sample{
		{Name: "front", Page: frontPage, Status: http.StatusOK, Data: newFront(host, "Acme Tools", servers[:1])},
		{Name: "front-several", Page: frontPage, Status: http.StatusOK, Data: newFront(host, "", servers)},
		{Name: "connections-sign-in", Page: signInPage, Status: http.StatusOK, Data: signInData{
			ServerHost: host, Provider: provider, Within: within,
		}},
		{Name: "connections-sign-in-over", Page: signInPage, Status: http.StatusForbidden, Data: signInData{
			ServerHost: host, Provider: "development", Within: within, Over: true,
		}},
		{Name: "connections", Page: listPage, Status: http.StatusOK, Data: list},
		{Name: "connections-many", Page: listPage, Status: http.StatusOK, Data: many},
		{Name: "connections-none", Page: listPage, Status: http.StatusOK, Data: none},
		{Name: "connections-other", Page: otherPage, Status: http.StatusForbidden},
	}
}
