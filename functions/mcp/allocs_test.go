package mcp

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/postern-dev/postern/shared/telemetry"
	"github.com/postern-dev/postern/test/kit/benchtest"
)

// A warm call allocates little beyond what the SDK does with a request: the same SDK server with
// the same typed tool, over a transport that has the request ready and drops the answer. A
// failure is an allocation more.
func TestAWarmCallAllocatesLittleOfItsOwn(t *testing.T) {
	f := newEndpoint(t)
	f.Edge.Log = telemetry.NewLogger(io.Discard, nil, "")
	f.serve(echo("echo"))
	token := f.connect(t, "octocat", "Client", nil).token
	ours, theirs := leastAllocations(post(t, f.open(t), token)), leastAllocations(sdkAlone(t))
	t.Logf("%v of %v allocations are our own", ours-theirs, ours)
	if own := ours - theirs; own > ownAllocations {
		t.Errorf("got %v allocations of our own, want at most %d", own, ownAllocations)
	}
}

// sdkAlone is what the SDK itself does with a call.
func sdkAlone(t *testing.T) func() {
	s := sdk.NewServer(&sdk.Implementation{Name: "bare", Version: "1"}, nil)
	say := func(_ context.Context, _ *sdk.CallToolRequest, in text) (*sdk.CallToolResult, text, error) {
		return nil, text{"octocat: " + in.Text}, nil
	}
	sdk.AddTool(s, &sdk.Tool{Name: "echo"}, say)
	options := &sdk.ServerSessionOptions{State: &sdk.ServerSessionState{
		InitializeParams:  &sdk.InitializeParams{ProtocolVersion: version20250326},
		InitializedParams: &sdk.InitializedParams{}, LogLevel: "info",
	}}
	id, err := jsonrpc.MakeID(float64(1))
	must(t, err)
	request := jsonrpc.Request{ID: id, Method: "tools/call", Params: []byte(echoParams)}
	return func() {
		w := &wire{in: make(chan jsonrpc.Message, 1), out: make(chan jsonrpc.Message, 1), closed: make(chan struct{})}
		session, err := s.Connect(t.Context(), w, options)
		must(t, err)
		again := request
		w.in <- &again
		if res, ok := (<-w.out).(*jsonrpc.Response); !ok || res.Error != nil {
			t.Fatalf("got %#v", res)
		}
		must(t, session.Close())
	}
}

// A wire is the least that the SDK takes for a transport.
type wire struct {
	in, out chan jsonrpc.Message
	closed  chan struct{}
}

func (w *wire) Connect(context.Context) (sdk.Connection, error) { return w, nil }
func (w *wire) SessionID() string                               { return "" }

func (w *wire) Read(context.Context) (jsonrpc.Message, error) {
	select {
	case m := <-w.in:
		return m, nil
	case <-w.closed:
		return nil, io.EOF
	}
}

func (w *wire) Write(_ context.Context, m jsonrpc.Message) error {
	w.out <- m
	return nil
}

func (w *wire) Close() error {
	close(w.closed)
	return nil
}

// post calls the endpoint.
func post(t *testing.T, h http.Handler, token string) func() {
	r := request(t.Context(), token, echoBody)
	header := r.Header.Clone()
	body := strings.NewReader(echoBody)
	return func() {
		body.Reset(echoBody)
		r.Header = header.Clone()
		r.Body = io.NopCloser(body)
		w := &benchtest.Sink{}
		h.ServeHTTP(w, r)
		if w.Status != http.StatusOK {
			t.Fatalf("got %d %s", w.Status, w.Body)
		}
	}
}

// leastAllocations is how many a call makes, once all is warm. What else runs in the process,
// the collector included, only ever adds some.
func leastAllocations(call func()) float64 {
	least := testing.AllocsPerRun(50, call)
	for range 5 {
		least = min(least, testing.AllocsPerRun(50, call))
	}
	return least
}
