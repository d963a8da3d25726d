package stdio

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/postern-dev/postern/functions/mcp"
	"github.com/postern-dev/postern/shared/version"
)

const (
	handshakeVersion = "2025-11-25" // the last revision that begins with initialize
	modernVersion    = "2026-07-28"

	progressToken = "progressToken" // of _meta

	// answerTime is how long a call may go without an answer or progress.
	answerTime = 290 * time.Second
	// maxNotes is how many notices of a call wait for a caller who does not read them. More
	// are dropped, as a server may do itself.
	maxNotes = 64
)

// What a call can come to beside the answer of the process.
var (
	errEnded = &mcp.Unavailable{Status: http.StatusBadGateway, Text: "the server behind this one ended"}
	errSlow  = &mcp.Unavailable{Status: http.StatusGatewayTimeout, Text: "the server behind this one takes too long"}
)

// An object is JSON's, as params are.
type object = map[string]json.RawMessage

// A peer is the MCP server in a process. It is safe for concurrent use: calls have ids of
// ours, so that those of two clients are never the same.
type peer struct {
	conn  sdk.Connection
	about about
	gone  chan struct{} // closed when nothing more comes, and why is set
	why   error         // what could not be read; io.EOF for the end

	mu    sync.Mutex
	last  int64
	calls map[int64]*call
	ended bool
}

// An about is what the server says of itself.
type about struct {
	Version      string             `json:"protocolVersion"` // empty in the answer to server/discover
	Info         sdk.Implementation `json:"serverInfo"`
	Capabilities capabilities       `json:"capabilities"`
	Instructions string             `json:"instructions"`
}

// Capabilities are those that count here.
type capabilities struct{ Tools, Prompts, Resources, Completions, Logging *struct{} }

// A call is one that was sent.
type call struct {
	notes chan *jsonrpc.Request  // progress of this call, and log lines
	done  chan *jsonrpc.Response // closed when the process ended
}

// talk begins to talk to a process.
func talk(ctx context.Context, p *process) (*peer, error) {
	conn, err := (&sdk.IOTransport{Reader: p.out, Writer: p.in}).Connect(ctx)
	if err != nil {
		return nil, err
	}
	s := &peer{conn: conn, gone: make(chan struct{}), calls: map[int64]*call{}}
	go s.read()
	return s, s.greet(ctx) // a peer even if it fails, for its failure
}

// greet asks the server what it is: by the handshake, which servers of all revisions up to
// 2025-11-25 know and which some of them want to come first, or in the way of 2026-07-28.
func (s *peer) greet(ctx context.Context) error {
	raw, err := s.call(ctx, "initialize", object{
		"protocolVersion": encode(handshakeVersion), "capabilities": encode(struct{}{}), "clientInfo": encode(us()),
	}, nil)
	if _, refused := errors.AsType[*jsonrpc.Error](err); refused {
		return s.discover(ctx)
	}
	if err != nil {
		return err
	}
	if err := json.Unmarshal(raw, &s.about); err != nil {
		return fmt.Errorf("initialize: %w", err)
	}
	if !slices.Contains(sdk.SupportedProtocolVersions(), s.about.Version) {
		return fmt.Errorf("it speaks revision %q of MCP, which is not known here", s.about.Version)
	}
	s.send(&jsonrpc.Request{Method: "notifications/initialized"})
	if s.about.Capabilities.Logging != nil { // each caller says what they want of it
		_, err = s.call(ctx, "logging/setLevel", object{"level": encode("debug")}, nil)
	}
	if _, refused := errors.AsType[*jsonrpc.Error](err); refused {
		return nil
	}
	return err
}

func (s *peer) discover(ctx context.Context) error {
	s.about.Version = modernVersion
	raw, err := s.call(ctx, "server/discover", object{}, nil)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(raw, &s.about); err != nil {
		return fmt.Errorf("server/discover: %w", err)
	}
	s.about.Version = modernVersion
	return nil
}

func us() sdk.Implementation { return sdk.Implementation{Name: "postern", Version: version.String()} }

// call sends a request and returns the result. Errors of the server are *jsonrpc.Error.
// Notices of the call are handed to note, if it is not nil, in their order and before the
// result. When ctx ends the server is told that nobody waits.
func (s *peer) call(
	ctx context.Context, method string, params object, note func(*jsonrpc.Request),
) (json.RawMessage, error) {
	id, c, err := s.begin()
	if err != nil {
		return nil, err
	}
	defer s.forget(id)
	request, err := s.request(id, method, params)
	if err != nil {
		return nil, err
	}
	s.send(request)
	patience := time.NewTimer(answerTime)
	defer patience.Stop()
	for {
		select {
		case n := <-c.notes:
			note(n)
			patience.Reset(answerTime)
		case res, ok := <-c.done:
			for ok && len(c.notes) > 0 {
				note(<-c.notes)
			}
			return result(res)
		case <-ctx.Done():
			s.cancel(id)
			return nil, ctx.Err()
		case <-patience.C:
			s.cancel(id)
			return nil, errSlow
		}
	}
}

// request makes the message of a call. If it asks for progress, it does so under the call's id.
func (s *peer) request(id int64, method string, params object) (*jsonrpc.Request, error) {
	meta := object{}
	if raw, ok := params["_meta"]; ok {
		if err := json.Unmarshal(raw, &meta); err != nil {
			return nil, err
		}
	}
	if _, ok := meta[progressToken]; ok {
		meta[progressToken] = encode(id)
	}
	if s.about.Version == modernVersion {
		meta[sdk.MetaKeyProtocolVersion] = encode(modernVersion)
		meta[sdk.MetaKeyClientInfo] = encode(us())
		meta[sdk.MetaKeyClientCapabilities] = encode(struct{}{})
	}
	if len(meta) > 0 {
		params = maps.Clone(params)
		params["_meta"] = encode(meta)
	}
	wireID, err := jsonrpc.MakeID(float64(id))
	return &jsonrpc.Request{ID: wireID, Method: method, Params: encode(params)}, err
}

func result(res *jsonrpc.Response) (json.RawMessage, error) {
	if res == nil {
		return nil, errEnded
	}
	return res.Result, res.Error
}

func (s *peer) begin() (int64, *call, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		return 0, nil, errEnded
	}
	s.last++
	c := &call{notes: make(chan *jsonrpc.Request, maxNotes), done: make(chan *jsonrpc.Response, 1)}
	s.calls[s.last] = c
	return s.last, c, nil
}

func (s *peer) forget(id int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.calls, id)
}

func (s *peer) cancel(id int64) {
	s.send(&jsonrpc.Request{Method: "notifications/cancelled", Params: encode(map[string]any{
		"requestId": id, "reason": "nobody waits for it",
	})})
}

// send writes a message. A process that does not read it is of no use any more.
func (s *peer) send(m jsonrpc.Message) {
	if err := s.conn.Write(context.Background(), m); err != nil {
		s.close()
	}
}

// close ends the connection, whose end read notices.
func (s *peer) close() { _ = s.conn.Close() }

// read takes what the process writes until it ends.
func (s *peer) read() {
	defer close(s.gone)
	defer s.end()
	for {
		m, err := s.conn.Read(context.Background())
		if err != nil {
			s.why = err
			s.close()
			return
		}
		switch m := m.(type) {
		case *jsonrpc.Response:
			s.answered(m)
		case *jsonrpc.Request:
			if m.IsCall() {
				s.send(refuse(m))
			} else {
				s.notify(m)
			}
		}
	}
}

// refuse answers a question of the server. It was told that nobody here can be asked, and
// with several clients it could not be said which of them it means.
func refuse(q *jsonrpc.Request) *jsonrpc.Response {
	if q.Method == "ping" {
		return &jsonrpc.Response{ID: q.ID, Result: encode(struct{}{})}
	}
	return &jsonrpc.Response{ID: q.ID, Error: &jsonrpc.Error{
		Code: jsonrpc.CodeMethodNotFound, Message: "this client cannot be asked",
	}}
}

func (s *peer) answered(r *jsonrpc.Response) {
	id, _ := r.ID.Raw().(int64)
	s.mu.Lock()
	defer s.mu.Unlock()
	if c, ok := s.calls[id]; ok {
		delete(s.calls, id)
		c.done <- r
	}
}

// notify hands progress to its call, and log lines, which name none, to all of them: they
// are of one person. Other notices, as of lists that changed, have nobody who waits.
func (s *peer) notify(n *jsonrpc.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch n.Method {
	case "notifications/progress":
		var p struct {
			Token int64 `json:"progressToken"`
		}
		if json.Unmarshal(n.Params, &p) == nil {
			s.calls[p.Token].take(n)
		}
	case "notifications/message":
		for _, c := range s.calls {
			c.take(n)
		}
	}
}

// take keeps a notice until the caller reads it.
func (c *call) take(n *jsonrpc.Request) {
	if c == nil {
		return
	}
	select {
	case c.notes <- n:
	default:
	}
}

// failure says what could not be read, if it was not the end.
func (s *peer) failure() error {
	<-s.gone
	if errors.Is(s.why, io.EOF) || errors.Is(s.why, io.ErrClosedPipe) {
		return nil
	}
	return fmt.Errorf("what it writes to its standard output cannot be read: %w", s.why)
}

// end fails the calls that were sent.
func (s *peer) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended = true
	for _, c := range s.calls {
		close(c.done)
	}
	clear(s.calls)
}

// encode is for values that JSON has.
func encode(v any) json.RawMessage {
	raw, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return raw
}
