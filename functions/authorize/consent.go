package authorize

import (
	_ "embed"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/postern-dev/postern/shared/credential"
	"github.com/postern-dev/postern/shared/edge"
	"github.com/postern-dev/postern/shared/oauth"
	"github.com/postern-dev/postern/shared/pages"
	"github.com/postern-dev/postern/shared/upstream"
)

//go:embed consent.html
var consentHTML string

var consentPage = pages.New("consent", consentHTML)

// consentData says who asks, where the answer goes, and for what. What the client says of
// itself is marked as such; the destination, and the host of an id that is a URL, are what
// it cannot make up.
type consentData struct {
	ServerHost, ClientName, ClientID string
	PublishedBy                      string // the host that the client's id proves, if it proves one
	SharedHost                       bool   // anybody may publish there
	Destination, RedirectURI         string // Destination is what the redirect URI proves
	Loopback, PrivateUse             bool
	Server                           string // which of several; empty if there is one
	Resource, Lifetime               string
	Refreshed                        bool // Lifetime is without use, else altogether
	Scopes                           []string
	Provider, Learns                 string
	Transaction                      string // sealed
}

// showConsent shows the consent page. The transaction is new on every render, so an earlier page
// of the same request stays valid beside it.
func (h *handler) showConsent(
	w http.ResponseWriter, r *http.Request, c client, redirect oauth.Redirect, req request,
) error {
	issuer := edge.Issuer(r)
	browser := credential.New("")
	t := newTransaction(req, issuer.String(), browser, h.Now(), h.SignInTTL)
	sealed, err := h.seal(r.Context(), purposeConsent, t)
	if err == nil && len(sealed) > maxSealed {
		t.Request.Hints = upstream.Hints{} // no wish takes the room of what counts
		sealed, err = h.seal(r.Context(), purposeConsent, t)
	}
	if err != nil {
		return err
	}
	if len(sealed) > maxSealed {
		return refused(r, redirect, "", oauth.Refuse(oauth.InvalidRequest,
			"state and redirect_uri are too long together: shorten one of them"))
	}
	refreshed, lifetime := c.GetsRefreshToken(req.Offline), h.AccessTokenTTL
	if refreshed {
		lifetime = h.GrantTTL
	}
	resource, _ := h.Resources.Of(req.Resource, issuer.String()) // readRequest found it there
	makeRoom(w, r, consentCookie)
	pages.SetCookie(w, r, consentCookie+t.id(), browser.Reveal(), h.SignInTTL+recognised)
	return consentPage.Write(w, r, http.StatusOK, "Connect an application?", consentData{
		ServerHost: issuer.Host(), ClientName: c.Metadata.ClientName, ClientID: c.ID,
		PublishedBy: c.publisher.Host(), SharedHost: c.publisher.Shared(),
		Destination: redirect.Destination(), RedirectURI: redirect.String(),
		Loopback: redirect.Loopback(), PrivateUse: redirect.PrivateUse(),
		Server: h.oneOfSeveral(resource), Resource: req.Resource, Scopes: inWords(resource, req.Scopes),
		Lifetime: inTime(lifetime), Refreshed: refreshed,
		Provider: providerName(h.Provider), Learns: learns(h.Allow), Transaction: sealed,
	})
}

// learns says in words what the provider is asked about the person.
func learns(a upstream.Allow) string {
	words := []string{"your account name and id"}
	for _, r := range a.Rules() {
		var more string
		switch r.Kind {
		case upstream.Org, upstream.Team:
			more = "your membership in organisations and teams"
		case upstream.EmailDomain:
			more = "your e-mail address"
		}
		if more != "" && !slices.Contains(words, more) {
			words = append(words, more)
		}
	}
	if n := len(words); n > 1 {
		return strings.Join(words[:n-1], ", ") + " and " + words[n-1]
	}
	return words[0]
}

// inWords says what each scope lets a client do.
func inWords(r oauth.Resource, scopes oauth.Scopes) []string {
	var out []string
	for _, s := range scopes {
		out = append(out, r.Scopes.Words(s))
	}
	return out
}

// oneOfSeveral is what a resource is called, if there are others.
func (h *handler) oneOfSeveral(r oauth.Resource) string {
	if len(h.Resources.All()) == 1 {
		return ""
	}
	return r.Title
}

// inTime says a time in words, in the largest unit of which there are two.
func inTime(d time.Duration) string {
	const day = 24 * time.Hour
	switch {
	case d >= 2*day:
		return fmt.Sprintf("%d days", d/day)
	case d >= 2*time.Hour:
		return fmt.Sprintf("%d hours", d/time.Hour)
	case d >= 2*time.Minute:
		return fmt.Sprintf("%d minutes", d/time.Minute)
	}
	return fmt.Sprintf("%d seconds", d/time.Second)
}

func providerName(p upstream.Provider) string {
	switch p.Name() {
	case "github":
		return "GitHub"
	case "development":
		return "the development sign-in"
	}
	return p.Name()
}
