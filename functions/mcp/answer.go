package mcp

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
)

// An answer is what a caller gets. It is one JSON object until something else than the result
// is to be sent, a log line or progress, and from then on a stream (TRN-05), which asks proxies
// not to hold it back (MOD-16). Nothing of it is stored, and no error tells types of Go.
//
// Parts may write at the same time, and after the request is over, when nobody hears them.
type answer struct {
	w   http.ResponseWriter
	h   *handler
	ctx context.Context // of the call,
	who *admitted
	msg message // what is answered

	modern   bool          // the revision is 2026-07-28 or newer
	complete chan struct{} // closed when every request is answered

	mu       sync.Mutex
	open     int            // requests that are not answered
	answered [maxBatch]bool // those that are
	over     bool           // the request is
	stream   bool           // events go out
	kept     [][]byte       // those of a batch, in the order of its requests, until it is complete
}

func newAnswer(h *handler, w http.ResponseWriter, r *http.Request, who *admitted, msg message) *answer {
	return &answer{
		w: w, h: h, ctx: r.Context(), who: who, msg: msg, open: len(msg.calls), complete: make(chan struct{}),
		modern: r.Header.Get("Mcp-Protocol-Version") >= version20260728,
	}
}

// Values of headers that all answers share; they are never changed.
var (
	mediaJSON   = []string{"application/json"}
	mediaEvents = []string{"text/event-stream"}
	noStore     = []string{"no-store"}
	noBuffering = []string{"no"}
)

// respond sends the answer to one request, or keeps it until its batch is complete.
func (a *answer) respond(m *jsonrpc.Response) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	for i, c := range a.msg.calls {
		if !a.ended() && !a.answered[i] && (len(a.msg.calls) == 1 || c.sdkID() == m.ID) {
			return a.settle(i, m)
		}
	}
	return errRejected
}

// settle sends or keeps the answer to one request, under the id as the client wrote it.
func (a *answer) settle(i int, m *jsonrpc.Response) error {
	text, status := a.encode(a.msg.calls[i].id, m)
	var err error
	switch {
	case a.stream, a.msg.noJSON && status == http.StatusOK:
		err = a.send(text)
	case a.msg.list:
		if a.kept == nil {
			a.kept = make([][]byte, len(a.msg.calls))
		}
		a.kept[i] = text
	default:
		err = a.json(status, text)
	}
	a.answered[i] = true
	if a.open--; a.open == 0 {
		close(a.complete)
	}
	return err
}

// notify sends something else than a result, if there is somewhere to send it.
func (a *answer) notify(text []byte) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.ended() {
		return errRejected
	}
	if a.msg.noStream {
		return nil
	}
	return a.send(text)
}

// ended reports whether there is nobody any more who may be told something, even if parts still
// run.
func (a *answer) ended() bool { return a.over || a.ctx.Err() != nil }

// keepAlive sends a comment, so that the stream does not look idle.
func (a *answer) keepAlive() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.stream && !a.ended() {
		_ = a.write([]byte(":\n\n")) // the context says if the caller left
	}
}

// How an event is written.
var (
	eventStart = []byte("event: message\ndata: ")
	eventEnd   = []byte("\n\n")
)

// send sends an event, the first of which begins the stream.
func (a *answer) send(text []byte) error {
	if !a.stream {
		a.begin()
		kept := slices.DeleteFunc(a.kept, func(text []byte) bool { return text == nil })
		a.kept = nil
		for _, text := range kept {
			if err := a.send(text); err != nil {
				return err
			}
		}
	}
	return a.write(slices.Concat(eventStart, text, eventEnd))
}

func (a *answer) begin() {
	a.stream = true
	header := a.w.Header()
	header["Content-Type"], header["Cache-Control"] = mediaEvents, noStore
	header["X-Accel-Buffering"] = noBuffering
	a.w.WriteHeader(http.StatusOK)
	a.h.bound(a.ctx, func() { a.who.cancel(errOver) }, &a.who.caller)
}

func (a *answer) write(event []byte) error {
	_, err := a.w.Write(event)
	return errors.Join(err, http.NewResponseController(a.w).Flush())
}

func (a *answer) json(status int, text []byte) error {
	header := a.w.Header()
	header["Content-Type"], header["Cache-Control"] = mediaJSON, noStore
	a.w.WriteHeader(status)
	_, err := a.w.Write(text)
	return err
}

// finish sends what was kept, and tells a caller who is still there of requests that the SDK
// dropped. Nothing is sent after it.
func (a *answer) finish() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.over = true
	left := a.ctx.Err() != nil && !errors.Is(context.Cause(a.ctx), errExit)
	for i := range a.msg.calls {
		if !a.answered[i] && !left {
			if err := a.settle(i, &jsonrpc.Response{Error: errInternal}); err != nil {
				return err
			}
		}
	}
	if a.kept == nil || a.open > 0 {
		return nil
	}
	return a.json(http.StatusOK, slices.Concat([]byte("["), bytes.Join(a.kept, []byte(",")), []byte("]")))
}

// encode returns the text of a response and the status that goes with it.
func (a *answer) encode(id []byte, m *jsonrpc.Response) ([]byte, int) {
	if m.Error == nil {
		return slices.Concat([]byte(`{"jsonrpc":"2.0","id":`), id, []byte(`,"result":`), m.Result, []byte("}")),
			http.StatusOK
	}
	wire := told(m.Error)
	text, _ := json.Marshal(wireProblem{Version: "2.0", ID: id, Error: wire}) // it can be encoded
	return text, a.statusOf(wire.Code)
}

var errInternal = &jsonrpc.Error{Code: jsonrpc.CodeInternalError, Message: "internal error"}

// statusOf is the HTTP status of an error. In older revisions an error is an answer like any
// other (JSON-RPC 2.0 §5), and some clients end a session over a status of 400; since
// 2026-07-28 some errors have their own (SEP-2575).
func (a *answer) statusOf(code int64) int {
	switch code {
	case jsonrpc.CodeInvalidRequest:
		if !a.msg.list {
			return http.StatusBadRequest
		}
	case jsonrpc.CodeMethodNotFound:
		if a.modern {
			return http.StatusNotFound
		}
	case jsonrpc.CodeInvalidParams, sdk.CodeUnsupportedProtocolVersion, sdk.CodeMissingRequiredClientCapabilities:
		if a.modern {
			return http.StatusBadRequest
		}
	}
	return http.StatusOK
}

// told is an error as the client is told it. What the SDK says of params that its decoder did
// not take repeats them and tells types of Go; the last thing that it names is the member.
func told(err error) wireError {
	out := wireError{Message: err.Error()}
	if wire, ok := errors.AsType[*jsonrpc.Error](err); ok {
		out.Code = wire.Code
		if json.Valid(wire.Data) {
			out.Data = wire.Data
		}
	}
	switch {
	case out.Code == jsonrpc.CodeMethodNotFound && strings.HasPrefix(out.Message, "method not found: "):
		out.Message = "no such method"
	case (out.Code == 0 || out.Code == jsonrpc.CodeInvalidParams) && typed().MatchString(out.Message):
		which := "a member"
		if found := member().FindStringSubmatch(out.Message); found != nil {
			which = "the member " + found[1]
		}
		out.Code, out.Message = jsonrpc.CodeInvalidParams, "invalid params: "+which+" has the wrong type"
	}
	return out
}

// Compiled on first use: most starts do not pay for them.
var (
	typed = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`^handling '[^']*': (?:invalid params: )?unmarshaling `)
	})
	member = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`(?s).*\.(\w+) of type `) })
)
