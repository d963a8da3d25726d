package authorize

import (
	_ "embed"
	"html/template"
	"net/http"
	"slices"

	"github.com/postern-dev/postern/shared/edge"
	"github.com/postern-dev/postern/shared/oauth"
	"github.com/postern-dev/postern/shared/pages"
)

//go:embed sent.html
var sentHTML string

var sentPage = pages.New("sent", sentHTML)

type sentData struct {
	Destination string
	Denied      bool
	Login       string // who signed in
	Link        template.URL
}

// send brings a browser to the client with an authorization response. A redirect to an app's
// own scheme leaves the tab where it was, on a page that seems to wait, so a browser gets a
// page that opens the app and says that it is done, and as whom. Whoever does not ask for pages gets the
// redirect.
func send(
	w http.ResponseWriter, r *http.Request, to oauth.Redirect, t transaction, login string, nameValues ...string,
) error {
	response := slices.Concat(nameValues, answerOf(t))
	if !to.PrivateUse() || !edge.WantsPage(r) {
		pages.SeeOther(w, to.With(response...))
		return nil
	}
	// Refresh works without a script and sends no Referer, under Referrer-Policy: no-referrer.
	w.Header().Set("Refresh", "0; url="+to.With(response...))
	return sentPage.Write(w, r, http.StatusOK, sentData{
		Destination: to.Destination(), Denied: nameValues[0] == "error", Login: login,
		Link: clientLink(to, response...),
	})
}
