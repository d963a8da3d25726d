package mcp

import (
	"encoding/json"
	"log/slog"
	"net/http"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"

	"github.com/postern-dev/postern/shared/edge"
	"github.com/postern-dev/postern/shared/telemetry"
)

// A problem is a refusal in JSON-RPC's form. Without an id it belongs to no message
// that could be read.
type problem struct {
	status  int
	id      json.RawMessage
	code    int64
	message string
	data    any
}

func invalidRequest(message string) *problem {
	return &problem{status: http.StatusBadRequest, code: jsonrpc.CodeInvalidRequest, message: message}
}

type wireProblem struct {
	Version string          `json:"jsonrpc"`
	ID      json.RawMessage `json:"id,omitempty"`
	Error   wireError       `json:"error"`
}

type wireError struct {
	Code    int64  `json:"code"`
	Message string `json:"message"`
	Data    any    `json:"data,omitempty"`
}

func (p *problem) write(w http.ResponseWriter, r *http.Request) error {
	telemetry.Add(r.Context(),
		slog.String("outcome", "refused"), slog.Int64("error", p.code), slog.String("cause", p.message))
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
