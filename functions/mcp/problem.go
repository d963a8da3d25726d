package mcp

import (
	"encoding/json"
	"log/slog"
	"net/http"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"

	"github.com/postern-dev/postern/shared/edge"
	"github.com/postern-dev/postern/shared/httperr"
	"github.com/postern-dev/postern/shared/telemetry"
)

// A problem is a refusal in JSON-RPC's form. Its id is null if it belongs to no message,
// or to one that could not be read (JSON-RPC 2.0 §5).
type problem struct {
	status  int
	id      json.RawMessage // nil is null
	code    int64
	message string
	data    any
}

// Error is for a problem that is handed on as an error.
func (p *problem) Error() string { return p.message }

func invalidRequest(message string) *problem {
	return &problem{status: http.StatusBadRequest, code: jsonrpc.CodeInvalidRequest, message: message}
}

// under puts a refusal under the id of a request.
func (p *problem) under(id []byte) *problem {
	p.id = id
	return p
}

// of puts a refusal of a whole message under the id of the one request that it has.
func (p *problem) of(m message) *problem {
	if m.sent == 1 && len(m.calls) == 1 {
		p.id = m.calls[0].id
	}
	return p
}

type wireProblem struct {
	Version string          `json:"jsonrpc"`
	ID      json.RawMessage `json:"id"`
	Error   wireError       `json:"error"`
}

type wireError struct {
	Code    int64  `json:"code"`
	Message string `json:"message"`
	Data    any    `json:"data,omitempty"`
}

func (p *problem) write(w http.ResponseWriter, r *http.Request) error {
	telemetry.Add(r.Context(),
		slog.String("outcome", outcomeProtocol), slog.Int64("error", p.code), slog.String("cause", p.message))
	return p.answer(w)
}

func (p *problem) answer(w http.ResponseWriter) error {
	return edge.JSON(w, p.status, wireProblem{Version: "2.0", ID: p.id, Error: wireError{p.code, p.message, p.data}})
}

// onlyPost answers the methods that a stateless server does not have (LEG-03, LEG-04,
// MOD-17).
func onlyPost(w http.ResponseWriter, r *http.Request) error {
	w.Header().Set("Allow", "POST, OPTIONS")
	p := &problem{
		status: http.StatusMethodNotAllowed, code: jsonrpc.CodeInvalidRequest,
		message: "this server keeps no sessions and no streams: use POST",
	}
	return p.write(w, r)
}

// writeError answers an error of the edge. One of the message is JSON-RPC's, for which
// clients look here; one of the caller or of the path is not.
func writeError(w http.ResponseWriter, r *http.Request, err error) {
	a := httperr.Of(err)
	switch a.Status {
	case http.StatusRequestTimeout, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType:
		p := &problem{status: a.Status, code: jsonrpc.CodeInvalidRequest, message: a.Description}
		_ = p.answer(w) // it can be encoded
	default:
		edge.WriteJSONError(w, r, err)
	}
}
