package mcp

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/postern-dev/postern/shared/edge"
	"github.com/postern-dev/postern/shared/telemetry"
)

// How a call ended, in the field outcome of its line. An error that the edge answers is
// "refused", "fault" or "gone" there too.
const (
	outcomeOK         = "ok"
	outcomeToolError  = "tool_error"     // the tool says that it failed
	outcomeProtocol   = "protocol_error" // the field error has JSON-RPC's code
	outcomePanic      = "panic"          // a part panicked
	outcomeFault      = "fault"          // ours, or that of the server behind
	outcomeRefused    = "refused"        // by a status alone
	outcomeGone       = "gone"           // the caller left before the answer
	outcomeAborted    = "aborted"        // the answer broke off
	outcomeUnanswered = "unanswered"     // the answer had nothing to it
)

// An operation is one JSON-RPC request, as the log tells of it.
type operation struct {
	call    *call
	method  string
	target  slog.Attr // what it is about; zero if nothing
	outcome string    // empty until it is answered
	code    int64     // of JSON-RPC, with outcomeProtocol
	took    time.Duration
	span    telemetry.Span
}

// operations are those of one HTTP request. They stand between the answer and the client
// and read off it how each ended: so that is what the client was told, whoever answered,
// a part, the SDK, the server behind or the edge.
type operations struct {
	http.ResponseWriter
	r       *http.Request
	h       *handler
	started time.Time
	all     []operation
	one     [1]operation // where it is if there is but one
	ear     listener
	status  int
}

// watch returns the operations of msg, which are answered to the writer that it is.
func (h *handler) watch(w http.ResponseWriter, r *http.Request, msg message) *operations {
	o := &operations{ResponseWriter: w, r: r, h: h, started: time.Now()}
	o.ear.told = o
	o.all = o.one[:]
	if len(msg.calls) != 1 {
		o.all = make([]operation, len(msg.calls))
	}
	for i := range msg.calls {
		c := &msg.calls[i]
		o.all[i] = operation{call: c, method: unquote(c.method), target: targetOf(c)}
	}
	if len(o.all) == 0 && msg.method != "" {
		telemetry.Add(r.Context(), slog.String("mcp_method", short(msg.method)))
	}
	return o
}

// targetOf names what a call is about: a tool, a prompt, or a resource without its query,
// which may have a secret.
func targetOf(c *call) slog.Attr {
	switch method := unquote(c.method); {
	case method == "tools/call":
		return slog.String("tool", short(unquote(c.name)))
	case method == "prompts/get":
		return slog.String("prompt", short(unquote(c.name)))
	case c.uri != nil:
		return slog.String("resource", shortURI(unquote(c.uri)))
	}
	return slog.Attr{}
}

// shortURI is what the log has of a URI: neither a query, nor a fragment, nor who signs in.
func shortURI(uri string) string {
	if i := strings.IndexAny(uri, "?#"); i >= 0 {
		uri = uri[:i]
	}
	scheme, rest, found := strings.Cut(uri, "://")
	if authority, _, _ := strings.Cut(rest, "/"); found && strings.Contains(authority, "@") {
		uri = scheme + "://" + rest[strings.LastIndexByte(authority, '@')+1:]
	}
	return uri[:min(len(uri), maxURI)]
}

// maxURI is how much of a URI is logged, in bytes.
const maxURI = 256

// run serves and notes on the request's line how it ended. The error is serve's.
func (o *operations) run(serve func(http.ResponseWriter, *http.Request) error) error {
	err := errAborted // unless serve returns
	defer func() { o.end(err) }()
	o.observe()
	err = serve(o, o.r)
	return err
}

var errAborted = errors.New("the answer broke off")

// Unwrap is for [http.ResponseController].
func (o *operations) Unwrap() http.ResponseWriter { return o.ResponseWriter }

// WriteHeader looks what kind of answer it is. One that a server behind could not give has a
// status of its own, which parts do not see.
func (o *operations) WriteHeader(status int) {
	if o.status == 0 && status >= 200 {
		o.ear.events = strings.HasPrefix(o.Header().Get("Content-Type"), "text/event-stream")
		if status == http.StatusOK && len(o.all) == 1 && !o.ear.events {
			status = statusOf(o.r.Context())
		}
		o.status = status
	}
	o.ResponseWriter.WriteHeader(status)
}

func (o *operations) Write(b []byte) (int, error) {
	if o.status == 0 {
		o.WriteHeader(http.StatusOK)
	}
	o.ear.hear(b)
	return o.ResponseWriter.Write(b)
}

// answered takes what a response says.
func (o *operations) answered(v verdict) {
	op := o.of(v.id.bytes())
	if op == nil || op.outcome != "" {
		return
	}
	op.took = time.Since(o.started)
	switch {
	case v.failed:
		op.outcome, op.code = outcomeProtocol, v.code
	case v.toolError:
		op.outcome = outcomeToolError
	default:
		op.outcome = outcomeOK
	}
}

// of finds the operation of an id. A server may write an id in another way than the
// client; a single one is meant all the same.
func (o *operations) of(id []byte) *operation {
	for i := range o.all {
		op := &o.all[i]
		if len(o.all) == 1 || bytes.Equal(op.call.id[:min(len(op.call.id), maxToken)], id) {
			return op
		}
	}
	return nil
}

// end settles what no response said, and writes what is known to the request's line; for
// several operations each has a line of its own.
func (o *operations) end(err error) {
	ctx := o.r.Context()
	known := telemetry.Field(ctx, "outcome") // what a refusal, a fault or a panic has said
	switch {
	case known != "":
	case errors.Is(err, errAborted):
		known = outcomeAborted
	case err != nil:
		known, _ = edge.OutcomeOf(ctx, err)
	case ctx.Err() != nil && !errors.Is(context.Cause(ctx), errOver):
		known = outcomeGone
	case o.status >= http.StatusBadRequest:
		known = outcomeRefused
	}
	for i := range o.all {
		op := &o.all[i]
		if op.outcome == "" {
			op.took = time.Since(o.started)
		}
		op.settle(known)
		o.endSpan(op)
	}
	switch len(o.all) {
	case 0:
		if known == "" {
			telemetry.Add(ctx, slog.String("outcome", outcomeOK))
		}
	case 1:
		o.all[0].note(func(a slog.Attr) { telemetry.Add(ctx, a) })
	default:
		o.batch()
	}
}

// settle takes what is known of the whole request: more than an error of JSON-RPC says,
// and all there is where none was heard.
func (op *operation) settle(known string) {
	switch {
	case op.outcome == "" && known == "":
		op.outcome = outcomeUnanswered
	case op.outcome == "", op.outcome == outcomeProtocol && known != "" && known != outcomeRefused:
		op.outcome = known
	}
}

// note tells what a line says of an operation.
func (op *operation) note(say func(slog.Attr)) {
	say(slog.String("mcp_method", short(op.method)))
	if op.target.Key != "" {
		say(op.target)
	}
	say(slog.String("outcome", op.outcome))
	if op.outcome == outcomeProtocol && op.code != 0 {
		say(slog.Int64("error", op.code))
	}
}

// batch writes a line for each operation, with what the request's line has of the caller.
func (o *operations) batch() {
	ctx := o.r.Context()
	shared := telemetry.Fields(ctx)
	for i := range o.all {
		op := &o.all[i]
		var all []slog.Attr
		op.note(func(a slog.Attr) { all = append(all, a) })
		all = append(all, slog.Int64("ms", op.took.Milliseconds()))
		for _, a := range shared {
			if a.Key != "outcome" && a.Key != "error" && a.Key != "cause" {
				all = append(all, a)
			}
		}
		o.h.Log.LogAttrs(ctx, slog.LevelInfo, "call of a batch", all...)
	}
	telemetry.Add(ctx, slog.Int("mcp_messages", len(o.all)))
}
