package mcp

import (
	"net/http"
	"strings"
)

// sessionHeader has the id of a session of the revisions before 2026-07-28.
const sessionHeader = "Mcp-Session-Id"

// maxHeld is the longest id that a server behind may give, in bytes.
const maxHeld = 1024

// A session is one of the server behind, as one person's: what clients hold is its id, sealed.
type session struct {
	hold
	sent   string // by the client; empty if none was
	theirs string // what it means to the server
}

// openSession reads the session of a request.
func (h *handler) openSession(r *http.Request, c *Caller) (s session, err error) {
	s.hold = h.hold(r, c, "session behind", "the session is not known here: begin another")
	if s.sent = r.Header.Get(sessionHeader); s.sent != "" {
		s.theirs, err = s.open(s.sent)
	}
	return s, err
}

// tell names the session to the server.
func (s session) tell(h http.Header) {
	if s.sent != "" {
		h.Set(sessionHeader, s.theirs)
	}
}

// handOut puts the id that the client is to use in the place of the server's. One that it has
// already stays as it is: clients compare.
func (s session) handOut(res *http.Response) error {
	ids := res.Header[sessionHeader]
	res.Header.Del(sessionHeader)
	if len(ids) != 1 || ids[0] == "" {
		return nil
	}
	id := ids[0]
	if s.sent != "" && id == s.theirs {
		res.Header.Set(sessionHeader, s.sent)
		return nil
	}
	if len(id) > maxHeld || strings.ContainsFunc(id, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return nil // no client could send it back
	}
	sealed, err := s.seal(id)
	if err != nil {
		return err
	}
	res.Header.Set(sessionHeader, sealed)
	return nil
}
