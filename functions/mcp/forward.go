package mcp

import (
	"context"
	"errors"
	"log/slog"
	"net/http"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"

	"github.com/postern-dev/postern/functions/mcp/proxy"
	"github.com/postern-dev/postern/shared/edge"
	"github.com/postern-dev/postern/shared/telemetry"
)

// forward stands where the parts stand when a server behind this one has them: it passes
// on the request of a caller whom admit let in. The caller's own token stays here, and one
// that is for that server alone tells it who calls (MP-17).
func (h *handler) forward(w http.ResponseWriter, r *http.Request, caller *Caller) error {
	telemetry.Add(r.Context(), slog.String("upstream", h.called()))
	if r.Method == http.MethodGet && h.Edge.TrustForwardedAuthorization {
		return noStreams(w, r)
	}
	msg, problem := readForwarded(w, r)
	if problem != nil {
		return problem.write(w, r)
	}
	return h.watch(w, r, msg).run(func(w http.ResponseWriter, r *http.Request) error {
		return h.pass(w, r, caller, msg)
	})
}

// pass passes a message on, if what it names is there for the caller.
func (h *handler) pass(w http.ResponseWriter, r *http.Request, caller *Caller, msg message) error {
	sees := h.Upstream.sieve.of(caller)
	if err := sees.checkScopes(msg); err != nil {
		return err
	}
	if p := sees.check(r.Header, msg); p != nil {
		return p.write(w, r)
	}
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	call := proxy.Call{Streaming: func() { h.bound(ctx, cancel, caller) }}
	for _, c := range msg.calls {
		call.IDs = append(call.IDs, c.id)
	}
	session, err := h.openSession(r, caller)
	var events eventIDs
	if err == nil {
		events, err = h.openEvents(r, caller)
	}
	if err == nil {
		call.Header, err = h.tell(r, caller)
	}
	if p, ok := errors.AsType[*problem](err); ok {
		return p.of(msg).write(w, r)
	}
	if err != nil {
		return err
	}
	session.tell(call.Header)
	events.tell(call.Header)
	call.Change = func(res *http.Response, stream bool) error {
		if err := session.handOut(res); err != nil {
			return err
		}
		if stream {
			events.handOut(res)
		}
		return sees.filter(res, stream)
	}
	err = h.fetch(w, r.WithContext(ctx), func(r *http.Request) error {
		return h.Upstream.Serve(w, r, call)
	})
	if f, ok := errors.AsType[*proxy.Fault](err); ok {
		return writeFault(w, r, f, msg)
	}
	return err
}

// noStreams answers GET behind API Gateway, which holds a stream back until it is complete:
// a client would wait for one that has no end. Without one it goes on (LEG-03).
func noStreams(w http.ResponseWriter, r *http.Request) error {
	w.Header().Set("Allow", "DELETE, OPTIONS, POST")
	p := invalidRequest("the gateway in front lets no stream through that has no end: use POST")
	p.status = http.StatusMethodNotAllowed
	return p.write(w, r)
}

// writeFault answers for the server behind this one. The line of the request says why, and
// which server it is.
func writeFault(w http.ResponseWriter, r *http.Request, f *proxy.Fault, msg message) error {
	outcome := outcomeProtocol
	if f.Status >= http.StatusInternalServerError {
		outcome = outcomeFault
	}
	telemetry.Add(r.Context(), slog.String("outcome", outcome), slog.String("cause", f.Error()))
	p := &problem{status: f.Status, code: jsonrpc.CodeInternalError, message: f.Text}
	return p.of(msg).answer(w)
}

// readForwarded reads what the endpoint needs to know of a request that goes on, and
// refuses what two readers could take for different things (MP-03). What it means is for
// the server behind to say: responses and notifications go on as requests do.
func readForwarded(w http.ResponseWriter, r *http.Request) (message, *problem) {
	switch r.Method {
	case http.MethodPost:
	case http.MethodGet, http.MethodDelete: // a stream, the end of a session
		r.Body, r.ContentLength = http.NoBody, 0
		return message{}, nil
	default:
		w.Header().Set("Allow", "DELETE, GET, OPTIONS, POST")
		p := invalidRequest("use POST, GET or DELETE")
		p.status = http.StatusMethodNotAllowed
		return message{}, p
	}
	body, p := readBody(r)
	if p != nil {
		return message{}, p
	}
	calls, _, p := parseCalls(body, r.Header.Get("Mcp-Protocol-Version"))
	if p != nil {
		return message{}, p
	}
	msg := message{sent: len(calls), all: calls, method: unquote(calls[0].method)}
	for _, c := range calls {
		if p := c.checkForm(); p != nil {
			return message{}, p
		}
		if c.id != nil && unquote(c.method) != "" {
			msg.calls = append(msg.calls, c)
		}
	}
	edge.SetBody(r, body)
	r.Header.Set("Content-Type", "application/json") // once, and as it was read
	return msg, nil
}
