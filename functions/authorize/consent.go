package authorize

import (
	_ "embed"
	"net/http"

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
	Resource                         string
	Lifetime                         pages.Duration
	Refreshed                        bool // Lifetime is without use, else altogether
	Scopes                           []scope
	Provider                         string
	Learns                           []learned
	Keeps                            bool           // a token of the provider
	Holds                            pages.Duration // what the provider says now
	Reach                            []string       // what tools may do there by it
	Transaction                      string         // sealed
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
	return consentPage.Write(w, r, http.StatusOK, consentData{
		ServerHost: issuer.Host(), ClientName: c.Metadata.ClientName, ClientID: c.ID,
		PublishedBy: c.publisher.Host(), SharedHost: c.publisher.Shared(),
		Destination: redirect.Destination(), RedirectURI: redirect.String(),
		Loopback: redirect.Loopback(), PrivateUse: redirect.PrivateUse(),
		Server: h.oneOfSeveral(resource), Resource: req.Resource, Scopes: inWords(resource, req.Scopes),
		Lifetime: pages.InWords(lifetime), Refreshed: refreshed,
		Provider: h.Provider.Title(), Learns: learns(h.Groups.Beside(h.Allow)), Keeps: keepsToken(h.Provider),
		Holds: h.holds(),
		Reach: reach(h.Provider), Transaction: sealed,
	})
}

// A learned is one thing that the provider tells about the person, by a word of the text "learns".
type learned struct {
	What string
	Next bool // it is not the first
	Last bool // it is the last of several
}

// learns lists what the provider is asked about the person.
func learns(a upstream.Allow) []learned {
	out := []learned{{What: "account"}}
	if a.HasKind(upstream.Email, upstream.EmailDomain) {
		out = append(out, learned{What: "email", Next: true})
	}
	if a.HasKind(upstream.Org, upstream.Team) {
		out = append(out, learned{What: "membership", Next: true})
	}
	if a.HasKind(upstream.Group) {
		out = append(out, learned{What: "groups", Next: true})
	}
	if a.HasKind(upstream.Claim) {
		out = append(out, learned{What: "claims", Next: true})
	}
	out[len(out)-1].Last = len(out) > 1
	return out
}

// A scope is what one lets a client do: in the server's own words, or in those of its operator.
type scope struct {
	Own   bool
	Words string
}

func inWords(r oauth.Resource, scopes oauth.Scopes) []scope {
	var out []scope
	for _, s := range scopes {
		out = append(out, scope{Own: s == oauth.ScopeMCP, Words: r.Scopes.Words(s)})
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

// keepsToken reports whether a sign-in brings a token of the provider.
func keepsToken(p upstream.Provider) bool {
	_, form := p.(upstream.FormSignIn)
	return !form
}

// holds is how long the answer of a sign-in may hold at this provider, empty where it is asked
// again all the while.
func (h *handler) holds() pages.Duration {
	if p, ok := h.Provider.(upstream.LastWord); ok && p.LastWord() && h.EvidenceMaxAge > 0 {
		return pages.InWords(h.EvidenceMaxAge)
	}
	return pages.Duration{}
}

// reach is what tools may do at the provider in the person's name, in its words.
func reach(p upstream.Provider) []string {
	if r, ok := p.(upstream.Reacher); ok {
		return r.Reach()
	}
	return nil
}
