package mcp

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"slices"
	"strconv"
	"sync"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"

	"github.com/postern-dev/postern/shared/telemetry"
)

// otherLabel is a label for what is none of those that are told apart, in OpenTelemetry's words.
const otherLabel = "_OTHER"

// methods are those that are told apart in metrics and names of spans.
var methods = []string{
	"initialize", "ping", "server/discover", "logging/setLevel", "completion/complete", listen,
	"tools/list", "tools/call", "prompts/list", "prompts/get",
	"resources/list", "resources/templates/list", "resources/read", "resources/subscribe", "resources/unsubscribe",
	"tasks/get", "tasks/list", "tasks/result", "tasks/cancel", "tasks/update",
}

func methodLabel(method string) string {
	if slices.Contains(methods, method) {
		return method
	}
	return otherLabel
}

// observe begins a span for each operation, below the one that its own message names
// (SEP-414), else below the request's. What a single one does is below it.
func (o *operations) observe() {
	ctx := o.r.Context()
	if !telemetry.On(ctx) {
		return
	}
	for i := range o.all {
		op := &o.all[i]
		parent := telemetry.ParseTrace([]string{unquote(op.call.traceparent)}, nil)
		parent.State = unquote(op.call.tracestate)
		below, span := telemetry.StartBelow(ctx, telemetry.KindCall, methodLabel(op.method), parent)
		op.span = span
		o.describe(op)
		if len(o.all) == 1 {
			o.r = o.r.WithContext(below)
		}
	}
}

// describe says what an operation is, in the words of OpenTelemetry's conventions for MCP.
// The id of a session lets its holder in at many a server, so there is its hash.
func (o *operations) describe(op *operation) {
	span, header := op.span, o.r.Header
	span.Label("mcp.method.name", methodLabel(op.method))
	span.Set("jsonrpc.request.id", short(unquoteOr(op.call.id)))
	span.Set("network.transport", "tcp")
	span.Set("network.protocol.name", "http")
	if version := header.Get("Mcp-Protocol-Version"); slices.Contains(supported, version) {
		span.Label("mcp.protocol.version", version)
	}
	if session := header.Get("Mcp-Session-Id"); session != "" {
		sum := sha256.Sum256([]byte(session))
		span.Set("mcp.session.id", hex.EncodeToString(sum[:8]))
	}
	if upstream := telemetry.Field(o.r.Context(), "upstream"); upstream != "" {
		span.Label(telemetry.UpstreamLabel, upstream)
	}
	if op.method == "tools/call" {
		span.Set("gen_ai.operation.name", "execute_tool")
	}
	if op.target.Key == "resource" {
		span.Set("mcp.resource.uri", op.target.Value.String())
	}
}

// unquoteOr is the value of an id: a string's, or the number.
func unquoteOr(id []byte) string {
	if len(id) > 0 && id[0] == '"' {
		return unquote(id)
	}
	return string(id)
}

// endSpan ends the span of an operation. The names of tools and prompts come from the client,
// so that only those that are there, and not too many, tell metrics apart.
func (o *operations) endSpan(op *operation) {
	if !op.span.On() {
		return
	}
	there := op.outcome == outcomeOK || op.outcome == outcomeToolError || op.outcome == outcomePanic
	if key := op.target.Key; key == "tool" || key == "prompt" {
		label := o.h.names.label(op.target.Value.String(), there)
		op.span.Label("gen_ai."+key+".name", label)
		if label != otherLabel {
			op.span.Rename(methodLabel(op.method) + " " + label)
		}
	}
	failure := op.outcome
	switch op.outcome {
	case outcomeOK, outcomeGone:
		failure = ""
	case outcomeProtocol:
		failure = codeLabel(op.code)
		op.span.Label("rpc.response.status_code", failure)
	}
	op.span.End(op.outcome, failure)
}

// codeLabel is an error code of JSON-RPC or MCP (JSON-RPC 2.0 §5.1); a tool may invent others.
func codeLabel(code int64) string {
	reserved := -32099 <= code && code <= -32000
	if !reserved && (code < jsonrpc.CodeInternalError || code > jsonrpc.CodeInvalidRequest) &&
		code != jsonrpc.CodeParseError {
		return otherLabel
	}
	return strconv.FormatInt(code, 10)
}

// maxNames is how many names of tools and prompts of an endpoint are told apart.
const maxNames = 200

// A nameSet is the names that became labels. The zero nameSet has none.
type nameSet struct {
	mu    sync.Mutex
	names map[string]bool
}

// label is the name itself if it is one that there is, or was before.
func (s *nameSet) label(name string, there bool) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.names[name] {
		return name
	}
	if !there || len(s.names) >= maxNames {
		return otherLabel
	}
	if s.names == nil {
		s.names = map[string]bool{}
	}
	s.names[name] = true
	return name
}

// fetch passes r on in a span, which the server behind is told to go on with.
func (h *handler) fetch(w http.ResponseWriter, r *http.Request, serve func(*http.Request) error) error {
	ctx, span := telemetry.Start(r.Context(), telemetry.KindFetch, r.Method)
	if !span.On() {
		return serve(r)
	}
	span.Label("http.request.method", r.Method)
	span.Label("server.address", h.Upstream.Host())
	if port := h.Upstream.Port(); port != "" {
		span.Label("server.port", port)
	}
	r = r.Clone(ctx)
	parent, state := telemetry.Carried(ctx)
	r.Header.Set("Traceparent", parent)
	r.Header.Del("Tracestate")
	if state != "" {
		r.Header.Set("Tracestate", state)
	}
	err := serve(r)
	status := 0
	if o, ok := w.(*operations); ok {
		status = o.status
	}
	switch {
	case err != nil:
		span.End(outcomeFault, outcomeFault)
	case status >= http.StatusBadRequest:
		span.Label("http.response.status_code", strconv.Itoa(status))
		span.End(outcomeRefused, strconv.Itoa(status))
	default:
		span.Label("http.response.status_code", strconv.Itoa(status))
		span.End(outcomeOK, "")
	}
	return err
}
