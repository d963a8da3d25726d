package mcp

import (
	"context"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/modelcontextprotocol/go-sdk/auth"
	"github.com/modelcontextprotocol/go-sdk/jsonrpc"

	"github.com/postern-dev/postern/shared/edge"
	"github.com/postern-dev/postern/shared/oauth"
	"github.com/postern-dev/postern/shared/telemetry"
)

// checkScopes refuses a call of a tool that asks for more than the token has, naming
// all that the call needs (MP-07, CHL-06, CHL-07). Only the message itself counts, no
// header. A tool that does not exist is the SDK's to refuse.
func (h *handler) checkScopes(caller *Caller, msg message) error {
	if len(h.scopes) == 0 {
		return nil
	}
	need := []string{oauth.ScopeMCP}
	for _, c := range msg.calls {
		if unquote(c.method) == "tools/call" {
			need = append(need, h.scopes[unquote(c.name)]...)
		}
	}
	if oauth.Scopes(need).Within(caller.Scopes) {
		return nil
	}
	slices.Sort(need[1:])
	return edge.NeedScope(slices.Compact(need)...)
}

// dispatch hands the message to the SDK; the context says who sent it.
func (h *handler) dispatch(w http.ResponseWriter, r *http.Request, caller *Caller, msg message) error {
	telemetry.Add(r.Context(), slog.String("mcp_method", short(unquote(msg.calls[0].method))))
	answer := &answer{ResponseWriter: w}
	if !msg.stream {
		h.json.ServeHTTP(answer, r)
		return answer.finish(r, msg)
	}
	ctx, end := h.bound(r.Context(), caller)
	defer end()
	h.streams.ServeHTTP(answer, r.WithContext(ctx))
	return answer.finish(r, msg)
}

// bound ends a stream when the token ends, and soon after the grant does (MP-12).
func (h *handler) bound(ctx context.Context, caller *Caller) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithTimeout(ctx, caller.TokenUntil.Sub(h.Now()))
	go func() {
		tick := time.NewTicker(max(h.RevocationMaxAge, time.Second))
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			g, err := h.grants.look(ctx, caller.grantID)
			if ended(err) || err == nil && !h.Allow.Has(g.Person.AllowedBy) {
				cancel()
				return
			}
		}
	}()
	return ctx, cancel
}

// callerContext is where the context of an admitted request holds its *Caller.
type callerContext struct{}

// short cuts a text that a client sent, for the log (MP-14).
func short(s string) string { return s[:min(len(s), 64)] }

// withToken puts the caller where tools find it. Only the SDK's own middleware can do
// that. What it checks of the token was checked before, by another clock at that, so
// its clock is set aside.
func withToken(h http.Handler) http.Handler {
	const century = 100 * 365 * 24 * time.Hour
	return auth.RequireBearerToken(fromContext, &auth.RequireBearerTokenOptions{ClockSkew: century})(h)
}

func fromContext(ctx context.Context, _ string, _ *http.Request) (*auth.TokenInfo, error) {
	caller, ok := ctx.Value(callerContext{}).(*Caller)
	if !ok {
		return nil, auth.ErrInvalidToken
	}
	return caller.tokenInfo(), nil
}

// An answer puts right what the SDK writes: refusals in plain text become JSON-RPC
// errors, streams ask proxies not to hold them back (MOD-16), and nothing is stored.
type answer struct {
	http.ResponseWriter
	status int
	plain  strings.Builder // the text of a refusal, not sent as it is
	caught bool
}

func (a *answer) WriteHeader(status int) {
	h := a.Header()
	a.status = status
	if status >= 400 && strings.HasPrefix(h.Get("Content-Type"), "text/plain") {
		a.caught = true
		return
	}
	h.Set("Cache-Control", "no-store")
	if h.Get("Content-Type") == "text/event-stream" {
		h.Set("X-Accel-Buffering", "no")
	}
	a.ResponseWriter.WriteHeader(status)
}

func (a *answer) Write(b []byte) (int, error) {
	if a.status == 0 {
		a.WriteHeader(http.StatusOK)
	}
	if a.caught {
		return a.plain.Write(b)
	}
	return a.ResponseWriter.Write(b)
}

// Flush is for streams. Headers leave with the first byte.
func (a *answer) Flush() {
	if a.status == 0 {
		a.WriteHeader(http.StatusOK)
	}
	_ = http.NewResponseController(a.ResponseWriter).Flush()
}

// finish sends the refusal that was caught. A method that an old revision does not
// have is an answer like any other there (JSON-RPC 2.0): some clients end a session
// over a status of 400.
func (a *answer) finish(r *http.Request, msg message) error {
	if !a.caught {
		return nil
	}
	p := &problem{status: a.status, code: jsonrpc.CodeInvalidRequest, message: strings.TrimSpace(a.plain.String())}
	if len(msg.calls) == 1 {
		p.id = msg.calls[0].id
	}
	if strings.Contains(p.message, "JSON RPC not handled") {
		p.code, p.message = jsonrpc.CodeMethodNotFound, "no such method"
		if len(p.id) > 0 {
			p.status = http.StatusOK
		}
	}
	a.Header().Set("Cache-Control", "no-store") // which http.Error took away
	return p.write(a.ResponseWriter, r)
}
