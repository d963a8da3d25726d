package authorize

import (
	_ "embed"
	"fmt"
	"html/template"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/postern-dev/postern/shared/edge"
	"github.com/postern-dev/postern/shared/httperr"
	"github.com/postern-dev/postern/shared/oauth"
	"github.com/postern-dev/postern/shared/pages"
	"github.com/postern-dev/postern/shared/store"
	"github.com/postern-dev/postern/shared/upstream"
)

//go:embed consent.html
var consentHTML string

//go:embed refused.html
var refusedHTML string

//go:embed unknown_client.html
var unknownClientHTML string

//go:embed again.html
var againHTML string

//go:embed sign_in.html
var signInHTML string

var (
	consentPage       = pages.New("consent", consentHTML)
	refusedPage       = pages.New("refused", refusedHTML)
	unknownClientPage = pages.New("unknown-client", unknownClientHTML)
	againPage         = pages.New("again", againHTML)
	signInPage        = pages.New("sign-in", signInHTML)
)

type consentData struct {
	ServerHost, ClientName, ClientID, RedirectHost, RedirectURI, Resource, Lifetime, Provider, Learns, Transaction string
	PublishedBy                                                                                                    string // the host that the client's id proves, if it proves one
	Loopback, PrivateUse, SharedHost                                                                               bool
	Scopes                                                                                                         []string
}

// writeConsent shows who asks, where the answer goes, and for what. What the client
// says of itself is marked as such; the redirect URI, and the host of an id that is a
// URL, are what it cannot make up.
func (h *handler) writeConsent(w http.ResponseWriter, r *http.Request, client store.Client, redirect oauth.Redirect, t transaction, sealed string) error {
	publishedBy, sharedHost := publisher(r, client)
	return consentPage.Write(w, r, http.StatusOK, "Connect an application?", consentData{
		PublishedBy: publishedBy, SharedHost: sharedHost,
		ServerHost: edge.Issuer(r).Host(), ClientName: client.Metadata.ClientName, ClientID: client.ID,
		RedirectHost: redirect.Host(), RedirectURI: redirect.String(),
		Loopback: redirect.Loopback(), PrivateUse: redirect.PrivateUse(),
		Resource: t.Request.Resource, Scopes: inWords(t.Request.Scopes), Lifetime: days(h.GrantTTL),
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
func inWords(scopes oauth.Scopes) []string {
	words := map[string]string{oauth.ScopeMCP: "use the tools of this server in your name"}
	var out []string
	for _, s := range scopes {
		if w, ok := words[s]; ok {
			out = append(out, w)
			continue
		}
		out = append(out, s)
	}
	return out
}

func days(d time.Duration) string {
	const day = 24 * time.Hour
	if d >= 2*day {
		return fmt.Sprintf("%d days", d/day)
	}
	return d.String()
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

type signInData struct{ State, Issuer string }

func (h *handler) writeSignIn(w http.ResponseWriter, r *http.Request, t transaction) error {
	return signInPage.Write(w, r, http.StatusOK, "Development sign-in", signInData{State: t.state(), Issuer: t.Issuer})
}

type refusedData struct {
	Code, Description, Host string
	Link                    template.URL
}

// refuse shows an error of a request whose redirect URI is known to be the client's.
// The client registered itself a moment ago for all we know, so the browser is not
// bounced there unseen; the person may follow the link, which carries the error
// (OAuth 2.1 §7.12.2, RFC 9700 §4.11.2). A fault is returned.
func (h *handler) refuse(w http.ResponseWriter, r *http.Request, to oauth.Redirect, state string, err error) error {
	v := httperr.Of(err)
	if v.Fault || pages.PrefersJSON(r) {
		return err
	}
	edge.Note(r, err)
	return refusedPage.Write(w, r, v.Status, "Sign-in stopped", refusedData{
		Code: string(v.Code), Description: v.Description, Host: to.Host(),
		Link: clientLink(to, "error", string(v.Code), "error_description", v.Description, "state", state, "iss", edge.Issuer(r).String()),
	})
}

// clientLink is the one place that writes a link of any scheme into a page. A
// Redirect has passed the redirect policy, which knows no scheme that runs in a page.
func clientLink(to oauth.Redirect, nameValues ...string) template.URL {
	return template.URL(to.With(nameValues...))
}

type unknownClientData struct{ Retry string }

// retryLink returns the request again, for a client that has registered anew in the
// meantime under the same id; empty where the request cannot be repeated.
func retryLink(r *http.Request) string {
	if r.URL.Path != oauth.AuthorizePath || r.Method != http.MethodGet {
		return ""
	}
	return oauth.AuthorizePath + "?" + r.URL.RawQuery
}

type againData struct {
	Description, Provider, Link string
	Fault                       bool
}

// offerAgain tells the person of a sign-in that did not come to its end, and gives
// the way on. The browser has approved and nothing is issued, so a new round at the
// provider completes the same transaction; the code of the round before is used up
// there, which a reload of the page would not get over.
func (h *handler) offerAgain(w http.ResponseWriter, r *http.Request, t transaction, err error) error {
	v := httperr.Of(err)
	if pages.PrefersJSON(r) {
		return err
	}
	edge.Note(r, err)
	if v.RetryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(v.RetryAfter.Seconds())))
	}
	return againPage.Write(w, r, v.Status, "The sign-in is not complete yet", againData{
		Description: v.Description, Provider: providerName(h.Provider), Fault: v.Fault,
		Link: h.Provider.AuthCodeURL(edge.Issuer(r).URL(oauth.CallbackPath), t.state(), t.verifier()),
	})
}

// unknownClient answers a client that is not registered (RFC 6749 §4.1.2.1: no
// redirect), in a way the person can act on.
func (h *handler) unknownClient(w http.ResponseWriter, r *http.Request) error {
	err := oauth.Refuse(oauth.InvalidClient, "client_id is not registered here: make the application forget this server and connect again")
	if pages.PrefersJSON(r) {
		return httperr.Status(http.StatusBadRequest, err)
	}
	edge.Note(r, err)
	return unknownClientPage.Write(w, r, http.StatusBadRequest, "This application is not registered", unknownClientData{Retry: retryLink(r)})
}
