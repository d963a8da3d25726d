package authorize

import (
	"net/http"
	"time"

	"github.com/postern-dev/postern/shared/about"
	"github.com/postern-dev/postern/shared/oauth"
	"github.com/postern-dev/postern/shared/pages"
)

// Samples returns every page of the endpoint, in each of its states, with data made up.
func Samples() []pages.Sample {
	const host, day = "auth.example.com", 24 * time.Hour
	provider := "GitHub"
	contact := about.Contact{Text: "ops@example.com", Link: "mailto:ops@example.com"}
	consent := consentData{
		ServerHost: host, ClientName: "Claude", ClientID: "https://claude.ai/oauth/client.json",
		PublishedBy: "claude.ai", Destination: "claude.ai", RedirectURI: "https://claude.ai/api/mcp/auth_callback",
		Resource: "https://auth.example.com/mcp", Lifetime: pages.InWords(90 * day), Refreshed: true,
		Scopes: []scope{{Own: true}}, Provider: provider, Learns: []learned{{What: "account"}}, Keeps: true,
		Transaction: "gAAAAA",
	}
	loopback, app, full, bare := consent, consent, consent, consent
	loopback.PublishedBy, loopback.ClientID, loopback.Loopback = "", "c_3kJ8Z1mQ", true
	loopback.Destination, loopback.RedirectURI = "127.0.0.1:49152", "http://127.0.0.1:49152/callback"
	app.PublishedBy, app.ClientID, app.PrivateUse, app.ClientName = "", "c_3kJ8Z1mQ", true, "Cursor"
	app.Destination, app.RedirectURI = "cursor:", "cursor://anysphere.cursor-mcp/oauth/callback"
	full.SharedHost, full.PublishedBy, full.Server = true, "someone.github.io", "Wiki"
	full.Scopes = append(full.Scopes, scope{Words: "delete what was kept"})
	full.Learns = []learned{
		{What: "account"}, {What: "email", Next: true}, {What: "membership", Next: true}, {What: "groups", Next: true},
		{What: "claims", Next: true, Last: true},
	}
	full.Holds = pages.InWords(7 * day)
	full.Reach = []string{"repo", "notifications", "some:thing"}
	bare.ClientName, bare.PublishedBy, bare.ClientID, bare.Refreshed = "", "", "c_3kJ8Z1mQ", false
	bare.Lifetime, bare.Keeps, bare.Provider = pages.InWords(time.Hour), false, "development"

	cursor, _ := oauth.RedirectPolicy{}.Match([]string{app.RedirectURI}, app.RedirectURI)
	back := clientLink(cursor, "code", "x")
	noEntry := noEntryData{
		ServerHost: host, Provider: provider, Login: "octocat", Another: "/", Destination: "claude.ai",
		Contact: contact, Back: "https://claude.ai/api/mcp/auth_callback?error=access_denied",
	}
	reason := noEntry
	reason.Reason, reason.Login = "GitHub wants this account to verify its e-mail address first", ""
	reason.Contact = about.Contact{}
	undescribed := undescribedData{
		Host: "client.example", Says: "the document there is no JSON object", Malformed: true,
		Retry: "/authorize?client_id=x",
	}
	unreadable, busy, barred := undescribed, undescribed, undescribed
	unreadable.Malformed, unreadable.Unreadable, unreadable.Says = false, true, "its host did not answer in time"
	busy.Malformed, busy.Busy, busy.Says = false, true, "too many documents are being read"
	barred.Malformed, barred.Host, barred.Says = false, "", "the address has a port"
	within := pages.InWords(10 * time.Minute)
	of := func(name string, page *pages.Page, status int, data any) pages.Sample {
		return pages.Sample{Name: name, Page: page, Status: status, Data: data}
	}
	return []pages.Sample{
		of("consent", consentPage, http.StatusOK, consent),
		of("consent-loopback", consentPage, http.StatusOK, loopback),
		of("consent-app", consentPage, http.StatusOK, app),
		of("consent-everything", consentPage, http.StatusOK, full),
		of("consent-least", consentPage, http.StatusOK, bare),
		of("sign-in", signInPage, http.StatusOK, signInData{State: "x", Login: "octocat"}),
		of("sent", sentPage, http.StatusOK, sentData{Destination: "cursor:", Login: "octocat", Link: back}),
		of("sent-denied", sentPage, http.StatusOK, sentData{Destination: "cursor:", Denied: true, Link: back}),
		of("refused", refusedPage, http.StatusBadRequest, refusedData{
			Code: "unsupported_response_type", Description: "response_type must be code", Destination: "cursor:",
			PrivateUse: true, Link: back,
		}),
		of("unfinished", unfinishedPage, http.StatusBadRequest, unfinishedData{Provider: provider, Link: "/"}),
		of("unfinished-fault", unfinishedPage, http.StatusServiceUnavailable, unfinishedData{
			Provider: "development", Link: "/", Fault: true, Visit: true,
		}),
		of("no-entry", noEntryPage, http.StatusForbidden, noEntry),
		of("no-entry-reason", noEntryPage, http.StatusForbidden, reason),
		of("expired", expiredPage, http.StatusBadRequest, expiredData{
			Within: within, Again: "/authorize?client_id=x", Destination: "claude.ai", Back: noEntry.Back,
		}),
		of("expired-unknown", expiredPage, http.StatusBadRequest, expiredData{Within: within}),
		of("expired-visit", expiredPage, http.StatusBadRequest, expiredData{
			Within: within, Again: "/connections", Visit: true,
		}),
		of("undescribed", undescribedPage, http.StatusBadRequest, undescribed),
		of("undescribed-unreadable", undescribedPage, http.StatusBadGateway, unreadable),
		of("undescribed-busy", undescribedPage, http.StatusTooManyRequests, busy),
		of("undescribed-barred", undescribedPage, http.StatusBadRequest, barred),
		of("unknown-client", unknownClientPage, http.StatusBadRequest, unknownClientData{
			Retry: "/authorize?client_id=x",
		}),
	}
}
