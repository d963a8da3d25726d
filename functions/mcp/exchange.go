package mcp

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
)

// An exchange is one POST as a transport of the SDK: it hands over the requests of a message as
// they were read, once and strictly, and takes what is sent in answer. The SDK makes a session
// for it and drops that; its servers hold nothing of any caller (MP-05, MOD-01).
//
// It stands in the place of the SDK's own HTTP handler, which reads a body twice more, settles
// before a call whether a stream answers it, and loses in JSON what a tool sends
// (modelcontextprotocol/go-sdk#387).
type exchange struct {
	ctx      context.Context // of the HTTP request
	cancels  bool            // a caller who leaves has cancelled
	answer   *answer
	incoming chan *jsonrpc.Request
	closed   chan struct{}
	close    sync.Once
}

// dispatch hands the message to the SDK's server for this caller.
func (h *handler) dispatch(w http.ResponseWriter, r *http.Request, who *admitted, msg message) error {
	if p := who.view.checkHeaders(r.Header, msg); p != nil {
		return p.of(msg).write(w, r)
	}
	version := r.Header.Get("Mcp-Protocol-Version")
	answer := newAnswer(h, w, r, who, msg)
	x := &exchange{
		ctx: r.Context(), cancels: answer.modern, answer: answer,
		incoming: make(chan *jsonrpc.Request, len(msg.calls)), closed: make(chan struct{}),
	}
	if len(msg.calls) == 1 && unquote(msg.calls[0].method) == listen {
		x.ctx = context.WithValue(x.ctx, subscriptionContext{},
			&subscription{handler: h, caller: who.caller, id: msg.calls[0].id, answer: answer})
		x.cancels = true // whatever the header says
	}
	session, err := who.view.server.Connect(x.ctx, x, &sdk.ServerSessionOptions{State: stateOf(version, msg)})
	if err != nil {
		return err
	}
	extra := &sdk.RequestExtra{
		TokenInfo: who.caller.tokenInfo(), Header: r.Header,
		CloseSSEStream: func(sdk.CloseSSEStreamArgs) {}, // nobody could come back to it (MOD-17)
	}
	for _, c := range msg.calls {
		x.incoming <- &jsonrpc.Request{ID: c.sdkID(), Method: unquote(c.method), Params: c.params, Extra: extra}
	}
	select {
	case <-answer.complete:
	case <-x.closed: // by the SDK, which answers no more
	case <-x.ctx.Done():
	}
	if errors.Is(context.Cause(x.ctx), errExit) {
		_ = x.Close() // the session would wait for the part
	} else {
		_ = session.Close() // waits for parts that run; there is nothing to close
	}
	return answer.finish()
}

// stateOf returns what a session would have after the handshake that older revisions begin
// with. Here each request stands for itself, so it counts as done.
func stateOf(version string, msg message) *sdk.ServerSessionState {
	state := &sdk.ServerSessionState{}
	if version >= version20260728 {
		return state
	}
	if version == "" {
		version = version20250326 // MCP 2025-11-25, Transports: protocol version header
	}
	state.LogLevel = "info"
	state.InitializedParams = &sdk.InitializedParams{}
	for _, c := range msg.calls {
		if unquote(c.method) == "initialize" {
			return state
		}
	}
	state.InitializeParams = &sdk.InitializeParams{ProtocolVersion: version}
	return state
}

// sdkID returns the id of a request, which checkForm let pass.
func (c call) sdkID() jsonrpc.ID {
	var value any = unquote(c.id)
	if c.id[0] != '"' {
		n, _ := strconv.ParseInt(string(c.id), 10, 64)
		value = float64(n)
	}
	id, _ := jsonrpc.MakeID(value)
	return id
}

// Connect is [sdk.Transport]'s.
func (x *exchange) Connect(context.Context) (sdk.Connection, error) { return x, nil }

// SessionID is [sdk.Connection]'s. There are no sessions.
func (x *exchange) SessionID() string { return "" }

// Read is [sdk.Connection]'s. Its end cancels what runs: when the caller left, which is how a
// request is cancelled since 2026-07-28, or when they may not go on. An older client that leaves
// has not cancelled (MCP 2025-11-25, Transports: sending messages), until its token ends.
func (x *exchange) Read(context.Context) (jsonrpc.Message, error) {
	select {
	case r := <-x.incoming:
		return r, nil
	case <-x.closed:
		return nil, io.EOF
	case <-x.ctx.Done():
	}
	if !x.cancels && !errors.Is(context.Cause(x.ctx), errOver) {
		token := time.NewTimer(x.answer.who.caller.TokenUntil.Sub(x.answer.h.Now()))
		defer token.Stop()
		select {
		case <-x.closed:
		case <-token.C:
		}
	}
	return nil, io.EOF
}

// Write is [sdk.Connection]'s. What cannot be sent leaves the connection as it is: an older
// client that left has not cancelled.
func (x *exchange) Write(_ context.Context, msg jsonrpc.Message) error {
	if x.send(msg) != nil {
		return errRejected
	}
	return nil
}

func (x *exchange) send(msg jsonrpc.Message) error {
	switch m := msg.(type) {
	case *jsonrpc.Response:
		return x.answer.respond(m)
	case *jsonrpc.Request:
		if m.IsCall() { // MOD-14
			return errRejected
		}
		text, err := jsonrpc.EncodeMessage(m)
		if err != nil {
			return err
		}
		return x.answer.notify(text)
	}
	return errRejected
}

// Close is [sdk.Connection]'s.
func (x *exchange) Close() error {
	x.close.Do(func() { close(x.closed) })
	return nil
}

// errRejected is the SDK's error for what a transport does not send. Any other would end the
// connection.
var errRejected = &jsonrpc.Error{Code: -32005, Message: "nobody is there to be told"}
