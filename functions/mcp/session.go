package mcp

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"

	"github.com/postern-dev/postern/shared/credential"
	"github.com/postern-dev/postern/shared/seal"
)

// sessionHeader has the id of a session of the revisions before 2026-07-28.
const sessionHeader = "Mcp-Session-Id"

// maxSession is the longest id that a server behind may give, in bytes.
const maxSession = 1024

// A session is one of the server behind, as one person's. The id that clients hold is the
// server's, sealed for that server and that person, so nothing is kept here and nobody else's
// is of any use, to whoever has come by it (MCP security best practices, Session Hijacking).
type session struct {
	sent   string // by the client; empty if none was
	theirs string // what it means to the server
	seal   func(id string) (string, error)
}

// openSession reads the session of a request. One that is foreign, altered or sealed by a key
// that is gone answers as one that is lost, with 404: the client begins another.
func (h *handler) openSession(r *http.Request, c *Caller) (session, error) {
	place := seal.Label{Purpose: "session behind", Collection: h.Path, Document: credential.Hash(c.Person.Subject)}
	s := session{sent: r.Header.Get(sessionHeader), seal: func(id string) (string, error) {
		return h.Box.Seal(context.WithoutCancel(r.Context()), place, []byte(id))
	}}
	if s.sent == "" {
		return s, nil
	}
	id, err := h.Box.Open(r.Context(), place, s.sent)
	switch {
	case errors.Is(err, seal.ErrUnreadable), errors.Is(err, seal.ErrMisplaced):
		return s, &problem{
			status: http.StatusNotFound, code: jsonrpc.CodeInvalidRequest,
			message: "the session is not known here: begin another",
		}
	case err != nil:
		return s, err
	}
	s.theirs = string(id)
	return s, nil
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
	if len(id) > maxSession || strings.ContainsFunc(id, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return nil // no client could send it back
	}
	sealed, err := s.seal(id)
	if err != nil {
		return err
	}
	res.Header.Set(sessionHeader, sealed)
	return nil
}
