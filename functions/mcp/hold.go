package mcp

import (
	"context"
	"errors"
	"net/http"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"

	"github.com/postern-dev/postern/shared/credential"
	"github.com/postern-dev/postern/shared/seal"
)

// A hold seals what a server behind gives one person to bring back, an id of a session or of
// an event: for that server and that person, so nothing is kept here and nobody else's is of
// any use, to whoever has come by it (MCP security best practices, Session Hijacking).
type hold struct {
	ctx   context.Context
	box   *seal.Box
	place seal.Label
	lost  string // what a client is told whose id is none
}

func (h *handler) hold(r *http.Request, c *Caller, purpose, lost string) hold {
	return hold{
		ctx: context.WithoutCancel(r.Context()), box: h.Box, lost: lost,
		place: seal.Label{Purpose: purpose, Collection: h.Path, Document: credential.Hash(c.Person.Subject)},
	}
}

func (h hold) seal(id string) (string, error) { return h.box.Seal(h.ctx, h.place, []byte(id)) }

// open returns what an id means to the server. One that is foreign, altered or sealed by a key
// that is gone answers as one that is lost, with 404: the client begins again.
func (h hold) open(sealed string) (string, error) {
	id, err := h.box.Open(h.ctx, h.place, sealed)
	switch {
	case errors.Is(err, seal.ErrUnreadable), errors.Is(err, seal.ErrMisplaced):
		return "", &problem{status: http.StatusNotFound, code: jsonrpc.CodeInvalidRequest, message: h.lost}
	case err != nil:
		return "", err
	}
	return string(id), nil
}
