package connections

import (
	_ "embed"
	"errors"
	"log/slog"
	"net/http"

	"github.com/postern-dev/postern/shared/httperr"
	"github.com/postern-dev/postern/shared/oauth"
	"github.com/postern-dev/postern/shared/pages"
	"github.com/postern-dev/postern/shared/session"
	"github.com/postern-dev/postern/shared/store"
	"github.com/postern-dev/postern/shared/strict"
	"github.com/postern-dev/postern/shared/telemetry"
)

//go:embed other.html
var otherHTML string

var otherPage = pages.New("connections-other", otherHTML)

// The fields of the form. "end" is the document of a grant, or one of two words.
const (
	fieldToken = "token"
	fieldEnd   = "end"
	endAll     = "all"
	endSession = "session"
)

// reason is the reason of a grant that its person ended.
const reason = "ended by the person"

// end ends what the person pressed. The form has to be of a page of this very session: in another
// tab somebody else may have signed in meanwhile.
func (h *handler) end(w http.ResponseWriter, r *http.Request) error {
	if err := pages.SameOrigin(r); err != nil {
		return err
	}
	form, err := strict.ReadForm(r)
	if err != nil {
		return err
	}
	if err := form.Only(fieldToken, fieldEnd); err != nil {
		return err
	}
	s, ok, err := session.Of(r, h.Box, h.Now())
	switch {
	case err != nil:
		return err
	case !ok:
		return h.showSignIn(w, r, http.StatusForbidden, true)
	case !s.Issued(form.Get(fieldToken)):
		return pages.Explain(httperr.Status(http.StatusForbidden, oauth.Refuse(oauth.AccessDenied,
			"this page is of another session: open it again")), otherPage, nil)
	}
	switch what := form.Get(fieldEnd); what {
	case "":
		return oauth.Refuse(oauth.InvalidRequest, "press a button of the page")
	case endSession:
		session.End(w, r)
	case endAll:
		err = h.endAll(r, s)
	default:
		err = h.endOne(r, s, what)
	}
	if err != nil {
		return err
	}
	pages.SeeOther(w, oauth.ConnectionsPath)
	return nil
}

func (h *handler) endAll(r *http.Request, s session.Session) error {
	for g, err := range h.grantsOf(r.Context(), s.Subject) {
		if err != nil {
			return err
		}
		if g.Ended(h.Now()) {
			continue
		}
		if err := h.revoke(r, s, g); err != nil {
			return err
		}
	}
	return nil
}

// endOne ends a grant by its document. One that is not there, or is not the person's, is like one that has ended.
func (h *handler) endOne(r *http.Request, s session.Session, document string) error {
	g, err := h.Store.GrantByDocument(r.Context(), document)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	return h.revoke(r, s, g)
}

var errForeign = errors.New("the grant is not the person's")

// revoke ends a grant as /revoke does: the mark is read by every refresh and, within
// RevocationMaxAge, by /mcp, and what hangs from the grant goes with it (functions/cascade).
func (h *handler) revoke(r *http.Request, s session.Session, g store.Grant) error {
	ended := false
	err := h.Store.RevokeGrant(r.Context(), g.ID, reason, func(g store.Grant) error {
		if g.Person.Subject != s.Subject {
			return errForeign
		}
		ended = !g.Ended(h.Now())
		return nil
	})
	if errors.Is(err, errForeign) {
		return nil
	}
	if err == nil && ended {
		telemetry.Audit(r.Context(), h.Log, telemetry.GrantRevoked, slog.String("client_id", g.ClientID),
			slog.String("grant", store.GrantDocument(g.ID)), slog.String("by", "person"), slog.String("reason", reason))
	}
	return err
}
